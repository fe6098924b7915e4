import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { explain, HubRefusal, isOffline } from "../../../lib/hub/errors.ts";
import { cacheDirOf, expandPath, hubHome } from "../../../lib/hub/options.ts";
import { hubFetch, isUnavailable } from "../../../lib/hub/request.ts";
import { tokenPath } from "../../../lib/hub/stored-tokens.ts";
import { Image, loadTensors } from "../../../lib/index.ts";
import { saveSafetensors } from "../../../lib/safetensors/index.ts";

let home: string;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "difflab-faults-"));
});
afterAll(() => rm(home, { recursive: true, force: true }));

describe("paths", () => {
  it("of the environment and of options may begin with ~ and name variables", () => {
    vi.stubEnv("PLACE", "/place");
    try {
      expect(expandPath("~")).toBe(homedir());
      expect(expandPath("~/a")).toBe(join(homedir(), "a"));
      expect(expandPath("$PLACE/${PLACE}x/$NOWHERE/~a")).toBe("/place//placex/$NOWHERE/~a");
      expect(cacheDirOf({ cacheDir: "~/c" })).toBe(join(homedir(), "c"));
      vi.stubEnv("HF_HUB_CACHE", "$PLACE/hub");
      expect(cacheDirOf({})).toBe("/place/hub");
      vi.stubEnv("HF_HUB_CACHE", "");
      vi.stubEnv("HF_HOME", "~/hf");
      expect([hubHome(), cacheDirOf({}), tokenPath()]).toEqual(
        ["hf", "hf/hub", "hf/token"].map((path) => join(homedir(), path)),
      );
      vi.stubEnv("HF_HOME", "");
      vi.stubEnv("XDG_CACHE_HOME", "$PLACE");
      expect(hubHome()).toBe("/place/huggingface");
      vi.stubEnv("HF_TOKEN_PATH", "~/t");
      expect(tokenPath()).toBe(join(homedir(), "t"));
    } finally {
      vi.unstubAllEnvs();
    }
  });
});

describe("a hub's answers", () => {
  const at = { hubUrl: "https://hub", repo: "a/b", hasToken: false };

  it("are told from connections that failed, and both from faults", () => {
    expect(isOffline(Object.assign(new TypeError("fetch failed"), { cause: { code: "ENOTFOUND" } }))).toBe(true);
    expect(isOffline(new TypeError("Cannot read properties of undefined"))).toBe(false);
    expect(isOffline(Object.assign(new TypeError("Failed to parse URL"), { cause: { code: "ERR_INVALID_URL" } }))).toBe(
      false,
    );
    const moved = Object.assign(new TypeError("fetch failed"), { cause: { code: "ENOTFOUND", hostname: "cdn.hub" } });
    expect(explain(moved, "hub: a/b", at).message).toBe("hub: a/b: no answer from cdn.hub (ENOTFOUND)");
  });

  it("are shown with the hub's own sentence", () => {
    const of = (status: number, text: string) => explain(new HubRefusal(status, "", text), "hub: a/b", at).message;
    expect(of(403, "Access is restricted to students.")).toContain("It says: Access is restricted to students.");
    expect(of(429, "Wait 5 minutes")).toContain("answered 429. Try again later. It says: Wait 5 minutes");
  });

  it("that are web pages come from a proxy, and the cache may help; requests say who asks", async () => {
    const agents: (string | undefined)[] = [];
    const server = createServer((request, response) => {
      agents.push(request.headers["user-agent"]);
      response.setHeader("content-type", "text/html; charset=utf-8");
      response.end("<html><title>Log in to the school's network</title></html>");
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const error = await hubFetch(url, undefined)(`${url}/api/models/a/b`).catch((e: unknown) => e);
    server.close();
    expect(isUnavailable(error)).toBe(true);
    expect(explain(error, "hub: a/b", at).message).toMatch(
      /got a web page instead .*"Log in to the school's network"; a proxy/,
    );
    expect(agents[0]).toMatch(/^difflab; node\/\d/);
  });
});

describe("files", () => {
  it("of other kinds are named", async () => {
    const kinds: [string, string | Uint8Array, string][] = [
      ["page", "<!DOCTYPE html><html></html>", "a web page"],
      ["pointer", "version https://git-lfs.github.com/spec/v1\noid sha256:00", "a pointer of git-lfs"],
      ["zip", new Uint8Array([0x50, 0x4b, 3, 4, 0, 0, 0, 0, 0, 0]), "PyTorch's own format (torch.save)"],
    ];
    for (const [name, bytes, kind] of kinds) {
      const path = join(home, `${name}.safetensors`);
      await writeFile(path, bytes);
      await expect(loadTensors(path)).rejects.toThrow(`is ${kind}`);
    }
    const heic = Buffer.concat([Buffer.from([0, 0, 0, 24]), Buffer.from("ftypheic"), Buffer.alloc(40)]);
    await writeFile(join(home, "photo.heic"), heic);
    await expect(Image.open(join(home, "photo.heic"))).rejects.toThrow("is a HEIC picture (from an iPhone?)");
  });

  it("with one tensor of a strange type give the others", async () => {
    const path = join(home, "mixed.safetensors");
    await saveSafetensors(
      path,
      new Map([
        ["a", { dtype: "F32", shape: [2], data: Float32Array.of(1, 2) }],
        ["b", { dtype: "I8", shape: [2], data: Int8Array.of(-1, 2) }],
        ["c", { dtype: "U32", shape: [1], data: Uint32Array.of(2 ** 32 - 1) }],
        ["d", { dtype: "F8_E4M3", shape: [2], data: Uint8Array.of(1, 2) }],
      ] as never),
    );
    const tensors = await loadTensors(path);
    expect(Object.keys(tensors).sort()).toEqual(["a", "b", "c"]);
    expect(Array.from(await tensors.b!.data(), Number)).toEqual([-1, 2]);
    expect(Array.from(await tensors.c!.data(), Number)).toEqual([2 ** 32 - 1]);
    expect(() => tensors.d).toThrow('"d" is F8_E4M3; expected one of F32');
    expect((await readdir(home)).some((name) => name.startsWith("~"))).toBe(false);
  });
});
