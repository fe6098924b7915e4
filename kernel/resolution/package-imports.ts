import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** Names that the nearest package.json gives its own files under "imports": `"#util/*": "./src/util/*.ts"`. */
export interface PackageImports {
  /** Their patterns. */
  names: string[];
  /** The path that a specifier means, as it stands there; none for other specifiers. */
  resolve(specifier: string): string[];
}

/** Never throws: if there is no package.json, or a broken one, there are no names. */
export function readPackageImports(folder: string): PackageImports {
  const root = nearest(folder);
  const entries = root === undefined ? [] : targets(root);
  const resolve = (specifier: string) => {
    for (const [name, target] of entries) {
      const [before, after] = name.split("*") as [string, string?];
      if (after === undefined ? specifier !== name : !specifier.startsWith(before) || !specifier.endsWith(after))
        continue;
      return [target.replace("*", specifier.slice(before.length, specifier.length - (after ?? "").length))];
    }
    return [];
  };
  return { names: entries.map(([name]) => name), resolve };
}

function nearest(folder: string): string | undefined {
  if (existsSync(join(folder, "package.json"))) return folder;
  return dirname(folder) === folder ? undefined : nearest(dirname(folder));
}

function targets(root: string): [name: string, path: string][] {
  let imports: unknown;
  try {
    imports = JSON.parse(readFileSync(join(root, "package.json"), "utf8"))?.imports;
  } catch {
    return [];
  }
  return Object.entries(imports ?? {}).flatMap(([name, value]) => {
    const target = firstTarget(value);
    if (target === undefined) return [];
    return [[name, target.startsWith("./") ? join(root, target) : join(root, "node_modules", target)]];
  });
}

/** The first path under a condition that holds in Node.js. */
function firstTarget(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  if (Array.isArray(value)) return value.map(firstTarget).find((each) => each !== undefined);
  for (const [condition, inner] of Object.entries(value ?? {})) {
    const target = ["node", "import", "module-sync", "default"].includes(condition) ? firstTarget(inner) : undefined;
    if (target !== undefined) return target;
  }
  return undefined;
}
