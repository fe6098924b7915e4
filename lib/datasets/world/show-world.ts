import { Figure } from "../../plots/figure.ts";
import { drawRows, type Row } from "../../plots/grid.ts";
import { picturesOf } from "../../plots/pictures.ts";
import { drawScene } from "./draw.ts";
import { type Scene, WORLD } from "./names.ts";
import { variantsOf } from "./shape.ts";

/** Pixels of one picture's side, and pictures in a row. */
const SIDE = 48;
const COLUMNS = 12;

const PLAIN: Scene = {
  thing: "star",
  variant: 1,
  ink: "blue",
  background: "paper",
  manner: "pen",
  thickness: "thick",
  tilt: "none",
  scale: "large",
  x: "centre",
  y: "centre",
};

/** The words for thickness, tilt, size and place, each with what it changes. */
const POSES: readonly (readonly [string, Partial<Scene>])[] = [
  ["thin", { thickness: "thin" }],
  ["thick", {}],
  ["tilted left", { tilt: "left" }],
  ["upright", {}],
  ["tilted right", { tilt: "right" }],
  ["small", { scale: "small" }],
  ["large", {}],
  ["left", { scale: "small", x: "left" }],
  ["right", { scale: "small", x: "right" }],
  ["top", { scale: "small", y: "top" }],
  ["bottom", { scale: "small", y: "bottom" }],
  ["centre", { scale: "small" }],
];

/**
 * The whole world at a glance: every manner, every ink on every background, the words for thickness, tilt, size and
 * place, and every drawing of every thing. `showWorld()` is a figure that shows itself.
 */
export function showWorld(): Figure {
  return new Figure("showWorld", async () => {
    const rows = await Promise.all([
      row(
        "manners",
        WORLD.manners.map((manner, i) => [manner, { ...PLAIN, ...SHOWPIECES[i % SHOWPIECES.length], manner }]),
      ),
      ...WORLD.backgrounds.map((background, i) =>
        row(
          background,
          WORLD.inks.map((ink) => [
            i === WORLD.backgrounds.length - 1 ? ink : "",
            { ...PLAIN, thing: "heart", ink, background },
          ]),
        ),
      ),
      row(
        "words",
        POSES.map(([word, change]) => [word, { ...PLAIN, thing: "cat", ink: "purple", background: "mint", ...change }]),
      ),
      ...chunks(drawings(), COLUMNS).map((some, i) => row(i === 0 ? "things" : "", some)),
    ]);
    const { things, inks, backgrounds, manners } = WORLD;
    const what = `${things.length} things in ${inks.length} inks, on ${backgrounds.length} backgrounds, in ${manners.length} manners`;
    return drawRows(rows, { what, notes: [], scale: 1, eachRow: true });
  });
}

/** What shows each manner: things and colours in turn. */
const SHOWPIECES: readonly Partial<Scene>[] = [
  { thing: "bird", variant: 3, ink: "red" },
  { thing: "two", ink: "yellow", background: "slate" },
  { thing: "boat", ink: "turquoise", background: "night" },
  { thing: "house", variant: 2, ink: "green", background: "paper" },
  { thing: "heart", variant: 2, ink: "orange", background: "forest" },
  { thing: "cat", variant: 2, ink: "purple", background: "mint" },
  { thing: "star", ink: "pink", background: "sky" },
  { thing: "three", ink: "blue", background: "sunset" },
];

/** Every variant of every thing, the first with its name, in inks and on backgrounds in turn. */
function drawings(): (readonly [string, Scene])[] {
  return WORLD.things.flatMap((thing, t) =>
    Array.from({ length: variantsOf(thing) }, (_, v) => {
      const ink = WORLD.inks[t % WORLD.inks.length]!;
      const background = WORLD.backgrounds[t % WORLD.backgrounds.length]!;
      return [v === 0 ? thing : "", { ...PLAIN, thing, variant: v + 1, ink, background }] as const;
    }),
  );
}

async function row(name: string, scenes: readonly (readonly [string, Scene])[]): Promise<Row> {
  const drawn = scenes.map(([, scene]) => ({ image: drawScene(scene, { size: SIDE }), shape: [3, SIDE, SIDE] }));
  const captions = scenes.map(([caption]) => caption);
  const pictures = await picturesOf("showWorld", drawn).read();
  return captions.some(Boolean) ? { name, pictures, captions } : { name, pictures };
}

function chunks<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, i) => items.slice(i * size, (i + 1) * size));
}
