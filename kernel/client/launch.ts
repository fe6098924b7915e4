import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { kernelJson } from "../spec/kernelspec.ts";
import { type ConnectionInfo, makeConnection, type Transport, writeConnectionFile } from "../wire/connection.ts";

/** How to start a kernel: the contents of a `kernel.json`. */
export interface KernelSpec {
  /** Command and arguments; `{connection_file}` and `{resource_dir}` are filled in. */
  argv: string[];
  display_name?: string;
  language?: string;
  /** How to interrupt: a message on the control channel, or SIGINT (Jupyter's default). */
  interrupt_mode?: "message" | "signal";
  env?: Record<string, string>;
}

/** A kernel could not be started, or ended while somebody was waiting for it. */
export class KernelDiedError extends Error {
  override name = "KernelDiedError";
}

/**
 * Reads the kernelspec in a folder.
 *
 * @param folder - holds `kernel.json`
 * @throws Error if it is missing, not JSON, or has no argv with `{connection_file}`
 */
export function readKernelSpec(folder: string): KernelSpec {
  const path = join(folder, "kernel.json");
  let spec: KernelSpec;
  try {
    spec = JSON.parse(readFileSync(path, "utf8"));
  } catch (cause) {
    const why = (cause as NodeJS.ErrnoException).code === "ENOENT" ? "no such file" : (cause as Error).message;
    throw new Error(`kernelspec ${path}: ${why}. Give the folder of an installed kernel (jupyter kernelspec list).`, {
      cause,
    });
  }
  const argv: unknown = spec?.argv;
  if (!Array.isArray(argv) || argv.length === 0 || !argv.every((word) => typeof word === "string")) {
    throw new Error(`kernelspec ${path}: argv is ${JSON.stringify(argv)}, expected a list of strings.`);
  }
  if (!argv.some((word) => word.includes("{connection_file}"))) {
    throw new Error(`kernelspec ${path}: argv has no "{connection_file}", so the kernel cannot learn its sockets.`);
  }
  return { ...spec, argv: argv.map((word) => word.replaceAll("{resource_dir}", folder)) };
}

/** Options of {@link KernelProcess.start}. */
export interface LaunchOptions {
  /** A kernelspec, or the folder of one; default: this package's kernel. */
  spec?: KernelSpec | string | undefined;
  /** Folder in which the kernel runs; default: the current one. */
  cwd?: string | undefined;
  env?: Record<string, string> | undefined;
  transport?: Transport | undefined;
}

/** How a kernel's process ended. */
export interface KernelExit {
  code: number | null;
  signal: NodeJS.Signals | null;
  /** The end of what it wrote to stdout and stderr. */
  lastWords: string;
}

const LAST_WORDS = 4_000;
const running = new Set<KernelProcess>();
process.on("exit", () => {
  for (const kernel of running) {
    kernel.kill();
    kernel.cleanUp();
  }
});

/** A kernel's process and its connection file; can be started again on the same sockets. */
export class KernelProcess {
  readonly spec: KernelSpec;
  readonly connection: ConnectionInfo;
  readonly connectionFile: string;
  /** Resolves when the current process has ended. */
  exited!: Promise<KernelExit>;
  readonly #options: LaunchOptions;
  #child!: ChildProcess;
  #exit: KernelExit | undefined;

  private constructor(spec: KernelSpec, connection: ConnectionInfo, file: string, options: LaunchOptions) {
    this.spec = spec;
    this.connection = connection;
    this.connectionFile = file;
    this.#options = options;
  }

  /** Starts a kernel; its sockets may take a moment longer. A command that cannot be run shows in `exited`. */
  static async start(options: LaunchOptions = {}): Promise<KernelProcess> {
    const spec = typeof options.spec === "string" ? readKernelSpec(options.spec) : (options.spec ?? kernelJson());
    const connection = await makeConnection({ transport: options.transport ?? "tcp" });
    const file = join(mkdtempSync(join(tmpdir(), "difflab-kernel-")), "connection.json");
    writeConnectionFile(file, connection);
    const kernel = new KernelProcess(spec, connection, file, options);
    kernel.launch();
    return kernel;
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** How the process ended; undefined while it runs. */
  get exit(): KernelExit | undefined {
    return this.#exit;
  }

  /** Starts the process (again). */
  launch(): void {
    const [command, ...args] = this.spec.argv.map((word) => word.replaceAll("{connection_file}", this.connectionFile));
    const child = spawn(command!, args, {
      cwd: this.#options.cwd,
      // A kernel that loses its parent should end by itself: Jupyter's variable for that.
      env: { ...process.env, ...this.spec.env, ...this.#options.env, JPY_PARENT_PID: String(process.pid) },
      // A process group of its own: Ctrl-C in this terminal is for the client, and kill() takes its children along.
      detached: process.platform !== "win32",
      stdio: ["ignore", "pipe", "pipe"],
    });
    let words = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        words = (words + text).slice(-LAST_WORDS);
      });
    }
    this.#child = child;
    this.#exit = undefined;
    running.add(this);
    this.exited = new Promise((resolve) => {
      const end = (code: number | null, signal: NodeJS.Signals | null, text: string) => {
        const exit = { code, signal, lastWords: text.trim() };
        if (this.#child === child) {
          this.#exit = exit;
          running.delete(this);
        }
        resolve(exit);
      };
      child.once("error", (error) => end(null, null, `${command}: ${error.message}`));
      // "exit" may come before the last output; "close" may never come where a grandchild holds the pipe.
      child.once("exit", (code, signal) => setTimeout(() => end(code, signal, words), 20));
    });
  }

  /** Sends SIGINT, as a front end does whose kernel has the interrupt mode "signal". */
  interrupt(): void {
    this.#signal("SIGINT");
  }

  /** Kills the process and its children at once. */
  kill(): void {
    this.#signal("SIGKILL");
  }

  /** Removes the connection file (and, for ipc, the folder of the sockets). */
  cleanUp(): void {
    rmSync(dirname(this.connectionFile), { recursive: true, force: true });
    if (this.connection.transport === "ipc") rmSync(dirname(this.connection.ip), { recursive: true, force: true });
  }

  #signal(signal: NodeJS.Signals): void {
    const pid = this.#child.pid;
    if (pid === undefined || this.#exit) return;
    try {
      process.kill(process.platform === "win32" || signal === "SIGINT" ? pid : -pid, signal);
    } catch {
      // It has ended in the meantime.
    }
  }
}

/** "exit code 1" or "signal SIGKILL", with the end of the output if there is any. */
export function describeExit(exit: KernelExit): string {
  const how = exit.signal ? `signal ${exit.signal}` : exit.code === null ? "could not start" : `exit code ${exit.code}`;
  return exit.lastWords ? `${how}. Its last output:\n${exit.lastWords}` : how;
}
