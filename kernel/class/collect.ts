import { cpSync, existsSync, lstatSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { join, relative } from "node:path";
import { StepError } from "../start/steps.mjs";
import { counted, openCourse, type Task } from "./task.ts";

/** `class:collect`: collects what students have returned. */
export async function collect(task: Task): Promise<number> {
  const { steps, names } = task;
  const { course, nbgrader } = await openCourse(task);
  const [assignment = "", returned] = names;
  let lines: string[] = [];
  await steps.run("collected", async (report) => {
    course.chosen("release", [assignment]);
    if (returned === undefined) {
      const next =
        "In a course without an exchange, name the folder: npm run class:collect -- FOLDER ASSIGNMENT RETURNED";
      await nbgrader.step(["collect", assignment, "--update"], course.folder, next);
      return `${counted(course.students(assignment).length, "student")}, from the exchange`;
    }
    if (!existsSync(returned)) {
      throw new StepError(`${returned}: no such folder`, { next: "Give the folder that contains the returned files." });
    }
    const before = new Set(course.students(assignment));
    const archive = course.at("downloaded", assignment, "archive");
    rmSync(archive, { recursive: true, force: true });
    report("copying");
    copyFiles(returned, archive);
    const args = ["zip_collect", assignment, "--force"];
    const output = await nbgrader.step(args, course.folder, "See nbgrader's own messages above.");
    lines = skippedFiles(output, course.at("downloaded", assignment, "extracted"));
    const students = course.students(assignment);
    const fresh = students.filter((student) => !before.has(student)).length;
    return `${counted(students.length, "student")} in submitted/, ${fresh} of them new`;
  });
  for (const line of lines) console.log(`      ${line}`);
  return 0;
}

/** Copies files, keeping their modification times; links are left out, because they could point anywhere. */
function copyFiles(from: string, to: string): void {
  mkdirSync(to, { recursive: true });
  for (const name of readdirSync(from)) {
    const [source, target] = [join(from, name), join(to, name)];
    const stat = lstatSync(source);
    if (stat.isDirectory()) copyFiles(source, target);
    else if (stat.isFile()) cpSync(source, target, { preserveTimestamps: true });
  }
}

/** What nbgrader said about files that it skipped, or preferred to another; one line each. */
function skippedFiles(output: string, extracted: string): string[] {
  const lines: string[] = [];
  let last = "";
  for (const line of output.split("\n")) {
    const parsing = /Parsing file: (.*)$/.exec(line)?.[1];
    if (parsing !== undefined) last = relative(extracted, parsing);
    if (/Skipped submission with no match/.test(line)) {
      lines.push(
        `skipped: ${last}: cannot tell the student and the notebook from its name (expected STUDENT_NOTEBOOK.ipynb)`,
      );
    } else if (/Replacing previously collected|newer timestamp/.test(line)) {
      lines.push(`two from one student: ${last} is newer and will be graded`);
    } else if (/older timestamp/.test(line))
      lines.push(`two from one student: ${last} is older and will not be graded`);
  }
  return lines;
}
