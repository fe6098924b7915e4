import { declareStatement, type NameKind, type ParsedCell } from "../cells/parse.ts";
import { declaringLine } from "./notebook-names.ts";

/** As much of a cell as its surroundings need. */
export type CellText = Pick<ParsedCell, "source" | "declared" | "types"> & { program?: ParsedCell["program"] };

/** Where a value of the session is declared. */
interface Value {
  kind: NameKind;
  /** Module specifier of its cell, or of the kernel's own globals. */
  module: string;
}

/**
 * What the cells that ran have declared. A name may be a value and a type at once, each from a cell of its own:
 * `const Level = {...} as const` in one and `type Level = ...` in a later one live side by side, as in one file.
 */
export class SessionNames {
  readonly #values = new Map<string, Value>();
  /** Modules that the types are from. */
  readonly #types = new Map<string, string>();
  /** Names that only cells which failed would have declared, with the line that does. */
  readonly failed = new Map<string, string>();
  readonly #globalsModule: string;

  /** @param globals - names that cells see without an import, and the module that declares them */
  constructor(globals: { module: string; names: readonly string[] }) {
    this.#globalsModule = globals.module;
    for (const name of globals.names) this.#values.set(name, { kind: "import", module: globals.module });
  }

  /** Names of values and of types. */
  all(): Set<string> {
    return new Set([...this.#values.keys(), ...this.#types.keys()]);
  }

  /** Whether an earlier cell made a value of this name. */
  isValue(name: string): boolean {
    const found = this.#values.get(name);
    return found !== undefined && found.kind !== "ambient" && found.module !== this.#globalsModule;
  }

  /** Remembers what a cell that failed would have declared. */
  noteFailure({ source, declared }: ParsedCell): void {
    for (const name of declared.keys()) {
      const isThere = this.#values.has(name) || this.#types.has(name);
      if (!isThere) this.failed.set(name, declaringLine(source, name) ?? "");
    }
  }

  /** Takes over the names of a cell that ran. */
  add(names: Iterable<[string, NameKind]>, types: ReadonlySet<string>, module: string): void {
    for (const [name, kind] of names) {
      this.failed.delete(name);
      if (kind !== "type") this.#values.set(name, { kind, module });
      if (types.has(name)) this.#types.set(name, module);
    }
  }

  /** A cell's text between a line that imports the names it uses and one that exports those it declares. */
  surround(cell: CellText, mentioned: ReadonlySet<string>, exported: Iterable<[string, NameKind]> = cell.declared) {
    const imports = new Map<string, string[]>();
    const take = (module: string, name: string) => imports.set(module, [...(imports.get(module) ?? []), name]);
    let line = "";
    for (const name of mentioned) {
      const kind = cell.declared.get(name);
      const value = kind === undefined || kind === "type" ? this.#values.get(name) : undefined;
      const type = cell.types.has(name) ? undefined : this.#types.get(name);
      const isAlone = kind === undefined && (type === undefined || type === value?.module);
      if (value && isAlone && value.kind !== "let") take(value.module, name);
      else {
        // A name that is imported could not be assigned to, nor have another meaning beside that of its module.
        const keyword = value?.kind === "let" ? "let" : "const";
        if (value) line += `declare ${keyword} ${name}: typeof import("${value.module}").${name};`;
        if (type) take(type, `type ${name}`);
      }
    }
    for (const [module, names] of imports) line += `import { ${names.join(", ")} } from "${module}";`;
    const own = cell.program ? alreadyExported(cell.program) : new Set();
    const names = [...exported].map(([name]) => name).filter((name) => !own.has(name));
    return `${line}\n${cell.source}\nexport { ${names.join(", ")} };\n`;
  }
}

/** Names that the student exports in the cell already. */
function alreadyExported(program: ParsedCell["program"]): Set<string> {
  const names = new Map<string, NameKind>();
  const listed = new Set<string>();
  for (const statement of program.body) {
    if (statement.type === "TSImportEqualsDeclaration" && statement.isExport) listed.add(statement.id.name);
    if (statement.type !== "ExportNamedDeclaration") continue;
    if (statement.declaration) declareStatement(statement, names);
    for (const specifier of statement.specifiers) {
      if (specifier.type === "ExportSpecifier" && !statement.source) listed.add(specifier.local.name);
    }
  }
  return new Set([...names.keys(), ...listed]);
}

/** A cell that cannot be parsed, as one often cannot while it is typed, with the names that it seems to declare. */
export function guessCell(source: string): CellText {
  const declarations =
    /\b(?:const|let|var|class|function|enum|type|interface|namespace)\s+([\p{L}_$][\p{L}\p{N}_$]*)/gu;
  return {
    source,
    types: new Set(),
    declared: new Map([...source.matchAll(declarations)].map(([, name]) => [name!, "const"])),
  };
}
