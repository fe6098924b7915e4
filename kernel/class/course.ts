import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { readNotebook, writeNotebook } from "../client/notebook.ts";
import { lessonNotebooks, lessonSource } from "../start/args.mjs";
import { StepError } from "../start/steps.mjs";

/** The folder of a course, laid out as nbgrader lays it out. */
export class Course {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  at(...path: string[]): string {
    return join(this.folder, ...path);
  }

  get config(): string {
    return this.at("nbgrader_config.py");
  }

  /** @throws StepError if the folder is not a course */
  static open(folder: string, root: string): Course {
    const course = new Course(folder);
    if (!existsSync(course.config)) {
      throw new StepError(`${folder} is not a course`, {
        next: `Create one: npm run class:new -- ${folder}`,
      });
    }
    course.#findsUs(root);
    return course;
  }

  /** Points the course to this clone again, in case it has been moved. */
  #findsUs(root: string): void {
    const text = readFileSync(this.config, "utf8");
    const fresh = text.replace(/^sys\.path\.insert\(0, .*\) {2}# difflab$/m, pathLine(root));
    if (fresh !== text) writeFileSync(this.config, fresh);
  }

  /** Names of the assignments in a folder of the course, in order. */
  assignments(step: "source" | "release"): string[] {
    return folders(this.at(step));
  }

  /** Who has returned an assignment, in order. */
  students(assignment: string): string[] {
    return folders(this.at("submitted")).filter((student) => existsSync(this.at("submitted", student, assignment)));
  }

  /** The notebooks of an assignment, as its author wrote them: paths. */
  sources(assignment: string): string[] {
    const folder = this.at("source", assignment);
    return readdirSync(folder)
      .filter((name) => name.endsWith(".ipynb"))
      .sort()
      .map((name) => join(folder, name));
  }

  /**
   * The requested assignments, or all of them.
   *
   * @throws StepError if one is unknown
   */
  chosen(step: "source" | "release", names: readonly string[]): string[] {
    const known = this.assignments(step);
    const unknown = names.filter((name) => !known.includes(name));
    if (unknown.length > 0 || known.length === 0) {
      const what = unknown.length > 0 ? `no assignment ${unknown.join(", ")} in ${step}/` : `nothing in ${step}/`;
      const next =
        known.length > 0
          ? `Expected one of ${known.join(", ")}.`
          : step === "source"
            ? "Create a folder in source/ for each assignment, and put its notebook there."
            : "Release it first: npm run class:release -- FOLDER";
      throw new StepError(what, { next });
    }
    return names.length > 0 ? known.filter((name) => names.includes(name)) : known;
  }
}

function folders(path: string): string[] {
  if (!existsSync(path)) return [];
  return readdirSync(path)
    .filter((name) => !name.startsWith(".") && statSync(join(path, name)).isDirectory())
    .sort();
}

function pathLine(root: string): string {
  return `sys.path.insert(0, ${JSON.stringify(join(root, "kernel", "class", "python"))})  # difflab`;
}

function configText(root: string, name: string, exchange: string | undefined): string {
  const exchangeLines = exchange
    ? `c.Exchange.root = ${JSON.stringify(exchange)}`
    : `# On a server where students fetch and submit in JupyterLab: a folder that all of them can write to.\n# c.Exchange.root = "/srv/nbgrader/exchange"`;
  return `# How nbgrader treats this course; created by "npm run class:new". Change anything you like below the first lines.
import sys

sys.path.insert(0, "")  # difflab
from difflab_class import configure

c = get_config()  # noqa: F821
configure(c)

c.CourseDirectory.course_id = ${JSON.stringify(name)}
${exchangeLines}

# Time limits in seconds: for an answer or a check, for a cell of the lesson, and for a notebook as a whole.
c.ExecuteIsolated.answer_timeout = 60
c.ExecuteIsolated.lesson_timeout = 600
c.ExecuteIsolated.notebook_timeout = 900
# Memory in MB that a student's notebook may use while it is being graded.
c.IsolatedKernelManager.memory = 3072
`.replace(/^sys\.path\.insert\(0, ""\) {2}# difflab$/m, pathLine(root));
}

const STUDENTS = "id,first_name,last_name,email\n";

/** What {@link newCourse} created. */
export interface NewCourse {
  course: Course;
  /** Assignments that were added. */
  added: string[];
  /** Assignments that existed already and were left alone. */
  kept: string[];
}

/**
 * Creates a course's folder with the lesson's notebooks as assignments, or adds what is missing to an existing one.
 *
 * @param exchange - the folder through which students fetch and submit, on a server
 */
export function newCourse(root: string, folder: string, exchange?: string): NewCourse {
  const course = new Course(folder);
  if (existsSync(folder) && readdirSync(folder).length > 0 && !existsSync(course.config)) {
    throw new StepError(`${folder} is not empty, and not a course`, {
      next: "Give a folder that is empty or does not exist yet.",
    });
  }
  mkdirSync(folder, { recursive: true });
  const isNew = !existsSync(course.config);
  if (isNew) writeFileSync(course.config, configText(root, courseName(folder), exchange));
  if (!existsSync(course.at("students.csv"))) writeFileSync(course.at("students.csv"), STUDENTS);
  const from = lessonSource(root);
  const [added, kept]: [string[], string[]] = [[], []];
  for (const name of lessonNotebooks(from)) {
    const assignment = basename(name, ".ipynb");
    const target = course.at("source", assignment);
    if (existsSync(target)) {
      kept.push(assignment);
      continue;
    }
    mkdirSync(target, { recursive: true });
    writeNotebook(join(target, name), readNotebook(join(from, name)));
    // Cells are compiled with the lesson's options.
    cpSync(join(from, "tsconfig.json"), join(target, "tsconfig.json"));
    added.push(assignment);
  }
  if (!isNew) Course.open(folder, root);
  return { course, added, kept };
}

/** nbgrader does not allow some characters in the name of a course. */
function courseName(folder: string): string {
  return basename(folder).replace(/[^\w-]+/g, "-") || "course";
}
