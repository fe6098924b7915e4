import { expect, test } from "vitest";
import { parseClassArgs } from "../../kernel/class/args.ts";

const parse = (...args: string[]) => parseClassArgs(args, "/home/ada");

test("folders mean what they meant where they were typed", () => {
  expect(parse("grade", "course", "02-gradients")).toEqual({
    command: "grade",
    folder: "/home/ada/course",
    names: ["02-gradients"],
    help: false,
    again: false,
    isolate: true,
  });
  expect(parse("collect", "course", "02-gradients", "mail").names).toEqual(["02-gradients", "/home/ada/mail"]);
});

test.each([
  [["grade"], /no folder given/],
  [["validate"], /no notebook given/],
  [["collect", "course"], /which assignment/],
  [["grade", "course", "--jobs", "0"], /--jobs 0: expected a whole number/],
  [["grade", "course", "--isolate"], /class:grade: .*--isolate/],
  [["mark", "course"], /unknown command "mark"; expected new, release/],
])("%j is refused with what was expected", (args, message) => {
  expect(() => parse(...args)).toThrow(message);
});
