import { MODES, type Mode } from "./pixels.ts";
import { MOST_PIXELS } from "./read.ts";

export function checkMode(where: string, mode: Mode): Mode {
  checkChoice(where, "mode", mode, Object.keys(MODES));
  return mode;
}

export function checkChoice(where: string, what: string, got: string, choices: readonly string[]): void {
  if (choices.includes(got)) return;
  throw new RangeError(
    `${where}: unknown ${what} ${JSON.stringify(got)}; expected ${choices.map((c) => `"${c}"`).join(", ")}`,
  );
}

export function checkSize(where: string, width: number, height: number): void {
  const valid = Number.isInteger(width) && Number.isInteger(height) && width > 0 && height > 0;
  if (!valid || width * height > MOST_PIXELS) {
    throw new RangeError(
      `${where}: a size of ${width}x${height}; expected whole numbers from 1 up, at most 100 million pixels`,
    );
  }
}

export function checkRange(where: string, range: readonly [number, number]): readonly [number, number] {
  if (Array.isArray(range) && range.length === 2 && range.every(Number.isFinite) && range[0] < range[1]) return range;
  throw new RangeError(
    `${where}: range ${JSON.stringify(range)}; expected two numbers, black and white, the lower first`,
  );
}
