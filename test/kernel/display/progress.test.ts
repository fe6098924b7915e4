import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, expectTypeOf, it } from "vitest";
import { createProgress } from "../../../kernel/display/index.ts";
import { type BarState, barHtml, barText } from "../../../kernel/display/progress/bar.ts";
import { Rate } from "../../../kernel/display/progress/rate.ts";

/** A page that records each picture of each output, and a clock that the test moves. */
function page() {
  const outputs: { text: string[]; html: string[] }[] = [];
  let time = 0;
  const pass = (ms: number): void => {
    time += ms;
  };
  const control = createProgress(
    (bundle) => {
      const output = { text: [] as string[], html: [] as string[] };
      const record = (value: unknown) => {
        output.text.push((value as Record<string, string>)["text/plain"]!);
        output.html.push((value as Record<string, string>)["text/html"]!);
        return handle;
      };
      const handle = { update: record as never };
      outputs.push(output);
      record(bundle);
      return handle;
    },
    { now: () => time },
  );
  return { ...control, outputs, pass, last: () => outputs.at(-1)!.text.at(-1)! };
}

const state: BarState = { label: "train", done: 450, total: 1000, elapsed: 12, rate: 37.2, note: "", state: "running" };

describe("a bar as text", () => {
  it.each<[Partial<BarState>, string]>([
    [{}, "train   45 % ━━━━━━━━━─────────── 450/1000  0:12 elapsed, 0:15 left, 37.2/s"],
    [
      { done: 475, note: "loss 0.1" },
      "train   47 % ━━━━━━━━━╸────────── 475/1000  0:12 elapsed, 0:14 left, 37.2/s  loss 0.1",
    ],
    [{ label: "", done: 0, rate: 0, elapsed: 0 }, "  0 % ──────────────────── 0/1000  0:00 elapsed"],
    [{ done: 1000, state: "done", elapsed: 10 }, "train  100 % ━━━━━━━━━━━━━━━━━━━━ 1000/1000  0:10 elapsed, 100/s"],
    [{ done: 999 }, "train   99 % ━━━━━━━━━━━━━━━━━━━╸ 999/1000  0:12 elapsed, 0:00 left, 37.2/s"],
    [{ state: "stopped" }, "train   45 % ━━━━━━━━━─────────── 450/1000  stopped after 0:12"],
    [{ total: undefined }, "train  450  0:12 elapsed, 37.2/s"],
    [{ total: 0, done: 0, state: "done", elapsed: 0 }, "train  100 % ━━━━━━━━━━━━━━━━━━━━ 0/0  0:00 elapsed"],
    [{ done: 1500 }, "train  150 % ━━━━━━━━━━━━━━━━━━━━ 1500/1000  0:12 elapsed, 37.2/s"],
    [
      { rate: 0.02, elapsed: 3700 },
      "train   45 % ━━━━━━━━━─────────── 450/1000  1:01:40 elapsed, 7:38:20 left, 50 s each",
    ],
    [
      { rate: 0.001, elapsed: 200_000 },
      "train   45 % ━━━━━━━━━─────────── 450/1000  2 d 7:33:20 elapsed, 6 d 8:46:40 left, 1000 s each",
    ],
    [{ rate: 1e-9 }, "train   45 % ━━━━━━━━━─────────── 450/1000  0:12 elapsed, > 999 d left, 1000000000 s each"],
    [{ done: 1.5, total: 2.25 }, "train   66 % ━━━━━━━━━━━━━─────── 1.50/2.25  0:12 elapsed, 0:00 left, 37.2/s"],
  ])("%o", (change, text) => {
    expect(barText({ ...state, ...change })).toBe(text);
  });
});

describe("a bar as HTML", () => {
  it("tells screen readers its role, name and values", () => {
    const html = barHtml({ ...state, label: 'a"<b>' });
    expect(html).toContain('<progress role="progressbar" aria-label="a&quot;&lt;b&gt;" value="450" max="1000"');
    expect(html).toContain('aria-valuemin="0" aria-valuenow="450" aria-valuemax="1000"');
    expect(html).toContain('aria-valuetext="45 %, 450/1000, 0:12 elapsed, 0:15 left, 37.2/s"');
    expect(html).not.toContain("<b>");
  });

  it("has no value while it runs towards an unknown end, and is full afterwards", () => {
    expect(barHtml({ ...state, total: undefined })).not.toContain(" value=");
    expect(barHtml({ ...state, total: undefined, state: "done" })).toContain(' value="1" max="1"');
    expect(barHtml({ ...state, total: 0, done: 0 })).toContain(' value="1" max="1"');
  });

  it("has another colour where it stopped", () => {
    expect(barHtml({ ...state, state: "stopped" })).toContain("accent-color:var(--jp-error-color1");
  });
});

describe("the rate", () => {
  it("is the mean at first and follows a change of speed within some seconds", () => {
    const rate = new Rate();
    expect(rate.value).toBe(0);
    rate.add(100, 1);
    expect(rate.value).toBeCloseTo(100);
    for (let i = 0; i < 200; i++) rate.add(1, 0.1);
    expect(rate.value).toBeGreaterThan(9.9);
    expect(rate.value).toBeLessThan(14);
  });

  it("of a slow loop is not that of its last step alone", () => {
    const rate = new Rate();
    for (let i = 0; i < 5; i++) rate.add(1, 10);
    rate.add(1, 40);
    expect(rate.value).toBeGreaterThan(1 / 25);
  });
});

describe("progress", () => {
  it("yields each item with its type, once, in order", () => {
    const { progress, last } = page();
    const seen: string[] = [];
    for (const word of progress(["a", "b", "c"] as const, { label: "words" })) {
      expectTypeOf(word).toEqualTypeOf<"a" | "b" | "c">();
      seen.push(word);
    }
    expect(seen).toEqual(["a", "b", "c"]);
    expect(last()).toMatch(/^words {2}100 % ━+ 3\/3 {2}/);
  });

  it.each<[string, unknown, string]>([
    ["a number of steps", 4, "4/4"],
    ["a Map", new Map([[1, 2]]), "1/1"],
    ["a typed array", new Float32Array(5), "5/5"],
    ["a string", "abc", "3/3"],
    [
      "a generator",
      (function* () {
        yield 1;
        yield 2;
      })(),
      "2  0:00",
    ],
    ["nothing", [], "0/0"],
  ])("goes through %s", (_name, items, end) => {
    const { progress, last } = page();
    let steps = 0;
    for (const _ of progress(items as Iterable<unknown>)) steps++;
    expect(last()).toContain(end);
    expect(last()).toContain(String(steps));
  });

  it("shows a bar before the first step, then at most ten times a second, and always the last state", () => {
    const { progress, outputs, pass } = page();
    for (const _ of progress(1000)) pass(1);
    const { text } = outputs[0]!;
    expect(text[0]).toContain("0/1000");
    expect(text.at(-1)).toContain("100 % ━━━━━━━━━━━━━━━━━━━━ 1000/1000  0:01 elapsed, 1000/s");
    expect(text.length).toBeGreaterThan(8);
    expect(text.length).toBeLessThan(14);
    expect(outputs).toHaveLength(1);
  });

  it("shows each step of a slow loop, with the time left", () => {
    const { progress, outputs, pass } = page();
    for (const _ of progress(4)) pass(30_000);
    expect(outputs[0]?.text.map((line) => /\d\/4.*/.exec(line)?.[0])).toEqual([
      "0/4  0:00 elapsed",
      "1/4  0:30 elapsed, 1:30 left, 30 s each",
      "2/4  1:00 elapsed, 1:00 left, 30 s each",
      "3/4  1:30 elapsed, 0:30 left, 30 s each",
      "4/4  2:00 elapsed, 30 s each",
      "4/4  2:00 elapsed, 30 s each",
    ]);
  });

  it("notices soon when a fast loop turns slow", () => {
    const { progress, outputs, pass } = page();
    let i = 0;
    for (const _ of progress(10_000)) pass(++i > 9_900 ? 1000 : 0.001);
    // At most 16 slow steps go by unseen.
    const shown = outputs[0]!.text.map((line) => Number(/(\d+)\/10000/.exec(line)![1]));
    expect(shown.filter((n) => n > 9_900).length).toBeGreaterThan(80);
  });

  it("says where it stopped at a break, at an error in the body and at one of the items", () => {
    const { progress, last } = page();
    for (const i of progress(10, { label: "break" })) if (i === 3) break;
    expect(last()).toMatch(/^break {3}30 % .* 3\/10 {2}stopped after 0:00$/);
    expect(() => {
      for (const i of progress(10, { label: "throw" })) if (i === 7) throw new Error("body");
    }).toThrow("body");
    expect(last()).toMatch(/7\/10 {2}stopped/);
    const failing = function* () {
      yield 1;
      throw new RangeError("bad file");
    };
    expect(() => [...progress(failing())]).toThrow("bad file");
    expect(last()).toBe("1  stopped after 0:00  RangeError: bad file");
  });

  it("closes the items it goes through at a break", () => {
    let closed = 0;
    const items = function* () {
      try {
        yield* [1, 2, 3];
      } finally {
        closed++;
      }
    };
    for (const _ of page().progress(items())) break;
    expect(closed).toBe(1);
  });

  it("goes through asynchronous items, and shows the latest state while the program waits", async () => {
    const { progress, outputs, last, pass } = page();
    async function* lines() {
      for (let i = 0; i < 3; i++) {
        yield `line ${i}`;
        pass(10);
      }
      await sleep(150); // long enough for the timer to show what came within the last tenth of a second
      expect(last()).toContain("3/4");
      yield "end";
    }
    const seen: string[] = [];
    for await (const line of progress(lines(), { total: 4 })) {
      expectTypeOf(line).toEqualTypeOf<string>();
      seen.push(line);
    }
    expect(seen).toEqual(["line 0", "line 1", "line 2", "end"]);
    expect(last()).toContain("100 % ");
    for await (const _ of progress(lines(), { total: 4, label: "stopped" })) break;
    expect(last()).toMatch(/stopped.*0\/4 {2}stopped after/);
    expect(outputs).toHaveLength(2);
  });

  it("keeps nested loops in one output, a line each, and starts the inner one anew", () => {
    const { progress, outputs, pass } = page();
    for (const _epoch of progress(3, { label: "epoch" }))
      for (const _batch of progress(5, { label: "batch" })) pass(60);
    expect(outputs).toHaveLength(1);
    const pictures = outputs[0]!.text;
    expect(Math.max(...pictures.map((picture) => picture.split("\n").length))).toBe(2);
    expect(pictures.at(-1)).toMatch(/^epoch +100 % .* 3\/3 .*\nbatch +100 % .* 5\/5 /);
    expect(pictures.some((picture) => /epoch +33 % .*\nbatch +20 % /.test(picture))).toBe(true);
  });

  it("does not flood the page with the ends of many short inner loops", () => {
    const { progress, outputs, pass } = page();
    for (const _ of progress(1000)) for (const _inner of progress(3, { label: "inner" })) pass(0.1);
    expect(outputs[0]!.text.length).toBeLessThan(8);
  });

  it("gives loops one after the other an output each", () => {
    const { progress, outputs } = page();
    for (const _ of progress(1));
    for (const _ of progress(1));
    expect(outputs).toHaveLength(2);
  });

  it("begins below a new cell, even if a loop of an earlier one was never finished", () => {
    const { progress, outputs, startCell } = page();
    const left = progress(10, { label: "old" })[Symbol.iterator]();
    left.next();
    startCell();
    for (const _ of progress(2, { label: "new" }));
    expect(outputs).toHaveLength(2);
    expect(outputs[1]!.text.at(-1)).not.toContain("old");
  });

  it("says that it stopped where an interrupt ends the loop without telling it, and stays so", () => {
    const { progress, outputs, interrupted, pass, last } = page();
    const loop = progress(10)[Symbol.iterator]();
    loop.next();
    loop.next();
    pass(500);
    interrupted();
    expect(last()).toMatch(/1\/10 {2}stopped after 0:01$/);
    const pictures = outputs[0]!.text.length;
    pass(500);
    loop.next();
    expect(outputs[0]!.text.length).toBe(pictures);
  });

  it("puts a note of the loop's behind the figures", () => {
    const { progress, last, pass } = page();
    const steps = progress(3);
    for (const i of steps) {
      steps.note(`loss ${1 / (i + 1)}`);
      pass(200);
    }
    expect(last()).toMatch(/ {2}loss 0\.333/);
  });

  it("refuses what cannot be gone through", () => {
    const { progress } = page();
    expect(() => progress({} as never)).toThrow(
      "progress: got an object, expected an array or another iterable, or a number of steps.",
    );
    expect(() => progress(null as never)).toThrow("progress: got null");
    expect(() => [...progress([1], { total: -1 })]).toThrow("got the total -1");
    expect(() => [...progress(Number.NaN)]).toThrow("got the total NaN");
  });
});

describe("progress.bar", () => {
  it("moves by steps and to places, with notes, and closes once", () => {
    const { progress, outputs, pass, last } = page();
    const bar = progress.bar({ total: 100, label: "download" });
    pass(200);
    bar.step(25);
    expect(last()).toContain(" 25 % ");
    pass(200);
    bar.update(50, "unet.safetensors");
    expect(last()).toMatch(/50\/100 .* {2}unet\.safetensors$/);
    bar.step();
    expect(bar.done).toBe(51);
    bar.update(100);
    bar.close();
    bar.close();
    bar.step();
    expect(bar.done).toBe(100);
    expect(last()).toContain("100/100");
    expect(outputs).toHaveLength(1);
  });

  it("closed before its end says that it stopped; disposing closes it", () => {
    const { progress, last } = page();
    progress.bar({ total: 10 }).close();
    expect(last()).toContain("0/10  stopped");
    const bar = progress.bar();
    bar.step(7);
    bar[Symbol.dispose]();
    expect(last()).toMatch(/^7 {2}0:00 elapsed/);
  });

  it("keeps work that goes on side by side in one output, with what is finished", () => {
    const { progress, outputs, last } = page();
    const [a, b] = [progress.bar({ total: 1, label: "a" }), progress.bar({ total: 1, label: "b" })];
    a.step();
    a.close();
    b.step();
    b.close();
    expect(outputs).toHaveLength(1);
    expect(last()).toMatch(/^a +100 % .*\nb +100 % /);
  });

  it("drops the oldest of many finished bars", () => {
    const { progress, last } = page();
    const outer = progress.bar({ label: "outer", total: 1 });
    for (let i = 0; i < 30; i++) progress.bar({ label: `file ${i}` }).close();
    outer.step();
    outer.close();
    expect(last().split("\n").length).toBeLessThan(12);
    expect(last()).toContain("outer");
    expect(last()).toContain("file 29");
  });

  it("refuses a place that is no number", () => {
    expect(() =>
      page()
        .progress.bar()
        .update("half" as never),
    ).toThrow("progress: got half steps done, expected a number.");
  });
});

it("Without a page, plain lines are printed, one a second at most", () => {
  const lines: string[] = [];
  let time = 0;
  const { progress } = createProgress(undefined, { print: (line) => lines.push(line), now: () => time });
  for (const _ of progress(500, { label: "train" })) time += 10;
  expect(lines[0]).toMatch(/^train {4}0 %/);
  expect(lines.at(-1)).toMatch(/500\/500 {2}0:05 elapsed, 100\/s$/);
  expect(lines.length).toBeLessThanOrEqual(7);
});
