import { readFile } from "node:fs/promises";
import type { InitializeHook, LoadHook, ResolveHook } from "node:module";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { transform } from "esbuild";
import { createPathsMatcher, getTsconfig } from "get-tsconfig";
import { sourcePath } from "../cells/source-path.ts";

/** Module hooks with which Node imports the user's TypeScript files; they run in the loader's own thread. */

let matchPaths: ((specifier: string) => string[]) | undefined;

export const initialize: InitializeHook<{ folder: string }> = ({ folder }) => {
  try {
    const tsconfig = getTsconfig(folder);
    matchPaths = (tsconfig && createPathsMatcher(tsconfig)) ?? undefined;
  } catch {
    // The checker tells what is wrong with tsconfig.json.
  }
};

export const resolve: ResolveHook = async (specifier, context, next) => {
  const { parentURL = "" } = context;
  if (parentURL.includes("/node_modules/")) return next(specifier, context);
  // Files of one version import one another in that version.
  const version = /\?v=\d+$/.exec(specifier)?.[0] ?? /\?v=\d+$/.exec(parentURL)?.[0] ?? "";
  const bare = specifier.replace(/\?v=\d+$/, "");
  const paths = /^\.{0,2}\//.test(bare)
    ? [fileURLToPath(new URL(bare, parentURL))]
    : bare.startsWith("file:")
      ? [fileURLToPath(bare)]
      : (matchPaths?.(bare) ?? []);
  for (const path of paths) {
    const found = sourcePath(path);
    if (found !== undefined) return { url: pathToFileURL(found).href + version, shortCircuit: true };
  }
  return next(bare, context);
};

export const load: LoadHook = async (url, context, next) => {
  const file = /^file:.*\.(?:[cm]?ts|tsx)$/.test(url.replace(/\?.*$/, "")) && !url.includes("/node_modules/");
  if (!file) return next(url, context);
  const path = fileURLToPath(url.replace(/\?.*$/, ""));
  const { code } = await transform(await readFile(path, "utf8"), {
    loader: path.endsWith("x") ? "tsx" : "ts",
    format: "esm",
    target: `node${process.versions.node}`,
    supported: { using: false },
    sourcemap: "inline",
    sourcefile: join(path),
    logLevel: "silent",
    tsconfigRaw: JSON.stringify({ compilerOptions: getTsconfig(path)?.config.compilerOptions ?? {} }),
  });
  return { format: "module", source: code, shortCircuit: true };
};
