import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { WebSocket } from "undici";
import { type CodeCell, joinText, type Notebook, tags } from "../../kernel/client/index.ts";
import { installKernelspec } from "../../kernel/spec/install.ts";
import { KERNEL_NAME } from "../../kernel/spec/kernelspec.ts";
import { ROOT } from "../root.ts";
import { type Bench, type BenchResult, median, result } from "./bench.ts";

const STUDENTS = 10;
const PORT = 18_000;
const HUB = `http://127.0.0.1:${PORT}`;
const TOKEN = "trial-of-a-class";

/** One with the tiny Stable Diffusion, and one that computes thousands of slopes. */
const NOTEBOOKS = ["00-hello", "02-gradients"];

/**
 * A class on one server: the hub of kernel/class/hub, and ten students who log in and run the same notebooks at once. Needs
 * `jupyterhub`, `jupyterhub-singleuser` and `configurable-http-proxy` on the PATH. The figure is the memory of one student:
 * JupyterLab's server, the kernel, and what the cells hold, with what they share counted once.
 */
const bench: Bench = {
  name: "class-hub",
  async run(say) {
    const missing = ["jupyterhub", "jupyterhub-singleuser", "configurable-http-proxy"].filter((name) => !onPath(name));
    if (missing.length > 0) return [result("class-hub", "MB", Number.NaN, { missing: `not on the PATH: ${missing}` })];
    const scratch = mkdtempSync(join(tmpdir(), "difflab-hub-"));
    const hub = startHub(scratch);
    try {
      await until("the hub answers", async () => (await ask("GET", "/hub/api/")).ok);
      const names = Array.from({ length: STUDENTS }, (_, i) => `student-${i + 1}`);
      await Promise.all(names.map(logIn));
      say(`class-hub: ${STUDENTS} servers run`);
      const results: BenchResult[] = [];
      for (const notebook of NOTEBOOKS) {
        const started = performance.now();
        const kernels = await Promise.all(names.map((name) => work(name, notebook)));
        const failed = kernels.flatMap(({ failures }) => failures);
        if (failed.length > 0) throw new Error(failed.join("\n"));
        const seconds = (performance.now() - started) / 1000;
        const memory = names.map((name) => memoryOf(name));
        say(`class-hub: ${notebook} in ${seconds.toFixed(0)} s; MB each: ${memory.map(Math.round).join(", ")}`);
        const missing = `${STUDENTS} students at once, ${seconds.toFixed(0)} s, largest ${Math.round(Math.max(...memory))} MB`;
        const name: string = results.length === 0 ? bench.name : `${bench.name}-${notebook}`;
        results.push(result(name, "MB", median(memory), { missing }));
        await Promise.all(kernels.map(({ end }) => end()));
      }
      return results;
    } finally {
      hub.kill("SIGINT");
      await Promise.race([new Promise((resolve) => hub.once("exit", resolve)), sleep(30_000)]);
      hub.kill("SIGKILL");
      rmSync(scratch, { recursive: true, force: true });
    }
  },
};

function onPath(name: string): boolean {
  return (process.env.PATH ?? "").split(delimiter).some((folder) => existsSync(join(folder, name)));
}

function startHub(scratch: string): ChildProcess {
  const dataDir = join(scratch, "data");
  installKernelspec({ dataDir });
  mkdirSync(join(scratch, "homes"));
  const config = join(ROOT, "kernel", "class", "hub", "jupyterhub_config.py");
  const env = {
    ...process.env,
    DIFFLAB_TRIAL: TOKEN,
    DIFFLAB_HOMES: join(scratch, "homes"),
    DIFFLAB_HUB: HUB,
    DIFFLAB_MODELS: join(scratch, "models"),
    JUPYTER_PATH: dataDir,
  };
  const hub = spawn("jupyterhub", ["-f", config, "--log-level=WARN"], {
    cwd: scratch,
    env,
    stdio: ["ignore", "inherit", "inherit"],
  });
  hub.on("error", (error) => console.error(error.message));
  return hub;
}

/** A student logs in: their server starts. */
async function logIn(name: string): Promise<void> {
  await ask("POST", `/hub/api/users/${name}`);
  await ask("POST", `/hub/api/users/${name}/server`);
  await until(`the server of ${name} runs`, async () => {
    const user = (await (await ask("GET", `/hub/api/users/${name}`)).json()) as {
      servers: Record<string, { ready: boolean }>;
    };
    return user.servers[""]?.ready ?? false;
  });
}

/** A student starts a kernel and runs a notebook from top to bottom. @returns what failed, and how to end the kernel */
async function work(name: string, notebook: string): Promise<{ failures: string[]; end: () => Promise<unknown> }> {
  const path = `lesson/${notebook}.ipynb`;
  const contents = await ask("GET", `/user/${name}/api/contents/${path}`);
  const { cells } = ((await contents.json()) as { content: Notebook }).content;
  const reply = await ask("POST", `/user/${name}/api/kernels`, { name: KERNEL_NAME, path });
  const { id } = (await reply.json()) as { id: string };
  const kernel = await RemoteKernel.connect(`/user/${name}/api/kernels/${id}/channels`);
  const failures: string[] = [];
  for (const cell of cells) {
    if (cell.cell_type !== "code") continue;
    const error = await kernel.execute(joinText(cell.source));
    if (error && !isMeant(cell)) failures.push(`${name}, cell ${cell.id}: ${error}`);
  }
  const end = async () => {
    kernel.close();
    await ask("DELETE", `/user/${name}/api/kernels/${id}`);
  };
  return { failures, end };
}

/** Errors that belong to the lesson: shown on purpose, or of an exercise that nobody has solved. */
function isMeant(cell: CodeCell): boolean {
  return tags(cell).includes("raises-exception") || cell.metadata.nbgrader !== undefined;
}

/** A kernel, over the websocket that JupyterLab uses. */
class RemoteKernel {
  readonly #socket: WebSocket;
  readonly #waiting = new Map<string, (error: string | undefined) => void>();

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener("message", ({ data }) => {
      const { channel, msg_type, parent_header, content } = JSON.parse(String(data));
      if (channel !== "shell" || msg_type !== "execute_reply") return;
      this.#waiting.get(parent_header.msg_id)?.(
        content.status === "ok" ? undefined : `${content.ename}: ${content.evalue}`,
      );
    });
    socket.addEventListener("close", () => {
      for (const done of this.#waiting.values()) done("the connection was closed");
    });
  }

  static connect(path: string): Promise<RemoteKernel> {
    const socket = new WebSocket(`${HUB.replace("http", "ws")}${path}?token=${TOKEN}`);
    return new Promise((resolve, reject) => {
      socket.addEventListener("open", () => resolve(new RemoteKernel(socket)));
      socket.addEventListener("error", () => reject(new Error(`${path}: no connection`)));
    });
  }

  execute(code: string): Promise<string | undefined> {
    const id = crypto.randomUUID();
    const header = {
      msg_id: id,
      msg_type: "execute_request",
      username: "",
      session: id,
      version: "5.4",
      date: new Date().toISOString(),
    };
    const content = {
      code,
      silent: false,
      store_history: true,
      user_expressions: {},
      allow_stdin: false,
      stop_on_error: false,
    };
    this.#socket.send(
      JSON.stringify({ channel: "shell", header, parent_header: {}, metadata: {}, content, buffers: [] }),
    );
    return new Promise((resolve) => this.#waiting.set(id, resolve));
  }

  close(): void {
    this.#waiting.clear();
    this.#socket.close();
  }
}

/** MB of all processes of one student. */
function memoryOf(name: string): number {
  const own = readdirSync("/proc").filter(
    (pid) => /^\d+$/.test(pid) && read(`/proc/${pid}/environ`).split("\0").includes(`JUPYTERHUB_USER=${name}`),
  );
  const kilobytes = own.map((pid) => Number(/^Pss:\s+(\d+)/m.exec(read(`/proc/${pid}/smaps_rollup`))?.[1] ?? 0));
  return kilobytes.reduce((a, b) => a + b, 0) / 1024;
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return ""; // it has ended
  }
}

function ask(method: string, path: string, body?: object): Promise<Response> {
  const headers = { authorization: `token ${TOKEN}`, "content-type": "application/json" };
  return fetch(HUB + path, { method, headers, ...(body && { body: JSON.stringify(body) }) });
}

const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

async function until(what: string, condition: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 600_000;
  while (!(await condition().catch(() => false))) {
    if (performance.now() > deadline) throw new Error(`class-hub: waited ten minutes until ${what}`);
    await sleep(2000);
  }
}

export default bench;
