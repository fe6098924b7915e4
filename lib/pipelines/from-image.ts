import { sameShape, show } from "../graph/shape.ts";
import { Image } from "../images/index.ts";
import { batchHint } from "../models/batch-hint.ts";
import { shown } from "../options.ts";
import { plural } from "../printed.ts";
import { cat, fromArray } from "../tensor/create.ts";
import { Tensor } from "../tensor/tensor.ts";

/** A picture, several, or a tensor `[B, 3, H, W]` from -1 to 1. */
export type ImageInput = Image | readonly Image[] | Tensor;

/** Size in pixels. */
export interface Size {
  readonly height: number;
  readonly width: number;
}

/** The size that a picture asks for: its own, cut down to a multiple of `scale`. */
export function naturalSize(name: string, input: ImageInput, scale: number): Size {
  if (input instanceof Tensor && input.ndim !== 4) {
    throw new RangeError(`${name}: image ${show(input.shape)}; expected [B, 3, H, W]${batchHint(input)}`);
  }
  const { height, width } =
    input instanceof Tensor ? { height: input.shape[2]!, width: input.shape[3]! } : first(name, "image", input);
  const cut = (n: number) => Math.max(scale, n - (n % scale));
  return { height: cut(height), width: cut(width) };
}

function first(name: string, what: string, input: Image | readonly Image[]): Image {
  const list = Array.isArray(input) ? input : [input];
  const strange = list.length === 0 ? list : list.find((image) => !(image instanceof Image));
  if (strange !== undefined || !list[0]) {
    const channels = what === "mask" ? 1 : 3;
    throw new TypeError(
      `${name}: ${what} is ${shown(strange)}; expected an Image (await Image.open(file)), a list of them, or a tensor [B, ${channels}, H, W]`,
    );
  }
  return list[0];
}

/** Pictures as a tensor `[B, 3, H, W]` from -1 to 1, brought to the size. */
export async function imageTensor(name: string, input: ImageInput, size: Size): Promise<Tensor> {
  if (input instanceof Tensor)
    return inRange(name, ofShape(name, "image", input, [3, size.height, size.width]).float());
  first(name, "image", input);
  const list = input instanceof Image ? [input] : input;
  const tensors: Tensor[] = [];
  for (const image of list) tensors.push(image.convert("RGB").resize(size.width, size.height).toTensor());
  return cat(tensors);
}

/** A mask as 0 (keep) and 1 (paint), `[B, 1, H, W]`: where the picture is brighter than middle grey. */
export async function maskTensor(name: string, input: ImageInput, size: Size): Promise<Tensor> {
  if (input instanceof Tensor) return binary(ofShape(name, "mask", input, [1, size.height, size.width]), 0.5);
  first(name, "mask", input);
  const list = input instanceof Image ? [input] : input;
  const tensors: Tensor[] = [];
  for (const image of list) {
    const grey = image
      .convert("L")
      .resize(size.width, size.height)
      .toTensor({ range: [0, 1] });
    tensors.push(await binary(grey, 0.5));
  }
  return cat(tensors);
}

/** Refuses bytes and what is no number; pictures that a decoder has made may go a little beyond -1 and 1. */
async function inRange(name: string, x: Tensor): Promise<Tensor> {
  const [low, high] = await Promise.all([x.amin().item(), x.amax().item()]);
  if (low >= -2 && high <= 2) return x;
  const hint = low >= 0 && high > 2 && high <= 255 ? "; write x.float().div(127.5).sub(1) for bytes" : "";
  throw new RangeError(`${name}: the image's values go from ${low} to ${high}; expected -1 to 1${hint}`);
}

function ofShape(name: string, what: string, x: Tensor, shape: readonly number[]): Tensor {
  if (x.ndim === 4 && sameShape(x.shape.slice(1), shape)) return x;
  throw new RangeError(`${name}: ${what} ${show(x.shape)}; expected [B, ${shape.join(", ")}]${batchHint(x)}`);
}

async function binary(x: Tensor, threshold: number): Promise<Tensor> {
  const data = await x.data();
  return fromArray(
    "float32",
    x.shape,
    Float32Array.from(data, (v) => (v >= threshold ? 1 : 0)),
  );
}

/** `count` pictures of those given: each as often as it takes. */
export function fill(name: string, what: string, x: Tensor, count: number): Tensor {
  const given = x.shape[0]!;
  if (given === count) return x;
  if (count % given !== 0)
    throw new RangeError(`${name}: ${given} ${what} for ${plural(count, "picture")}; expected one, or the same number`);
  return cat(new Array<Tensor>(count / given).fill(x));
}
