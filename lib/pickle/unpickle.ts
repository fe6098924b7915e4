/** A name that a pickle refers to, such as `torch.FloatStorage`. It is a name and nothing more. */
export class Global {
  readonly module: string;
  readonly name: string;

  constructor(module: string, name: string) {
    this.module = module;
    this.name = name;
  }

  toString(): string {
    return `${this.module}.${this.name}`;
  }
}

/** What the reader asks its user about: what a name, a call and a reference to outside mean. */
export interface Meanings {
  /** Whether a name may stand in the pickle at all. */
  allows(global: Global): boolean;
  /** The value of calling `global` with `args`. */
  call(global: Global, args: readonly unknown[]): unknown;
  /** A value whose state is set from another; called for attributes of objects. */
  build(object: unknown, state: unknown): unknown;
  /** What a persistent id stands for. */
  persistent(id: unknown): unknown;
}

const MARK = Symbol("mark");
/** Of a text in an error. */
const SHOWN = 80;

/** Python's tuples, apart from its lists. */
export class Tuple extends Array<unknown> {}

/**
 * Reads a pickle that holds data: texts, numbers, lists, tuples, dictionaries, and what `meanings` knows.
 *
 * A pickle is a small program, and Python runs whatever functions it names. This reader runs none: a name that `meanings`
 * does not allow ends it before anything is made of it. Every instruction that plain data does not need is refused too.
 *
 * @param where - names the file in errors
 * @returns dictionaries as Maps, whole numbers beyond 2^53 as bigint
 * @throws Error if the pickle is damaged, or names or does what is not allowed
 * @see https://github.com/python/cpython/blob/main/Lib/pickletools.py
 */
export function unpickle(bytes: Uint8Array, meanings: Meanings, where: string): unknown {
  return new Machine(bytes, meanings, where).run();
}

class Machine {
  readonly #bytes: Uint8Array;
  readonly #data: DataView;
  readonly #meanings: Meanings;
  readonly #where: string;
  #at = 0;
  #stack: unknown[] = [];
  readonly #memo = new Map<number, unknown>();

  constructor(bytes: Uint8Array, meanings: Meanings, where: string) {
    this.#bytes = bytes;
    this.#data = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#meanings = meanings;
    this.#where = where;
  }

  run(): unknown {
    for (;;) {
      const at = this.#at;
      const code = this.#take(1)[0]!;
      const letter = String.fromCharCode(code);
      const step = STEPS[letter];
      if (letter === ".") return this.#pop();
      if (!step) {
        const shown = code > 32 && code < 127 ? `"${letter}"` : `0x${code.toString(16)}`;
        throw new Error(
          `${this.#where}: byte ${at} asks for the instruction ${shown}, which no file of tensors needs, so it was not read`,
        );
      }
      step(this);
    }
  }

  // What the instructions are made of. Public within this file only: STEPS is the table of them.

  take(length: number): Uint8Array {
    return this.#take(length);
  }

  #take(length: number): Uint8Array {
    if (this.#at + length > this.#bytes.length)
      throw new Error(`${this.#where}: the pickle is truncated at byte ${this.#bytes.length}`);
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  number(read: (data: DataView, at: number) => number, length: number): number {
    this.#take(length);
    return read(this.#data, this.#at - length);
  }

  line(): string {
    const end = this.#bytes.indexOf(10, this.#at);
    if (end < 0) throw new Error(`${this.#where}: the pickle is truncated within a line`);
    const text = Buffer.from(this.#take(end - this.#at)).toString("utf8");
    this.#at++;
    return text;
  }

  push(value: unknown): void {
    this.#stack.push(value);
  }

  pop(): unknown {
    return this.#pop();
  }

  #pop(): unknown {
    const value = this.#stack.pop();
    if (value === undefined || value === MARK) throw this.damaged("takes a value from an empty stack");
    return value;
  }

  /** All since the last mark. */
  popMark(): unknown[] {
    const mark = this.#stack.lastIndexOf(MARK);
    if (mark < 0) throw this.damaged("returns to a missing mark");
    const items = this.#stack.splice(mark);
    items.shift();
    return items;
  }

  mark(): void {
    this.#stack.push(MARK);
  }

  peek(): unknown {
    const value = this.#stack.at(-1);
    if (value === undefined || value === MARK) throw this.damaged("looks at a value on an empty stack");
    return value;
  }

  remember(key = this.#memo.size): void {
    this.#memo.set(key, this.peek());
  }

  recall(key: number): void {
    if (!this.#memo.has(key)) throw this.damaged(`recalls value ${key}, which was not stored`);
    this.#stack.push(this.#memo.get(key));
  }

  global(module: unknown, name: unknown): void {
    const global = new Global(String(module), String(name));
    if (!this.#meanings.allows(global)) {
      const shown = String(global).slice(0, SHOWN);
      throw new Error(
        `${this.#where}: names ${JSON.stringify(shown)}, which no file of tensors needs. It could run code in Python, so it was not read`,
      );
    }
    this.#stack.push(global);
  }

  call(): void {
    const args = this.#pop();
    const callee = this.#pop();
    if (!(callee instanceof Global) || !(args instanceof Tuple))
      throw this.damaged("calls something that is not a function");
    this.#stack.push(this.#meanings.call(callee, args));
  }

  build(): void {
    const state = this.#pop();
    this.#stack.push(this.#meanings.build(this.#pop(), state));
  }

  persistent(): void {
    this.#stack.push(this.#meanings.persistent(this.#pop()));
  }

  setItems(items: readonly unknown[]): void {
    const map = this.peek();
    if (!(map instanceof Map) || items.length % 2 !== 0)
      throw this.damaged("adds entries to something that is not a dictionary");
    for (let i = 0; i < items.length; i += 2) map.set(items[i], items[i + 1]);
  }

  append(items: readonly unknown[]): void {
    const list = this.peek();
    if (!Array.isArray(list) || list instanceof Tuple) throw this.damaged("appends to something that is not a list");
    for (const item of items) list.push(item);
  }

  damaged(what: string): Error {
    return new Error(`${this.#where}: the pickle is damaged (byte ${this.#at - 1} ${what})`);
  }
}

type Step = (m: Machine) => void;

const u8 = (d: DataView, at: number) => d.getUint8(at);
const u16 = (d: DataView, at: number) => d.getUint16(at, true);
const u32 = (d: DataView, at: number) => d.getUint32(at, true);
const i32 = (d: DataView, at: number) => d.getInt32(at, true);
const f64 = (d: DataView, at: number) => d.getFloat64(at, false);

const text = (m: Machine, length: number) => m.push(Buffer.from(m.take(length)).toString("utf8"));
const tuple = (items: readonly unknown[]) => Tuple.from(items) as Tuple;

/** A whole number of up to 8 bytes in two's complement, as a number if that is exact. */
function long(bytes: Uint8Array, m: Machine): number | bigint {
  if (bytes.length > 8) throw m.damaged(`holds a number of ${bytes.length} bytes`);
  let value = 0n;
  for (let i = bytes.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i]!);
  value = BigInt.asIntN(8 * bytes.length, value);
  return Number.isSafeInteger(Number(value)) ? Number(value) : value;
}

/** The instructions that data needs, by their letter. Protocols 2 to 4. */
const STEPS: Readonly<Record<string, Step>> = Object.assign(Object.create(null) as Record<string, Step>, {
  "\x80": (m: Machine) => void m.take(1), // protocol
  "\x95": (m: Machine) => void m.take(8), // frame
  "(": (m: Machine) => m.mark(),
  N: (m: Machine) => m.push(null),
  "\x88": (m: Machine) => m.push(true),
  "\x89": (m: Machine) => m.push(false),
  J: (m: Machine) => m.push(m.number(i32, 4)),
  K: (m: Machine) => m.push(m.number(u8, 1)),
  M: (m: Machine) => m.push(m.number(u16, 2)),
  G: (m: Machine) => m.push(m.number(f64, 8)),
  "\x8a": (m: Machine) => m.push(long(m.take(m.number(u8, 1)), m)),
  X: (m: Machine) => text(m, m.number(u32, 4)),
  "\x8c": (m: Machine) => text(m, m.number(u8, 1)),
  T: (m: Machine) => text(m, m.number(u32, 4)),
  U: (m: Machine) => text(m, m.number(u8, 1)),
  ")": (m: Machine) => m.push(tuple([])),
  "\x85": (m: Machine) => m.push(tuple([m.pop()])),
  "\x86": (m: Machine) => m.push(tuple([m.pop(), m.pop()].reverse())),
  "\x87": (m: Machine) => m.push(tuple([m.pop(), m.pop(), m.pop()].reverse())),
  t: (m: Machine) => m.push(tuple(m.popMark())),
  "]": (m: Machine) => m.push([]),
  a: (m: Machine) => {
    const item = m.pop();
    m.append([item]);
  },
  e: (m: Machine) => m.append(m.popMark()),
  "}": (m: Machine) => m.push(new Map()),
  s: (m: Machine) => {
    const value = m.pop();
    m.setItems([m.pop(), value]);
  },
  u: (m: Machine) => m.setItems(m.popMark()),
  q: (m: Machine) => m.remember(m.number(u8, 1)),
  r: (m: Machine) => m.remember(m.number(u32, 4)),
  "\x94": (m: Machine) => m.remember(),
  h: (m: Machine) => m.recall(m.number(u8, 1)),
  j: (m: Machine) => m.recall(m.number(u32, 4)),
  c: (m: Machine) => {
    const module = m.line();
    m.global(module, m.line());
  },
  "\x93": (m: Machine) => {
    const name = m.pop();
    m.global(m.pop(), name);
  },
  R: (m: Machine) => m.call(),
  "\x81": (m: Machine) => m.call(),
  b: (m: Machine) => m.build(),
  Q: (m: Machine) => m.persistent(),
} satisfies Record<string, Step>);
