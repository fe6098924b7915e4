import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { dataPath } from "../../shipped.ts";
import { type Drawing, readSvg } from "./read-svg.ts";

const cache = new Map<string, readonly Drawing[]>();

/**
 * The drawings of one thing, one for each of its variants: `data/strokes/THING/1.svg`, `2.svg` and so on. Read once.
 *
 * @throws Error if the thing has no folder, a number is missing, or a file is no drawing
 */
export function drawingsOf(thing: string): readonly Drawing[] {
  const known = cache.get(thing);
  if (known) return known;
  const drawings = readDrawings(dataPath("strokes", thing));
  cache.set(thing, drawings);
  return drawings;
}

/** The drawings `1.svg`, `2.svg` ... of a folder, in that order. */
export function readDrawings(folder: string): Drawing[] {
  let names: string[];
  try {
    names = readdirSync(folder).filter((name) => name.endsWith(".svg"));
  } catch (error) {
    throw new Error(
      `${folder}: cannot be read (${(error as Error).message}); expected 1.svg, 2.svg ... in it. To restore the original drawings: git checkout data/strokes`,
      { cause: error },
    );
  }
  if (names.length === 0) throw new Error(`${folder}: contains no drawing; expected 1.svg, 2.svg ...`);
  return names.map((_, i) => {
    const name = `${i + 1}.svg`;
    if (!names.includes(name)) {
      throw new Error(
        `${folder}: has ${names.sort().join(", ")}, but no ${name}; number the drawings from 1 without gaps`,
      );
    }
    return readDrawing(join(folder, name));
  });
}

/** Reads one drawing. */
function readDrawing(path: string): Drawing {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw new Error(`${path}: cannot be read (${(error as Error).message}); expected an SVG file`, { cause: error });
  }
  return readSvg(text, path);
}
