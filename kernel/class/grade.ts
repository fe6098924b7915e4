import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statfsSync, statSync } from "node:fs";
import { availableParallelism, totalmem } from "node:os";
import { join } from "node:path";
import { parseNotebook, writeFileAtomically } from "../client/notebook.ts";
import { StepError } from "../start/steps.mjs";
import type { Course } from "./course.ts";
import { lastError, type Nbgrader } from "./environment.ts";
import type { Grader } from "./grader.ts";
import { type Outcome, type StudentGrades, writeReport } from "./report.ts";
import { whyNoSandbox } from "./sandbox.ts";
import { bar, counted, openCourse, type Task } from "./task.ts";

/** Size limit of a returned notebook in bytes: a larger one is not read. */
const LARGEST = 200e6;

/** Bytes that must be free on the disk before a student is graded, and below which a failure is put down to the disk. */
const [FREE, LEAST] = [200e6, 10e6];

/** `class:grade`: grades what has been returned, each student in a separate process. */
export async function grade(task: Task): Promise<number> {
  const { root, steps, names, isolate } = task;
  const { course, nbgrader } = await openCourse(task);
  if (isolate) {
    await steps.run("isolation", () => {
      const problem = whyNoSandbox();
      if (problem === undefined) return "no network, no access to this machine's files, limits on memory and time";
      throw new StepError("students' code cannot be isolated from this machine", {
        next: "Grade on Linux, in a container or a virtual machine; or, if you trust the code, add --without-isolation.",
        detail: problem,
      });
    });
  }
  let failed = false;
  for (const assignment of course.chosen("release", names)) {
    const students = course.students(assignment).filter((name) => task.student === undefined || name === task.student);
    if (students.length === 0) {
      if (names.length > 0)
        console.log(`      ${assignment}: nothing has been returned (expected in submitted/STUDENT/${assignment}).`);
      continue;
    }
    try {
      await steps.run(assignment, (report) => gradeAssignment(task, course, nbgrader, assignment, students, report));
    } catch (error) {
      if (!(error instanceof StepError)) throw error;
      failed = true;
    }
    const grades = await nbgrader.ask<StudentGrades[]>("gradebook.py", ["grades", assignment], root, course.folder);
    const outcomes = new Map(course.students(assignment).map((name) => [name, readOutcome(course, assignment, name)]));
    try {
      const { file, lines } = writeReport(course, assignment, grades, outcomes);
      for (const line of lines) console.log(`      ${line}`);
      console.log(`      Why points were lost: ${file}`);
    } catch (error) {
      if (!isFull(error)) throw error;
      console.log(`      The report of ${assignment} could not be written: ${FULL}.`);
      failed = true;
    }
  }
  return failed ? 1 : 0;
}

/** Makes Ctrl-C and the system's signals stop the graders and print a line. @returns undoes that */
function endTidily(graders: readonly Grader[]): () => void {
  const stop = () => {
    for (const grader of graders) grader.end();
    console.log("\n      Stopped. Run the same command again: it continues where it stopped.");
    process.exit(130);
  };
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const signal of signals) process.once(signal, stop);
  return () => {
    for (const signal of signals) process.off(signal, stop);
  };
}

async function gradeAssignment(
  task: Task,
  course: Course,
  nbgrader: Nbgrader,
  assignment: string,
  students: readonly string[],
  report: (text: string) => void,
): Promise<string> {
  const lesson = digestOf(course.at("source", assignment));
  const waiting = students.filter((student) => task.again || !isGraded(course, assignment, student, lesson));
  const jobs = Math.min(jobsOf(task), waiting.length);
  const started = performance.now();
  const active = new Set<string>();
  let done = 0;
  let full = false;
  const tell = () => {
    const seconds = (performance.now() - started) / 1000;
    const left = done > 0 ? `, ${clock((seconds / done) * (waiting.length - done))} left` : "";
    report(`${bar(done / waiting.length)} ${done} of ${waiting.length}${left}  ${[...active].join(", ")}`);
  };
  const queue = [...waiting];
  const graders: Grader[] = [];
  const work = async (cores: string) => {
    const grader = nbgrader.grader(task.root, course.folder);
    graders.push(grader);
    try {
      await gradeAll(grader, cores);
    } finally {
      grader.end();
    }
  };
  const gradeAll = async (grader: Grader, cores: string) => {
    for (let student = queue.shift(); student !== undefined && !full; student = queue.shift()) {
      active.add(student);
      tell();
      try {
        const outcome = await gradeStudent(task, course, grader, cores, assignment, student);
        if (outcome.problem === FULL) full = true;
        else {
          // What nbgrader could not do is retried next time; a file that is not a notebook will not become one.
          writeOutcome(course, assignment, student, outcome.again ? outcome : { ...outcome, lesson });
          done++;
        }
      } catch (error) {
        if (!isFull(error)) throw error;
        full = true;
      }
      active.delete(student);
      tell();
    }
  };
  const remain = endTidily(graders);
  await Promise.all(shareCores(jobs).map(work)).finally(remain);
  const before = students.length - waiting.length;
  const kept = before > 0 ? `, ${before} before` : "";
  if (full) {
    throw new StepError(`the disk is full; ${done} of ${waiting.length} graded`, {
      next: "Free some space, then run the same command again: it continues where it stopped.",
    });
  }
  return `${counted(done, "student")} graded${kept}`;
}

/** How many students to grade at once: one per core, if there is enough memory. */
function jobsOf({ jobs }: Task): number {
  return jobs ?? Math.max(1, Math.min(availableParallelism(), Math.floor(totalmem() / MEMORY_EACH)));
}

/** The processors that each of several jobs has to itself, in `taskset`'s notation; empty if they are unknown. */
export function shareCores(jobs: number, allowed = allowedCores()): string[] {
  return Array.from({ length: jobs }, (_, job) => {
    const own = allowed.filter((_, i) => i % jobs === job);
    return (own.length > 0 ? own : allowed.slice(job % allowed.length, (job % allowed.length) + 1)).join(",");
  });
}

/** The processors that this process may use: in a container perhaps only some. */
function allowedCores(): number[] {
  const status = existsSync("/proc/self/status") ? readFileSync("/proc/self/status", "latin1") : "";
  const list = /^Cpus_allowed_list:\s*(\S+)$/m.exec(status)?.[1];
  return (list?.split(",") ?? []).flatMap((range) => {
    const [first = 0, last = first] = range.split("-").map(Number);
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
}

/** Bytes that grading one student may take: the limit in nbgrader_config.py, plus nbgrader itself. */
const MEMORY_EACH = 4e9;

const FULL = "the disk is full";

/** Whether a file could not be written for lack of space. */
function isFull(error: unknown): boolean {
  const { code, cause } = error as NodeJS.ErrnoException;
  return ["ENOSPC", "EDQUOT", "EFBIG"].includes(code ?? "") || (cause !== undefined && isFull(cause));
}

/** Grades one student. The outcome says what went wrong. */
async function gradeStudent(
  task: Task,
  course: Course,
  grader: Grader,
  cores: string,
  assignment: string,
  student: string,
): Promise<Outcome> {
  const started = performance.now();
  const submitted = course.at("submitted", student, assignment);
  const outcome = (problem: string): Outcome => ({
    submission: digestOf(submitted),
    seconds: (performance.now() - started) / 1000,
    problem,
  });
  if (freeBytes(course.folder) < FREE) return outcome(FULL);
  const unreadable = problemOfFiles(course, assignment, student);
  if (unreadable) return outcome(unreadable);
  // Until the new outcome is written, this student counts as not graded.
  rmSync(outcomeFile(course, assignment, student), { force: true });
  const args = [assignment, `--student=${student}`, "--force"];
  if (!task.isolate) args.push("--IsolatedKernelManager.isolate=False");
  if (cores) args.push(`--IsolatedKernelManager.cores=${cores}`);
  mkdirSync(course.at("logs", assignment), { recursive: true });
  const log = course.at("logs", assignment, `${student}.log`);
  let run = await grader.grade(args, log);
  // Two processes may try to write to the gradebook at once.
  for (let tries = 0; run.code !== 0 && /database is locked/.test(run.output) && tries < 5; tries++) {
    await new Promise((resolve) => setTimeout(resolve, 500 + 500 * tries));
    run = await grader.grade(args, log);
  }
  const { code, output } = run;
  const isDiskFull = /No space left on device|disk is full|quota exceeded/i.test(output);
  // If even the log could not be written, the output does not say so.
  if (code !== 0 && (isDiskFull || freeBytes(course.folder) < LEAST)) return outcome(FULL);
  if (code !== 0) return { ...outcome(lastError(output)), again: true };
  return outcome("");
}

/** Why a student's returned files cannot be graded; undefined if they can. */
function problemOfFiles(course: Course, assignment: string, student: string): string | undefined {
  const wanted = readdirSync(course.at("release", assignment)).filter((name) => name.endsWith(".ipynb"));
  for (const name of wanted) {
    const path = course.at("submitted", student, assignment, name);
    if (!existsSync(path)) {
      const others = readdirSync(course.at("submitted", student, assignment)).filter((file) => file.endsWith(".ipynb"));
      return `no ${name}${others.length > 0 ? `; found ${others.join(", ")}: rename it` : ""}`;
    }
    const { size } = statSync(path);
    if (size > LARGEST) return `${name} is too large (${Math.round(size / 1e6)} MB)`;
    try {
      parseNotebook(readFileSync(path, "utf8"), name);
    } catch (error) {
      return (error as Error).message;
    }
  }
  return undefined;
}

function freeBytes(folder: string): number {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
}

/** What identifies the notebooks in a folder. */
function digestOf(folder: string): string {
  const hash = createHash("sha256");
  const names = existsSync(folder) ? readdirSync(folder).sort() : [];
  for (const name of names) {
    const path = join(folder, name);
    if (!name.startsWith(".") && statSync(path).isFile()) hash.update(name).update(readFileSync(path));
  }
  return hash.digest("hex").slice(0, 16);
}

/** Next to the log: written when a student's grading is complete, so that an interrupted one is repeated. */
function outcomeFile(course: Course, assignment: string, student: string): string {
  return course.at("logs", assignment, `${student}.json`);
}

function writeOutcome(course: Course, assignment: string, student: string, outcome: Outcome): void {
  const file = outcomeFile(course, assignment, student);
  mkdirSync(course.at("logs", assignment), { recursive: true });
  writeFileAtomically(file, `${JSON.stringify(outcome, null, 2)}\n`);
}

function readOutcome(course: Course, assignment: string, student: string): Outcome | undefined {
  try {
    return JSON.parse(readFileSync(outcomeFile(course, assignment, student), "utf8")) as Outcome;
  } catch {
    return undefined; // not graded yet
  }
}

function isGraded(course: Course, assignment: string, student: string, lesson: string): boolean {
  const outcome = readOutcome(course, assignment, student);
  if (!outcome || outcome.lesson !== lesson) return false;
  if (outcome.submission !== digestOf(course.at("submitted", student, assignment))) return false;
  return outcome.problem !== "" || existsSync(course.at("autograded", student, assignment));
}

function clock(seconds: number): string {
  const total = Math.round(seconds);
  return `${Math.floor(total / 60)}:${String(total % 60).padStart(2, "0")}`;
}
