import type * as t from "@babel/types";
import { Edits, type Segment } from "./edits.ts";
import { exportKeywords } from "./exports.ts";
import { exportCode, importCode, isImport } from "./imports.ts";
import type { ParsedCell } from "./parse.ts";
import { NameRewriter } from "./rewrite-names.ts";
import { RUNTIME } from "./runtime.ts";
import { boundNames, hasValues, namespaceName, unwrapExport } from "./syntax.ts";

/** A cell whose top-level names live in the session's scope object; still TypeScript. */
export interface RewrittenCell {
  code: string;
  /** Lines that stand before the student's first line. */
  prefixLines: number;
  /** See {@link Edits.apply}; lines counted without the prefix. */
  segments: Segment[];
  /** It awaits at the top level, or imports: it must run as an async function. */
  isAsync: boolean;
}

/**
 * Moves a cell's top-level names into the scope object that all cells share: `const a = 1` becomes `__nb.a = 1`, and
 * every use of `a`, here and in functions of earlier cells, reads `__nb.a`. So a name may be declared again with
 * another kind, and a function sees what a later cell assigned.
 *
 * tslab copies names to an exports object instead: there, a function that reads a variable of its own cell never sees
 * what another cell assigns to it. V8's REPL mode (`replMode`) shares them, but cannot redeclare a function as a const.
 *
 * Text is edited in place, never printed anew: lines stay the student's own.
 *
 * @param isSessionName - whether an earlier cell made this name
 */
export function rewriteCell(cell: ParsedCell, isSessionName: (name: string) => boolean): RewrittenCell {
  return new CellRewriter(cell, isSessionName).run();
}

/** The statements at a cell's top level; what they contain is {@link NameRewriter}'s. */
class CellRewriter {
  readonly #cell: ParsedCell;
  readonly #edits: Edits;
  readonly #names: NameRewriter;
  readonly #prefix: string[] = [];
  #imports = false;

  constructor(cell: ParsedCell, isSessionName: (name: string) => boolean) {
    this.#cell = cell;
    this.#edits = new Edits(cell.source);
    this.#names = new NameRewriter(cell, this.#edits, isSessionName);
  }

  run(): RewrittenCell {
    const { body, directives } = this.#cell.program;
    const last = body.findLast((statement) => statement.type !== "EmptyStatement");
    for (const statement of body) {
      if (statement === last && statement.type === "ExpressionStatement") {
        this.#last(statement.expression);
        this.#edits.insert(statement.end!, ";");
      } else this.#topLevel(statement);
    }
    // A cell that is a string alone parses as a directive, like "use strict".
    const directive = directives.at(-1);
    if (!last && directive) this.#last(directive.value);
    const { text, segments } = this.#edits.apply();
    const isAsync = this.#imports || this.#names.isAsync;
    return { code: `${this.#prefix.join(" ")}\n${text}`, prefixLines: 1, segments, isAsync };
  }

  /** Hands the value of the cell's last expression to the evaluator. */
  #last(expression: t.Node): void {
    this.#edits.insert(expression.start!, `${RUNTIME.last}((`);
    this.#names.visit(expression, undefined);
    this.#edits.insert(expression.end!, "))");
  }

  #topLevel(outer: t.Statement): void {
    const statement = unwrapExport(outer);
    for (const keyword of exportKeywords(outer, this.#cell.source)) this.#remove(...keyword);
    if ("declare" in statement && statement.declare) return;
    switch (statement.type) {
      case "ImportDeclaration":
        return this.#import(statement, importCode(statement));
      case "TSImportEqualsDeclaration":
        return this.#importEquals(statement);
      case "ExportDefaultDeclaration":
      case "TSExportAssignment": {
        const value = statement.type === "TSExportAssignment" ? statement.expression : statement.declaration;
        if (value.type === "TSDeclareFunction") return this.#remove(statement.start!, statement.end!); // an overload
        this.#remove(statement.start!, value.start!);
        this.#last(value);
        return this.#edits.insert(value.end!, ";");
      }
      case "ExportNamedDeclaration":
      case "ExportAllDeclaration":
        return this.#import(statement, exportCode(statement));
      case "VariableDeclaration":
        this.#names.visit(statement, undefined);
        if (statement.kind.endsWith("using")) {
          for (const { id } of statement.declarations) this.#publish(boundNames(id), statement.end!);
        }
        return;
      case "FunctionDeclaration":
        if (statement.id) this.#prefix.push(`${RUNTIME.scope}.${statement.id.name} = ${statement.id.name};`);
        return this.#names.visit(statement, undefined);
      case "ClassDeclaration":
        this.#names.visit(statement, undefined);
        if (statement.id) this.#publish([statement.id.name], statement.end!);
        return;
      case "TSEnumDeclaration":
        this.#names.visit(statement, undefined);
        return this.#publish([statement.id.name], statement.end!);
      case "TSModuleDeclaration": {
        const name = namespaceName(statement);
        if (name === undefined) return this.#remove(statement.start!, statement.end!);
        if (!hasValues(statement)) return; // a namespace of types only leaves nothing at run time
        this.#names.visit(statement, undefined);
        return this.#publish([name], statement.end!);
      }
      default:
        this.#names.visit(statement, undefined);
    }
  }

  /** Copies locally declared names to the scope, after their declaration. */
  #publish(names: string[], at: number): void {
    this.#edits.insert(at, `;${names.map((name) => ` ${RUNTIME.scope}.${name} = ${name};`).join("")}`);
  }

  #remove(start: number, end: number): void {
    this.#edits.replace(start, end, "");
  }

  /** Code of an import; it runs before the rest of the cell, as in a module. */
  #import(statement: t.Statement, code: string): void {
    if (code !== "") this.#imports = true;
    // One that has only imports above it keeps its place, and with it its line in traces.
    const isFirst = this.#cell.program.body.every((other) => other.start! >= statement.start! || isImport(other));
    this.#edits.replace(statement.start!, statement.end!, isFirst ? code : "");
    if (!isFirst && code !== "") this.#prefix.push(code);
  }

  /** `import a = require("m")`, or `import A = N.b`: the latter may name a type; then there is nothing to read. */
  #importEquals({ start, end, id, importKind, moduleReference }: t.TSImportEqualsDeclaration): void {
    if (importKind === "type") return this.#remove(start!, end!);
    let value: string;
    if (moduleReference.type === "TSExternalModuleReference") {
      value = `require(${JSON.stringify(moduleReference.expression.value)})`;
    } else {
      const path = this.#cell.source.slice(moduleReference.start!, moduleReference.end!);
      const [first, ...rest] = path.split(".") as [string, ...string[]];
      const head = this.#names.isShared(first, undefined) ? `${RUNTIME.scope}.${first}` : first;
      value = [head, ...rest].join("?.");
    }
    this.#edits.replace(start!, end!, `${RUNTIME.scope}.${id.name} = ${value};`);
  }
}
