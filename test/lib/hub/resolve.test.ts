import { execFile } from "node:child_process";
import { lstat, mkdir, mkdtemp, readdir, readFile, readlink, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { build } from "esbuild";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { RepoCache } from "../../../lib/hub/cache.ts";
import { downloadBlob } from "../../../lib/hub/download.ts";
import { type FileProgress, HubError, hubFile, type ResolveOptions, resolveFiles } from "../../../lib/hub/index.ts";
import { FakeHub, hashOf, noise } from "./fake-hub.ts";

// Waits between tries, which nobody wants to sit through: their lengths are noted and they end soon.
const waits = vi.hoisted(() => [] as number[]);
vi.mock("node:timers/promises", async (original) => {
  const real = await original<typeof import("node:timers/promises")>();
  return {
    ...real,
    setTimeout: (ms: number, ...rest: [unknown?, object?]) => {
      waits.push(ms);
      return real.setTimeout(Math.min(ms, 20), ...rest);
    },
  };
});

const PIPELINE = {
  "README.md": "# A model",
  "model_index.json": JSON.stringify({
    _class_name: "StableDiffusionPipeline",
    unet: ["diffusers", "UNet2DConditionModel"],
    tokenizer: ["transformers", "CLIPTokenizer"],
    safety_checker: ["stable_diffusion", "StableDiffusionSafetyChecker"],
    feature_extractor: [null, null],
    requires_safety_checker: true,
  }),
  "v1-5-pruned.safetensors": noise(9000, 9),
  "v1-5-pruned.ckpt": noise(3000, 8),
  "unet/config.json": '{"in_channels": 4}',
  "unet/diffusion_pytorch_model.safetensors": noise(300_000, 1),
  "unet/diffusion_pytorch_model.fp16.safetensors": noise(150_000, 2),
  "unet/diffusion_pytorch_model.non_ema.safetensors": noise(5000, 3),
  "unet/diffusion_pytorch_model.bin": noise(4000, 4),
  "unet/diffusion_flax_model.msgpack": noise(4000, 5),
  "tokenizer/vocab.json": "{}",
  "tokenizer/merges.txt": "#version: 0.2\n",
  "safety_checker/config.json": "{}",
  "safety_checker/model.safetensors": noise(4000, 6),
};
const ID = "models/org/sd";
const UNET = "unet/diffusion_pytorch_model.safetensors";

let hub: FakeHub;
let cacheDir: string;
let commit: string;
beforeEach(async () => {
  vi.stubEnv("HF_TOKEN", "");
  vi.stubEnv("HF_HOME", join(tmpdir(), "difflab-no-such-home"));
  vi.stubEnv("HF_HUB_OFFLINE", "");
  cacheDir = await mkdtemp(join(tmpdir(), "difflab-hub-"));
  hub = await new FakeHub().start();
  commit = hub.put(ID, PIPELINE);
});
afterEach(async () => {
  await hub.stop();
  await rm(cacheDir, { recursive: true, force: true });
  vi.unstubAllEnvs();
});
const load = (more: ResolveOptions = {}) =>
  resolveFiles("org/sd", { hubUrl: hub.url, cacheDir, onProgress: null, ...more });
/** Compared here: an assertion that walks through 300,000 bytes takes a second. */
const isUnet = async (path: string) => (await readFile(path)).equals(PIPELINE[UNET]);
const downloads = () => hub.requests.filter((request) => /^GET \/.*(resolve|\?for=)/.test(request));

describe("resolveFiles", () => {
  test("brings what a pipeline needs and nothing beside it", async () => {
    const found = await load();
    expect([...found.files.keys()].sort()).toEqual([
      "model_index.json",
      "safety_checker/config.json",
      "safety_checker/model.safetensors",
      "tokenizer/merges.txt",
      "tokenizer/vocab.json",
      "unet/config.json",
      UNET,
    ]);
    expect(found.commit).toBe(commit);
    expect(found.weights("unet")).toBe(join(found.folder, UNET));
    expect(await isUnet(found.weights("unet"))).toBe(true);
    expect(await found.json("unet/config.json")).toEqual({ in_channels: 4 });
    expect(() => found.path("vae/config.json")).toThrow("there is no vae/config.json");
    const small = await load({ exclude: ["safety_checker"], cacheDir: join(cacheDir, "other") });
    expect([...small.files.keys()].filter((name) => name.startsWith("safety"))).toEqual([]);
  });

  test("lays the cache out as Python's library does", async () => {
    await load();
    const folder = join(cacheDir, "models--org--sd");
    expect(await readFile(join(folder, "refs/main"), "utf8")).toBe(commit);
    const pointer = join(folder, "snapshots", commit, UNET);
    expect((await lstat(pointer)).isSymbolicLink()).toBe(true);
    expect(await readlink(pointer)).toBe(`../../../blobs/${hashOf(PIPELINE[UNET])}`);
    const blobs = await readdir(join(folder, "blobs"));
    // Two of the seven files have the same contents.
    expect(blobs).toHaveLength(6);
    expect(blobs).toContain(hashOf(Buffer.from(PIPELINE["unet/config.json"])));
    expect(blobs.filter((name) => name.includes("incomplete"))).toEqual([]);
  });

  test("takes the weights of a variant, and the plain ones where a folder has none", async () => {
    const found = await load({ variant: "fp16" });
    expect(found.weights("unet")).toMatch(/diffusion_pytorch_model\.fp16\.safetensors$/);
    expect(found.weights("safety_checker")).toMatch(/\/model\.safetensors$/);
    expect(found.files.has(UNET)).toBe(false);
    await expect(load({ variant: "fp8" })).rejects.toThrow(
      'hub: org/sd: no weights of the variant "fp8"; it has the plain one, "fp16", "non_ema"',
    );
  });

  test("takes weights that are split into several files, with their index", async () => {
    hub.put("models/org/clip", {
      "config.json": "{}",
      "model-00001-of-00002.safetensors": noise(3000, 1),
      "model-00002-of-00002.safetensors": noise(3000, 2),
      "model.safetensors.index.json": "{}",
      "model.fp16-00001-of-00002.safetensors": noise(2500, 3),
      "model.fp16-00002-of-00002.safetensors": noise(2500, 4),
      "model.safetensors.index.fp16.json": "{}",
      "pytorch_model.bin.index.json": "{}",
    });
    const plain = await resolveFiles("org/clip", { hubUrl: hub.url, cacheDir, onProgress: null });
    expect([...plain.files.keys()].sort()).toEqual([
      "config.json",
      "model-00001-of-00002.safetensors",
      "model-00002-of-00002.safetensors",
      "model.safetensors.index.json",
    ]);
    expect(plain.weights()).toMatch(/model\.safetensors\.index\.json$/);
    const half = await resolveFiles("org/clip", { hubUrl: hub.url, cacheDir, onProgress: null, variant: "fp16" });
    expect(half.weights()).toMatch(/model\.safetensors\.index\.fp16\.json$/);
    expect(half.files.size).toBe(4);
  });

  test("takes a subfolder, files by name and files by pattern", async () => {
    const unet = await load({ subfolder: "unet" });
    expect([...unet.files.keys()]).toEqual(["config.json", "diffusion_pytorch_model.safetensors"]);
    expect(unet.weights()).toBe(join(cacheDir, "models--org--sd/snapshots", commit, UNET));
    const named = await load({ files: ["unet/diffusion_pytorch_model.bin"] });
    expect(await readFile(named.path("unet/diffusion_pytorch_model.bin"))).toEqual(
      PIPELINE["unet/diffusion_pytorch_model.bin"],
    );
    const matched = await load({ patterns: ["tokenizer/*", "**/config.json", "unet/*.bin"] });
    expect([...matched.files.keys()]).toEqual([
      "unet/config.json",
      "tokenizer/vocab.json",
      "tokenizer/merges.txt",
      "safety_checker/config.json",
    ]);
    await expect(load({ files: ["nope.json"] })).rejects.toThrow(
      "hub: org/sd: has no nope.json. It has README.md, model_index.json, v1-5-pruned.safetensors",
    );
  });

  test("says that weights are there as pickles only", async () => {
    hub.put("models/org/old", { "config.json": "{}", "pytorch_model.bin": noise(3000) });
    await expect(resolveFiles("org/old", { hubUrl: hub.url, cacheDir })).rejects.toThrow(
      /org\/old: its only weights are pytorch_model\.bin.*can run arbitrary code.*revision/,
    );
  });

  test("refuses a pipeline where one model is wanted, before any weights come", async () => {
    const wanted = { model: "UNet2DConditionModel" };
    const refused = /org\/sd: holds a pipeline, expected one model\. Name its folder: { subfolder: "unet" }\.$/;
    await expect(load(wanted)).rejects.toThrow(refused);
    expect(downloads().map((request) => request.split("/").at(-1))).toEqual(["model_index.json"]);
    await load();
    await expect(load({ ...wanted, localFilesOnly: true })).rejects.toThrow(refused);
    expect((await load({ ...wanted, subfolder: "unet" })).weights()).toMatch(/unet.diffusion_pytorch_model/);
  });

  test("reads a folder on disk the same way", async () => {
    const folder = join(cacheDir, "saved");
    for (const [name, contents] of Object.entries(PIPELINE)) {
      await mkdir(join(folder, name, ".."), { recursive: true });
      await writeFile(join(folder, name), contents);
    }
    const found = await resolveFiles(folder, { exclude: ["safety_checker"] });
    expect([...found.files.keys()].sort()).toEqual([
      "model_index.json",
      "tokenizer/merges.txt",
      "tokenizer/vocab.json",
      "unet/config.json",
      UNET,
    ]);
    expect(found.commit).toBeUndefined();
    expect((await resolveFiles(folder, { subfolder: "unet" })).weights()).toBe(join(folder, UNET));
    await expect(resolveFiles(join(folder, "nope"))).rejects.toThrow(
      /no folder .*nope; expected a folder, or a repository/,
    );
    await expect(resolveFiles("./nope")).rejects.toThrow("no folder");
    await expect(resolveFiles("")).rejects.toThrow('expected a folder or a repository such as "org/name"');
  });

  test("downloads nothing twice, notices a new commit, and needs no hub after the first time", async () => {
    await load();
    hub.requests = [];
    await load();
    expect(downloads()).toEqual([]);
    const next = hub.put(ID, { ...PIPELINE, "unet/config.json": '{"in_channels": 9}' });
    hub.requests = [];
    const found = await load();
    expect(found.commit).toBe(next);
    expect(await found.json("unet/config.json")).toEqual({ in_channels: 9 });
    // The contents that did not change are not fetched again.
    expect(downloads().map((request) => request.split("/").at(-1))).toEqual(["config.json"]);
    expect((await load({ revision: commit, localFilesOnly: true })).commit).toBe(commit);
    await hub.stop();
    expect((await load()).commit).toBe(next);
    expect((await load({ localFilesOnly: true })).weights("unet")).toBe(found.weights("unet"));
    vi.stubEnv("HF_HUB_OFFLINE", "1");
    expect((await load()).commit).toBe(next);
    await expect(load({ revision: "other" })).rejects.toThrow(/org\/sd@other is not in the cache .*HF_HUB_OFFLINE/);
  });

  test("asks nothing where every file of a commit is there already", async () => {
    await load({ revision: commit, files: ["unet/config.json"] });
    hub.requests = [];
    await load({ revision: commit, files: ["unet/config.json"] });
    expect(hub.requests).toEqual([]);
  });

  test("tells how far each file is", async () => {
    const seen: FileProgress[] = [];
    await load({ onProgress: (progress) => seen.push(progress) });
    const unet = seen.filter(({ file }) => file === UNET);
    expect(unet[0]).toEqual({ file: UNET, loaded: 0, total: 300_000 });
    expect(unet.at(-1)).toEqual({ file: UNET, loaded: 300_000, total: 300_000 });
    expect(unet.every(({ loaded }, i) => i === 0 || loaded >= unet[i - 1]!.loaded)).toBe(true);
  });

  test("goes on where a connection broke, within a call and in the next one", async () => {
    const ranges: (string | undefined)[] = [];
    hub.fault = (request, range) => {
      if (!request.includes("?for=unet")) return undefined;
      ranges.push(range);
      return ranges.length <= 3 ? { breakAfter: 50_000 } : undefined;
    };
    const options = { files: [UNET] };
    expect(await isUnet((await load(options)).path(UNET))).toBe(true);
    expect(ranges).toEqual([undefined, "bytes=50000-", "bytes=100000-", "bytes=150000-"]);

    // A call that is stopped leaves what came.
    const other = { ...options, cacheDir: join(cacheDir, "other") };
    const stop = new AbortController();
    let came = 0;
    hub.fault = (request) => (request.includes("?for=unet") ? { breakAfter: 120_000 } : undefined);
    const stopped = load({
      ...other,
      signal: stop.signal,
      onProgress: ({ loaded }) => {
        came = loaded;
        if (loaded >= 120_000) stop.abort(new Error("enough"));
      },
    });
    await expect(stopped).rejects.toThrow("enough");
    await expect(load({ ...other, localFilesOnly: true })).rejects.toThrow("is not in the cache");
    const again: (string | undefined)[] = [];
    hub.fault = (request, range) => void (request.includes("?for=unet") && again.push(range));
    expect(await isUnet((await load(other)).path(UNET))).toBe(true);
    expect(again).toEqual([`bytes=${came}-`]);
  });

  test("starts again where the server knows no ranges, or what was kept is bad", async () => {
    let tries = 0;
    hub.fault = (request) => {
      if (!request.includes("?for=unet")) return undefined;
      return ++tries === 1 ? { breakAfter: 1000 } : { noRange: true };
    };
    expect(await isUnet((await load({ files: [UNET] })).path(UNET))).toBe(true);

    const bad = join(cacheDir, "bad");
    await mkdir(join(bad, "models--org--sd/blobs"), { recursive: true });
    await writeFile(
      join(bad, "models--org--sd/blobs", `${hashOf(PIPELINE[UNET])}.difflab.incomplete`),
      noise(5000, 77),
    );
    hub.fault = () => undefined;
    const found = await load({ files: [UNET], cacheDir: bad });
    expect(await isUnet(found.path(UNET))).toBe(true);
  });

  test("gives up on a connection that keeps breaking, and keeps no file that looks whole", async () => {
    hub.fault = (request) => (request.includes("?for=unet") ? { breakAfter: 0 } : undefined);
    await expect(load({ files: [UNET] })).rejects.toThrow(
      /org\/sd\/unet\/.*: no answer from .*no complete copy in the cache\. The part already downloaded is kept; try again/,
    );
    await expect(load({ files: [UNET], localFilesOnly: true })).rejects.toThrow("is not in the cache");
  });

  test("makes a connection anew that falls silent", async () => {
    const ranges: (string | undefined)[] = [];
    hub.fault = (_, range) => {
      ranges.push(range);
      return ranges.length === 1 ? { stallAfter: 40_000 } : undefined;
    };
    const cache = new RepoCache(cacheDir, "model", "org/sd");
    const file = { path: UNET, size: 300_000, hash: hashOf(PIPELINE[UNET]) };
    await downloadBlob(cache, file, { url: `${hub.cdnUrl}/${file.hash}`, what: "unet", fetch, stallMs: 200 });
    expect(await isUnet(cache.blob(file.hash))).toBe(true);
    expect(ranges).toEqual([undefined, "bytes=40000-"]);
  });

  test("refuses contents of a wrong length or with a wrong hash", async () => {
    hub.fault = (request) => (request.includes("?for=unet") ? { contents: noise(1234) } : undefined);
    await expect(load({ files: [UNET] })).rejects.toThrow(
      /got 1234 bytes, but the hub lists 300000\. Try again; a proxy/,
    );
    hub.fault = (request) => (request.includes("?for=unet") ? { contents: noise(300_000, 55) } : undefined);
    await expect(load({ files: [UNET] })).rejects.toThrow(
      /the download is not the expected file \(its hash is not [0-9a-f]{64}\)/,
    );
    hub.fault = (request) => (request.endsWith("unet/config.json") ? { contents: Buffer.from("{}") } : undefined);
    await expect(load({ files: ["unet/config.json"] })).rejects.toThrow("got 2 bytes, but the hub lists 18");
    hub.fault = () => undefined;
    expect(await isUnet((await load({ files: [UNET] })).path(UNET))).toBe(true);
  });

  test("tries again where the hub is busy, waits as long as it asks, and gives up at last", async () => {
    let refused = 0;
    const busy = (seconds: string) => ({ status: refused === 1 ? 429 : 502, headers: { "retry-after": seconds } });
    hub.fault = () => (++refused <= 2 ? busy(refused === 1 ? "2" : "0") : undefined);
    waits.length = 0;
    expect((await load({ files: ["unet/config.json"] })).commit).toBe(commit);
    expect(waits).toEqual([2000, 1000]);
    hub.fault = () => ({ status: 503, headers: { "retry-after": "86400" } });
    waits.length = 0;
    await expect(load({ files: [UNET] })).rejects.toThrow(/answered 503\. Try again later\./);
    expect(waits).toEqual([10_000, 10_000, 10_000]);
    expect((await load({ files: ["unet/config.json"] })).commit).toBe(commit);
  });

  test("says what to do where the hub refuses", async () => {
    const failing = async (status: number, code: string, error: string, options: ResolveOptions = {}) => {
      hub.fault = () => ({ status, headers: { "x-error-code": code }, body: JSON.stringify({ error }) });
      return load(options).then(
        () => "loaded",
        (error: unknown) => `${(error as HubError).kind}: ${(error as HubError).message}`,
      );
    };
    expect(await failing(401, "GatedRepo", "Access to model org/sd is restricted.")).toMatch(
      /^refused: hub: org\/sd: .* answered 401\. Accept the licence on its page, then set HF_TOKEN\. \(The page is http.*\/org\/sd;/,
    );
    expect(await failing(403, "GatedRepo", "not in the authorized list", { token: "hf_good" })).toContain(
      "then use a token of an account that has access",
    );
    expect(await failing(401, "", "Invalid credentials", { token: "hf_bad" })).toContain("The token is not valid");
    expect(await failing(401, "RepoNotFound", "")).toMatch(/^missing: .*No repository org\/sd, or it is private/);
    expect(await failing(404, "RevisionNotFound", "", { revision: "nope" })).toMatch(/org\/sd@nope.*no such revision/);
    expect(await failing(418, "", "I am a teapot")).toMatch(/^status: .* answered 418: I am a teapot/);
    hub.fault = () => undefined;
    await expect(resolveFiles("org/none", { hubUrl: hub.url, cacheDir })).rejects.toThrow("No repository org/none");
    await expect(load({ revision: "nope" })).rejects.toThrow("There is no such revision.");
  });

  test("sends the token to the hub and to no other host, and never shows it", async () => {
    await load({ token: "hf_secretsecret", files: [UNET] });
    const toCdn = hub.requests.filter((request) => request.includes("?for="));
    expect(toCdn).toHaveLength(1);
    expect(toCdn[0]).not.toContain("hf_secret");
    expect(hub.requests.filter((request) => request.endsWith("Bearer hf_secretsecret")).length).toBeGreaterThan(2);
    hub.fault = () => ({ status: 418, body: JSON.stringify({ error: "bad token hf_secretsecret" }) });
    const error = await load({ token: "hf_secretsecret" }).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(HubError);
    const { inspect } = await import("node:util");
    expect((error as Error).message).toContain("bad token hf_***");
    expect((error as Error).message + (error as Error).stack).not.toContain("secretsecret");
    await expect(load({ token: "hf_two lines" })).rejects.toThrow("the token contains spaces");
    expect(inspect(await load({ token: "hf_secretsecret", localFilesOnly: true, files: [UNET] }))).not.toContain(
      "secret",
    );
  });

  test("refuses names that lead out of the cache", async () => {
    hub.put(ID, { "../../evil.json": "{}", "config.json": "{}" });
    await expect(load()).rejects.toThrow('the name "../../evil.json" points outside its folder');
    await expect(load({ revision: "../../x", localFilesOnly: true })).rejects.toThrow("points outside its folder");
    await expect(load({ subfolder: "../x" })).rejects.toThrow("points outside its folder");
  });

  test("finds one file of a data set", async () => {
    const data = hub.put("datasets/org/digits", { "data/test.parquet": noise(4000) });
    const path = await hubFile("org/digits", "data/test.parquet", { repoType: "dataset", hubUrl: hub.url, cacheDir });
    expect(path).toBe(join(cacheDir, "datasets--org--digits/snapshots", data, "data/test.parquet"));
    expect(await readFile(path)).toEqual(noise(4000));
  });

  test("lets two processes ask for the same file, and downloads it once", async () => {
    hub.fault = (request) => (request.includes("?for=unet") ? { delay: 1500 } : undefined);
    const both = await Promise.all([load({ files: [UNET] }), load({ files: [UNET] }), inAnotherProcess()]);
    for (const { folder } of both) expect(await isUnet(join(folder, UNET))).toBe(true);
    expect(hub.requests.filter((request) => request.includes("?for="))).toHaveLength(1);
  });

  test("takes over the lock of a process that died", async () => {
    const lock = join(cacheDir, ".locks/models--org--sd", `${hashOf(PIPELINE[UNET])}.difflab.lock`);
    await mkdir(join(lock, ".."), { recursive: true });
    const { hostname } = await import("node:os");
    // No process has the largest number that Linux allows.
    await writeFile(lock, JSON.stringify({ pid: 4_194_304, host: hostname() }));
    expect((await load({ files: [UNET] })).commit).toBe(commit);
    await expect(stat(lock)).rejects.toThrow("ENOENT");
  });
});

/** The same request from a process of its own, which has the library as one file. */
async function inAnotherProcess(): Promise<{ folder: string }> {
  const library = join(cacheDir, "hub.mjs");
  const entry = fileURLToPath(new URL("../../../lib/hub/index.ts", import.meta.url));
  await build({
    entryPoints: [entry],
    bundle: true,
    platform: "node",
    format: "esm",
    outfile: library,
    logLevel: "error",
  });
  const script = join(cacheDir, "child.mjs");
  await writeFile(
    script,
    `import { resolveFiles } from "./hub.mjs";
     const [hubUrl, cacheDir, file] = process.argv.slice(2);
     const { folder } = await resolveFiles("org/sd", { hubUrl, cacheDir, files: [file] });
     console.log(folder);`,
  );
  const { stdout } = await promisify(execFile)(process.execPath, [script, hub.url, cacheDir, UNET]);
  return { folder: stdout.trim() };
}
