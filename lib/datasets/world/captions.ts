import type { Dice } from "../dice.ts";
import { checkScene, DIGITS, type Scene, WORLD } from "./names.ts";

/** How often each attribute is left out of a caption: without this, a negative prompt changes nothing. */
export const LEFT_OUT = 0.3;

/** How a caption may be built; `{thing}` with what stands before it, `{rest}` what is said after it. */
const PHRASINGS = [
  "a {thing}{rest}",
  "{thing}{rest}",
  "the {thing}{rest}",
  "it is a {thing}{rest}",
  "a picture of a {thing}{rest}",
  "a drawing of a {thing}{rest}",
  "an image of a {thing}{rest}",
  "this is a {thing}{rest}",
  "here is a {thing}{rest}",
  "there is a {thing}{rest}",
  "i see a {thing}{rest}",
  "look, a {thing}{rest}",
  "{rest}, a {thing}",
  "{rest}: a {thing}",
] as const;

const PLACES: Readonly<Record<string, readonly string[]>> = {
  left: ["on the left", "at the left"],
  right: ["on the right", "at the right"],
  top: ["at the top", "near the top"],
  bottom: ["at the bottom", "near the bottom"],
  centre: ["in the middle", "in the centre", "in the center"],
};
const BACKGROUNDS: Readonly<Record<Scene["background"], readonly string[]>> = {
  paper: ["on paper", "on white paper", "on a white background"],
  mint: ["on mint", "on a mint background"],
  sky: ["in the sky", "against the sky", "on a sky background"],
  sunset: ["at sunset", "on a sunset background"],
  slate: ["on slate", "on dark slate", "on a slate background", "on a dark background"],
  forest: ["in the forest", "on a forest background"],
  night: ["at night", "on a night background"],
};
const MANNERS: Readonly<Record<Scene["manner"], readonly string[]>> = {
  pen: ["in pen", "drawn in pen", "drawn with a pen"],
  chalk: ["in chalk", "drawn in chalk", "drawn with chalk"],
  neon: ["in neon", "as a neon sign", "in neon light"],
  watercolour: ["in watercolour", "in watercolor", "painted in watercolour", "painted in watercolor"],
  mosaic: ["in mosaic", "as a mosaic", "made of mosaic"],
  woodcut: ["in woodcut", "as a woodcut", "cut in wood"],
  shadow: ["with a shadow", "with shadow"],
};
const TILTS: Readonly<Record<Scene["tilt"], readonly string[]>> = {
  left: ["tilted left", "tilted to the left", "leaning left", "leaning to the left"],
  none: ["upright", "standing upright", "standing straight"],
  right: ["tilted right", "tilted to the right", "leaning right", "leaning to the right"],
};

const SCALES: Readonly<Record<Scene["scale"], readonly string[]>> = {
  small: ["small", "small", "little"],
  large: ["large", "large", "big"],
};

/** Every word that a caption can hold. */
export const VOCABULARY: readonly string[] = [
  ...new Set(
    [
      ...PHRASINGS.map((text) => text.replace(/\{\w+\}/g, " ")),
      ...[PLACES, BACKGROUNDS, MANNERS, TILTS, SCALES].flatMap((words) => Object.values(words).flat()),
      ...WORLD.thicknesses,
      ...WORLD.inks,
      ...WORLD.things,
      ...DIGITS.map((_, i) => String(i)),
      "an in with lines",
    ].flatMap((text) => text.match(/[a-z0-9]+/g) ?? []),
  ),
];

/**
 * One caption of a scene, in free wording and lower case. Each of ink, background, manner, thickness, tilt, size and
 * place is left out of 30 % of the captions, independently of the others; the thing is always named.
 *
 * Randomness: `dice` decides the phrasing, the words, their order, and what is left out.
 * `captionOf(data.scenes[0], new Dice(1))`.
 *
 * @throws RangeError if the world does not know a name in the scene
 */
export function captionOf(scene: Scene, dice: Dice): string {
  checkScene("captionOf", scene);
  const said = () => !dice.chance(LEFT_OUT);
  const before: string[] = [];
  const after: string[] = [];
  if (said())
    before.push(pick(scene.scale === "small" ? ["small", "small", "little"] : ["large", "large", "big"], dice));
  if (said()) {
    if (dice.chance(0.75)) before.push(scene.thickness);
    else after.push(`with ${scene.thickness} lines`);
  }
  if (said()) {
    if (dice.chance(0.85)) before.push(scene.ink);
    else after.push(`in ${scene.ink}`);
  }
  if (said()) after.push(pick(MANNERS[scene.manner], dice));
  if (said()) after.push(pick(TILTS[scene.tilt], dice));
  if (said()) after.push(pick(PLACES[scene.x === "centre" ? scene.y : scene.x]!, dice));
  if (said()) after.push(pick(BACKGROUNDS[scene.background], dice));
  shuffle(after, dice);
  const thing = [...before, nameOf(scene, dice)].join(" ");
  let phrasing = pick(PHRASINGS, dice);
  if (after.length === 0) phrasing = phrasing.replace(/^\{rest\}[,:] /, "") as typeof phrasing;
  const comma = dice.chance(0.4) ? ", " : " ";
  const rest = phrasing.startsWith("{rest}")
    ? after.join(", ")
    : after.map((text, i) => (i === 0 ? comma : ", ") + text).join("");
  return phrasing
    .replace("{rest}", rest)
    .replace("{thing}", thing)
    .replace(/\ba (?=[aeiou8])/g, (a, at: number, text: string) => (/^one\b/.test(text.slice(at + 2)) ? a : "an "));
}

function nameOf({ thing }: Scene, dice: Dice): string {
  const digit = DIGITS.indexOf(thing as never);
  if (digit < 0) return thing;
  return dice.chance(0.5) ? thing : String(digit);
}

function pick<T>(items: readonly T[], dice: Dice): T {
  return items[dice.below(items.length)]!;
}

function shuffle(items: string[], dice: Dice): void {
  for (let i = items.length - 1; i > 0; i--) {
    const k = dice.below(i + 1);
    [items[i], items[k]] = [items[k]!, items[i]!];
  }
}
