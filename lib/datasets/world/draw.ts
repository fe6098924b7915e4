import { Dice } from "../dice.ts";
import { BACKGROUNDS, INKS } from "./colours.ts";
import { inkOf, MANNERS, Pixel } from "./manners.ts";
import { checkScene, type Scene } from "./names.ts";
import { depthOf, pose, sketch, variantsOf } from "./shape.ts";

/** The picture's side in the unit that everything is described in. */
const SIDE = 64;
const SMALLEST = 16;
const LARGEST = 512;
const SIZES = {
  large: { side: 48, away: 12, thin: 1.75, thick: 3.2 },
  small: { side: 34, away: 15, thin: 1.4, thick: 2.3 },
};
const STEPS = { left: -1, top: -1, centre: 0, none: 0, right: 1, bottom: 1 };

/**
 * Draws one picture.
 *
 * Randomness: `seed` decides all that the scene's words leave open, which is how the hand strays from the drawing,
 * and by how little size, place, tilt and thickness differ from their usual measure.
 *
 * @param scene - what is in it
 * @param options.size - pixels of one side, 16 to 512; default 64
 * @param options.seed - a whole number; default 0
 * @returns `[3, size, size]`: red, green and blue of 0 to 255, row-major
 * @throws RangeError if the world does not know a name, or the size is out of range
 */
export function drawScene(scene: Scene, options: { size?: number; seed?: number | bigint } = {}): Uint8Array {
  const { size = SIDE, seed = 0 } = options;
  checkScene("drawScene", scene);
  checkSize("drawScene", size);
  const variants = variantsOf(scene.thing);
  if (!Number.isInteger(scene.variant) || scene.variant < 1 || scene.variant > variants) {
    throw new RangeError(
      `drawScene: variant ${scene.variant}; expected 1 to ${variants}, the drawings of a ${scene.thing}`,
    );
  }
  const out = new Uint8Array(3 * size * size);
  paintScene(scene, size, new Dice(seed), out);
  return out;
}

/** @throws RangeError if a picture cannot have such a side */
export function checkSize(where: string, size: number): void {
  if (!Number.isInteger(size) || size < SMALLEST || size > LARGEST) {
    throw new RangeError(`${where}: size ${size}; expected ${SMALLEST} to ${LARGEST} pixels`);
  }
}

/** `drawScene` into memory that is there. */
export function paintScene(scene: Scene, size: number, dice: Dice, out: Uint8Array): void {
  const unit = size / SIDE;
  const technique = MANNERS[scene.manner];
  const measure = SIZES[scene.scale];
  const layers = pose(sketch(scene.thing, scene.variant, dice), {
    size,
    side: measure.side * unit * dice.uniform(0.94, 1.06),
    towards: [STEPS[scene.x] + dice.uniform(-0.12, 0.12), STEPS[scene.y] + dice.uniform(-0.12, 0.12)],
    away: measure.away * unit,
    turn: STEPS[scene.tilt] * dice.uniform(0.13, 0.19) + dice.uniform(-0.02, 0.02),
    radius: measure[scene.thickness] * unit * technique.breadth * dice.uniform(0.93, 1.07),
  });
  const depth = depthOf(layers, size, technique.reach * unit, technique.hollow ?? false);
  const depthAt = (x: number, y: number) => {
    const column = Math.min(size - 1, Math.max(0, Math.floor(x * unit)));
    const row = Math.min(size - 1, Math.max(0, Math.floor(y * unit)));
    return depth[row * size + column]! / unit;
  };
  const ground = BACKGROUNDS[scene.background];
  const ink = inkOf(ground.dark ? INKS[scene.ink].onDark : INKS[scene.ink].onLight, ground.dark);
  const pixel = new Pixel();
  const area = size * size;
  for (let i = 0; i < area; i++) {
    pixel.x = ((i % size) + 0.5) / unit;
    pixel.y = (Math.floor(i / size) + 0.5) / unit;
    pixel.depth = depth[i]! / unit;
    [pixel.r, pixel.g, pixel.b] = ground.top;
    pixel.cover(ground.bottom, pixel.y / SIDE);
    technique.paint(pixel, ink, (dx, dy) => depthAt(pixel.x + dx, pixel.y + dy));
    out[i] = Math.round(pixel.r);
    out[area + i] = Math.round(pixel.g);
    out[2 * area + i] = Math.round(pixel.b);
  }
}
