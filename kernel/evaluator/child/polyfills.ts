/**
 * What the language has had since ES2024 and Node 20 has not: the checker knows these, so cells may use them.
 * Newer Node versions keep their own.
 */
export function installPolyfills(): void {
  define(Object, "groupBy", <K extends PropertyKey, T>(items: Iterable<T>, keyOf: (item: T, index: number) => K) => {
    const groups: Partial<Record<K, T[]>> = Object.create(null);
    let index = 0;
    for (const item of items) {
      const key = keyOf(item, index++);
      const group: T[] = groups[key] ?? [];
      groups[key] = group;
      group.push(item);
    }
    return groups;
  });
  define(Map, "groupBy", <K, T>(items: Iterable<T>, keyOf: (item: T, index: number) => K) => {
    const groups = new Map<K, T[]>();
    let index = 0;
    for (const item of items) {
      const key = keyOf(item, index++);
      const group = groups.get(key);
      if (group) group.push(item);
      else groups.set(key, [item]);
    }
    return groups;
  });
  define(Promise, "withResolvers", () => {
    let resolve!: (value: unknown) => void;
    let reject!: (reason: unknown) => void;
    const promise = new Promise((yes, no) => {
      resolve = yes;
      reject = no;
    });
    return { promise, resolve, reject };
  });
}

function define(owner: object, name: string, value: unknown): void {
  if (!(name in owner)) Object.defineProperty(owner, name, { configurable: true, writable: true, value });
}
