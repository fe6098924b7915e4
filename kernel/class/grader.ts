import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";

/** Runs `nbgrader autograde` repeatedly without reloading nbgrader, which takes seconds: see python/grader.py. */
export class Grader {
  readonly #child: ChildProcess;
  readonly #answers: ((code: number) => void)[] = [];
  #said = "";

  /**
   * @param command - Python and the script
   * @param cwd - the course's folder
   */
  constructor(command: readonly string[], cwd: string, env: NodeJS.ProcessEnv) {
    this.#child = spawn(command[0]!, command.slice(1), { cwd, env, stdio: ["pipe", "pipe", "pipe"] });
    this.#child.stdin!.on("error", () => {}); // the exit tells
    this.#child.stderr!.setEncoding("utf8").on("data", (text: string) => {
      this.#said = (this.#said + text).slice(-4000);
    });
    createInterface({ input: this.#child.stdout! }).on("line", (line) => {
      this.#answers.shift()?.((JSON.parse(line) as { code: number }).code);
    });
    const gone = () => {
      for (const answer of this.#answers.splice(0)) answer(1);
    };
    this.#child.once("error", gone).once("close", gone);
  }

  /** Grades with these arguments. @returns the exit code and nbgrader's output */
  async grade(args: readonly string[], log: string): Promise<{ code: number; output: string }> {
    const code = await new Promise<number>((resolve) => {
      this.#answers.push(resolve);
      if (this.#child.exitCode !== null) this.#answers.pop()!(1);
      else this.#child.stdin!.write(`${JSON.stringify({ args, log })}\n`);
    });
    return { code, output: read(log) || this.#said };
  }

  /** Kills it, and with it the grading in progress. */
  end(): void {
    this.#child.kill("SIGKILL");
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
