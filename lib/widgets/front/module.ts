import { readFileSync } from "node:fs";

const loaded = new Map<string, string>();

/** The text of a front-end module beside this file. */
export function frontModule(name: "drawing-pad" | "film-scrubber" | "embedding-map"): string {
  let text = loaded.get(name);
  if (text === undefined) {
    text = readFileSync(new URL(`./${name}.js`, import.meta.url), "utf8").replace(/^\/\/# sourceMappingURL.*$/m, "");
    loaded.set(name, text);
  }
  return text;
}
