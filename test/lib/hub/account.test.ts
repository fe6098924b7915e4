import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { login, logout, pushToHub, saveFolder, tokenOf, whoami, writeJson } from "../../../lib/hub/index.ts";
import { defaultProgress, inTerminal } from "../../../lib/hub/progress.ts";
import { FakeHub, noise } from "./fake-hub.ts";

let hub: FakeHub;
let home: string;
beforeEach(async () => {
  hub = await new FakeHub().start();
  home = await mkdtemp(join(tmpdir(), "difflab-home-"));
  vi.stubEnv("HF_HOME", home);
  vi.stubEnv("HF_TOKEN", "");
  vi.stubEnv("HUGGING_FACE_HUB_TOKEN", "");
  vi.stubEnv("HF_ENDPOINT", hub.url);
  for (const name of ["http_proxy", "https_proxy", "no_proxy"])
    for (const key of [name, name.toUpperCase()]) vi.stubEnv(key, "");
});
afterEach(async () => {
  vi.unstubAllEnvs();
  vi.unstubAllGlobals();
  await hub.stop();
  await rm(home, { recursive: true, force: true });
});

describe("login", () => {
  test("checks the token, stores it for this user alone, and says whose it is", async () => {
    expect(await login({ token: " hf_good\n" })).toEqual({
      name: "student",
      fullname: "A Student",
      organisations: ["class"],
      role: "write",
    });
    expect(await readFile(join(home, "token"), "utf8")).toBe("hf_good");
    if (process.platform !== "win32") expect((await stat(join(home, "token"))).mode & 0o777).toBe(0o600);
    expect(await tokenOf({})).toBe("hf_good");
    expect((await whoami()).name).toBe("student");
    expect(await tokenOf({ token: false })).toBeUndefined();
    vi.stubEnv("HF_TOKEN", "hf_other");
    expect(await tokenOf({})).toBe("hf_other");
    vi.stubEnv("HF_TOKEN", "");
    await logout();
    expect(await tokenOf({})).toBeUndefined();
    await expect(whoami()).rejects.toThrow("whoami: no token. Set HF_TOKEN, or store one with login({ token }).");
  });

  test("keeps the token by its name where Python's programs look, beside others, and takes only its own away", async () => {
    const stored = join(home, "stored_tokens");
    const others = "[laptop]\nhf_token = hf_old\nexpires_at = 12\n\n[my server]\nhf_token = hf_server\n\n";
    await writeFile(stored, others);
    await login({ token: "hf_good" });
    const after = "[laptop]\nhf_token = hf_good\n\n[my server]\nhf_token = hf_server\n\n";
    expect(await readFile(stored, "utf8")).toBe(after);
    if (process.platform !== "win32") expect((await stat(stored)).mode & 0o777).toBe(0o600);
    await logout();
    expect(await readFile(stored, "utf8")).toBe("[my server]\nhf_token = hf_server\n\n");
    await expect(readFile(join(home, "token"))).rejects.toThrow("ENOENT");
  });

  test("goes through the proxy that the environment names, and past it where NO_PROXY says so", async () => {
    const asked: string[] = [];
    const proxy = createServer().on("connect", (request, socket, head) => {
      asked.push(request.url!);
      const { hostname, port } = new URL(`http://${request.url}`);
      const through = connect(Number(port), hostname, () => {
        socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
        through.write(head);
        through.pipe(socket).pipe(through);
      });
      for (const end of [socket, through]) end.on("error", () => {});
    });
    await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
    const { port } = proxy.address() as AddressInfo;
    try {
      vi.stubEnv("http_proxy", `http://127.0.0.1:${port}`);
      expect((await login({ token: "hf_good" })).name).toBe("student");
      expect(asked).toEqual([new URL(hub.url).host]);
      vi.stubEnv("NO_PROXY", "127.0.0.1,localhost");
      expect((await whoami()).name).toBe("student");
      expect(asked).toHaveLength(1);
      vi.stubEnv("NO_PROXY", "");
      vi.stubEnv("http_proxy", "proxy.example");
      await expect(whoami()).rejects.toThrow(/the environment's proxy is "proxy.example"; expected an address such as/);
    } finally {
      proxy.close();
      proxy.closeAllConnections();
    }
  });

  test("stores nothing where the token is not valid or the hub does not answer, and shows no token", async () => {
    const error = await login({ token: "hf_wrongwrong" }).catch((e: Error) => e);
    expect((error as Error).message).toMatch(/the token is not valid .* answered 401/);
    expect(String((error as Error).stack)).not.toContain("wrongwrong");
    expect(await tokenOf({})).toBeUndefined();
    await hub.stop();
    await expect(login({ token: "hf_good" })).rejects.toThrow("no answer from");
    expect(await tokenOf({})).toBeUndefined();
  });

  test("asks for a token where somebody can answer, without showing what is typed", async () => {
    await expect(login()).rejects.toThrow("login: no token given");
    const asked: unknown[] = [];
    vi.stubGlobal("prompt", async (...question: unknown[]) => {
      asked.push(...question);
      return "hf_good";
    });
    expect((await login()).name).toBe("student");
    expect(asked).toEqual([`Token (from ${hub.url}/settings/tokens):`, { password: true }]);
  });
});

describe("saveFolder", () => {
  test("writes a folder whole or not at all, and replaces a saved model only", async () => {
    const folder = join(home, "model");
    await saveFolder(folder, async (fresh) => {
      await writeJson(join(fresh, "model_index.json"), { a: 1 });
      await writeJson(join(fresh, "unet/config.json"), {});
    });
    expect(JSON.parse(await readFile(join(folder, "model_index.json"), "utf8"))).toEqual({ a: 1 });
    const failing = saveFolder(folder, async (fresh) => {
      await writeJson(join(fresh, "model_index.json"), { a: 2 });
      throw new Error("no more");
    });
    await expect(failing).rejects.toThrow("no more");
    expect(JSON.parse(await readFile(join(folder, "model_index.json"), "utf8"))).toEqual({ a: 1 });
    await saveFolder(folder, (fresh) => writeJson(join(fresh, "model_index.json"), { a: 3 }));
    expect(JSON.parse(await readFile(join(folder, "model_index.json"), "utf8"))).toEqual({ a: 3 });
    await expect(stat(join(folder, "unet"))).rejects.toThrow("ENOENT");
    const { readdir } = await import("node:fs/promises");
    expect(await readdir(home)).toEqual(["model"]);
  });

  test("refuses to take the place of anything that is no saved model", async () => {
    await writeFile(join(home, "thesis.docx"), "years of work");
    await expect(saveFolder(home, async () => {})).rejects.toThrow(
      /contains .* which would be lost\. Choose another folder/,
    );
    await expect(saveFolder(join(home, "thesis.docx"), async () => {})).rejects.toThrow("is a file, expected a folder");
    await writeFile(join(home, "config.json"), "{}");
    await expect(saveFolder(home, async () => {})).rejects.toThrow(
      "contains the file thesis.docx, which would be lost",
    );
    expect(await readFile(join(home, "thesis.docx"), "utf8")).toBe("years of work");
  });
});

describe("pushToHub", () => {
  const model = async () => {
    const folder = join(home, "model");
    await saveFolder(folder, async (fresh) => {
      await writeJson(join(fresh, "model_index.json"), { unet: ["diffusers", "UNet2DModel"] });
      await writeJson(join(fresh, "unet/config.json"), {});
      await writeFile(join(fresh, "unet/diffusion_pytorch_model.safetensors"), noise(50_000));
    });
    return folder;
  };

  test("makes the repository and sends every file as one commit", async () => {
    const seen: string[] = [];
    const options = { token: "hf_good", onProgress: ({ file }: { file: string }) => void seen.push(file) };
    const { url, commit } = await pushToHub(await model(), "student/digits", options);
    expect(url).toBe(`${hub.url}/student/digits`);
    expect(commit).toMatch(/^[0-9a-f]{40}$/);
    const files = hub.filesOf("models/student/digits")!;
    expect([...files.keys()].sort()).toEqual([
      "model_index.json",
      "unet/config.json",
      "unet/diffusion_pytorch_model.safetensors",
    ]);
    expect(files.get("unet/diffusion_pytorch_model.safetensors")).toEqual(noise(50_000));
    expect(seen).toContain("unet/diffusion_pytorch_model.safetensors");
    expect(hub.requests.filter((request) => request.startsWith("PUT")).join()).not.toContain("hf_good");
    // What a dry run says would be sent, without a token and without asking the hub.
    const asked = hub.requests.length;
    const dry = await pushToHub(await model(), "student/digits", { dryRun: true });
    expect(dry).toMatchObject({ url, commit: null });
    expect(dry.files).toContainEqual({ path: "unet/diffusion_pytorch_model.safetensors", bytes: 50_000 });
    expect(dry.files.map(({ path }) => path).sort()).toEqual([...files.keys()].sort());
    expect(hub.requests).toHaveLength(asked);
    // Once more, into the repository that is there now.
    await pushToHub(await model(), "student/digits", options);
    expect(hub.requests.filter((request) => request.includes("/commit/"))).toHaveLength(2);
  });

  test("says what to do where it cannot", async () => {
    const folder = await model();
    await expect(pushToHub(folder, "student/digits")).rejects.toThrow("pushToHub: no token. Set HF_TOKEN");
    await expect(pushToHub(folder, "digits", { token: "hf_good" })).rejects.toThrow('expected "you/name"');
    await expect(pushToHub(join(home, "none"), "student/digits", { token: "hf_good" })).rejects.toThrow(
      "contains no files",
    );
    await expect(pushToHub(folder, "student/digits", { token: "hf_bad" })).rejects.toThrow("The token is not valid");
    await hub.stop();
    await expect(pushToHub(folder, "student/digits", { token: "hf_good" })).rejects.toThrow("no answer from");
  });
});

describe("progress of downloads", () => {
  test("is a bar in a notebook, for files that take a while", () => {
    const calls: unknown[] = [];
    const bar = (options: unknown) => {
      calls.push(options);
      return { update: (done: number) => void calls.push(done), close: () => void calls.push("closed") };
    };
    vi.stubGlobal("progress", { bar });
    const report = defaultProgress()!;
    report({ file: "small.json", loaded: 20, total: 20 });
    report({ file: "big", loaded: 0, total: 3_000_000 });
    report({ file: "big", loaded: 1_500_000, total: 3_000_000 });
    report({ file: "big", loaded: 3_000_000, total: 3_000_000 });
    expect(calls).toEqual([{ total: 3, label: "big (MB)" }, 0, 1.5, 3, "closed"]);
    vi.stubEnv("HF_HUB_DISABLE_PROGRESS_BARS", "1");
    expect(defaultProgress()).toBeUndefined();
  });

  test("is lines in a terminal, and nothing where nobody looks", () => {
    expect(defaultProgress()).toBeUndefined();
    const lines: string[] = [];
    let now = 0;
    const report = inTerminal(
      (line) => lines.push(line),
      () => now,
    );
    for (now = 0; now <= 5000; now += 500) report({ file: "big", loaded: now * 1000, total: 5_000_000 });
    expect(lines).toEqual([
      "big: 0 bytes of 5.00 MB (0 %)\n",
      "big: 2.00 MB of 5.00 MB (40 %)\n",
      "big: 4.00 MB of 5.00 MB (80 %)\n",
      "big: 5.00 MB of 5.00 MB (100 %)\n",
    ]);
  });
});
