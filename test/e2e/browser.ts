import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { type Browser, chromium, type Locator } from "playwright-core";

const NAMES = ["chromium", "chromium-browser", "google-chrome"];

/** A Chromium that the machine has: `$CHROMIUM`, or the first on the PATH. */
export function findChromium(): string | undefined {
  if (process.env.CHROMIUM) return process.env.CHROMIUM;
  const folders = (process.env.PATH ?? "").split(delimiter);
  return folders.flatMap((folder) => NAMES.map((name) => join(folder, name))).find(existsSync);
}

/** Starts it without a window; it asks nobody on the network for anything. */
export function launchChromium(executablePath: string): Promise<Browser> {
  return chromium.launch({
    executablePath,
    headless: true,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}

/**
 * How well each coloured word in an element stands out from what is behind it.
 *
 * @returns for each, WCAG 2's contrast ratio: 1 for invisible, 21 for black on white
 */
export async function contrasts(element: Locator): Promise<{ text: string; ratio: number }[]> {
  const words = await element.locator("span").evaluateAll((spans) =>
    spans.map((span) => {
      const grounds: string[] = [];
      for (let at: Element | null = span; at; at = at.parentElement) grounds.push(getComputedStyle(at).backgroundColor);
      return { text: span.textContent, colour: getComputedStyle(span).color, grounds };
    }),
  );
  if (words.length === 0) throw new Error("contrasts: the element has no coloured word.");
  return words.map(({ text, colour, grounds }) => {
    // What is behind the word: translucent grounds laid upon each other, from the page's white up.
    const ground = grounds.map(channels).reduceRight(lay, [1, 1, 1, 1]);
    const [dark = 0, light = 0] = [lay(ground, channels(colour)), ground].map(luminance).sort((a, b) => a - b);
    return { text, ratio: (light + 0.05) / (dark + 0.05) };
  });
}

type Colour = [red: number, green: number, blue: number, alpha: number];

/** "rgb(1, 2, 3)" or "rgba(1, 2, 3, 0.5)" as numbers from 0 to 1. */
function channels(colour: string): Colour {
  const [red = 0, green = 0, blue = 0, alpha = 1] = (colour.match(/[\d.]+/g) ?? []).map(Number);
  return [red / 255, green / 255, blue / 255, alpha];
}

function lay(below: Colour, [red, green, blue, alpha]: Colour): Colour {
  const mix = (upper: number, lower: number) => alpha * upper + (1 - alpha) * lower;
  return [mix(red, below[0]), mix(green, below[1]), mix(blue, below[2]), 1];
}

/** Relative luminance, from 0 for black to 1 for white. @see https://www.w3.org/TR/WCAG22/#dfn-relative-luminance */
function luminance([red, green, blue]: Colour): number {
  const linear = (value: number) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
  return 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
}
