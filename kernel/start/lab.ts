import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { closeSync, mkdirSync, openSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { delimiter, dirname } from "node:path";
import { OwnTime } from "../own-time.ts";
import { QUIET } from "../spec/quiet.ts";
import type { Place } from "./args.mjs";
import { type JupyterLab, jupyterProgram, pythonPath } from "./jupyter.ts";
import { StepError } from "./steps.mjs";

/** Milliseconds of the server's own time: a machine that is busy with other things is no broken installation. */
const START_TIMEOUT = 90_000;
const PORTS_TRIED = 50;

/** Options of {@link LabServer.start}. */
export interface LabOptions {
  jupyter: JupyterLab;
  notebook: Place;
  /** First port to try. */
  port: number;
  /** The Jupyter data folder that holds our kernelspec: searched before all others. */
  dataDir: string;
  /** Where the server's log goes. */
  logFile: string;
}

/** A JupyterLab server that we started, and how to stop it. */
export class LabServer {
  readonly port: number;
  readonly exited: Promise<void>;
  readonly #child: ChildProcess;
  readonly #token: string;
  readonly #notebook: Place;

  private constructor(child: ChildProcess, port: number, token: string, notebook: Place) {
    this.#child = child;
    this.port = port;
    this.#token = token;
    this.#notebook = notebook;
    this.exited = new Promise((resolve) => child.once("exit", () => resolve()).once("error", () => resolve()));
    // However this process ends: the server is in a group of its own, where no Ctrl-C reaches it.
    process.on("exit", () => this.kill());
  }

  /**
   * Starts a server on the first free port and waits until it answers.
   *
   * @throws StepError if it exits or does not answer; its log says why
   */
  static async start(options: LabOptions): Promise<LabServer> {
    let port = options.port;
    for (let tries = 0; tries < 3; tries++) {
      port = await findFreePort(port);
      const server = LabServer.#launch(options, port);
      if (await server.#answers()) return server;
      const isSilent = !server.#ended;
      await server.stop();
      const log = readFileSync(options.logFile, "utf8");
      if (!/port \d+ is already in use/i.test(log)) {
        const next = `The full log is in ${options.logFile}. If the environment is broken, remove the folder .venv and run npm start again to rebuild it.`;
        const what = isSilent ? `did not answer within ${START_TIMEOUT / 1000} s` : "did not start";
        throw new StepError(`JupyterLab ${what}`, {
          next: isSilent ? `Run npm start again. ${next}` : next,
          detail: log,
        });
      }
      // Somebody took the port between our look and the server's.
      port++;
    }
    throw new StepError(`all ports up to ${port} are in use`, { next: "Give another one: npm start -- --port 9000" });
  }

  static #launch({ jupyter, notebook, dataDir, logFile }: LabOptions, port: number): LabServer {
    const token = randomBytes(24).toString("hex");
    const args = [
      "--no-browser",
      `--ServerApp.port=${port}`,
      "--ServerApp.port_retries=0",
      "--ServerApp.base_url=/",
      `--ServerApp.root_dir=${notebook.folder}`,
      // Jupyter refuses root, as which a container runs; this server listens on this machine only, behind a token.
      ...(process.getuid?.() === 0 ? ["--ServerApp.allow_root=True"] : []),
    ];
    const JUPYTER_PATH = [dataDir, process.env.JUPYTER_PATH].filter(Boolean).join(delimiter);
    mkdirSync(dirname(logFile), { recursive: true });
    const log = openSync(logFile, "w");
    const child = spawn(jupyterProgram(jupyter, "jupyter-lab"), args, {
      cwd: notebook.folder,
      // The token goes through the environment, since anybody on the machine can read a command line.
      env: { ...QUIET, ...process.env, PYTHONPATH: pythonPath(), JUPYTER_PATH, JUPYTER_TOKEN: token },
      stdio: ["ignore", log, log],
      // A process group of its own: Ctrl-C reaches us alone, and stop() ends the server and its kernels in order.
      detached: process.platform !== "win32",
      windowsHide: true,
    });
    closeSync(log);
    return new LabServer(child, port, token, notebook);
  }

  /** The address that opens the notebook, with its access token. */
  get address(): string {
    const file = this.#notebook.file.split("/").map(encodeURIComponent).join("/");
    // A workspace of its own: the tabs that the user's other JupyterLab left open are not looked for here.
    return `http://localhost:${this.port}/lab/workspaces/difflab/tree/${file}?token=${this.#token}`;
  }

  /**
   * Asks the server's REST API.
   *
   * @param path - behind `/api/`
   * @throws Error if the answer is not a success
   */
  async ask(path: string, method = "GET"): Promise<unknown> {
    const headers = { authorization: `token ${this.#token}` };
    const reply = await fetch(`http://localhost:${this.port}/api/${path}`, { method, headers });
    if (!reply.ok) throw new Error(`JupyterLab: ${reply.status} for ${path}`);
    const text = await reply.text();
    return text ? JSON.parse(text) : undefined;
  }

  /** Stops the server and all kernels that it started. Safe to call again. */
  async stop(): Promise<void> {
    if (this.#ended) return;
    // Its own way out stops the kernels first, on every system.
    await this.ask("shutdown", "POST").catch(() => {});
    if (await this.#endsWithin(5_000)) return;
    this.#signal("SIGTERM");
    if (await this.#endsWithin(3_000)) return;
    this.kill();
  }

  /** Kills the server at once. */
  kill(): void {
    if (!this.#ended) this.#signal("SIGKILL");
  }

  get #ended(): boolean {
    return this.#child.pid === undefined || this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  #signal(signal: NodeJS.Signals): void {
    try {
      process.kill(process.platform === "win32" ? this.#child.pid! : -this.#child.pid!, signal);
    } catch {
      // It has ended in the meantime.
    }
  }

  async #endsWithin(milliseconds: number): Promise<boolean> {
    const late = new Promise<false>((resolve) => setTimeout(resolve, milliseconds, false).unref());
    return Promise.race([this.exited.then(() => true), late]);
  }

  async #answers(): Promise<boolean> {
    const own = new OwnTime(this.#child.pid);
    while (!this.#ended && own.milliseconds < START_TIMEOUT) {
      if (await this.ask("status").catch(() => undefined)) return true;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    return false;
  }
}

/**
 * The first free port from `from` upwards.
 *
 * @throws StepError if none of 50 is free
 */
export async function findFreePort(from: number): Promise<number> {
  for (let port = from; port < from + PORTS_TRIED && port <= 65_535; port++) {
    // "localhost" may be either; a server of somebody else's on one of them would answer in our server's place.
    if ((await isFree(port, "127.0.0.1")) && (await isFree(port, "::1"))) return port;
  }
  throw new StepError(`ports ${from} and up are in use`, { next: "Give another one: npm start -- --port 9000" });
}

function isFree(port: number, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    // A machine without IPv6 has nobody who listens there.
    server.once("error", ({ code }: NodeJS.ErrnoException) =>
      resolve(code === "EADDRNOTAVAIL" || code === "EAFNOSUPPORT"),
    );
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)));
  });
}
