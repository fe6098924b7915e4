/**
 * An object that can be called: `await pipe(options)` is `await pipe.generate(options)`.
 *
 * A function with the methods of a class. Fields of the class become those of the function, because a constructor may
 * return another object than the one that was made for it.
 */
class CallableObject {
  constructor() {
    const self = (...args: unknown[]): unknown => (self as unknown as { generate: Generate }).generate(...args);
    // biome-ignore lint/correctness/noConstructorReturn: see above
    return Object.setPrototypeOf(self, new.target.prototype) as CallableObject;
  }
}

type Generate = (...args: unknown[]) => unknown;

export const Callable = CallableObject as unknown as new <O, R>() => (options: O) => Promise<R>;
