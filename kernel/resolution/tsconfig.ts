import { existsSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { createPathsMatcher, getTsconfig } from "get-tsconfig";

import { readPackageImports } from "./package-imports.ts";

/** The user's tsconfig.json and package.json, in the notebook's folder or above, as far as they can be read. */
export interface UserConfig {
  compilerOptions: Readonly<Record<string, unknown>>;
  /** Patterns of `paths`, such as "@app/*", and of the package's own "imports". */
  aliases: readonly string[];
  /** Files, without regard to extensions, that an import means by one of these; none for other imports. */
  resolve(specifier: string): string[];
  /** What is wrong with the file, in one line. */
  problem: string | undefined;
}

/** Never throws: a file that cannot be read has no settings, and says so in `problem`. */
export function readTsconfig(folder: string): UserConfig {
  const own = readPackageImports(folder);
  const none = { compilerOptions: {}, aliases: own.names, resolve: own.resolve };
  const path = nearestTsconfig(folder);
  if (path === undefined) return { ...none, problem: undefined };
  const wrong = (error: unknown) => {
    const why = error instanceof TypeError ? "an option has a value of the wrong kind" : (error as Error).message;
    return `${relative(folder, path)} cannot be read, so cells use the kernel's own settings: ${why}`;
  };
  try {
    parseJsonWithComments(readFileSync(path, "utf8"));
    const found = getTsconfig(folder);
    if (!found) return { ...none, problem: undefined };
    const match = createPathsMatcher(found) ?? (() => []);
    const resolve = (specifier: string) => [...match(specifier), ...own.resolve(specifier)];
    const compilerOptions = found.config.compilerOptions ?? {};
    const aliases = [...Object.keys(compilerOptions.paths ?? {}), ...own.names];
    return { compilerOptions: compilerOptions as Record<string, unknown>, aliases, resolve, problem: undefined };
  } catch (error) {
    return { ...none, problem: wrong(error) };
  }
}

function nearestTsconfig(folder: string): string | undefined {
  const path = join(folder, "tsconfig.json");
  if (existsSync(path)) return path;
  return dirname(folder) === folder ? undefined : nearestTsconfig(dirname(folder));
}

/** @throws SyntaxError if the text is no JSON object, comments and trailing commas aside */
function parseJsonWithComments(text: string): void {
  const string = /"(?:[^"\\]|\\.)*"/.source;
  const without = (what: string, from: string) =>
    from.replace(new RegExp(`(${string})|${what}`, "g"), (_, kept: string | undefined) => kept ?? "");
  const bare = without(",(?=\\s*[}\\]])", without("//.*|/\\*[\\s\\S]*?\\*/", text.replace(/^\ufeff/, "")));
  if (bare.trim() === "") return; // TypeScript takes an empty file for one without settings
  const value: unknown = JSON.parse(bare);
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new SyntaxError("it is not an object");
}
