import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readNotebook } from "../../kernel/client/index.ts";
import { CourseUnderTest, hasNbgrader } from "../class/course.ts";
import { pointsOf } from "../class/returned.ts";
import { ROOT } from "../root.ts";
import { type Bench, result, timed } from "./bench.ts";

const NOTEBOOKS = ["02-gradients", "03-noise"];

/**
 * A class of thirty that hands in two notebooks each, from right to hostile (test/class/returned.ts): how long grading all of
 * them takes, unattended, and whether each got the points that are due. The goal: at most 20 minutes on two cores.
 * `CLASS_KINDS=right,warns npm run bench -- class` grades only these kinds.
 */
const bench: Bench = {
  name: "class",
  async run(say) {
    if (!hasNbgrader())
      return [result("class", "s", Number.NaN, { missing: "no nbgrader: npm run class:new installs it" })];
    const scratch = mkdtempSync(join(tmpdir(), "difflab-class-"));
    try {
      const course = new CourseUnderTest(scratch);
      const sources = NOTEBOOKS.map((name) => [name, readNotebook(join(ROOT, "notebooks", `${name}.ipynb`))] as const);
      await course.create(Object.fromEntries(sources));
      await expectSuccess(course.run("release"));
      const expected: { name: string; kind: string; points: string; says: RegExp | undefined }[] = [];
      for (const name of NOTEBOOKS) {
        const { folder, all } = course.returned(name, process.env.CLASS_KINDS?.split(","));
        for (const { kind, earns, says } of all) {
          expected.push({ name, kind, points: pointsOf(course.released(name), earns), says });
        }
        await expectSuccess(course.run("collect", name, folder));
      }
      say(`class: ${expected.length} notebooks`);
      const seconds = (await timed(() => expectSuccess(course.run("grade")))) / 1000;
      const wrong = expected.filter(({ name, kind, points, says }) => {
        const { row, text } = course.report(name, kind);
        const isRight = row.includes(`| ${kind} | ${points} `) && (says?.test(text) ?? true) && !text.includes("FOUND");
        if (!isRight) say(`class: ${name}, ${kind}: expected ${points}, got ${row || "nothing"}`);
        return !isRight;
      });
      if (wrong.length > 0) throw new Error(`${wrong.length} of ${expected.length} got other points than are due`);
      const missing = `${expected.length} notebooks; goal: at most 1200 s for thirty pairs on two cores`;
      return [result("class", "s", seconds, { missing })];
    } finally {
      rmSync(scratch, { recursive: true, force: true });
    }
  },
};

async function expectSuccess(run: ReturnType<CourseUnderTest["run"]>): Promise<void> {
  const { code, stdout, stderr } = await run;
  if (code !== 0) throw new Error(stdout + stderr);
}

export default bench;
