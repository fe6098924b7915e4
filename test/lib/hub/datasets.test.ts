import { readFileSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { mnist } from "../../../lib/datasets/index.ts";
import { readPictureTable } from "../../../lib/datasets/picture-table.ts";
import { FakeHub, type Fault } from "./fake-hub.ts";

// Waits between tries, which nobody wants to sit through.
vi.mock("node:timers/promises", async (original) => {
  const real = await original<typeof import("node:timers/promises")>();
  return {
    ...real,
    setTimeout: (ms: number, ...rest: [unknown?, object?]) => real.setTimeout(Math.min(ms, 20), ...rest),
  };
});

type Reference = { labels: number[]; grey: string; kinds: string; sizes: string; broken: string; wrongLabel: string };
const reference: Reference = JSON.parse(
  readFileSync(new URL("../../reference/picture-table.json", import.meta.url), "utf8"),
);
const table = Buffer.from(reference.grey, "base64");

/** Pixel (y, x) of picture k in the recorded tables. */
const pattern = (k: number) =>
  Uint8Array.from({ length: 784 }, (_, p) => (9 * (p % 28) + 5 * Math.floor(p / 28) + 31 * k) % 256);

const PATH = "mnist/test-00000-of-00001.parquet";
let cacheDir: string;
let hub: FakeHub;
let commit: string;

describe("mnist from the hub", () => {
  beforeEach(async () => {
    cacheDir = await mkdtemp(join(tmpdir(), "difflab-hub-"));
    hub = await new FakeHub().start();
    commit = hub.put("datasets/ylecun/mnist", { [PATH]: table });
  });
  afterEach(async () => {
    await hub.stop();
    await rm(cacheDir, { recursive: true, force: true });
  });
  const fail = (fault: Fault) => {
    hub.fault = () => fault;
  };
  const load = (more: object = {}) => mnist({ split: "test", hubUrl: hub.url, cacheDir, token: "hf_test", ...more });

  test("is downloaded with progress into the cache's layout, and decoded", async () => {
    const seen: { file: string; loaded: number; total: number | null }[] = [];
    const data = await load({ onProgress: (p: (typeof seen)[number]) => seen.push(p) });
    expect([...data.labels]).toEqual(reference.labels);
    expect(data.shape).toEqual([6, 28, 28]);
    for (let k = 0; k < 6; k++) expect(data[k]!.image).toEqual(pattern(k));
    expect(seen.at(-1)).toEqual({
      file: PATH,
      loaded: table.length,
      total: table.length,
    });
    const kept = join(cacheDir, "datasets--ylecun--mnist/snapshots", commit, PATH);
    expect(await readFile(kept)).toEqual(table);
    expect(hub.requests.some((r) => r.endsWith("Bearer hf_test"))).toBe(true);
  });

  test("is not downloaded twice, and needs no hub after the first time", async () => {
    await load();
    hub.requests = [];
    await load();
    expect(hub.requests.filter((r) => r.includes("/resolve/"))).toEqual([]);
    fail({ status: 503 });
    expect((await load()).length).toBe(6);
    await hub.stop();
    expect((await load()).length).toBe(6);
    expect((await load({ localFilesOnly: true })).length).toBe(6);
  });

  test("says what to do where there is no network and no copy", async () => {
    await hub.stop();
    await expect(load()).rejects.toThrow(
      /^mnist: ylecun\/mnist\/.*: no answer from 127\.0\.0\.1.*ECONNREFUSED.*no copy in the cache\. Connect once/,
    );
    await expect(load({ localFilesOnly: true })).rejects.toThrow("is not in the cache");
  });

  test("says what to do where the hub refuses", async () => {
    fail({ status: 401 });
    await expect(load({ token: false })).rejects.toThrow(
      /answered 401\. Accept the licence on its page, then set HF_TOKEN\./,
    );
    fail({ status: 404 });
    await expect(load()).rejects.toThrow(/answered 404\. Check the repository, the file and the revision\./);
    fail({ status: 503 });
    await expect(load()).rejects.toThrow(/answered 503\. Try again later\./);
  });

  test("that breaks off leaves no file that looks whole, and can be tried again", async () => {
    hub.fault = (request) => (request.includes("parquet") ? { breakAfter: 0 } : undefined);
    await expect(load()).rejects.toThrow("no answer from");
    await expect(load({ localFilesOnly: true })).rejects.toThrow("is not in the cache");
    hub.fault = () => undefined;
    expect((await load()).length).toBe(6);
  });

  test("that is damaged names the file to delete", async () => {
    hub.put("datasets/ylecun/mnist", { [PATH]: "PAR1 this is not a table PAR1" });
    await expect(load()).rejects.toThrow(
      /snapshots.*parquet: damaged, or not a Parquet table of pictures .*Delete it and try again\./,
    );
  });
});

describe("a parquet table of pictures", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "difflab-table-"));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));
  const read = async (name: Exclude<keyof Reference, "labels">) => {
    const path = join(folder, `${name}.parquet`);
    await writeFile(path, Buffer.from(reference[name], "base64"));
    return readPictureTable(path);
  };

  test("is decoded whatever kind of PNG its pictures are", async () => {
    const { images, shape } = await read("kinds");
    expect(shape).toEqual([4, 28, 28]);
    for (let k = 0; k < 4; k++) expect(images.subarray(k * 784, (k + 1) * 784), `picture ${k}`).toEqual(pattern(k));
  });

  test("with a broken picture or pictures of several sizes is refused, naming the row", async () => {
    await expect(read("broken")).rejects.toThrow(/row 1: its picture cannot be decoded/);
    await expect(read("sizes")).rejects.toThrow("row 1 is 20x20 pixels, the first is 28x28");
    expect((await read("wrongLabel")).labels[1]).toBe(11);
  });
});
