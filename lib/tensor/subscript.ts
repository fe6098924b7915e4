/**
 * Makes `x[0]` on objects of a class an error that says what to write. It ends here, behind the class's own prototype:
 * fields and methods are found before and cost nothing more.
 */
export function refuseSubscripts(prototype: object): void {
  Object.setPrototypeOf(
    prototype,
    new Proxy(Object.create(null), {
      get(_, key) {
        if (typeof key === "string" && /^-?\d+$/.test(key)) {
          throw new TypeError(
            `x[${key}] cannot index a tensor. Write x.at(${key}); x.at(null, ${key}) for x[:, ${key}] in Python.`,
          );
        }
        return Reflect.get(Object.prototype, key);
      },
      set(_, key, value, receiver) {
        if (typeof key === "string" && /^-?\d+$/.test(key)) {
          throw new TypeError(
            `x[${key}] = ... does not work: tensor elements cannot be set one by one. Build a list and call tensor(list), or use where(condition, a, x).`,
          );
        }
        return Reflect.set(Object.prototype, key, value, receiver);
      },
      has: (_, key) => Reflect.has(Object.prototype, key),
    }),
  );
}
