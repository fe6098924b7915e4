import { execFileSync } from "node:child_process";
import { cp, mkdtemp, open, readdir, rename, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { keepMapped } from "../../../lib/files/mapped.ts";
import { saveFolder } from "../../../lib/hub/save.ts";
import {
  compile,
  DataLoader,
  full,
  Learner,
  loadTensors,
  nn,
  optim,
  randn,
  saveCheckpoint,
  saveTensors,
  type Tensor,
  TensorDataset,
} from "../../../lib/index.ts";

let home: string;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "difflab-mapped-"));
});
afterAll(() => rm(home, { recursive: true, force: true }));

const values = async (x: Tensor | undefined) => x!.tolist();
const first = (n: number) => ({ x: full([3], n) });

describe("tensors that lie in a file", () => {
  it("are those of the file, however often it is saved and loaded under one name", async () => {
    const path = join(home, "loop.safetensors");
    const seen = [];
    const twice = compile((x: Tensor) => x.mul(2));
    for (const i of [1, 2, 3]) {
      await saveTensors(path, first(i));
      const { x } = await loadTensors(path);
      seen.push([await values(x), await values(x!.add(1)), await values(await twice(x!))]);
    }
    expect(seen).toEqual(
      [1, 2, 3].map((i) => [new Array(3).fill(i), new Array(3).fill(i + 1), new Array(3).fill(2 * i)]),
    );
  });

  it("keep their values when the file is saved over, looked at before or not, by each of the writers", async () => {
    const path = join(home, "over.safetensors");
    const writers: [string, (n: number) => Promise<unknown>][] = [
      ["saveTensors", (n) => saveTensors(path, first(n))],
      [
        "saveCheckpoint",
        (n) =>
          saveCheckpoint(
            home,
            { x: { dtype: "F32", shape: [3], data: new Float32Array(3).fill(n) } },
            { name: "over" },
          ),
      ],
      [
        "in another layout",
        (n) => saveTensors(path, { a: full([1000], 7), x: full([3], n) }, { metadata: { much: "x".repeat(500) } }),
      ],
    ];
    for (const [name, write] of writers) {
      await write(1);
      const [seen, unseen] = [(await loadTensors(path)).x!, (await loadTensors(path)).x!];
      const sum = seen.sum();
      expect(await sum.item()).toBe(3);
      await write(2);
      expect([await values(seen), await values(unseen), await unseen.sum().item()], name).toEqual([
        [1, 1, 1],
        [1, 1, 1],
        3,
      ]);
      expect(await values((await loadTensors(path)).x), name).toEqual([2, 2, 2]);
      await write(3);
      expect([await values(unseen), await seen.mul(2).sum().item()], name).toEqual([[1, 1, 1], 6]);
    }
  });

  it("may be saved over the file that they lie in", async () => {
    const path = join(home, "itself.safetensors");
    await saveTensors(path, { a: full([3], 1), b: full([2], 5) });
    const q = await loadTensors(path);
    await saveTensors(path, { b: q.b!.add(1), a: q.a!.mul(10) });
    expect([await values(q.a), await values(q.b)]).toEqual([
      [1, 1, 1],
      [5, 5],
    ]);
    const again = await loadTensors(path);
    expect([await values(again.a), await values(again.b)]).toEqual([
      [10, 10, 10],
      [6, 6],
    ]);
  });

  it("keep their values when their folder is replaced", async () => {
    const folder = join(home, "whole");
    const write = (n: number) =>
      saveFolder(folder, async (into) => {
        await writeFile(join(into, "config.json"), "{}");
        await saveTensors(join(into, "unet", "w.safetensors"), first(n));
      });
    await write(1);
    const { x } = await loadTensors(join(folder, "unet", "w.safetensors"));
    await write(2);
    await write(3);
    expect(await values(x)).toEqual([1, 1, 1]);
    expect(await values((await loadTensors(join(folder, "unet", "w.safetensors"))).x)).toEqual([3, 3, 3]);
    expect((await readdir(folder, { recursive: true })).sort()).toEqual(["config.json", "unet", "unet/w.safetensors"]);
  });

  it("say so where somebody else has replaced, deleted, cut or overwritten the file", async () => {
    const other = join(home, "other.safetensors");
    await saveTensors(other, first(9));
    const cases: [string, (path: string) => Promise<unknown>, RegExp][] = [
      ["replaced", (path) => cp(other, `${path}.new`).then(() => rename(`${path}.new`, path)), /has changed since/],
      ["deleted", (path) => rm(path), /was it moved or deleted/],
      ["moved", (path) => rename(path, `${path}.gone`), /was it moved or deleted/],
      ["cut", (path) => truncate(path, 40), /has changed since/],
      ["overwritten", (path) => cp(other, path), /has changed since/],
      [
        "by another process",
        async (path) => execFileSync("sh", ["-c", `cat '${other}' > '${path}'`]),
        /has changed since/,
      ],
    ];
    for (const [name, change, message] of cases) {
      const path = join(home, `foreign-${name.replaceAll(" ", "-")}.safetensors`);
      await saveTensors(path, first(1));
      const { x } = await loadTensors(path);
      await new Promise((resolve) => setTimeout(resolve, 20));
      await change(path);
      await expect(x!.data(), name).rejects.toThrow(message);
      await expect(x!.sum().item(), name).rejects.toThrow(message);
      await expect(compile((y: Tensor) => y.add(x!))(full([3], 1)), name).rejects.toThrow(message);
    }
  });

  it("go on in an open session where somebody else has replaced the file, and stop where it was written into", async () => {
    const path = join(home, "open.safetensors");
    await saveTensors(path, first(1));
    const { x } = await loadTensors(path);
    const f = compile((y: Tensor) => y.add(x!));
    expect(await values(await f(full([3], 1)))).toEqual([2, 2, 2]);
    await cp(path, `${path}.new`);
    await rename(`${path}.new`, path);
    expect(await values(await f(full([3], 1)))).toEqual([2, 2, 2]);
    const { x: z } = await loadTensors(path);
    const g = compile((y: Tensor) => y.add(z!));
    expect(await values(await g(full([3], 1)))).toEqual([2, 2, 2]);
    await new Promise((resolve) => setTimeout(resolve, 20));
    const file = await open(path, "r+");
    await file.write(Buffer.from([0, 0, 32, 65]), 0, 4, 80);
    await file.close();
    await expect(g(full([3], 1))).rejects.toThrow(/has changed since/);
  });

  it("leave no files behind, and costs nothing where nothing is mapped", async () => {
    const script = `
      import { full, loadTensors, saveTensors } from ${JSON.stringify(new URL("../../../dist/lib/index.js", import.meta.url).href)};
      const path = ${JSON.stringify(join(home, "process.safetensors"))};
      await saveTensors(path, { x: full([3], 1) });
      const { x } = await loadTensors(path);
      await saveTensors(path, { x: full([3], 2) });
      console.log((await x.data()).join());
      process.exit(0);
    `;
    expect(execFileSync(process.execPath, ["--input-type=module", "-e", script]).toString()).toBe("1,1,1\n");
    expect((await readdir(home)).filter((name) => name.replace(/^\./, "").startsWith("process"))).toEqual([
      "process.safetensors",
    ]);
    await keepMapped(join(home, "there", "is", "none"));
  });

  it("may be a Learner's checkpoint that is saved over", async () => {
    const net = new nn.Linear(2, 1);
    const data = new DataLoader(await TensorDataset.from(randn([8, 2]), randn([8, 1])), { batchSize: 4 });
    const optimizer = new optim.SGD(net.parameters(), { lr: 0.1 });
    const objective = (x: Tensor, y: Tensor) => nn.functional.mseLoss(net.forward(x), y);
    const learner = new Learner({ model: net, optimizer, data, quiet: true, objective: objective as never });
    const path = join(home, "learner.safetensors");
    await learner.save(path);
    const mapped = await loadTensors(path);
    const before = await net.weight.data();
    await learner.fit(1);
    await learner.save(path);
    expect(await mapped["model.weight"]!.data()).toEqual(before);
    expect(await (await loadTensors(path))["model.weight"]!.data()).toEqual(await net.weight.data());
  });
});
