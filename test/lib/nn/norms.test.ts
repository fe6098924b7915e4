import { afterAll, describe, expect, it } from "vitest";
import { nn, type Tensor, tensor } from "../../../lib/index.ts";
import { settings } from "../../../lib/runtime/settings.ts";
import reference from "../../reference/norms.json" with { type: "json" };

const F = nn.functional;

/** Numbers over which a normalisation takes its mean, and the channel of each number. */
interface Layout {
  readonly shape: readonly number[];
  readonly channels: number;
  /** The group of element `i`, and its channel. */
  readonly group: (i: number) => number;
  readonly channel: (i: number) => number;
  readonly eps?: number;
}

const size = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);
const images = (b: number, c: number, h: number, w: number, groups: number): Layout => ({
  shape: [b, c, h, w],
  channels: c,
  group: (i) => Math.floor(i / ((c * h * w) / groups)),
  channel: (i) => Math.floor(i / (h * w)) % c,
});
const layouts: Record<string, Layout> = {
  groupNorm: images(2, 16, 16, 16, 4),
  groupNormSmall: images(2, 8, 3, 5, 2),
  instanceNorm: images(2, 4, 16, 20, 4),
  layerNorm: { shape: [6, 40], channels: 40, group: (i) => Math.floor(i / 40), channel: (i) => i % 40 },
  batchNorm: {
    shape: [8, 3, 4, 4],
    channels: 3,
    group: (i) => Math.floor(i / 16) % 3,
    channel: (i) => Math.floor(i / 16) % 3,
  },
  rmsNorm: { shape: [6, 40], channels: 40, group: (i) => Math.floor(i / 40), channel: (i) => i % 40 },
  var: { shape: [6, 400], channels: 1, group: (i) => Math.floor(i / 400), channel: () => 0 },
  std: { shape: [6, 400], channels: 1, group: (i) => Math.floor(i / 400), channel: () => 0 },
  varAll: { shape: [6, 400], channels: 1, group: () => 0, channel: () => 0 },
};

type Norm = (x: Tensor, weight: Tensor, bias: Tensor) => Tensor;
const ours: Record<string, Norm> = {
  groupNorm: (x, w, b) => F.groupNorm(x, 4, w, b),
  groupNormSmall: (x, w, b) => F.groupNorm(x, 2, w, b),
  instanceNorm: (x, w, b) => F.groupNorm(x, 4, w, b),
  layerNorm: (x, w, b) => F.layerNorm(x, w, b),
  batchNorm: (x, w, b) => F.batchNorm(x, w, b).output,
  rmsNorm: (x, w) => F.rmsNorm(x, w, 1e-5),
  var: (x) => x.var(1),
  std: (x) => x.std(1),
  varAll: (x) => x.var(),
};

const weightOf = (c: number) => Math.fround(1 + 0.1 * Math.cos(c));
const biasOf = (c: number) => Math.fround(0.1 * Math.sin(c));

/** The same in float64, from the formulas. */
function exact(name: string, x: Float32Array, dy: Float32Array): { y: number[]; dx: number[] } {
  const { group, channel } = layouts[name]!;
  const members = new Map<number, number[]>();
  for (let i = 0; i < x.length; i++) members.set(group(i), [...(members.get(group(i)) ?? []), i]);
  const [y, dx]: [number[], number[]] = [[], []];
  for (const [row, at] of members) {
    const n = at.length;
    const sum = (f: (i: number) => number) => at.reduce((s, i) => s + f(i), 0);
    const mean = name === "rmsNorm" ? 0 : sum((i) => x[i]!) / n;
    const square = sum((i) => (x[i]! - mean) ** 2);
    if (/var|std/.test(name)) {
      const variance = square / (n - 1);
      y[row] = name === "std" ? Math.sqrt(variance) : variance;
      const slope = name === "std" ? 1 / (Math.sqrt(variance) * (n - 1)) : 2 / (n - 1);
      for (const i of at) dx[i] = dy[row]! * slope * (x[i]! - mean);
      continue;
    }
    const inv = 1 / Math.sqrt(square / n + 1e-5);
    const h = (i: number) => (x[i]! - mean) * inv;
    const a = (i: number) => dy[i]! * weightOf(channel(i));
    const [meanA, meanAH] = [name === "rmsNorm" ? 0 : sum(a) / n, sum((i) => a(i) * h(i)) / n];
    for (const i of at) {
      y[i] = h(i) * weightOf(channel(i)) + (name === "rmsNorm" ? 0 : biasOf(channel(i)));
      dx[i] = inv * (a(i) - meanA - h(i) * meanAH);
    }
  }
  return { y, dx };
}

function error(found: ArrayLike<number>, expected: readonly number[]): number {
  expect(found.length).toBe(expected.length);
  const scale = Math.max(...expected.map(Math.abs));
  return Math.max(...expected.map((v, i) => Math.abs(v - found[i]!) / scale));
}

describe("normalisations of numbers with a large mean", () => {
  afterAll(() => {
    settings.tuned = true;
  });
  for (const tuned of [true, false]) {
    for (const [name, rows] of Object.entries(reference.cases)) {
      it(`are as exact as PyTorch's, forward and backward: ${name}, ${tuned ? "tuned" : "standard"}`, async () => {
        settings.tuned = tuned;
        const { shape, channels } = layouts[name]!;
        for (const [ratio, [value, gradient]] of Object.entries(rows)) {
          const data = Float32Array.from(
            { length: size(shape) },
            (_, i) => Number(ratio) + Math.sin(0.37 * i) + 0.5 * Math.sin(1.7 * i + 1),
          );
          const x = tensor(data, shape, { requiresGrad: true });
          const each = (f: (c: number) => number) => tensor(Array.from({ length: channels }, (_, c) => f(c)));
          const [w, b] = [each(weightOf).requiresGrad_(), each(biasOf).requiresGrad_()];
          const y = ours[name]!(x, w, b);
          const dy = Float32Array.from({ length: y.numel() }, (_, i) => Math.cos(0.31 * i));
          y.backward(tensor(dy, y.shape));
          const known = exact(name, data, dy);
          // A mean of float32 numbers is known to one part in 1e7 at best; nobody's last digits are the same.
          const floor = 4e-7 + 2e-7 * Number(ratio);
          expect(error(await y.data(), known.y), `value at ${ratio}`).toBeLessThan(Math.max(2 * value!, floor));
          expect(error(await x.grad!.data(), known.dx), `gradient at ${ratio}`).toBeLessThan(
            Math.max(2 * gradient!, floor),
          );
          // Without a gradient in sight it may take another way.
          const plain = await ours[name]!(x.detach(), w.detach(), b.detach()).data();
          expect(error(plain, known.y), `value alone at ${ratio}`).toBeLessThan(Math.max(2 * value!, floor));
        }
      });
    }
  }
});

it("groups that do not come out even say which number of channels would", () => {
  expect(() => new nn.GroupNorm(8, 65)).toThrow(
    "GroupNorm: 65 channels in 8 groups; expected a multiple of 8, such as 72",
  );
});
