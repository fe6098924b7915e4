import {
  type CLIPTokenizer,
  fromArray,
  type Tensor,
  TensorDataset,
  tensor,
  WORLD,
  type WorldDataset,
} from "../index.ts";
import { JUDGED } from "../judge/world-judge.ts";

/** The pictures of one or several data sets, one set after the other, as bytes: uint8 `[n, 3, 64, 64]`. */
export function bytesOf(...sets: readonly WorldDataset[]): Tensor {
  const shape = [sets.reduce((n, { length }) => n + length, 0), ...sets[0]!.shape.slice(1)];
  const images = new Uint8Array(sets.reduce((n, set) => n + set.images.length, 0));
  let at = 0;
  for (const set of sets) {
    images.set(set.images, at);
    at += set.images.length;
  }
  return tensor(images, shape);
}

/** Bytes from 0 to 255 as a network takes them: float32 from -1 to 1, of the same shape. */
export function scaled(bytes: Tensor): Tensor {
  return bytes.float().div(127.5).sub(1);
}

/** What is in the pictures: indices of thing, ink, background and manner in `WORLD`, each int64 `[n]`. */
function labelsOf({ scenes }: WorldDataset): Tensor[] {
  const named = { thing: WORLD.things, ink: WORLD.inks, background: WORLD.backgrounds, manner: WORLD.manners };
  return JUDGED.map((kind) => {
    const names: readonly string[] = named[kind];
    return fromArray(
      "int64",
      [scenes.length],
      BigInt64Array.from(scenes, (scene) => BigInt(names.indexOf(scene[kind]))),
    );
  });
}

/** Pictures, uint8 `[n, 3, 64, 64]`, and what is in them: thing, ink, background and manner, each int64 `[n]`. */
export function labelled(pictures: WorldDataset): Promise<TensorDataset> {
  return TensorDataset.from(bytesOf(pictures), ...labelsOf(pictures));
}

/** Captions as token ids, int64 `[n, tokens]`, then the tensors of `labelled`. */
export function captionedAndLabelled(pictures: WorldDataset, tokenizer: CLIPTokenizer): Promise<TensorDataset> {
  return TensorDataset.from(tokenizer.batch(pictures.captions).inputIds, bytesOf(pictures), ...labelsOf(pictures));
}
