import { copyFileSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** What cells see of a page although Node.js has none: see ../display/dom/dom.ts. */
const PAGE = ["document", "window", "requestAnimationFrame", "devicePixelRatio"];

/** What that `window` has. */
const PAGE_WINDOW = ["document", "devicePixelRatio", "requestAnimationFrame"];

/** By this name @types/node knows that the types of a page are there, and adds none of its own to them. */
const MARKER = "onmessage";

/**
 * TypeScript's types of a browser's page without the values that only a browser has: a cell that says `print("x")`
 * or `length` would type-check and fail as it runs. The types stay: packages that draw name them.
 *
 * @param path - TypeScript's `lib.dom.d.ts`
 * @returns the text of its replacement, byte for byte as Latin-1, and the names that it leaves out
 */
export function domTypes(path: string): { text: string; omitted: Set<string> } {
  const source = readFileSync(path, "latin1");
  const omitted = new Set<string>();
  const kept: string[] = [];
  let from = 0;
  for (let at = source.indexOf(DECLARE); at >= 0; at = source.indexOf(DECLARE, at + 1)) {
    const start = at + 1;
    const lineEnd = source.indexOf("\n", start);
    const [, name] = /^declare (?:var|function|const|namespace) (\w+)/.exec(source.slice(start, lineEnd)) ?? [];
    if (name === undefined || name in globalThis || PAGE.includes(name) || name === MARKER) continue;
    omitted.add(name);
    kept.push(source.slice(from, start));
    const isBlock = /\{\r?$/.test(source.slice(lineEnd - 2, lineEnd));
    from = source.indexOf("\n", isBlock ? source.indexOf("\n}", lineEnd) + 1 : lineEnd) + 1;
  }
  const text = kept.join("") + source.slice(from);
  const window = `declare var window: Pick<Window, ${PAGE_WINDOW.map((name) => JSON.stringify(name)).join(" | ")}>;`;
  return { text: text.replace(/^declare var window: .*;$/m, window), omitted };
}

/**
 * Writes the replacement, from a copy that an earlier start made if there is one: each start would take 20 ms for it.
 *
 * @param path - TypeScript's `lib.dom.d.ts`
 * @param target - file to write
 * @param cache - folder for the copy; if it cannot be written, there is none
 * @returns the names that it leaves out
 */
export function writeDomTypes(path: string, target: string, cache: string): Set<string> {
  const { size, mtimeMs } = statSync(path);
  const copy = join(cache, `dom-${process.version}-${size}-${Math.round(mtimeMs)}`);
  try {
    const names: string[] = JSON.parse(readFileSync(`${copy}.json`, "utf8"));
    copyFileSync(`${copy}.d.ts`, target);
    return new Set(names);
  } catch {
    // There is none yet.
  }
  const { text, omitted } = domTypes(path);
  writeFileSync(target, text, "latin1");
  try {
    mkdirSync(cache, { recursive: true });
    // Whole, or not at all: another kernel may be starting.
    for (const [name, content] of [
      [`${copy}.d.ts`, text],
      [`${copy}.json`, JSON.stringify([...omitted])],
    ] as const) {
      writeFileSync(`${name}.${process.pid}`, content, "latin1");
      renameSync(`${name}.${process.pid}`, name);
    }
  } catch {
    // The package's folder is read-only: the next start does it again.
  }
  return omitted;
}

const DECLARE = "\ndeclare ";
