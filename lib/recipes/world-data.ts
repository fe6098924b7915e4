import {
  type CLIPTokenizer,
  fromArray,
  type Tensor,
  TensorDataset,
  tensor,
  WORLD,
  type WorldDataset,
} from "../index.ts";

/** The pictures alone, as bytes: `[n, 3, 64, 64]`. */
export function bytesOf(pictures: WorldDataset): Tensor {
  return tensor(pictures.images, pictures.shape);
}

/** Bytes 0 to 255 as a network takes them: -1 to 1. */
export function scaled(bytes: Tensor): Tensor {
  return bytes.float().div(127.5).sub(1);
}

/** Pictures with what is in them: thing, ink, background and manner, each `[n]`. */
export function labelled(pictures: WorldDataset): Promise<TensorDataset> {
  const { things, inks, backgrounds, manners } = WORLD;
  const numbers = (names: readonly string[], of: (i: number) => string) =>
    fromArray(
      "int64",
      [pictures.length],
      BigInt64Array.from(pictures.scenes, (_, i) => BigInt(names.indexOf(of(i)))),
    );
  return TensorDataset.from(
    bytesOf(pictures),
    numbers(things, (i) => pictures.scenes[i]!.thing),
    numbers(inks, (i) => pictures.scenes[i]!.ink),
    numbers(backgrounds, (i) => pictures.scenes[i]!.background),
    numbers(manners, (i) => pictures.scenes[i]!.manner),
  );
}

/** Pictures with their captions as token ids `[n, tokens]`. */
export function captioned(pictures: WorldDataset, tokenizer: CLIPTokenizer): Promise<TensorDataset> {
  return TensorDataset.from(bytesOf(pictures), tokenizer.batch(pictures.captions).inputIds);
}
