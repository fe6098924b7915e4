import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { noGrad, randn, type Tensor, UNet2DModel } from "../../../lib/index.ts";
import { Runner } from "../../../lib/pipelines/runner.ts";
import { aside, engine } from "../../../lib/runtime/engine.ts";

describe("a network whose full session is long in the making", () => {
  let folder: string;
  let model: UNet2DModel;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "runner-"));
    await new UNet2DModel({
      ...{ sampleSize: 16, inChannels: 2, outChannels: 2, layersPerBlock: 1, blockOutChannels: [16], normNumGroups: 8 },
      ...{ downBlockTypes: ["DownBlock2D"], upBlockTypes: ["UpBlock2D"] },
    }).savePretrained(folder);
    model = await UNet2DModel.fromPretrained(folder);
  });
  afterAll(() => rm(folder, { recursive: true }));

  const runnerOf = (large: number) =>
    new Runner("U-Net", (x: Tensor) => model.forward(x, 3).sample, { model, quick: model, large });
  const x = randn([1, 2, 16, 16]);

  async function pictures(runner: ReturnType<typeof runnerOf>, calls: number): Promise<number[][]> {
    const all: number[][] = [];
    for (let made = 0; made < calls; made++)
      all.push([...(await (await runner.call({ calls, made }, x)).data())].map(Number));
    return all;
  }

  it("is prepared in a thread of its own, and takes over at the same call in each run", async () => {
    const asked: string[] = [];
    const [request, requestAside] = [engine.request.bind(engine), aside.request.bind(aside)];
    engine.request = (what, moved) => {
      asked.push(what.type);
      return request(what, moved);
    };
    aside.request = (what, moved) => {
      asked.push(`${what.type} aside`);
      return requestAside(what, moved);
    };
    try {
      const runner = runnerOf(0);
      const first = await pictures(runner, 14);
      const sessions = asked.filter((type) => /open|run/.test(type));
      // The full one is asked for before the first call is, and neither waits for the other.
      expect(sessions.slice(0, 3).sort()).toEqual(["open", "open aside", "run"]);
      expect(sessions.filter((type) => type === "run")).toHaveLength(3);
      expect(sessions.filter((type) => type === "run aside")).toHaveLength(11);
      // To the last bit, though by now both are ready.
      expect(await pictures(runner, 14)).toEqual(first);
      expect(asked.filter((type) => type === "open aside")).toHaveLength(1);
      const usual = await pictures(runnerOf(Number.POSITIVE_INFINITY), 1);
      for (const [i, value] of first[13]!.entries()) expect(value).toBeCloseTo(usual[0]![i]!, 4);
      runner.close();
    } finally {
      Object.assign(engine, { request });
      Object.assign(aside, { request: requestAside });
    }
  });

  it("works again after its thread has died, and fails with what went wrong", async () => {
    const runner = runnerOf(0);
    const before = await pictures(runner, 13);
    await aside.stop();
    expect(await pictures(runner, 13)).toEqual(before);
    runner.close();
  });

  it("does not go on there once its weights are in memory, which each call would carry over", async () => {
    const changed = await UNet2DModel.fromPretrained(folder);
    const runner = new Runner("U-Net", (x: Tensor) => changed.forward(x, 3).sample, {
      ...{ model: changed, quick: changed, large: 0 },
    });
    await pictures(runner, 13);
    noGrad(() => {
      for (const weight of changed.parameters()) weight.mul_(0.5);
    });
    const asked: string[] = [];
    const request = aside.request.bind(aside);
    aside.request = (what, moved) => {
      asked.push(what.type);
      return request(what, moved);
    };
    try {
      const [picture] = await pictures(runner, 13);
      expect(asked).toEqual([]);
      const usual = new Runner("U-Net", (x: Tensor) => changed.forward(x, 3).sample, { model: changed });
      for (const [i, value] of (await pictures(usual, 1))[0]!.entries()) expect(picture![i]).toBeCloseTo(value, 4);
    } finally {
      Object.assign(aside, { request });
    }
    runner.close();
  });

  it("is not prepared for a few calls", async () => {
    let opened = 0;
    const request = aside.request.bind(aside);
    aside.request = (what, moved) => {
      if (what.type === "open") opened++;
      return request(what, moved);
    };
    try {
      await pictures(runnerOf(0), 4);
      expect(opened).toBe(0);
    } finally {
      Object.assign(aside, { request });
    }
  });
});
