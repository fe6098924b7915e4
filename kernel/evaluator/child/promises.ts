import { inspect } from "node:util";
import { withoutTraces } from "../../display/index.ts";

/**
 * How a promise is printed where await was forgotten: by default strings, JSON and console.log do not say what to do.
 */
export function installPromises(): void {
  const define = (key: string | symbol, value: unknown) =>
    Object.defineProperty(Promise.prototype, key, { configurable: true, writable: true, value });
  const printing = new WeakSet<object>();
  function print(this: object, _depth: number, options: object, byNode: typeof inspect): unknown {
    // Asked again by the call below, it leaves the printing to Node.
    if (printing.has(this)) return this;
    printing.add(this);
    try {
      const text = withoutTraces(byNode(this, options));
      return text.includes("<pending>") ? `${text} (no value yet: write await in front of it)` : text;
    } finally {
      printing.delete(this);
    }
  }
  define(inspect.custom, print);
  // `${promise}` and "loss: " + promise.
  const said = () => "[a promise: write await in front of it]";
  define("toString", said);
  // JSON.stringify({ loss: promise }), which would be {}.
  define("toJSON", said);
}
