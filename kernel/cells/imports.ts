import type * as t from "@babel/types";
import { RUNTIME } from "./runtime.ts";

/** Code that loads what an import names and puts it into the scope; empty if it imports types only. */
export function importCode({ source, specifiers, importKind, attributes }: t.ImportDeclaration): string {
  const values = specifiers.filter((s) => s.type !== "ImportSpecifier" || s.importKind !== "type");
  if (importKind === "type" || (specifiers.length > 0 && values.length === 0)) return "";
  const module = loadCode(source, attributes);
  const targets = values.map((s) => {
    const name = JSON.stringify(importedName(s));
    return `${RUNTIME.scope}.${s.local.name} = ${RUNTIME.pick}($, ${name});`;
  });
  return targets.length > 0 ? `{ const $ = ${module}; ${targets.join(" ")} }` : `${module};`;
}

/** Code of `export ... from "module"`, which in a cell only loads it; empty for other exports. */
export function exportCode(statement: t.ExportNamedDeclaration | t.ExportAllDeclaration): string {
  const { source, exportKind } = statement;
  return source && exportKind !== "type" ? `${loadCode(source)};` : "";
}

export function isImport(statement: t.Statement): boolean {
  return statement.type === "ImportDeclaration" || statement.type === "TSImportEqualsDeclaration";
}

function loadCode(source: t.StringLiteral, attributes?: readonly t.ImportAttribute[] | null): string {
  const type = attributes?.find(({ key }) => (key.type === "Identifier" ? key.name : key.value) === "type");
  const args = [source.value, ...(type ? [type.value.value] : [])];
  return `await ${RUNTIME.load}(${args.map((text) => JSON.stringify(text)).join(", ")})`;
}

/** What a specifier takes from its module: a name, "default", or "*" for all of it. */
function importedName(specifier: t.ImportDeclaration["specifiers"][number]): string {
  if (specifier.type === "ImportDefaultSpecifier") return "default";
  if (specifier.type === "ImportNamespaceSpecifier") return "*";
  return specifier.imported.type === "Identifier" ? specifier.imported.name : specifier.imported.value;
}
