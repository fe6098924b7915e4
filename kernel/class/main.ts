import { packageRoot } from "../spec/package-root.ts";
import { createSteps, StepError } from "../start/steps.mjs";
import { type ClassCommand, parseClassArgs, USAGE } from "./args.ts";
import { collect } from "./collect.ts";
import { exportGrades, feedback } from "./feedback.ts";
import { grade } from "./grade.ts";
import { release, setUp } from "./release.ts";
import type { Task } from "./task.ts";
import { validate } from "./validate.ts";

const COMMANDS: Record<ClassCommand, (task: Task) => Promise<number>> = {
  new: setUp,
  release,
  collect,
  grade,
  feedback,
  export: exportGrades,
  validate,
};

/** `npm run class:*`. @returns the exit code */
export async function main(args: readonly string[]): Promise<number> {
  const root = packageRoot();
  let task: Task;
  try {
    const { command, ...options } = parseClassArgs(args, process.env.INIT_CWD ?? process.cwd());
    if (options.help) {
      console.log(USAGE);
      return 0;
    }
    task = { root, steps: createSteps(process.stdout), ...options };
    return await COMMANDS[command](task);
  } catch (error) {
    if (error instanceof StepError) return 1; // told already, by its step
    if ((error as Error).name !== "UsageError") throw error;
    console.error(`${(error as Error).message}\n\n${USAGE}`);
    return 2;
  }
}

process.exitCode = await main(process.argv.slice(2));
