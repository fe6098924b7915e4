import { builtinModules, isBuiltin } from "node:module";
import { nearest } from "./similar.ts";

/** What to do about a module that is not there: the checker says it before a cell runs, the evaluator for `import(name)`. */
export function missingModule(specifier: string): string {
  if (/^(\.{0,2}\/|\.{1,2}$|file:|[a-z]:[\\/])/i.test(specifier)) {
    return `Cannot find the file '${specifier}'. Relative paths start from the notebook's folder.`;
  }
  const scheme = /^([a-z][\w+.-]*):/i.exec(specifier)?.[1]?.toLowerCase();
  if (scheme !== undefined) return otherScheme(scheme, specifier.slice(scheme.length + 1), specifier);
  if (specifier.startsWith("#")) {
    return `Cannot find '${specifier}': the nearest package.json has no such entry in "imports".`;
  }
  const name = packageName(specifier);
  if (builtinModules.includes(name)) return missingBuiltin(specifier);
  if (/^[@~]\//.test(specifier)) {
    return `Cannot find '${specifier}': no tsconfig.json maps '${specifier.slice(0, 2)}' to a folder in "paths". Write the file's path instead: "./${specifier.slice(2)}".`;
  }
  if (!isPackageName(name))
    return `Cannot find '${specifier}': that is not a valid package name. Paths of files begin with "./".`;
  return `Cannot find the package '${specifier}'. ${install(name)}`;
}

/** The package of a specifier: "@scope/name/sub" is of "@scope/name". */
export function packageName(specifier: string): string {
  return specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");
}

/** Node's own modules without their "node:"; some have no name without it. */
const BUILTIN = [...builtinModules, "test", "sqlite", "sea"].filter(
  (name) => !name.startsWith("_") && isBuiltin(`node:${name}`),
);

/** What other runtimes, and browsers, import by an address. */
function otherScheme(scheme: string, rest: string, specifier: string): string {
  switch (scheme) {
    case "node":
      return missingBuiltin(rest);
    case "npm": {
      const { name, version, path } = versioned(rest);
      return `Cannot import '${specifier}': that is Deno's syntax. Here, ${useInstead(name, name + version, path)}`;
    }
    case "jsr": {
      const { name, path } = versioned(rest);
      const command = `npx jsr add ${name}`;
      return `Cannot import '${specifier}': that is Deno's syntax. Here, install it in a terminal with ${command}, then import "${name}${path}".`;
    }
    case "http":
    case "https": {
      const found = /^\/\/(?:[^/]*\.)?(?:esm\.sh|unpkg\.com|skypack\.dev|jspm\.(?:io|dev)|jsdelivr\.net)\/(.+)$/.exec(
        rest,
      )?.[1];
      const inside = found?.replace(/^(?:npm[/:]|pin\/|v\d+\/)/, "").replace(/[?#].*$/, "");
      if (inside) {
        const { name, version } = versioned(inside);
        return `Cannot import from the network. Here, ${useInstead(name, name + version, "")}`;
      }
      return `Cannot import from the network. Install a package in a terminal (npm install NAME) and import it by name, or fetch the text: await (await fetch("${specifier}")).text()`;
    }
    case "bun":
    case "deno":
    case "cloudflare": {
      const alike = nearestBuiltin(rest);
      const instead = alike ? ` Node.js has 'node:${alike}'.` : "";
      return `Cannot import '${specifier}': cells run in Node.js, not in ${scheme[0]!.toUpperCase()}${scheme.slice(1)}.${instead}`;
    }
    default:
      return `Cannot import '${specifier}': Node.js does not support "${scheme}:". Import packages by name, and files as "./name.ts".`;
  }
}

function missingBuiltin(name: string): string {
  const alike = nearestBuiltin(name);
  return `Node.js has no module '${name}'.${alike ? ` Did you mean 'node:${alike}'?` : ""}`;
}

function nearestBuiltin(name: string): string | undefined {
  return BUILTIN.includes(name) ? name : nearest(name, BUILTIN);
}

/** "name@1.2/sub" in its parts; the version with its "@". */
function versioned(specifier: string): { name: string; version: string; path: string } {
  const [, name = "", version = "", path = ""] = /^\/?((?:@[^/@]+\/)?[^/@]*)(@[^/]*)?(\/.*)?$/.exec(specifier) ?? [];
  return { name, version, path };
}

function useInstead(name: string, installed: string, path: string): string {
  return `install it in a terminal with npm install ${installed}, then import "${name}${path}".`;
}

function install(name: string): string {
  return `Install it in a terminal: npm install ${name}`;
}

function isPackageName(name: string): boolean {
  return /^(?:@[a-z0-9~-][\w.~-]*\/)?[a-z0-9~-][\w.~-]*$/i.test(name);
}
