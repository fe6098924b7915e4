import { MODES, type Pixels } from "./pixels.ts";

/** A kernel by the distance in pixels, and how far it reaches. */
interface Kernel {
  readonly reach: number;
  readonly at: (x: number) => number;
}

const sinc = (x: number) => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x));

/** Kernels as Pillow has them; `nearest` needs none. */
const KERNELS: Readonly<Record<Exclude<Filter, "nearest">, Kernel>> = {
  bilinear: { reach: 1, at: (x) => Math.max(0, 1 - Math.abs(x)) },
  // Keys' cubic with a = -1/2.
  bicubic: {
    reach: 2,
    at: (x) => {
      const d = Math.abs(x);
      if (d < 1) return (1.5 * d - 2.5) * d * d + 1;
      return d < 2 ? ((-0.5 * d + 2.5) * d - 4) * d + 2 : 0;
    },
  },
  lanczos: { reach: 3, at: (x) => (x > -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0) },
};

/** How new pixels are made of old ones. */
export const FILTERS = ["lanczos", "bicubic", "bilinear", "nearest"] as const;
/** How new pixels are made of old ones; "nearest" keeps every pixel a crisp square. */
export type Filter = (typeof FILTERS)[number];

/** Fractions are kept in this many bits, so that sums of bytes fit 32. */
const BITS = 22;

/**
 * Pixels at another size, byte for byte as Pillow makes them: across and down, each rounded to bytes, with the kernel widened
 * where the picture shrinks. Written here because a picture that is resized for a model has to be the one that Python gives it,
 * and libvips enlarges by other rules.
 *
 * @see https://github.com/python-pillow/Pillow/blob/main/src/libImaging/Resample.c
 */
export function resample(pixels: Pixels, width: number, height: number, filter: Filter): Pixels {
  const { mode } = pixels;
  if (filter === "nearest") return nearest(pixels, width, height);
  const kernel = KERNELS[filter];
  // A transparent pixel's colour means nothing: it must not bleed into its neighbours.
  const source = mode === "RGBA" ? scaledByAlpha(pixels) : pixels.data;
  const channels = MODES[mode];
  const across = (data: Uint8Array, count: number) =>
    pass(data, { count, from: pixels.width, to: width, channels, kernel });
  const down = (data: Uint8Array, columns: number) =>
    passDown(data, { rows: pixels.height, to: height, row: columns * channels, kernel });
  // Down first where the rows that go are more than twice the columns: as Pillow does from version 13 on. It saves work, and
  // as each pass rounds to bytes, the order can be seen in the last bit.
  const gone = pixels.height - height;
  const downFirst = gone > 0 && gone > 2 * (pixels.width - width);
  const data = downFirst ? across(down(source, pixels.width), height) : down(across(source, pixels.height), width);
  return { width, height, mode, data: mode === "RGBA" ? dividedByAlpha(data) : data };
}

/** For each new pixel, the first old one that counts and the weights from there on. */
function weightsFor(from: number, to: number, { reach, at }: Kernel): { first: number; weights: Int32Array }[] {
  const scale = from / to;
  const stretch = Math.max(scale, 1);
  const support = reach * stretch;
  return Array.from({ length: to }, (_, i) => {
    const center = (i + 0.5) * scale;
    const first = Math.max(0, Math.trunc(center - support + 0.5));
    const end = Math.min(from, Math.trunc(center + support + 0.5));
    const exact = Array.from({ length: end - first }, (_, k) => at((first + k - center + 0.5) / stretch));
    const sum = exact.reduce((a, b) => a + b, 0);
    const integers = exact.map((w) => {
      const fixed = (sum === 0 ? w : w / sum) * 2 ** BITS;
      return Math.trunc(fixed < 0 ? fixed - 0.5 : fixed + 0.5);
    });
    return { first, weights: Int32Array.from(integers) };
  });
}

const clip = (sum: number) => Math.max(0, Math.min(255, sum >> BITS));

function pass(
  data: Uint8Array,
  { count, from, to, channels, kernel }: { count: number; from: number; to: number; channels: number; kernel: Kernel },
): Uint8Array {
  if (from === to) return data;
  const out = new Uint8Array(count * to * channels);
  for (const [x, { first, weights }] of weightsFor(from, to, kernel).entries()) {
    for (let y = 0; y < count; y++) {
      for (let c = 0; c < channels; c++) {
        let sum = 1 << (BITS - 1);
        let at = (y * from + first) * channels + c;
        for (let k = 0; k < weights.length; k++, at += channels) sum += data[at]! * weights[k]!;
        out[(y * to + x) * channels + c] = clip(sum);
      }
    }
  }
  return out;
}

function passDown(
  data: Uint8Array,
  { rows, to, row, kernel }: { rows: number; to: number; row: number; kernel: Kernel },
): Uint8Array {
  if (rows === to) return data;
  const out = new Uint8Array(to * row);
  const sums = new Int32Array(row);
  for (const [y, { first, weights }] of weightsFor(rows, to, kernel).entries()) {
    sums.fill(1 << (BITS - 1));
    for (let k = 0; k < weights.length; k++) {
      const weight = weights[k]!;
      const start = (first + k) * row;
      for (let i = 0; i < row; i++) sums[i]! += data[start + i]! * weight;
    }
    for (let i = 0; i < row; i++) out[y * row + i] = clip(sums[i]!);
  }
  return out;
}

function nearest({ width: from, height: rows, mode, data }: Pixels, width: number, height: number): Pixels {
  const channels = MODES[mode];
  const out = new Uint8Array(width * height * channels);
  for (let y = 0; y < height; y++) {
    const line = Math.floor(((y + 0.5) * rows) / height) * from;
    for (let x = 0; x < width; x++) {
      const at = (line + Math.floor(((x + 0.5) * from) / width)) * channels;
      for (let c = 0; c < channels; c++) out[(y * width + x) * channels + c] = data[at + c]!;
    }
  }
  return { width, height, mode, data: out };
}

function scaledByAlpha({ data }: Pixels): Uint8Array {
  const out = Uint8Array.from(data);
  for (let i = 0; i < out.length; i += 4) {
    for (let c = 0; c < 3; c++) {
      // Division by 255, rounded, in whole numbers.
      const product = data[i + c]! * data[i + 3]! + 128;
      out[i + c] = ((product >> 8) + product) >> 8;
    }
  }
  return out;
}

function dividedByAlpha(data: Uint8Array): Uint8Array {
  const out = Uint8Array.from(data);
  for (let i = 0; i < out.length; i += 4) {
    const alpha = data[i + 3]!;
    if (alpha === 0 || alpha === 255) continue;
    for (let c = 0; c < 3; c++) out[i + c] = Math.min(255, Math.trunc((255 * data[i + c]!) / alpha));
  }
  return out;
}
