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

/** Degrees clockwise. */
const TILTS = [-20, -10, 0, 10, 20];

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
  /** What the page says, and how sure the engine is, from 0 to 100. */
  read(png: Buffer): Promise<{ text: string; confidence: number }>;
  close(): Promise<unknown>;
}

async function engine(say: (line: string) => void): Promise<Ocr | null> {
  try {
    const { createWorker, OEM, PSM } = await import("tesseract.js");
    const data = dirname(createRequire(import.meta.url).resolve("@tesseract.js-data/eng/package.json"));
    // The engine that looks at one character's shape: the newer one reads lines, and fewer of these digits.
    const worker = await createWorker("eng", OEM.TESSERACT_ONLY, {
      langPath: join(data, "4.0.0"),
      cacheMethod: "none",
    });
    await worker.setParameters({
      ...{ tessedit_char_whitelist: "0123456789", tessedit_pageseg_mode: PSM.SINGLE_WORD },
      // What it says of a page does not depend on the pages before, nor does it remark on those that it makes nothing of.
      ...{ classify_enable_learning: "0", debug_file: "/dev/null" },
    });
    return {
      read: async (png) => {
        const { text, confidence } = (await worker.recognize(png)).data;
        return { text: text.trim(), confidence };
      },
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
    if ((await digitIn(ocr, data.subarray(i * 3 * PIXELS, (i + 1) * 3 * PIXELS))) === String(digit)) right++;
  }
  return { share: right / asked, asked };
}

/** Digits stand at a tilt: of what is read at several, the digit that the engine is surest of. */
async function digitIn(ocr: Ocr, picture: Float32Array): Promise<string> {
  const ink = await inkOf(picture);
  let best = { text: "", confidence: -1 };
  for (const degrees of TILTS) {
    const read = await ocr.read(await page(ink, degrees));
    if (read.text.length === 1 && read.confidence > best.confidence) best = read;
  }
  return best.text;
}

/**
 * Black ink on white, four times as large: what is far from the ground's colour. The ground has one colour in each row,
 * which is at two of three places: the left edge, the right one, and the middle of all the row's values.
 */
async function inkOf(picture: Float32Array): Promise<Buffer> {
  const far = new Float32Array(PIXELS);
  for (let from = 0; from < 3 * PIXELS; from += SIZE) {
    const row = picture.subarray(from, from + SIZE);
    const ground = median([row[0]!, row[SIZE - 1]!, median(row)]);
    for (const [x, value] of row.entries()) far[(from % PIXELS) + x]! += (value - ground) ** 2;
  }
  const most = Math.sqrt(far.toSorted()[Math.floor(PIXELS * 0.98)]!);
  const grey = Uint8Array.from(far, (value) => 255 - 255 * Math.min(1, Math.sqrt(value) / (most || 1)));
  return sharp(grey, { raw: { width: SIZE, height: SIZE, channels: 1 } })
    .resize(4 * SIZE, 4 * SIZE, { kernel: "cubic" })
    .median(9)
    .threshold(128)
    .png()
    .toBuffer();
}

/** The ink, turned and 48 pixels high, in the middle of a page. */
async function page(ink: Buffer, degrees: number): Promise<Buffer> {
  const background = "white";
  const turned = await sharp(ink).rotate(degrees, { background }).png().toBuffer();
  return sharp(turned)
    .trim({ background, threshold: 100 })
    .resize({ height: 48, kernel: "cubic" })
    .extend({ top: 20, bottom: 20, left: 20, right: 20, background })
    .withMetadata({ density: 300 })
    .png()
    .toBuffer();
}

function median(values: ArrayLike<number>): number {
  return Float32Array.from(values).sort()[Math.floor(values.length / 2)]!;
}
