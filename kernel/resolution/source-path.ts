import { statSync } from "node:fs";
import { extname } from "node:path";

/** Extensions of source files that TypeScript reads, in the order in which it tries them. */
export const SOURCE_EXTENSIONS = [".ts", ".tsx", ".mts", ".cts", ".js", ".mjs", ".cjs", ".json"] as const;

/** What an import of compiled JavaScript is written as before it is compiled: `./util.js` may be `util.ts`. */
const BEFORE_COMPILING: Record<string, string[]> = {
  ".js": [".ts", ".tsx"],
  ".mjs": [".mts"],
  ".cjs": [".cts"],
};

/**
 * The file that an import path without a package means, as TypeScript's bundler resolution finds it: the file itself,
 * its TypeScript source, the path with an extension, or a folder's index.
 *
 * @param path - absolute
 */
export function sourcePath(path: string): string | undefined {
  const extension = extname(path);
  const bare = path.slice(0, path.length - extension.length);
  const candidates = [
    path,
    ...(BEFORE_COMPILING[extension] ?? []).map((other) => bare + other),
    ...SOURCE_EXTENSIONS.map((other) => path + other),
    ...SOURCE_EXTENSIONS.map((other) => `${path}/index${other}`),
  ];
  return candidates.find((candidate) => statSync(candidate, { throwIfNoEntry: false })?.isFile());
}
