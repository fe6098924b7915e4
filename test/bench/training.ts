import { type ChildProcess, execFile, spawn } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { ROOT } from "../root.ts";
import { type BenchResult, median, result } from "./bench.ts";

const TORCH = "2.13.0";
const execute = promisify(execFile);

/** Steps as a trainer reports them, in milliseconds. */
export interface Steps {
  readonly wall: number[];
  readonly cpu: number[];
  readonly loss: number;
  /** Largest memory of the process so far, MB. */
  readonly peak: number;
  /** Memory of the process now, MB. */
  readonly rss: number;
  /** The first numbers of what was computed, to be compared. */
  readonly check?: number[];
}

/** A process that trains on request. */
export class Trainer {
  readonly #process: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  /** What it said of itself at the start. */
  hello: { parameters: number; first?: number; torch?: string; package?: string } = { parameters: 0 };

  private constructor(command: string, args: readonly string[]) {
    // Threads that wait must not spin: they would take the cores from whoever has its turn.
    const env = { ...process.env, OMP_WAIT_POLICY: "PASSIVE" };
    this.#process = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"], env });
    this.#lines = createInterface({ input: this.#process.stdout! })[Symbol.asyncIterator]();
  }

  static async start(command: string, args: readonly string[]): Promise<Trainer> {
    const trainer = new Trainer(command, args);
    trainer.hello = (await trainer.#next()) as typeof trainer.hello;
    return trainer;
  }

  /** @param toCome - how many more the process may expect, where that makes a difference to it */
  async run(steps: number, toCome = steps): Promise<Steps> {
    this.#process.stdin!.write(`${steps} ${toCome}\n`);
    return (await this.#next()) as Steps;
  }

  async #next(): Promise<unknown> {
    const { value, done } = await this.#lines.next();
    if (done) throw new Error(`the process that trains ended with code ${this.#process.exitCode}`);
    return JSON.parse(value);
  }

  close(): void {
    this.#process.stdin!.end();
  }

  /** Ends the process, and waits until its memory is free again. */
  async end(): Promise<void> {
    const ended = new Promise((resolve) => this.#process.once("exit", resolve));
    this.close();
    await ended;
  }
}

export function ours(kind: string, batch: number, threads: number): Promise<Trainer> {
  return Trainer.start(process.execPath, [
    join(import.meta.dirname, "training-ours.js"),
    kind,
    String(batch),
    String(threads),
  ]);
}

/**
 * A Python with PyTorch: that of `TORCH_PYTHON`, the system's, or one that is put into .cache/ at first use.
 *
 * @param more - further packages that it must have
 */
export async function torchPython(more: readonly string[] = []): Promise<{ python: string } | { missing: string }> {
  const folder = join(ROOT, ".cache/peers", ["torch", ...more].join("-"));
  const own = join(folder, process.platform === "win32" ? "Scripts/python.exe" : "bin/python");
  const system = process.platform === "win32" ? "python" : "python3";
  const works = async (python: string) => {
    try {
      const { stdout } = await execute(python, ["-c", `import ${["torch", ...more]}; print(torch.__version__)`]);
      return stdout.startsWith(TORCH);
    } catch {
      return false;
    }
  };
  for (const python of [process.env.TORCH_PYTHON, existsSync(own) ? own : undefined, system]) {
    if (python && (await works(python))) return { python };
  }
  try {
    mkdirSync(folder, { recursive: true });
    await execute(system, ["-m", "venv", folder]);
    await execute(own, [
      "-m",
      "pip",
      "install",
      "--quiet",
      "--disable-pip-version-check",
      `torch==${TORCH}`,
      "numpy",
      ...more,
    ]);
    if (await works(own)) return { python: own };
    return { missing: `PyTorch ${TORCH} does not start in ${folder}` };
  } catch (error) {
    const said = String((error as { stderr?: string }).stderr || error).trim();
    return { missing: `no PyTorch ${TORCH}: ${said.split("\n").at(-1)}` };
  }
}

export interface Measured {
  readonly times: BenchResult;
  /** The last answers: peaks of memory and so on. */
  readonly last: { ours: Steps; peer: Steps | null };
  readonly first: number;
  readonly peerName: string | null;
}

/**
 * Whole training steps of ours and of PyTorch's, in turns, on equal threads.
 *
 * @param rounds - turns that each gets, of `steps` steps
 */
export async function measure(
  name: string,
  kind: string,
  batch: number,
  rounds: number,
  steps: number,
  say: (line: string) => void,
): Promise<Measured> {
  const threads = Math.min(2, availableParallelism());
  const python = await torchPython();
  if ("missing" in python) say(python.missing);
  const own = await ours(kind, batch, threads);
  const script = join(ROOT, "test/bench/training-peer.py");
  const peer =
    "python" in python ? await Trainer.start(python.python, [script, kind, String(batch), String(threads)]) : null;
  try {
    if (peer && peer.hello.parameters !== own.hello.parameters) {
      throw new Error(
        `${own.hello.parameters} parameters here, ${peer.hello.parameters} in PyTorch: not the same network`,
      );
    }
    const [mine, theirs]: [number[], number[]] = [[], []];
    let last = { ours: await own.run(steps), peer: peer ? await peer.run(steps) : null };
    for (let round = 0; round < rounds; round++) {
      last = { ours: await own.run(steps), peer: peer ? await peer.run(steps) : null };
      mine.push(...last.ours.wall);
      theirs.push(...(last.peer?.wall ?? []));
      say(
        `batch ${batch}: ${median(last.ours.wall).toFixed(2)} ms${last.peer ? `, PyTorch ${median(last.peer.wall).toFixed(2)} ms` : ""}`,
      );
    }
    const peerName = peer ? `PyTorch ${peer.hello.torch}` : null;
    const against = peerName
      ? { name: peerName, value: median(theirs) }
      : { missing: (python as { missing: string }).missing };
    const note = `${threads} threads each, batch ${batch}`;
    return { times: result(name, "ms", median(mine), against, note), last, first: own.hello.first!, peerName };
  } finally {
    own.close();
    peer?.close();
  }
}
