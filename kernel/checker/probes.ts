import type * as t from "@babel/types";
import type { ParsedCell } from "../cells/parse.ts";
import { boundNames, children, isFunction } from "../cells/syntax.ts";
import { METHODS } from "./operators.ts";
import { type Problem, problemAt } from "./problems.ts";

/**
 * What TypeScript lets pass and no one means: `if (tensor)`, which is always true, and `a > b`, `-a`, which turn tensors
 * into numbers. A line behind the cell asks the checker whether the value is one.
 */
export interface Probe {
  /** What the value is computed by, in one line. */
  expression: string;
  /** Names in it. */
  names: readonly string[];
  /** Place in the source. */
  start: number;
  end: number;
  message: string;
}

/** Takes anything but what looks like a tensor. */
const DECLARATION =
  "declare function __nb_probe<T>(value: 0 extends 1 & T ? T : [T] extends [{ readonly shape: readonly number[]; item(): unknown; tolist(): unknown }] ? never : T): void;";

/** Lines to append to a cell's text; each finds an error if its probe's value is a tensor. */
export function probeLines(probes: readonly Probe[]): string {
  return [DECLARATION, ...probes.map(({ expression }) => `__nb_probe(${expression});`)].join("\n");
}

/** The places of a cell that ask for a probe: only of what means the same at the cell's end. */
export function probesOf({ program, source }: ParsedCell): Probe[] {
  const probes: Probe[] = [];
  const inner = new Set<string>();
  const add = (operand: t.Node | null | undefined, at: t.Node, message: (expression: string) => string) => {
    const names = operand && namesIn(operand);
    if (!names) return;
    const expression = source.slice(operand.start!, operand.end!);
    if (expression.includes("\n")) return;
    probes.push({ expression, names, start: at.start!, end: at.end!, message: message(expression) });
  };
  const visit = (node: t.Node, isTop: boolean): void => {
    if (!isTop && node.type === "VariableDeclaration") {
      for (const { id } of node.declarations) for (const name of boundNames(id)) inner.add(name);
    }
    if (node.type === "CatchClause") for (const name of boundNames(node.param)) inner.add(name);
    if (isFunction(node)) return; // what is a tensor there, the checker says only there
    switch (node.type) {
      case "IfStatement":
      case "WhileStatement":
      case "ConditionalExpression":
        add(node.test, node.test, truth);
        break;
      case "UnaryExpression":
        if (node.operator === "!") add(node.argument, node, truth);
        if (node.operator === "-") add(node.argument, node, (value) => `${WHY("-")} Write: ${value}.neg()`);
        break;
      case "BinaryExpression": {
        const method = METHODS[node.operator];
        const right = source.slice(node.right.start!, node.right.end!);
        if (!COMPARISONS.includes(node.operator) || /^(null|undefined)$/.test(right)) break;
        const message = (left: string) => `${WHY(node.operator)} Write: ${left}.${method}(${right})`;
        add(node.left, node, message);
        break;
      }
    }
    for (const child of children(node)) visit(child, false);
  };
  for (const statement of program.body) visit(statement, true);
  return probes.filter(({ names }) => !names.some((name) => inner.has(name)));
}

/** The names in a value that is a name, one of its members, or what one of its methods returns; else undefined. */
function namesIn(node: t.Node): string[] | undefined {
  if (node.type === "Identifier") return [node.name];
  if (node.type === "NumericLiteral") return [];
  if (!/^(Call|Member)Expression$/.test(node.type)) return undefined;
  const parts = children(node).map(namesIn);
  return parts.includes(undefined) ? undefined : parts.flatMap((names) => names!);
}

/** (`===` asks whether two names stand for the same tensor, and may be meant.) */
const COMPARISONS = ["<", ">", "<=", ">=", "==", "!="];

const WHY = (operator: string) => `Operators such as ${operator} work on numbers, not on tensors.`;

function truth(value: string): string {
  return `A tensor is always truthy. Write: await ${value}.item() if it has one element, or (await ${value}.any().item()) to test whether any element is nonzero`;
}

/** TypeScript's number for "this condition will always return true". */
const ALWAYS_TRUE = 2774;

/** What the probes behind a cell's text found. */
export function probeProblems(
  diagnostics: readonly { range: { start: { line: number } }; code?: number | string }[],
  text: string,
  source: string,
  probes: readonly Probe[],
): Problem[] {
  const first = text.split("\n").length - probes.length;
  const found = diagnostics
    .filter(({ code }) => Number(code) === 2345)
    .flatMap(({ range }) => probes[range.start.line - first] ?? []);
  return found.map(({ start, end, message }) => ({ ...problemAt(source, start, end, message), code: ALWAYS_TRUE }));
}
