import { expect } from "vitest";

/**
 * Arrays of numbers whose bytes are the same are equal: vitest would look at each element in turn, a second for a
 * picture. It still does where they differ, which names the elements.
 */
function haveSameBytes(a: unknown, b: unknown): true | undefined {
  if (!ArrayBuffer.isView(a) || !ArrayBuffer.isView(b) || Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return;
  const bytes = (view: ArrayBufferView) => Buffer.from(view.buffer, view.byteOffset, view.byteLength);
  return bytes(a).equals(bytes(b)) || undefined;
}

// The files of a worker share vitest's list.
const key = Symbol.for("difflab.test.equal");
const shared = globalThis as { [key: symbol]: boolean };
if (!shared[key]) expect.addEqualityTesters([haveSameBytes]);
shared[key] = true;
