import { readFile } from "node:fs/promises";
import type { InitializeHook, LoadHook, ResolveHook } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { transform } from "../../cells/esbuild.ts";
import { sourcePath } from "../../resolution/source-path.ts";
import { readTsconfig } from "../../resolution/tsconfig.ts";

/** Module hooks with which Node imports the user's TypeScript files; they run in the loader's own thread. */

let matchPaths: (specifier: string) => string[] = () => [];
/** The notebook's folder, or the package that holds it: what is in it is the user's. */
let home = "";

export const initialize: InitializeHook<{ folder: string }> = ({ folder }) => {
  matchPaths = readTsconfig(folder).resolve;
  const url = `${pathToFileURL(folder).href}/`;
  home = /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+\//.exec(url)?.[0] ?? url;
};

function isInPackage(url: string): boolean {
  return (url.startsWith(home) ? url.slice(home.length - 1) : url).includes("/node_modules/");
}

export const resolve: ResolveHook = async (specifier, context, next) => {
  const { parentURL = "" } = context;
  if (isInPackage(parentURL)) return next(specifier, context);
  // Files of one version import one another in that version.
  const version = /\?v=\d+$/.exec(specifier)?.[0] ?? /\?v=\d+$/.exec(parentURL)?.[0] ?? "";
  const bare = specifier.replace(/\?v=\d+$/, "");
  const paths = /^\.{0,2}\//.test(bare)
    ? [fileURLToPath(new URL(bare, parentURL))]
    : bare.startsWith("file:")
      ? [fileURLToPath(bare)]
      : matchPaths(bare);
  for (const path of paths) {
    const found = sourcePath(path);
    if (found !== undefined) return { url: pathToFileURL(found).href + version, shortCircuit: true };
  }
  return next(bare, context);
};

export const load: LoadHook = async (url, context, next) => {
  const file = /^file:.*\.(?:[cm]?ts|tsx)$/.test(url.replace(/\?.*$/, "")) && !isInPackage(url);
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
    tsconfigRaw: JSON.stringify({ compilerOptions: readTsconfig(dirname(path)).compilerOptions }),
  });
  return { format: "module", source: code, shortCircuit: true };
};
