import { existsSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { StepError } from "../start/steps.mjs";
import { newCourse } from "./course.ts";
import { NBGRADER, Nbgrader } from "./environment.ts";
import { findProblems } from "./problems.ts";
import { bar, counted, openCourse, type Task } from "./task.ts";

/** `class:new`: creates the folder of a course. */
export async function setUp({ root, steps, folder, exchange }: Task): Promise<number> {
  let nbgrader!: Nbgrader;
  await steps.run("nbgrader", async (report) => {
    nbgrader = await Nbgrader.provide(root, report);
    return `${NBGRADER} in ${nbgrader.bin}`;
  });
  await steps.run("course", () => {
    const { added, kept } = newCourse(root, folder, exchange);
    const before = kept.length > 0 ? `; already there: ${kept.join(", ")}` : "";
    return `${counted(added.length, "assignment")} in source/${before}`;
  });
  await steps.run("gradebook", async () => {
    const known = await takeStudents(nbgrader, root, folder);
    return known > 0 ? counted(known, "student") : "students.csv is empty: students will be added when they hand in";
  });
  console.log(`
  Next:
    npm run class:release -- ${folder}                        checks the exercises; then hand out the folders in release/
    npm run class:collect -- ${folder} 02-gradients RETURNED  collects what students returned
    npm run class:grade   -- ${folder}                        grades it
  To add an assignment of your own, put its notebook into a folder in source/. nbgrader's own commands work in ${folder} too:
    cd ${folder} && ${nbgrader.bin}/jupyter lab               for the page "Formgrader" in the menu Nbgrader`);
  return 0;
}

/** Adds the students in students.csv to the gradebook, which is created if there is none. @returns how many there are */
async function takeStudents(nbgrader: Nbgrader, root: string, folder: string): Promise<number> {
  const file = join(folder, "students.csv");
  const lines = existsSync(file) ? readFileSync(file, "utf8").trim().split("\n") : [];
  if (lines.length < 2 && existsSync(join(folder, "gradebook.db"))) return 0;
  return nbgrader.ask<number>("gradebook.py", ["students"], root, folder);
}

/** `class:release`: checks the exercises, then writes what students get. */
export async function release(task: Task): Promise<number> {
  const { root, steps, names, due } = task;
  const { course, nbgrader } = await openCourse(task);
  await takeStudents(nbgrader, root, course.folder);
  let assignments: string[] = [];
  await steps.run("exercises", () => {
    assignments = course.chosen("source", names);
    return assignments.join(", ");
  });
  const sharesFiles = /^c\.Exchange\.root/m.test(readFileSync(course.config, "utf8"));
  let failed = false;
  for (const assignment of assignments) {
    try {
      await steps.run(assignment, async (report) => {
        for (const path of course.sources(assignment)) {
          const problems = await findProblems(path, (done, of) => report(`${bar(done / of)} cell ${done} of ${of}`));
          if (problems.length === 0) continue;
          throw new StepError(`${basename(path)}: ${counted(problems.length, "exercise")} not fit for students`, {
            next: "This assignment was not released. Fix the cells listed above, then run this again.",
            detail: problems.map(({ cell, number, message }) => `cell ${number}, ${cell}: ${message}`).join("\n"),
          });
        }
        if (course.sources(assignment).length === 0) {
          throw new StepError(`no notebook in source/${assignment}`, { next: "Put one there, or remove the folder." });
        }
        report("nbgrader");
        const next = "See nbgrader's own messages above.";
        if (due) await nbgrader.step(["db", "assignment", "add", assignment, `--duedate=${due}`], course.folder, next);
        await nbgrader.step(["generate_assignment", assignment, "--force"], course.folder, next);
        if (sharesFiles) await nbgrader.step(["release_assignment", assignment, "--force"], course.folder, next);
        return `release/${assignment}${due ? `, due ${due}` : ""}${sharesFiles ? ", offered in JupyterLab" : ""}`;
      });
    } catch (error) {
      if (!(error instanceof StepError)) throw error;
      failed = true;
    }
  }
  return failed ? 1 : 0;
}
