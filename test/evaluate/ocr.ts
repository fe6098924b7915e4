import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import sharp from "sharp";
import type { Scene } from "../../lib/datasets/index.ts";
import { type Tensor, WORLD, world } from "../../lib/index.ts";
import type { Figure } from "./evaluate.ts";
import { scaled } from "./measures.ts";

const SIZE = 64;
const PIXELS = SIZE * SIZE;
const DIGITS = WORLD.things.slice(0, 10) as readonly string[];

/** Of so many digits, so that a picture more or less is a third of a point. */
const ASKED = 300;

/**
 * An OCR engine that is not ours (Tesseract) reads digits: how often it says what our judge says, for painted pictures
 * and, to know what it is able to, for drawn ones of the same scenes, of which it is known what they show.
 *
 * @param read - paints the scenes, and says what our judge reads in them
 */
export async function readDigits(
  read: (scenes: readonly Scene[]) => Promise<{ pictures: Tensor; things: readonly string[] }>,
  say: (line: string) => void,
): Promise<Figure[]> {
  const ocr = await engine(say);
  if (!ocr) return [];
  const drawn = world({ n: ASKED, seed: 7100, things: WORLD.things.slice(0, 10), manners: ["pen", "shadow"] });
  const real = await agreement(
    ocr,
    scaled(drawn.images, drawn.shape),
    drawn.scenes.map((scene) => scene.thing),
  );
  const painted = await read(drawn.scenes);
  const ours = await agreement(ocr, painted.pictures, painted.things);
  await ocr.close();
  say(
    `OCR: agrees on ${ours.share.toFixed(3)} of ${ours.asked} painted digits, reads ${real.share.toFixed(3)} of ${real.asked} drawn ones`,
  );
  return [
    {
      ...{ name: "the OCR engine agrees with our judge on painted digits, less than it reads of drawn ones" },
      ...{ value: 100 * (real.share - ours.share), unit: "points", target: 5, atMost: true },
      note: `Tesseract reads ${(100 * ours.share).toFixed(0)} % of ${ours.asked} painted digits in pen or with a shadow, ${(100 * real.share).toFixed(0)} % of ${real.asked} drawn ones`,
    },
  ];
}

interface Ocr {
  digit(png: Buffer): Promise<string>;
  close(): Promise<unknown>;
}

async function engine(say: (line: string) => void): Promise<Ocr | null> {
  try {
    const { createWorker, PSM } = await import("tesseract.js");
    const data = dirname(createRequire(import.meta.url).resolve("@tesseract.js-data/eng/package.json"));
    const worker = await createWorker("eng", 1, { langPath: join(data, "4.0.0"), cacheMethod: "none" });
    await worker.setParameters({ tessedit_char_whitelist: "0123456789", tessedit_pageseg_mode: PSM.SINGLE_CHAR });
    return {
      digit: async (png) => (await worker.recognize(png)).data.text.trim(),
      close: () => worker.terminate(),
    };
  } catch (error) {
    say(`OCR: left out (${(error as Error).message}); npm install tesseract.js @tesseract.js-data/eng`);
    return null;
  }
}

async function agreement(
  ocr: Ocr,
  pictures: Tensor,
  things: readonly string[],
): Promise<{ share: number; asked: number }> {
  const data = (await pictures.data()) as Float32Array;
  let [right, asked] = [0, 0];
  for (const [i, thing] of things.entries()) {
    const digit = DIGITS.indexOf(thing);
    if (digit < 0) continue;
    asked++;
    if ((await ocr.digit(await page(data.subarray(i * 3 * PIXELS, (i + 1) * 3 * PIXELS)))) === String(digit)) right++;
  }
  return { share: right / asked, asked };
}

/** Black ink on a white page: how far each pixel is from the colour of its row at the picture's edges. */
async function page(picture: Float32Array): Promise<Buffer> {
  const far = new Float32Array(PIXELS);
  for (let y = 0; y < SIZE; y++) {
    for (let x = 0; x < SIZE; x++) {
      for (let c = 0; c < 3; c++) {
        const row = c * PIXELS + y * SIZE;
        const ground = (picture[row]! + picture[row + SIZE - 1]!) / 2;
        far[y * SIZE + x]! += (picture[row + x]! - ground) ** 2;
      }
    }
  }
  const most = Math.sqrt([...far].sort((a, b) => a - b)[Math.floor(PIXELS * 0.98)]!);
  const grey = Uint8Array.from(far, (value) => 255 - 255 * Math.min(1, Math.sqrt(value) / (most || 1)));
  const raw = { width: SIZE, height: SIZE, channels: 1 } as const;
  return sharp(grey, { raw })
    .resize(192, 192, { kernel: "cubic" })
    .extend({ top: 32, bottom: 32, left: 32, right: 32, background: "white" })
    .withMetadata({ density: 300 })
    .png()
    .toBuffer();
}
