import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { resolveFiles } from "../../../lib/hub/index.ts";
import { FakeHub, noise } from "./fake-hub.ts";

const disk = vi.hoisted(() => ({ free: Number.POSITIVE_INFINITY, room: Number.POSITIVE_INFINITY }));

// A disk that says how much it has left, and one that fills up on the way: nothing else can make one everywhere.
vi.mock("node:fs/promises", async (original) => {
  const real = await original<typeof import("node:fs/promises")>();
  return {
    ...real,
    statfs: async () => ({ bavail: disk.free, bsize: 1 }),
    open: async (...args: Parameters<typeof real.open>) => {
      const file = await real.open(...args);
      if (!String(args[0]).endsWith(".incomplete")) return file;
      const write = file.write.bind(file) as (...a: unknown[]) => Promise<{ bytesWritten: number }>;
      return Object.assign(file, {
        write: async (bytes: Uint8Array, ...rest: unknown[]) => {
          disk.room -= bytes.length;
          if (disk.room < 0) throw Object.assign(new Error("ENOSPC: no space left on device"), { code: "ENOSPC" });
          return write(bytes, ...rest);
        },
      });
    },
  };
});

const FILE = "unet/diffusion_pytorch_model.safetensors";
let hub: FakeHub;
let cacheDir: string;
beforeEach(async () => {
  cacheDir = await mkdtemp(join(tmpdir(), "difflab-full-"));
  hub = await new FakeHub().start();
  hub.put("models/org/sd", { [FILE]: noise(300_000) });
});
afterEach(async () => {
  await hub.stop();
  await rm(cacheDir, { recursive: true, force: true });
});
const load = () => resolveFiles("org/sd", { hubUrl: hub.url, cacheDir, token: false, onProgress: null, files: [FILE] });

describe("a disk without room", () => {
  test("is noticed before the download, with what it takes and what there is", async () => {
    disk.free = 1000;
    await expect(load()).rejects.toThrow(
      /needs 300 kB, but the disk of .* has only 1\.00 kB left\. Free space or choose another/,
    );
    expect(hub.requests.filter((request) => request.includes("resolve"))).toEqual([]);
  });

  test("that fills up on the way gets back what was written", async () => {
    disk.free = Number.POSITIVE_INFINITY;
    disk.room = 100_000;
    await expect(load()).rejects.toThrow(
      /org\/sd\/unet\/.*: the disk is full\. Free space or choose another \{ cacheDir \}/,
    );
    const { statSync } = await import("node:fs");
    const blobs = join(cacheDir, "models--org--sd/blobs");
    for (const name of await readdir(blobs)) expect(statSync(join(blobs, name)).size).toBe(0);
    disk.room = Number.POSITIVE_INFINITY;
    expect((await load()).files.size).toBe(1);
  });
});
