import { readFileSync } from "node:fs";
import sharp from "sharp";
import { type Scene, world } from "../../lib/datasets/index.ts";
import { dataPath } from "../../lib/shipped.ts";
import { type Bench, median, result, timed } from "./bench.ts";

const PICTURES = 1000;
const ROUNDS = 3;

/**
 * A thousand captioned pictures of the small world, 64x64. The peer is what draws SVG files otherwise: librsvg through sharp, one
 * thread, the same drawings in black on white, so without the hand, the manner and the background that ours has.
 */
const bench: Bench = {
  name: "world",
  async run(say) {
    const { scenes } = world({ n: PICTURES, size: 16 });
    const files = scenes.map((scene) => readFileSync(dataPath("strokes", ...fileOf(scene))));
    sharp.concurrency(1);
    const [ours, peer]: [number[], number[]] = [[], []];
    for (let round = 0; round < ROUNDS; round++) {
      ours.push((await timed(async () => world({ n: PICTURES, seed: round }))) / 1000);
      peer.push((await timed(() => rasterise(files))) / 1000);
      say(`world: ours ${ours.at(-1)!.toFixed(2)} s, librsvg ${peer.at(-1)!.toFixed(2)} s`);
    }
    const name = `librsvg ${sharp.versions.rsvg} through sharp ${sharp.versions.sharp}, plain drawings`;
    return [
      result(
        "world",
        "s",
        median(ours),
        { name, value: median(peer) },
        `${PICTURES} pictures of 64x64; goal: under 3 s`,
      ),
    ];
  },
};

function fileOf({ thing, variant }: Scene): [folder: string, file: string] {
  const digit = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"].indexOf(thing);
  return [digit < 0 ? thing : String(digit), `${variant}.svg`];
}

async function rasterise(files: readonly Buffer[]): Promise<void> {
  for (const file of files)
    await sharp(file).resize(64, 64, { fit: "contain" }).flatten({ background: "white" }).raw().toBuffer();
}

export default bench;
