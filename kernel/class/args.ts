import { resolve } from "node:path";
import { parseArgs } from "node:util";

export const USAGE = `npm run class:new      -- FOLDER [--exchange DIR]
npm run class:release  -- FOLDER [ASSIGNMENT ...] [--due DATE]
npm run class:collect  -- FOLDER ASSIGNMENT [RETURNED]
npm run class:grade    -- FOLDER [ASSIGNMENT ...] [--student ID] [--jobs N] [--again] [--without-isolation]
npm run class:feedback -- FOLDER [ASSIGNMENT ...]
npm run class:export   -- FOLDER
npm run class:validate -- NOTEBOOK

  new       makes the folder of a course, with each notebook of the lesson as an assignment in FOLDER/source
  release   checks the exercises, then writes what students get to FOLDER/release
  collect   copies the files in the folder RETURNED (notebooks, folders or .zip, named after students) to FOLDER/submitted;
            without RETURNED, collects what students submitted in JupyterLab
  grade     grades what is new; the report says why points were lost
  feedback  writes a page for each student to FOLDER/feedback
  export    writes all grades to FOLDER/grades.csv
  validate  for students: shows which checks of a notebook fail, before handing it in

  --due DATE            deadline: 2027-01-31, or "2027-01-31 18:00 CET"
  --exchange DIR        on a server: the folder through which students fetch and submit
  --student ID          only this student
  --jobs N              how many students to grade at once; default: one per core
  --again               regrade those already graded
  --without-isolation   run students' code with your own permissions on this machine: only if you trust it`;

const COMMANDS = ["new", "release", "collect", "grade", "feedback", "export", "validate"] as const;
export type ClassCommand = (typeof COMMANDS)[number];

/** The parsed arguments of a command. */
export interface ClassOptions {
  /** The course's folder; for `validate`, the notebook. */
  folder: string;
  /** The arguments after the folder. */
  names: string[];
  help: boolean;
  due?: string;
  exchange?: string;
  student?: string;
  jobs?: number;
  again: boolean;
  isolate: boolean;
}

class UsageError extends Error {
  override name = "UsageError";
}

/**
 * @param args - the command, then the arguments after `npm run class:... --`
 * @param cwd - the folder in which it was typed; relative paths are resolved against it
 * @throws UsageError if an option is unknown or an argument is missing
 */
export function parseClassArgs(args: readonly string[], cwd: string): ClassOptions & { command: ClassCommand } {
  const [name = "", ...rest] = args;
  const command = COMMANDS.find((known) => known === name);
  if (name === "--help" || name === "-h")
    return { command: "new", folder: "", names: [], help: true, again: false, isolate: true };
  if (!command) throw new UsageError(`class: unknown command "${name}"; expected ${COMMANDS.join(", ")}.`);
  const { values, positionals } = parsed(command, rest);
  const [folder, ...names] = positionals;
  if (!values.help && folder === undefined) {
    throw new UsageError(`class:${command}: no ${command === "validate" ? "notebook" : "folder"} given.`);
  }
  if (command === "collect" && names.length === 0 && !values.help) {
    throw new UsageError("class:collect: which assignment? Expected FOLDER ASSIGNMENT [RETURNED].");
  }
  const jobs = values.jobs === undefined ? undefined : Number(values.jobs);
  if (jobs !== undefined && !(Number.isInteger(jobs) && jobs >= 1)) {
    throw new UsageError(`class: --jobs ${values.jobs}: expected a whole number from 1 up.`);
  }
  return {
    command,
    folder: resolve(cwd, folder ?? ""),
    names: command === "collect" ? names.map((text, i) => (i === 1 ? resolve(cwd, text) : text)) : names,
    help: values.help ?? false,
    again: values.again ?? false,
    isolate: !values["without-isolation"],
    ...(values.due !== undefined && { due: values.due }),
    ...(values.exchange !== undefined && { exchange: resolve(cwd, values.exchange) }),
    ...(values.student !== undefined && { student: values.student }),
    ...(jobs !== undefined && { jobs }),
  };
}

function parsed(command: string, args: string[]) {
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      options: {
        help: { type: "boolean", short: "h" },
        due: { type: "string" },
        exchange: { type: "string" },
        student: { type: "string" },
        jobs: { type: "string" },
        again: { type: "boolean" },
        "without-isolation": { type: "boolean" },
      },
    });
  } catch (error) {
    throw new UsageError(`class:${command}: ${(error as Error).message}`);
  }
}
