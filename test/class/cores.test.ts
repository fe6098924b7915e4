import { expect, test } from "vitest";
import { shareCores } from "../../kernel/class/grade.ts";

test.each([
  [2, [0, 1], ["0", "1"]],
  [1, [0, 1, 2], ["0,1,2"]],
  [2, [4, 5, 6], ["4,6", "5"]],
  [3, [0, 1], ["0", "1", "0"]],
  [2, [], ["", ""]],
])("%i who are graded at a time share the processors %j", (jobs, allowed, shares) => {
  expect(shareCores(jobs, allowed)).toEqual(shares);
});
