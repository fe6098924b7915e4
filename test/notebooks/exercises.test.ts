import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { STUB } from "../../kernel/client/exercises.ts";
import { ROOT } from "../root.ts";
import { WRONG_ANSWERS } from "./wrong-answers.ts";

test("what stands in place of a solution is what nbgrader would write", () => {
  const config = readFileSync(join(ROOT, "kernel/class/python/difflab_class.py"), "utf8");
  expect(JSON.parse(/^STUB = (".*")$/m.exec(config)![1]!)).toBe(STUB);
});

test("there are wrong answers to the exercises of every notebook", () => {
  const lessons = readdirSync(join(ROOT, "notebooks")).filter((name) => /^\d\d-.*\.ipynb$/.test(name));
  expect(lessons.length).toBeGreaterThan(0);
  expect(lessons.filter((name) => !WRONG_ANSWERS[name])).toEqual([]);
});
