import { expect, test } from "vitest";
import { makeGuard } from "../../kernel/class/guard.ts";

class Tensor {
  item(): number {
    return 1;
  }
}

test("puts back built-ins, the library's methods and the lesson's names, and says which", () => {
  const scope: Record<string, unknown> = { noise: "the lesson's" };
  const guard = makeGuard({ Tensor, nn: { Linear: class {} } }, scope);
  guard.lesson();
  guard.before();
  const abs = Math.abs;
  const { item } = Tensor.prototype;
  Math.abs = () => 0;
  Tensor.prototype.item = () => 2;
  Object.assign(Array.prototype, { cheat: 1 });
  scope.noise = "the student's";
  scope.mine = 1;
  expect(guard.restore()).toBe("Array.prototype.cheat, Math.abs, Tensor.prototype.item, noise");
  expect(Math.abs).toBe(abs);
  expect(Tensor.prototype.item).toBe(item);
  expect("cheat" in []).toBe(false);
  expect(scope).toEqual({ noise: "the lesson's", mine: 1 });
  expect(guard.restore()).toBe("");
});

test("works although what it needs has been replaced, and leaves a student's own names alone", () => {
  const scope: Record<string, unknown> = {};
  const guard = makeGuard({ Tensor }, scope);
  guard.before();
  const { ownKeys } = Reflect;
  Reflect.ownKeys = () => [];
  Object.getOwnPropertyDescriptor = () => undefined;
  Array.prototype[Symbol.iterator] = () => {
    throw new Error("no iterators");
  };
  scope.total = 1;
  expect(guard.restore()).toMatch(/Reflect\.ownKeys/);
  expect(Reflect.ownKeys).toBe(ownKeys);
  expect([...[1, 2]]).toEqual([1, 2]);
  guard.lesson(); // a cell of the lesson that declares nothing
  scope.total = 2; // the student's next cell
  expect(guard.restore()).toBe("");
  expect(scope.total).toBe(2);
});

test("gives back the memory that a student's code has let go of", () => {
  const guard = makeGuard({}, {});
  guard.before();
  const before = process.memoryUsage().external;
  (() => Array.from({ length: 8 }, () => Buffer.alloc(1e8, 1)).length)();
  guard.restore();
  expect(process.memoryUsage().external - before).toBeLessThan(4e8);
});
