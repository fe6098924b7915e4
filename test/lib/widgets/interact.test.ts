import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import * as d from "../../../lib/index.ts";
import { FakePage } from "./fake-page.ts";

let page: FakePage;
let remove: () => void;
beforeEach(() => {
  page = new FakePage();
  remove = page.install();
});
afterEach(() => {
  vi.useRealTimers();
  remove();
});

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const display = (value: unknown): Promise<Record<string, unknown>> =>
  (value as { [key: symbol]: () => never })[Symbol.for("Jupyter.display")]!();
/** Texts that the page was shown, in order. */
const shown = () =>
  page.sent
    .map(({ data }) => (data.state?.outputs as { data?: Record<string, string>; evalue?: string }[] | undefined)?.[0])
    .filter((output) => output !== undefined)
    .map((output) => output.data?.["text/plain"] ?? `! ${output.evalue}`);

describe("interact", () => {
  it("makes controls of plain values, and gives the function their values with their types", async () => {
    const view = d.interact(
      { n: 5, ratio: 0.5, zero: 0, on: true, name: "seven", ink: ["red", "blue"], steps: { fast: 4, good: 50 } },
      ({ n, ratio, zero, on, name, ink, steps }) => {
        const numbers: number[] = [n, ratio, zero, steps];
        const texts: ("red" | "blue" | string)[] = [name, ink];
        const flag: boolean = on;
        return `${numbers} ${texts} ${flag}`;
      },
    );
    await view.update();
    expect((await view.still()).text).toContain("5,0.5,0,4 seven,red true");
    expect(view.controls.n).toMatchObject({ min: -5, max: 15, label: "n" });
  });

  it("shows the first result with the cell, and each later one in its place", async () => {
    const level = d.slider(0, 100, { value: 1 });
    const view = d.interact({ level }, async ({ level }) => `level ${level}`);
    expect((await display(view))["text/plain"]).toBe("level: 1\nlevel 1");
    page.change(level.modelId, { value: 2 });
    await expect.poll(shown).toEqual(["level 2"]);
  });

  it("lets the newest change win: the run before is told to stop, and of those that waited one is run", async () => {
    const level = d.slider(0, 100);
    const [begun, stopped]: number[][] = [[], []];
    const view = d.interact({ level }, async ({ level }, { signal }) => {
      begun!.push(level);
      // Longer than the cell waits for its first result.
      for (let i = 0; i < 350; i++) {
        await wait(10);
        if (signal.aborted) {
          stopped!.push(level);
          signal.throwIfAborted();
        }
      }
      return `level ${level}`;
    });
    vi.useFakeTimers();
    void display(view);
    await vi.advanceTimersByTimeAsync(30);
    for (const value of [1, 2, 3, 4]) page.change(level.modelId, { value });
    await vi.advanceTimersByTimeAsync(4000);
    await expect.poll(shown).toEqual(["level 4"]);
    expect([begun, stopped]).toEqual([[0, 4], [0]]);
  });

  it("leaves a run behind that never settles, and drops what a slow one brings late", async () => {
    const level = d.slider(0, 100);
    const late: (() => void)[] = [];
    const view = d.interact({ level }, ({ level }) =>
      level === 1 ? new Promise((resolve) => late.push(() => resolve("late"))) : `level ${level}`,
    );
    await view.update();
    await display(view);
    level.value = 1;
    await wait(10);
    level.value = 2;
    await expect.poll(shown).toEqual(["level 2"]);
    late[0]!();
    await wait(10);
    expect(shown()).toEqual(["level 2"]);
  });

  it("shows an error in place, and the next change works", async () => {
    const level = d.slider(0, 100);
    const view = d.interact({ level }, ({ level }) => {
      if (level === 1) throw new RangeError("one is no level");
      return level;
    });
    await display(view);
    level.value = 1;
    await expect.poll(shown).toEqual(["! one is no level"]);
    level.value = 2;
    await expect.poll(shown).toEqual(["! one is no level", "2"]);
  });

  it("says so where the function returns nothing", async () => {
    const view = d.interact({ level: 1 }, () => {});
    expect((await view.still()).text).toContain("interact: the function returned nothing");
  });

  it("marks a run that takes long, and takes the mark away", async () => {
    const level = d.slider(0, 9);
    const view = d.interact({ level }, ({ level }) => wait(level * 300));
    await display(view);
    level.value = 1;
    const marks = () => page.sent.map(({ data }) => data.state?.value).filter((value) => typeof value === "string");
    await expect.poll(marks).toEqual([expect.stringContaining("computing"), expect.not.stringContaining("computing")]);
  });

  it("refuses what makes no control", () => {
    expect(() => d.interact({ a: null as never }, () => 1)).toThrow("interact: a is null; expected a control");
    expect(() => d.interact({ a: d.button("go") as never }, () => 1)).toThrow("a is a widget without a value");
    expect(() => d.interact({ a: 1 }, undefined as never)).toThrow("interact: got undefined, expected a function");
  });

  it("is a still picture of the controls and the result where there is no kernel", async () => {
    remove();
    const bundle = await display(d.interact({ seed: d.slider(0, 9) }, ({ seed }) => `picture ${seed}`));
    expect(bundle["text/plain"]).toBe("seed: 0\npicture 0");
    expect(bundle["text/html"]).toContain("Run this cell in JupyterLab");
  });
});
