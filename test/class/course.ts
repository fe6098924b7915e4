import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { type Notebook, readNotebook, writeNotebook } from "../../kernel/client/index.ts";
import { output } from "../kernel/support/python.ts";
import { ROOT } from "../root.ts";
import { type Returned, returnedNotebooks } from "./returned.ts";

/** Whether there is an nbgrader to test with: it is not installed for that. */
export function hasNbgrader(): boolean {
  const places = [join(ROOT, ".venv", "bin"), ...(process.env.PATH ?? "").split(delimiter)];
  return process.platform === "linux" && places.some((place) => existsSync(join(place, "nbgrader")));
}

/** A course on disk, and the commands that a teacher types. */
export class CourseUnderTest {
  readonly folder: string;
  /** What the commands find in their environment. */
  readonly env: Record<string, string>;

  /** @param scratch - an empty folder of the test's own */
  constructor(scratch: string) {
    this.folder = join(scratch, "course");
    // The kernelspec goes to a folder of the test's own, too.
    this.env = { JUPYTER_DATA_DIR: join(scratch, "data"), INIT_CWD: scratch };
  }

  at(...path: string[]): string {
    return join(this.folder, ...path);
  }

  /** `npm run class:COMMAND -- FOLDER ARGS`. */
  run(command: string, ...args: string[]) {
    const program = join(ROOT, "dist/kernel/class/main.js");
    return output(process.execPath, [program, command, this.folder, ...args], { env: this.env, timeout: 3_000_000 });
  }

  /** A new course that holds these assignments and no others. */
  async create(assignments: Record<string, Notebook>): Promise<void> {
    const { code, stdout, stderr } = await this.run("new");
    if (code !== 0) throw new Error(stdout + stderr);
    rmSync(this.at("source"), { recursive: true });
    for (const [name, notebook] of Object.entries(assignments)) this.write(name, notebook);
  }

  write(name: string, notebook: Notebook): void {
    mkdirSync(this.at("source", name), { recursive: true });
    writeNotebook(this.at("source", name, `${name}.ipynb`), notebook);
  }

  source(name: string): Notebook {
    return readNotebook(this.at("source", name, `${name}.ipynb`));
  }

  released(name: string): Notebook {
    return readNotebook(this.at("release", name, `${name}.ipynb`));
  }

  /** Puts returned notebooks into a folder as they would come from students. @returns it */
  returned(name: string, kinds?: readonly string[]): { folder: string; all: Returned[] } {
    const folder = join(this.folder, "..", `returned-${name}`);
    mkdirSync(folder, { recursive: true });
    const all = returnedNotebooks(this.released(name), this.source(name)).filter(
      ({ kind }) => !kinds || kinds.includes(kind),
    );
    for (const { kind, text } of all) writeFileSync(join(folder, `${kind}_${name}.ipynb`), text);
    return { folder, all };
  }

  /** What the report says of one student: the row of the table, and the lines below their name. */
  report(name: string, student: string): { row: string; text: string } {
    const whole = readFileSync(this.at("reports", `${name}.md`), "utf8");
    const row = whole.split("\n").find((line) => line.startsWith(`| ${student} |`)) ?? "";
    const section = whole.split(/^## /m).find((part) => part.startsWith(`${student}\n`)) ?? "";
    return { row, text: `${row}\n${section}` };
  }
}
