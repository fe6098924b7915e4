import { Image } from "../../../lib/images/index.ts";
import { Generator } from "../../../lib/random/index.ts";
import { randint } from "../../../lib/tensor/random.ts";

/** The pictures of `test/reference/finetune.py`: four of 64x64 whose bytes come from a seed. */
export async function noisePictures(seed: number, count = 4): Promise<Image[]> {
  const bytes = await randint(0, 256, [count, 64, 64, 3], { generator: new Generator(seed) }).data();
  const each = 64 * 64 * 3;
  return Array.from({ length: count }, (_, i) =>
    Image.fromRaw(Array.from(bytes.subarray(i * each, (i + 1) * each), Number), { width: 64, height: 64 }),
  );
}
