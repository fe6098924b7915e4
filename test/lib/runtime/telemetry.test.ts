import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { KernelClient } from "../../../kernel/client/index.ts";
import { ROOT } from "../../root.ts";

const folder = mkdtempSync(join(tmpdir(), "telemetry-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const library = JSON.stringify(pathToFileURL(join(ROOT, "dist/lib/index.js")).href);
const COMPUTE = `import { tensor } from ${library}; console.log(await tensor([1]).add(1).item());`;
/** onnxruntime sends its first events some seconds after it was loaded: until one of the programs is seen to. */
const done = join(folder, "done");
const STAY = `
  const { existsSync } = await import("node:fs");
  while (!existsSync(${JSON.stringify(done)})) await new Promise((resolve) => setTimeout(resolve, 200));`;

/** The tests' own setting, and what tells onnxruntime that it runs in CI: there it sends nothing, whoever asks. */
const UNSET = [
  ..."ORT_DISABLE_TELEMETRY CI TF_BUILD GITHUB_ACTIONS GITLAB_CI CIRCLECI TRAVIS JENKINS_URL".split(" "),
  ..."CODEBUILD_BUILD_ID BUILDKITE TEAMCITY_VERSION APPVEYOR BITBUCKET_BUILD_NUMBER".split(" "),
];

/** A home, a temporary folder and a proxy for everything that a program may write and whom it may call. */
class Surroundings {
  readonly env: Record<string, string>;
  readonly calls: string[] = [];
  readonly #folder: string;
  readonly #server = createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", (data) => {
      this.calls.push(data.toString("latin1").split("\r\n", 1)[0]!);
      socket.destroy();
    });
  });

  private constructor(name: string) {
    this.#folder = join(folder, name);
    const place = (part: string) => {
      mkdirSync(join(this.#folder, part), { recursive: true });
      return join(this.#folder, part);
    };
    this.env = { HOME: place("home"), XDG_CACHE_HOME: place("cache"), TMPDIR: place("tmp") };
  }

  static async make(name: string, env: Record<string, string> = {}): Promise<Surroundings> {
    const made = new Surroundings(name);
    await new Promise<void>((resolve) => made.#server.listen(0, "127.0.0.1", resolve));
    const proxy = `http://127.0.0.1:${(made.#server.address() as { port: number }).port}`;
    Object.assign(made.env, { HTTPS_PROXY: proxy, https_proxy: proxy, ALL_PROXY: proxy, NO_PROXY: "", ...env });
    return made;
  }

  get files(): string[] {
    return readdirSync(this.#folder, { recursive: true, withFileTypes: true })
      .filter((entry) => !entry.isDirectory())
      .map((entry) => entry.name);
  }

  /** Runs a module that was written for it, and returns what it printed. */
  run(code: string, extra: Record<string, string> = {}): Promise<string> {
    for (const [name, text] of Object.entries(extra)) writeFileSync(join(folder, name), text);
    const main = join(folder, `${Math.random()}.mjs`);
    writeFileSync(main, code);
    const child = spawn(process.execPath, [main], { env: { ...process.env, ...this.env }, cwd: this.env.TMPDIR });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (output += text));
    return new Promise((resolve) => child.once("close", () => resolve(output)));
  }

  close(): void {
    this.#server.close();
  }
}

describe("onnxruntime's telemetry", () => {
  const places: Record<string, Surroundings> = {};
  const printed: Record<string, string> = {};

  beforeAll(async () => {
    for (const name of UNSET) vi.stubEnv(name, undefined);
    const thread = `import { Worker } from "node:worker_threads"; new Worker(new URL("./thread.mjs", import.meta.url)); ${STAY}`;
    const runs: Record<string, (place: Surroundings) => Promise<string>> = {
      script: (place) => place.run(COMPUTE + STAY),
      thread: (place) => place.run(thread, { "thread.mjs": COMPUTE }),
      cell: async (place) => {
        const kernel = await KernelClient.start({ cwd: ROOT, env: place.env });
        let text = "";
        const code = `import { tensor } from "difflab"; console.log(await tensor([1]).add(1).item()); ${STAY}`;
        await kernel.execute(code, { onOutput: ({ content }) => (text += content.text ?? "") }).done;
        await kernel.shutdown();
        return text;
      },
      wanted: (place) => place.run(COMPUTE + STAY),
    };
    const running = Promise.all(
      Object.entries(runs).map(async ([name, run]) => {
        const place = await Surroundings.make(name, name === "wanted" ? { ORT_DISABLE_TELEMETRY: "0" } : {});
        places[name] = place;
        printed[name] = await run(place);
      }),
    );
    const limit = Date.now() + (process.platform === "linux" ? 30_000 : 2_000);
    while (Date.now() < limit && !places.wanted?.calls.length) await new Promise((resolve) => setTimeout(resolve, 200));
    // The others began at about the same time.
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    writeFileSync(done, "");
    await running;
  });
  afterAll(() => {
    vi.unstubAllEnvs();
    for (const place of Object.values(places)) place.close();
  });

  for (const [name, what] of [
    ["script", "a program that uses the library"],
    ["thread", "a program that uses the library in a worker thread alone"],
    ["cell", "a cell of a notebook"],
  ] as const) {
    it(`${what} leaves no file and calls nobody`, () => {
      expect(printed[name]).toBe("2\n");
      expect(places[name]!.files).toEqual([]);
      expect(places[name]!.calls).toEqual([]);
    });
  }

  // What the tests above would see.
  it.runIf(process.platform === "linux")("a user who asks for it gets it", () => {
    expect(printed.wanted).toBe("2\n");
    expect(places.wanted!.files).toContain("deviceid");
    expect(places.wanted!.calls.join()).toMatch(/^CONNECT .*microsoft/);
    expect(existsSync(join(places.wanted!.env.HOME!, ".cache"))).toBe(false);
  });
});
