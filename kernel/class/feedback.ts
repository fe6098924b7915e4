import { existsSync, readdirSync } from "node:fs";
import { StepError } from "../start/steps.mjs";
import { bar, counted, openCourse, type Task } from "./task.ts";

/** `class:feedback`: a page for each student. */
export async function feedback(task: Task): Promise<number> {
  const { steps, names } = task;
  const { course, nbgrader } = await openCourse(task);
  const graded = existsSync(course.at("autograded")) ? readdirSync(course.at("autograded")) : [];
  let failed = false;
  for (const assignment of course.chosen("release", names)) {
    const students = graded.filter((student) => existsSync(course.at("autograded", student, assignment)));
    if (students.length === 0) continue;
    await steps
      .run(assignment, async (report) => {
        report(bar(0));
        const args = ["generate_feedback", assignment, "--force"];
        let done = 0;
        const { code, output } = await nbgrader.run(args, course.folder, (text) => {
          done += text.split("Converting notebook").length - 1;
          report(`${bar(done / students.length)} ${done} of ${students.length}`);
        });
        if (code !== 0) {
          throw new StepError("nbgrader could not write all of the pages", {
            next: "Regrade each student named above: npm run class:grade -- FOLDER --student ID --again",
            detail: output,
          });
        }
        return `${counted(students.length, "page")} in feedback/STUDENT/${assignment}`;
      })
      .catch((error) => {
        if (!(error instanceof StepError)) throw error;
        failed = true;
      });
  }
  return failed ? 1 : 0;
}

/** `class:export`: all grades in one table. */
export async function exportGrades(task: Task): Promise<number> {
  const { course, nbgrader } = await openCourse(task);
  await task.steps.run("grades", async () => {
    await nbgrader.step(["export"], course.folder, "See nbgrader's own messages above.");
    return course.at("grades.csv");
  });
  return 0;
}
