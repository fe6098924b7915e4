import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { compile } from "../../../lib/compile/compile.ts";
import { Model } from "../../../lib/models/index.ts";
import { scaledDotProductAttention, upsampleNearest } from "../../../lib/nn/functional/index.ts";
import { Conv2d, type Conv2dOptions, Linear } from "../../../lib/nn/layers.ts";
import { OnnxGraph } from "../../../lib/onnx/model.ts";
import { eightBitHere } from "../../../lib/runtime/sessions.ts";
import { settings } from "../../../lib/runtime/settings.ts";
import { float32ToFloat16 } from "../../../lib/safetensors/index.ts";
import { cat, fromArray, zeros } from "../../../lib/tensor/create.ts";
import { noGrad } from "../../../lib/tensor/grad.ts";
import type { Tensor } from "../../../lib/tensor/tensor.ts";
import { draw, inFolder, weights, writeModel } from "./reference.ts";

const f = Math.fround;

/** As ONNX's operator does it: a range that includes 0, in 256 steps. */
function rounded(x: Float32Array): { numbers: Int32Array; scale: number } {
  const [low, high] = [Math.min(0, ...x), Math.max(0, ...x)];
  const scale = f(f(high - low) / 255);
  const even = (v: number) => (Math.abs(v % 1) === 0.5 ? 2 * Math.round(v / 2) : Math.round(v));
  const zero = Math.min(255, Math.max(0, even(f(-low / scale))));
  return { numbers: Int32Array.from(x, (v) => Math.min(255, Math.max(0, even(f(v / scale)) + zero)) - zero), scale };
}

/** Each row of a weight as whole numbers, and its scale. */
function roundedRows(w: Float32Array, rows: number): { numbers: Int32Array; scales: Float32Array } {
  const width = w.length / rows;
  const scales = Float32Array.from({ length: rows }, (_, r) => {
    return Math.max(...w.subarray(r * width, (r + 1) * width).map(Math.abs)) / 127 || 1;
  });
  return { numbers: Int32Array.from(w, (v, i) => Math.floor(v / scales[Math.floor(i / width)]! + 0.5)), scales };
}

/** A convolution of whole numbers, one sum at a time. */
function convolution(
  x: Tensor,
  data: Float32Array,
  layer: Conv2d,
  w: Float32Array,
  bias: Float32Array | null,
): number[] {
  const { stride = 1, padding = 0, dilation = 1 } = layer.options as { [key: string]: number };
  const [b, c, h, width] = x.shape as [number, number, number, number];
  const [o, , kh, kw] = layer.weight.shape as [number, number, number, number];
  const [q, k] = [rounded(data), roundedRows(w, o)];
  const size = (n: number, of: number) => Math.floor((n + 2 * padding - dilation * (of - 1) - 1) / stride) + 1;
  const out: number[] = [];
  for (let n = 0; n < b; n++) {
    for (let r = 0; r < o; r++) {
      for (let y = 0; y < size(h, kh); y++) {
        for (let z = 0; z < size(width, kw); z++) {
          let sum = 0;
          for (let i = 0; i < c * kh * kw; i++) {
            const [p, s] = [Math.floor(i / kw) % kh, i % kw];
            const [row, column] = [y * stride + p * dilation - padding, z * stride + s * dilation - padding];
            if (row < 0 || column < 0 || row >= h || column >= width) continue;
            const at = ((n * c + Math.floor(i / (kh * kw))) * h + row) * width + column;
            sum += q.numbers[at]! * k.numbers[r * c * kh * kw + i]!;
          }
          out.push(sum * q.scale * k.scales[r]! + (bias?.[r] ?? 0));
        }
      }
    }
  }
  return out;
}

/** A 3x3 convolution of an image whose pixels are repeated, `[B, O, 2H, 2W]`: for each place in a block of four a 2x2 kernel, rounded by itself. */
function upsampled(
  [b, c, h, w]: readonly number[],
  data: Float32Array,
  weight: Float32Array,
  bias: ArrayLike<number> | undefined,
): number[] {
  const [q, o] = [rounded(data), weight.length / (9 * c!)];
  const out = new Array<number>(b! * o * 4 * h! * w!).fill(0);
  for (const [y, x] of [
    [0, 0],
    [0, 1],
    [1, 0],
    [1, 1],
  ] as const) {
    const sums = new Float32Array(o * c! * 4);
    for (let k = 0; k < o * c!; k++) {
      for (let place = 0; place < 9; place++) {
        const [row, column] = [Math.floor(place / 3), place % 3];
        const at = 2 * Math.floor((row + 1 - y) / 2) + Math.floor((column + 1 - x) / 2);
        sums[4 * k + at] = f(sums[4 * k + at]! + weight[9 * k + place]!);
      }
    }
    const kernel = roundedRows(sums, o);
    for (let at = 0; at < b! * o * h! * w!; at++) {
      const [j, i, r, n] = [
        at % w!,
        Math.floor(at / w!) % h!,
        Math.floor(at / (h! * w!)) % o,
        Math.floor(at / (o * h! * w!)),
      ];
      let sum = 0;
      for (let k = 0; k < 4 * c!; k++) {
        const [row, column] = [i + y + ((k >> 1) % 2) - 1, j + x + (k % 2) - 1];
        if (row < 0 || column < 0 || row >= h! || column >= w!) continue;
        sum += q.numbers[((n * c! + (k >> 2)) * h! + row) * w! + column]! * kernel.numbers[4 * c! * r + k]!;
      }
      out[((n * o + r) * 2 * h! + 2 * i + y) * 2 * w! + 2 * j + x] =
        sum * q.scale * kernel.scales[r]! + (bias?.[r] ?? 0);
    }
  }
  return out;
}

/** How far two lists are apart, as a share of their size. */
function apart(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let [off, size] = [0, 0];
  for (let i = 0; i < b.length; i++) {
    off += (a[i]! - b[i]!) ** 2;
    size += b[i]! ** 2;
  }
  expect(a.length).toBe(b.length);
  return Math.sqrt(off / size);
}

/** One layer, with a config and weights in a file. */
class Alone extends Model {
  readonly config: { layer?: string };
  readonly weightsName = "diffusion_pytorch_model";
  readonly layer: Conv2d | Linear;

  constructor(config: { layer?: string } = {}) {
    super();
    this.config = config;
    this.layer = made(config.layer!);
  }

  forward(x: Tensor): Tensor {
    const [kind] = JSON.parse(this.config.layer!) as [string];
    if (kind === "gated") return this.layer.forward(x.mul(x.sigmoid()));
    return this.layer.forward(kind === "upsampled" ? upsampleNearest(x, 2) : x);
  }
}

function made(text: string): Conv2d | Linear {
  const [kind, from, to, options] = JSON.parse(text) as [
    "conv" | "upsampled" | "linear" | "gated",
    number,
    number,
    Conv2dOptions & { kernel: number },
  ];
  if (kind === "linear" || kind === "gated") return new Linear(from, to, options);
  const { kernel, ...rest } = options;
  return new Conv2d(from, to, kernel, rest);
}

async function withLayer(
  layer: readonly [string, number, number, object],
  use: (model: Alone, plain: Alone) => Promise<void>,
  half = false,
  weight = (value: number, _channel: number) => value,
): Promise<void> {
  await inFolder(async (folder) => {
    const layerText = JSON.stringify(layer);
    const keys = Object.fromEntries(
      Object.entries(new Alone({ layer: layerText }).stateDict()).map(([k, v]) => [k, v.shape]),
    );
    const tensors = [...weights(keys as never)].map(([name, { shape, data: drawn }]) => {
      const places = shape.slice(2).reduce((a, b) => a * b, 1);
      const channel = (at: number) => Math.floor(at / places) % (shape[1] ?? Number.POSITIVE_INFINITY);
      const data = shape.length > 1 ? drawn.map((value, at) => weight(value, channel(at))) : drawn;
      return [name, { shape, data: half ? float32ToFloat16(data) : data }] as const;
    });
    await writeModel(folder, { layer: layerText }, new Map(tensors));
    const [model, plain] = await Promise.all([
      Alone.fromPretrained(folder, { precision: "int8" }),
      Alone.fromPretrained(folder),
    ]);
    await use(model, plain);
  });
}

/** Two layers, each with an input of its own. */
class Two extends Alone {
  readonly second = new Linear(64, 48);

  both(x: Tensor, y: Tensor): Tensor {
    return cat([this.layer.forward(x), this.second.forward(y)]);
  }
}

/** A network of this kind around a layer, in 8 bits and in float32. */
async function withKind<M extends Alone>(
  Kind: new (config: { layer?: string }) => M,
  layer: readonly unknown[],
  use: (model: M, plain: M) => Promise<void>,
): Promise<void> {
  await inFolder(async (folder) => {
    const config = { layer: JSON.stringify(layer) };
    const keys = Object.fromEntries(Object.entries(new Kind(config).stateDict()).map(([k, v]) => [k, v.shape]));
    await writeModel(folder, config, weights(keys as never));
    const load = (precision: "int8" | "float32") => Model.fromPretrained.call(Kind as never, folder, { precision });
    await use((await load("int8")) as M, (await load("float32")) as M);
  });
}

let here: typeof settings.eightBit;
beforeEach(() => {
  here = settings.eightBit;
  // Exact on every processor, if not fast.
  settings.eightBit = "unsigned";
});
afterEach(() => {
  settings.eightBit = here;
  vi.restoreAllMocks();
});

describe("layers in 8 bits", () => {
  const convolutions = {
    "3x3": ["conv", 32, 48, { kernel: 3, padding: 1 }],
    "3x3 without a bias": ["conv", 40, 33, { kernel: 3, padding: 1, bias: false }],
    "1x1": ["conv", 64, 32, { kernel: 1 }],
    "with a stride": ["conv", 32, 32, { kernel: 3, stride: 2, padding: 1 }],
    "with a dilation and no padding": ["conv", 32, 32, { kernel: 3, dilation: 2 }],
    "1x1 with a stride": ["conv", 32, 32, { kernel: 1, stride: 2 }],
  } as const;
  for (const [name, layer] of Object.entries(convolutions)) {
    it(`are the sums of whole numbers that they stand for: convolution ${name}`, async () => {
      await withLayer(layer, async (model, plain) => {
        const x = draw(3, 2, layer[1], 9, 7);
        const conv = model.layer as Conv2d;
        const [data, w, bias] = [await x.data(), await conv.weight.data(), (await conv.bias?.data()) ?? null];
        const expected = convolution(x, data as Float32Array, conv, w as Float32Array, bias as Float32Array | null);
        const out = await noGrad(() => model.forward(x)).data();
        expect(apart(out, expected)).toBeLessThan(1e-6);
        const off = apart(out, await noGrad(() => plain.forward(x)).data());
        expect(off).toBeGreaterThan(1e-3);
        expect(off).toBeLessThan(0.03);
      });
    });
  }

  for (const bias of [true, false]) {
    it(`are the sums of whole numbers that they stand for: 3x3 behind upsampling, ${bias ? "with" : "without"} a bias`, async () => {
      await withLayer(["upsampled", 40, 33, { kernel: 3, padding: 1, bias }], async (model, plain) => {
        const x = draw(3, 2, 40, 5, 7);
        const conv = model.layer as Conv2d;
        const [data, w, offset] = [await x.data(), await conv.weight.data(), await conv.bias?.data()];
        const expected = upsampled(x.shape, data as Float32Array, w as Float32Array, offset);
        const out = await noGrad(() => model.forward(x)).data();
        expect(apart(out, expected)).toBeLessThan(1e-6);
        const off = apart(out, await noGrad(() => plain.forward(x)).data());
        expect(off).toBeGreaterThan(1e-3);
        expect(off).toBeLessThan(0.03);
      });
    });
  }

  for (const half of [false, true]) {
    it(`are the sums of whole numbers that they stand for: a linear layer in ${half ? "float16" : "float32"}`, async () => {
      await withLayer(
        ["linear", 70, 96, {}],
        async (model) => {
          const x = draw(5, 3, 11, 70);
          const [q, k] = [
            rounded((await x.data()) as Float32Array),
            roundedRows((await model.layer.weight.data()) as Float32Array, 96),
          ];
          const bias = await model.layer.bias!.data();
          const expected = Array.from({ length: 33 * 96 }, (_, at) => {
            const [row, o] = [Math.floor(at / 96), at % 96];
            let sum = 0;
            for (let i = 0; i < 70; i++) sum += q.numbers[row * 70 + i]! * k.numbers[o * 70 + i]!;
            return sum * q.scale * k.scales[o]! + bias[o]!;
          });
          expect(apart(await noGrad(() => model.forward(x)).data(), expected)).toBeLessThan(1e-6);
        },
        half,
      );
    });
  }

  it("round gated numbers by rows: a row a thousand times as large leaves the others as exact as they were", async () => {
    await withLayer(["gated", 70, 96, {}], async (model, plain) => {
      const drawn = await draw(5, 3, 11, 70).data();
      const sizes = (row: number) => (row % 4 === 0 ? 1000 : row % 4 === 1 ? 0 : 1);
      const x = fromArray(
        "float32",
        [3, 11, 70],
        Float32Array.from(drawn, (v, i) => v * sizes(Math.floor(i / 70))),
      );
      const gated = await noGrad(() => x.mul(x.sigmoid())).data();
      const k = roundedRows((await model.layer.weight.data()) as Float32Array, 96);
      const bias = await model.layer.bias!.data();
      const out = await noGrad(() => model.forward(x)).data();
      const exact = await noGrad(() => plain.forward(x)).data();
      const step = f(1 / 127);
      for (let row = 0; row < 33; row++) {
        const numbers = gated.slice(row * 70, (row + 1) * 70);
        const size = Math.max(1e-30, ...numbers.map(Math.abs));
        const expected = Array.from({ length: 96 }, (_, o) => {
          let sum = 0;
          for (let i = 0; i < 70; i++) sum += Math.round(f(f(numbers[i]! / size) / step)) * k.numbers[o * 70 + i]!;
          return sum * step * k.scales[o]! * size + bias[o]!;
        });
        const own = out.slice(row * 96, (row + 1) * 96);
        expect(apart(own, expected)).toBeLessThan(1e-6);
        expect(apart(own, exact.slice(row * 96, (row + 1) * 96))).toBeLessThan(0.03);
      }
    });
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY])("give no numbers for a gated row that holds %s", async (strange) => {
    await withLayer(["gated", 70, 96, {}], async (model) => {
      const x = Float32Array.from(await draw(5, 20, 70).data());
      x[5 * 70 + 33] = strange;
      const out = await noGrad(() => model.forward(fromArray("float32", [20, 70], x))).data();
      expect(out.slice(5 * 96, 6 * 96).every((v) => !Number.isFinite(v))).toBe(true);
      expect(out.slice(0, 5 * 96).every(Number.isFinite)).toBe(true);
    });
  });

  it("give the same in signed numbers where the processor adds them up exactly", async () => {
    settings.eightBit = undefined;
    if (!(await eightBitHere()).signed) return; // no such instructions here
    await withLayer(["conv", 32, 48, { kernel: 3, padding: 1 }], async (model) => {
      const x = draw(3, 2, 32, 9, 7);
      const signed = await noGrad(() => model.forward(x)).data();
      settings.eightBit = "unsigned";
      const unsigned = compile((y: Tensor) => noGrad(() => model.forward(y)));
      expect(apart(await unsigned(x).data(), signed)).toBeLessThan(1e-6);
    });
  });

  it("give the same in signed numbers where every other channel is zero, which no processor cuts off", async () => {
    await withLayer(["linear", 64, 48, {}], async (model) => {
      const apartFromZero = Float32Array.from({ length: 20 * 64 }, (_, i) => (i % 2 === 0 ? (i * 37) % 101 : 0));
      const call = () => noGrad(() => model.forward(fromArray("float32", [20, 64], apartFromZero.slice()))).data();
      const unsigned = await call();
      settings.eightBit = "signed";
      // Another form, so another session.
      const compiled = compile((x: Tensor) => noGrad(() => model.forward(x)));
      const signed = await compiled(fromArray("float32", [20, 64], apartFromZero.slice())).data();
      expect(apart(signed, unsigned)).toBeLessThan(1e-6);
      compiled.close();
    });
  });

  it("compute zeros from zeros, and are not numbers where the input or a weight is none", async () => {
    await withLayer(["linear", 64, 64, {}], async (model) => {
      const bias = await model.layer.bias!.data();
      const out = await noGrad(() => model.forward(zeros([16, 64]))).data();
      expect(apart(out.subarray(0, 64), bias)).toBeLessThan(1e-6);
      const broken = await noGrad(() => model.forward(zeros([16, 64]).add(Number.NaN))).data();
      expect(broken.every(Number.isNaN)).toBe(true);
      const infinite = await noGrad(() => model.forward(zeros([16, 64]).add(Infinity))).data();
      expect(infinite.some(Number.isFinite)).toBe(false);
    });
  });

  for (const [name, layer, shape] of [
    ["a linear layer", ["linear", 64, 48, {}], [40, 64]],
    ["a convolution", ["conv", 64, 48, { kernel: 3, padding: 1 }], [1, 64, 8, 8]],
    ["a 1x1 convolution", ["conv", 64, 48, { kernel: 1 }], [1, 64, 8, 8]],
  ] as const) {
    for (const signed of [false, true]) {
      it(`compute in float32 where a few inputs are far larger than the others, and say so: ${name}, ${signed ? "signed" : "unsigned"}`, async () => {
        settings.eightBit = signed ? "signed" : "unsigned";
        const said: string[] = [];
        vi.spyOn(console, "log").mockImplementation((line: string) => void said.push(line));
        // The layer does not look at channel 7.
        const blind = (value: number, channel: number) => (channel === 7 ? 0 : value);
        await withLayer(
          layer,
          async (model, plain) => {
            const x = draw(5, ...shape);
            const call = compile((y: Tensor) => noGrad(() => model.forward(y)));
            const usual = apart(await call(x).data(), await noGrad(() => plain.forward(x)).data());
            // Signed numbers are cut off on processors without instructions for them.
            if (!signed) expect(usual).toBeLessThan(0.03);
            expect(said.join()).not.toMatch(/8 bits: /);
            const which = fromArray(
              "float32",
              shape.length === 2 ? [64] : [64, 1, 1],
              new Float32Array(64).fill(1e5, 7, 8),
            );
            const huge = x.add(which);
            const wanted = await noGrad(() => plain.forward(huge)).data();
            const compiled = await call(huge).data();
            expect(apart(compiled, wanted)).toBeLessThan(0.01);
            expect(apart(await noGrad(() => model.forward(huge)).data(), wanted)).toBeLessThan(0.01);
            // Each session says it once, and stays so.
            expect(await call(huge).data()).toEqual(compiled);
            const lines = said.filter((line) => /^8 bits: 1 of 1 inputs of layers holds .* float32$/.test(line));
            expect(lines).toHaveLength(2);
            call.close();
          },
          false,
          blind,
        );
      });
    }
  }

  it("go to float32 once where two computations side by side ask for it, and the others stay in 8 bits", async () => {
    const said: string[] = [];
    vi.spyOn(console, "log").mockImplementation((line: string) => void said.push(line));
    await withKind(Two, ["linear", 64, 48, {}], async (model, plain) => {
      const call = (one: Two, x: Tensor, y: Tensor) => noGrad(() => one.both(x, y));
      const outlier = fromArray("float32", [64], new Float32Array(64).fill(1e5, 7, 8));
      const [x, y] = [draw(5, 40, 64), draw(6, 40, 64)];
      const first = await call(model, x, y).data();
      // Computed before: what is not would be a part of the computation, and each its own.
      const huge = [await x.add(outlier).realize(), await x.sub(outlier).realize()] as const;
      const [a, b] = await Promise.all(huge.map((each) => call(model, each, y).data()));
      expect(apart(a!, await call(plain, huge[0], y).data())).toBeLessThan(0.01);
      expect(apart(b!, await call(plain, huge[1], y).data())).toBeLessThan(0.01);
      expect(said.filter((line) => line.startsWith("8 bits: 1 of 2 inputs of layers holds"))).toHaveLength(1);
      // The other layer still rounds: its half is what it was, and not exact.
      const again = await call(model, x, y).data();
      const half = again.length / 2;
      expect(again.slice(half)).toEqual(first.slice(half));
      expect(apart(again.slice(half), (await call(plain, x, y).data()).slice(half))).toBeGreaterThan(1e-3);
    });
  });

  it("pass gradients in float32, and get none themselves", async () => {
    await withLayer(["conv", 32, 32, { kernel: 3, padding: 1 }], async (model, plain) => {
      const gradient = async (one: Alone) => {
        const x = draw(3, 2, 32, 8, 8).requiresGrad_();
        const loss = one.forward(x).square().sum();
        loss.backward();
        return [await x.grad!.data(), await loss.item()] as const;
      };
      const [own, expected] = [await gradient(model), await gradient(plain)];
      expect(own[1]).toBeCloseTo(expected[1], 1);
      expect(apart(own[0], expected[0])).toBeLessThan(1e-5);
      expect(model.layer.weight.grad).toBeNull();
      expect(model.parameters().every((weight) => !weight.requiresGrad)).toBe(true);
    });
  });
});

/** A layer in 8 bits, and behind upsampling a convolution that is left in float32. */
class Enlarging extends Alone {
  readonly conv = new Conv2d(40, 33, 3, { padding: 1 });

  protected override isRobust(name: string): boolean {
    return name === "layer.weight";
  }

  override forward(x: Tensor): Tensor {
    return this.conv.forward(upsampleNearest(x, 2)).add(
      this.layer
        .forward(zeros([16, 33]))
        .sum()
        .mul(0),
    );
  }
}

it("a convolution behind upsampling that is left in float32 is exact beside layers in 8 bits", async () => {
  await withKind(Enlarging, ["linear", 33, 33, {}], async (model, plain) => {
    const written = vi.spyOn(OnnxGraph.prototype, "addMany");
    for (const shape of [
      [2, 40, 5, 7],
      [1, 40, 1, 1],
    ]) {
      const x = draw(3, ...shape);
      const out = await noGrad(() => model.forward(x)).data();
      expect(written.mock.calls.some(([type]) => type === "Gather")).toBe(true);
      expect(apart(out, await noGrad(() => plain.forward(x)).data())).toBeLessThan(1e-6);
    }
  });
});

/** A convolution of 8 bits between reshapes that move images from the batch to the pixels, and back. */
class Across extends Alone {
  override forward(x: Tensor): Tensor {
    const [b, n, c] = x.shape as [number, number, number];
    const image = x.permute(0, 2, 1).reshape(b / 2, c, 4, n / 2);
    const out = this.layer.forward(image);
    return out.reshape(b, out.shape[1]!, n).permute(0, 2, 1);
  }
}

it("a reshape that moves images between the batch and the pixels is not taken for tokens", async () => {
  await withKind(Across, ["conv", 40, 48, { kernel: 1 }], async (model, plain) => {
    const x = draw(3, 4, 8, 40);
    const [out, exact] = [await noGrad(() => model.forward(x)).data(), await noGrad(() => plain.forward(x)).data()];
    expect(apart(out, exact)).toBeLessThan(0.03);
  });
});

/** Attention beside a layer in 8 bits, which makes a network one in 8 bits. */
class Attending extends Alone {
  attend(q: Tensor, k: Tensor, v: Tensor, scale?: number): Tensor[] {
    const options = scale === undefined ? {} : { scale };
    return [scaledDotProductAttention(q, k, v, options), this.layer.forward(zeros([16, this.layer.weight.shape[1]!]))];
  }
}

describe("attention with many keys in 8 bits", () => {
  const [heads, count, keys, d, width] = [2, 20, 2100, 16, 7] as const;
  // Every other number is 0: no processor cuts their sums off.
  const sparse = (seed: number, length: number, size = 1) => {
    const gaps = Float32Array.from({ length: heads * length * d }, (_, i) => (i % 2 ? 0 : size));
    return draw(seed, 1, heads, length, d).mul(fromArray("float32", [1, heads, length, d], gaps));
  };
  const inputs = (size = 1) => [sparse(1, count, size), sparse(2, keys, size), draw(3, 1, heads, keys, width)] as const;

  async function attending(
    use: (attend: (...x: Tensor[]) => Promise<Float32Array>) => Promise<void>,
    { scale, size = 32 }: { scale?: number; size?: number } = {},
  ) {
    settings.eightBit = "signed";
    await withKind(Attending, ["linear", size, size, {}], async (model) => {
      const call = compile((q: Tensor, k: Tensor, v: Tensor) => noGrad(() => model.attend(q, k, v, scale)));
      await use(async (...[q, k, v]) => (await (await call(q!, k!, v!))[0]!.data()) as Float32Array);
      call.close();
    });
  }
  const exactly = async (...[q, k, v]: Tensor[]) =>
    (await noGrad(() => scaledDotProductAttention(q!, k!, v!)).data()) as Float32Array;
  const batches = (x: Tensor, ...more: Tensor[]) => cat([x, ...more.map((y) => y.flip(1))]);

  it("may have queries in several blocks, two images, and values as wide as leaves one column", async () => {
    await attending(async (attend) => {
      const [q, k, v] = [sparse(1, 1100), sparse(2, keys), draw(3, 1, heads, keys, 15)];
      const [q2, k2, v2] = [q, k, v].map((x) => batches(x, x)) as [Tensor, Tensor, Tensor];
      expect(apart(await attend(q2, k2, v2), await exactly(q2, k2, v2))).toBeLessThan(0.03);
    });
  });

  it.each([0, -0.4, 1e-60])("takes a scale of %f as it is", async (scale) => {
    await attending(
      async (attend) => {
        const [q, k, v] = inputs();
        const expected = await exactly(q.mul(scale * Math.sqrt(d)), k, v);
        expect(apart(await attend(q, k, v), expected)).toBeLessThan(0.03);
      },
      { scale },
    );
  });

  it("is the mean of the values where queries are zeros, and says nothing", async () => {
    const said: string[] = [];
    vi.spyOn(console, "log").mockImplementation((line: string) => void said.push(line));
    await attending(async (attend) => {
      const [q, k, v] = inputs();
      const expected = await exactly(q.mul(0), k, v);
      expect(apart(await attend(q.mul(0), k, v), expected)).toBeLessThan(1e-5);
      expect(said.join()).not.toMatch(/8 bits: /);
    });
  });

  it("leaves other heads as they are where one holds NaN", async () => {
    await attending(async (attend) => {
      const [q, k, v] = inputs();
      const data = Float32Array.from(await k.data());
      data[5] = Number.NaN;
      const out = await attend(q, fromArray("float32", k.shape, data), v);
      const half = count * width;
      expect(out.slice(0, half).every(Number.isNaN)).toBe(true);
      expect(apart(out.slice(half), (await exactly(q, k, v)).slice(half))).toBeLessThan(0.03);
    });
  });

  it("is what its rounded queries and keys stand for", async () => {
    await attending(async (attend) => {
      const [q, k, v] = inputs();
      const [qs, ks, vs] = (await Promise.all([q, k, v].map((x) => x.data()))) as Float32Array[];
      const centred = Float32Array.from(ks!);
      for (let h = 0; h < heads; h++) {
        for (let i = 0; i < d; i++) {
          let mean = 0;
          for (let j = 0; j < keys; j++) mean += ks![(h * keys + j) * d + i]! / keys;
          for (let j = 0; j < keys; j++) centred[(h * keys + j) * d + i]! -= mean;
        }
      }
      const query = rounded(qs!);
      const step = centred.reduce((m, x) => Math.max(m, Math.abs(x)), 0) / 127;
      const expected: number[] = [];
      for (let row = 0; row < heads * count; row++) {
        const first = Math.floor(row / count) * keys;
        const sums = new Array<number>(width).fill(0);
        let total = 0;
        for (let j = first; j < first + keys; j++) {
          let score = 0;
          for (let i = 0; i < d; i++) score += query.numbers[row * d + i]! * Math.round(centred[j * d + i]! / step);
          const p = Math.exp((score * query.scale * step) / Math.sqrt(d));
          total += p;
          for (let i = 0; i < width; i++) sums[i]! += p * vs![j * width + i]!;
        }
        expected.push(...sums.map((sum) => sum / total));
      }
      const out = await attend(q, k, v);
      expect(apart(out, expected)).toBeLessThan(1e-3);
      const off = apart(out, await exactly(q, k, v));
      expect(off).toBeGreaterThan(1e-4);
      expect(off).toBeLessThan(0.03);
    });
  });

  it("does not see what all keys have in common", async () => {
    await attending(async (attend) => {
      const [q, k, v] = inputs();
      const shifted = k.add(
        fromArray(
          "float32",
          [d],
          Float32Array.from({ length: d }, (_, i) => (i % 2 ? 0 : 40)),
        ),
      );
      expect(apart(await attend(q, shifted, v), await exactly(q, k, v))).toBeLessThan(0.03);
    });
  });

  it.each([
    ["where scores would be coarse", 6, 32],
    ["where scores would be coarse beside layers too small to be rounded", 6, 16],
    ["where lengths are beyond float32", 1e20, 32],
  ])("is in float32 %s, and says so once", async (_, size, beside) => {
    const said: string[] = [];
    vi.spyOn(console, "log").mockImplementation((line: string) => void said.push(line));
    await attending(
      async (attend) => {
        const [q, k, v] = inputs();
        await attend(q, k, v);
        expect(said.join()).not.toMatch(/8 bits: /);
        const [large, small] = [q.mul(size), k.mul(size > 1e3 ? 1 / size : size)];
        const wanted = await exactly(large, small, v);
        expect(wanted.every(Number.isFinite)).toBe(true);
        expect(apart(await attend(large, small, v), wanted)).toBeLessThan(1e-5);
        expect(apart(await attend(large, small, v), wanted)).toBeLessThan(1e-5);
        const all = beside === 32 ? 2 : 1;
        expect(said.filter((line) => line.startsWith(`8 bits: 1 of ${all} inputs of layers holds`))).toHaveLength(1);
      },
      { size: beside },
    );
  });

  it.each([0, 1, 2])("is no number where input %i holds one that is none", async (which) => {
    await attending(async (attend) => {
      const tensors = [...inputs()] as Tensor[];
      const data = Float32Array.from(await tensors[which]!.data());
      data[5] = Number.NaN;
      tensors[which] = fromArray("float32", tensors[which]!.shape, data);
      const out = await attend(...tensors);
      const touched = which === 2 ? out.slice(5, 6) : out.slice(0, width);
      expect(touched.every(Number.isNaN)).toBe(true);
    });
  });
});
