/** The digits of the world, by their names in captions. */
export const DIGITS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"] as const;

const DRAWN = [
  "star",
  "heart",
  "house",
  "tree",
  "fish",
  "bird",
  "cup",
  "moon",
  "boat",
  "cat",
  "flower",
  "sun",
  "umbrella",
  "mushroom",
] as const;

const things = [...DIGITS, ...DRAWN] as const;
const inks = ["red", "orange", "yellow", "green", "turquoise", "blue", "purple", "pink"] as const;
const backgrounds = ["paper", "mint", "sky", "sunset", "slate", "forest", "night"] as const;
const manners = ["pen", "chalk", "neon", "watercolour", "mosaic", "woodcut", "shadow"] as const;

/** What a picture can show: a digit by its name, or a drawn thing. */
export type Thing = (typeof things)[number];
/** The colours that things are drawn in. */
export type Ink = (typeof inks)[number];
/** What things are drawn on. */
export type Background = (typeof backgrounds)[number];
/** How things are drawn. */
export type Manner = (typeof manners)[number];

/** Which manner is held out from a thing: none from each eighth of them. */
const TURNS = [...manners.slice(0, 6), null, ...manners.slice(6)];

/**
 * One ink in eight is held out from each thing, and from seven things in eight a manner: those pictures are never drawn
 * for training, so that a model can be asked for what it has not seen. Each ink and manner keeps 21 of 24 things.
 */
const heldOut = {
  inks: things.map((thing, t) => [thing, inks[(3 * t + 1) % inks.length]!] as const),
  manners: things.flatMap((thing, t) => {
    const manner = TURNS[(5 * t + 4) % TURNS.length];
    return manner ? [[thing, manner] as const] : [];
  }),
};

/** All that the world is made of, by name. */
export const WORLD = {
  things,
  inks,
  backgrounds,
  manners,
  thicknesses: ["thin", "thick"],
  tilts: ["left", "none", "right"],
  scales: ["small", "large"],
  /** Across; together with `ys` a place: one of the two is always the centre. */
  xs: ["left", "centre", "right"],
  ys: ["top", "centre", "bottom"],
  heldOut,
} as const;

/** How broad the pen is. */
export type Thickness = (typeof WORLD.thicknesses)[number];
/** Which way a thing leans; none if it stands upright. */
export type Tilt = (typeof WORLD.tilts)[number];
/** How large a thing is in the picture. */
export type Scale = (typeof WORLD.scales)[number];
/** Where a thing lies across the picture. */
export type X = (typeof WORLD.xs)[number];
/** Where a thing lies down the picture. */
export type Y = (typeof WORLD.ys)[number];

/** All that is in one picture. */
export interface Scene {
  /** The digit or drawn thing. */
  readonly thing: Thing;
  /** Which of the thing's drawings, or of a digit's styles of writing, from 1. */
  readonly variant: number;
  /** The colour it is drawn in. */
  readonly ink: Ink;
  /** What it is drawn on. */
  readonly background: Background;
  /** How it is drawn. */
  readonly manner: Manner;
  /** How broad the pen is. */
  readonly thickness: Thickness;
  /** Which way it leans. */
  readonly tilt: Tilt;
  /** How large it is. */
  readonly scale: Scale;
  /** Where it lies across: the centre, unless `y` is not. */
  readonly x: X;
  /** Where it lies down the picture: the centre, unless `x` is not. */
  readonly y: Y;
}

const heldOutInk = new Map<string, string>(heldOut.inks);
const heldOutManner = new Map<string, string>(heldOut.manners);

/** Whether a combination is kept from training: the thing's ink or its manner is on the list. */
export function isHeldOut({ thing, ink, manner }: Pick<Scene, "thing" | "ink" | "manner">): boolean {
  return heldOutInk.get(thing) === ink || heldOutManner.get(thing) === manner;
}

const FIELDS = {
  thing: things,
  ink: inks,
  background: backgrounds,
  manner: manners,
  thickness: WORLD.thicknesses,
  tilt: WORLD.tilts,
  scale: WORLD.scales,
  x: WORLD.xs,
  y: WORLD.ys,
} as const;

/**
 * @param where - the function, for the error
 * @throws RangeError if a part of the scene is missing or has a name that the world does not know
 */
export function checkScene(where: string, scene: Scene): void {
  for (const [field, names] of Object.entries(FIELDS)) {
    const name = scene[field as keyof typeof FIELDS];
    if (!(names as readonly string[]).includes(name)) {
      const got = typeof name === "string" ? `"${name}"` : String(name);
      throw new RangeError(`${where}: ${field} ${got}; expected one of ${names.join(", ")}`);
    }
  }
}
