import { describe, expect, it } from "vitest";
import { manualSeed } from "../../lib/index.ts";
import { obeyed, variety } from "../evaluate/measures.ts";
import { promptOf, requests } from "../evaluate/prompts.ts";
import { table } from "../evaluate/report.ts";

describe("the measures of npm run evaluate", () => {
  it("count what was asked for", () => {
    manualSeed(0);
    const [{ scene }] = requests(1, 5, "train") as [ReturnType<typeof requests>[number]];
    const said = { thing: scene.thing, ink: scene.ink, background: scene.background, manner: scene.manner };
    const other = { ...said, ink: "none" };
    const shares = obeyed([said, other], [scene, scene]);
    expect([shares.thing, shares.ink, shares.both]).toEqual([1, 0.5, 0.5]);
  });

  it("call pictures varied by the distances within a group", () => {
    const group = [Float32Array.of(0, 0), Float32Array.of(3, 4)];
    expect(variety([...group, Float32Array.of(0, 0), Float32Array.of(0, 0)], 2)).toBe(2.5);
  });

  it("ask in the world's own words, for held-out combinations too", () => {
    const held = requests(8, 1, "heldOut");
    expect(new Set(held.map((one) => one.prompt)).size).toBeGreaterThan(4);
    const scene = { ...held[0]!.scene, thing: "seven", ink: "orange", manner: "chalk", background: "night" } as const;
    expect(promptOf(scene)).toBe("an orange seven in chalk, at night");
  });

  it("say for each figure whether its target is reached", () => {
    const text = table({
      seed: 1,
      default: { scheduler: "PNDM", steps: 16, guidance: 3 },
      figures: [
        { name: "thing", value: 97.96, unit: "%", target: 98 },
        { name: "blue", value: 0.4, unit: "%", target: 1, atMost: true, note: "from 12 %" },
      ],
      rows: [],
    });
    expect(text).toContain("| thing | 98.0 % | at least 98 %: missed |");
    expect(text).toContain("| blue | 0.4 % | at most 1 %: reached | from 12 % |");
  });
});
