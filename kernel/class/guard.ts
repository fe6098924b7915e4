/**
 * Keeps answers from tampering with anything outside them while a notebook is graded.
 *
 * A student's code could make a check pass by replacing a built-in function, a method of the library or a name of the
 * lesson. So such changes are undone before the next cell runs, and reported. This file must not rely on anything that an
 * answer can replace: hence its own copies, loops by index, and no iterators.
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

const { ownKeys, getOwnPropertyDescriptor, defineProperty, deleteProperty, getPrototypeOf } = Reflect;
const { is, hasOwn, freeze } = Object;
const memoryUsage = process.memoryUsage.bind(process);

/** Bytes outside of JavaScript's heap from which on it is looked whether they are still needed. */
const LARGE = 256e6;

/** Gives back what an answer has let go of: the next exercise has the memory that it would have had without it. */
const collectGarbage = makeCollector();

function makeCollector(): () => void {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  setFlagsFromString("--no-expose-gc");
  return () => {
    if (memoryUsage().external <= LARGE) return;
    collect();
    collect(); // the first finds it, the second waits until it is given back
  };
}

const STANDARD =
  "Object Function Array Number Boolean String Symbol Date Promise RegExp Error AggregateError RangeError ReferenceError SyntaxError TypeError JSON Math Intl Reflect Proxy Map Set WeakMap WeakSet WeakRef BigInt ArrayBuffer DataView Atomics Int8Array Uint8Array Uint8ClampedArray Int16Array Uint16Array Int32Array Uint32Array Float32Array Float64Array BigInt64Array BigUint64Array parseFloat parseInt isFinite isNaN structuredClone".split(
    " ",
  );

/** Guards the cells of a graded notebook. */
export interface Guard {
  /** Call after a cell of the lesson: what it declared belongs to the lesson. */
  lesson(): void;
  /** Call before a student's code runs. */
  before(): void;
  /** Call afterwards: restores what the code changed outside itself. @returns a list of what that was, in words */
  restore(): string;
}

type Values = Record<PropertyKey, unknown>;

interface Kept {
  object: object;
  name: string;
  keys: PropertyKey[];
  descriptors: (PropertyDescriptor | undefined)[];
}

/**
 * @param library - the module whose functions and classes are guarded, as well as those of the language
 * @param scope - what the cells declare; default: the kernel's scope
 */
export function makeGuard(library: object, scope: Values = kernelScope()): Guard {
  const shared = sharedObjects(library);
  const lesson: Values = Object.create(null);
  const students: Values = Object.create(null);
  let kept: Kept[] = [];
  const guard: Guard = {
    lesson() {
      const names = ownKeys(scope);
      for (let i = 0; i < names.length; i++) {
        const name = names[i]!;
        if (!(name in students && is(students[name], scope[name]))) lesson[name] = scope[name];
      }
    },
    before() {
      kept = [keep(globalThis, "", STANDARD)];
      for (let i = 0; i < shared.length; i++) kept[i + 1] = keep(shared[i]!.object, `${shared[i]!.name}.`);
    },
    restore() {
      let changed = "";
      const tell = (name: string) => {
        changed += changed === "" ? name : `, ${name}`;
      };
      for (let i = 0; i < kept.length; i++) putBack(kept[i]!, tell);
      collectGarbage();
      const names = ownKeys(lesson);
      for (let i = 0; i < names.length; i++) {
        const name = names[i]!;
        if (hasOwn(scope, name) && is(scope[name], lesson[name])) continue;
        scope[name] = lesson[name];
        tell(`${name as string}`);
      }
      const declared = ownKeys(scope);
      for (let i = 0; i < declared.length; i++) {
        const name = declared[i]!;
        if (!(name in lesson)) students[name] = scope[name];
      }
      return changed;
    },
  };
  guard.before();
  return freeze(guard);
}

/** Installs a kernel's guard where its cells can find it but not replace it. */
export function installGuard(library: object): void {
  const guard = makeGuard(library);
  if (hasOwn(globalThis, GUARD)) return;
  defineProperty(globalThis, GUARD, { value: guard });
}

const GUARD = "__difflab_guard";

function kernelScope(): Values {
  return (globalThis as unknown as { __difflab_cells: { scope: Values } }).__difflab_cells.scope;
}

/** The objects that belong to no answer, with their names. */
function sharedObjects(library: object): { object: object; name: string }[] {
  const found: { object: object; name: string }[] = [];
  const seen = new Set<unknown>();
  const add = (value: unknown, name: string) => {
    if ((typeof value !== "object" && typeof value !== "function") || value === null || seen.has(value)) return;
    seen.add(value);
    found.push({ object: value, name });
    if (typeof value === "function") add(value.prototype, `${name}.prototype`);
  };
  for (const name of STANDARD) add(Reflect.get(globalThis, name), name);
  add(getPrototypeOf(Int8Array), "TypedArray");
  add(getPrototypeOf([][Symbol.iterator]()), "ArrayIterator");
  for (const [name, value] of Object.entries(library)) {
    if (typeof value === "function") add(value, name);
    // Namespaces such as nn and optim.
    else if (typeof value === "object" && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value))
      for (const [key, inner] of Object.entries(value)) if (typeof inner === "function") add(inner, `${name}.${key}`);
  }
  return found;
}

function keep(object: object, name: string, keys: PropertyKey[] = ownKeys(object)): Kept {
  const descriptors: Kept["descriptors"] = [];
  for (let i = 0; i < keys.length; i++) descriptors[i] = getOwnPropertyDescriptor(object, keys[i]!);
  return { object, name, keys, descriptors };
}

function putBack({ object, name, keys, descriptors }: Kept, tell: (name: string) => void): void {
  for (let i = 0; i < keys.length; i++) {
    const was = descriptors[i];
    const now = getOwnPropertyDescriptor(object, keys[i]!);
    if (!was || (now && is(now.value, was.value) && now.get === was.get && now.set === was.set)) continue;
    if (defineProperty(object, keys[i]!, was)) tell(name + text(keys[i]!));
  }
  if (name === "") return; // of the global object only the language's own names
  const present = ownKeys(object);
  for (let i = 0; present.length > keys.length && i < present.length; i++) {
    let isNew = true;
    for (let k = 0; k < keys.length; k++) if (keys[k] === present[i]) isNew = false;
    if (isNew && deleteProperty(object, present[i]!)) tell(name + text(present[i]!));
  }
}

function text(key: PropertyKey): string {
  return typeof key === "symbol" ? "[symbol]" : `${key}`;
}
