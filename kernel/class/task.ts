import type { Steps } from "../start/steps.mjs";
import { StepError } from "../start/steps.mjs";
import type { ClassOptions } from "./args.ts";
import { Course } from "./course.ts";
import { Nbgrader } from "./environment.ts";

/** The arguments and tools of an `npm run class:*` command. */
export interface Task extends ClassOptions {
  /** The package's folder. */
  root: string;
  /** Prints one line for each step. */
  steps: Steps;
}

/** Finds the course and nbgrader, and makes sure that the gradebook can be read. */
export async function openCourse({ root, steps, folder }: Task): Promise<{ course: Course; nbgrader: Nbgrader }> {
  let course!: Course;
  let nbgrader!: Nbgrader;
  await steps.run("course", async (report) => {
    course = Course.open(folder, root);
    nbgrader = await Nbgrader.provide(root, report);
    const problem = await nbgrader.ask<string>("gradebook.py", ["check"], root, course.folder);
    if (problem) {
      throw new StepError(problem, {
        next: `Make a copy of ${course.at("gradebook.db")}, then run: (cd ${course.folder} && ${nbgrader.bin}/nbgrader db upgrade)\nIf the file is damaged, restore a copy, or remove it and grade again; what was graded by hand is then lost.`,
      });
    }
    return course.folder;
  });
  return { course, nbgrader };
}

/** `3 students`, `1 student`. */
export function counted(n: number, one: string, many = `${one}s`): string {
  return `${n} ${n === 1 ? one : many}`;
}

const CELLS = 20;

/** `━━━━━━━━━╸──────────` */
export function bar(share: number): string {
  const full = Math.round(Math.min(1, Math.max(0, share)) * CELLS);
  return "━".repeat(full) + "─".repeat(CELLS - full);
}
