import type * as t from "@babel/types";
import type { ParsedCell } from "../cells/parse.ts";
import { boundNames, children, isFunction } from "../cells/syntax.ts";
import { METHODS } from "./operators.ts";
import { type Problem, problemAt } from "./problems.ts";
import { short } from "./tree.ts";

/**
 * What TypeScript lets pass and no one means: `if (tensor)`, which is always true, `-promise`, which is NaN, and `list[-1]`, which
 * is undefined. A line behind the cell asks the checker whether the value is of that kind.
 */
export interface Probe {
  kind: Kind;
  /** What the value is computed by, in one line. */
  expression: string;
  /** Names in it. */
  names: readonly string[];
  /** Place in the source. */
  start: number;
  end: number;
  message: string;
}

/** What a value is asked to be. */
const KINDS = {
  tensor: "{ readonly shape: readonly number[]; item(): unknown; tolist(): unknown }",
  promise: "Promise<unknown> & { readonly shape?: never }",
  list: "readonly unknown[] | string | ArrayBufferView",
  array: "readonly unknown[]",
};
type Kind = keyof typeof KINDS;

/** Functions that take anything but a value of their kind. */
const DECLARATIONS = Object.entries(KINDS)
  .map(
    ([kind, type]) =>
      `declare function __nb_${kind}<T>(value: 0 extends 1 & T ? T : [T] extends [never] ? T : [T] extends [${type}] ? never : T): void;`,
  )
  .join(" ");

/** Lines to append to a cell's text; each finds an error if its probe's value is of the kind. */
export function probeLines(probes: readonly Probe[]): string {
  return [DECLARATIONS, ...probes.map(({ kind, expression }) => `__nb_${kind}(${expression});`)].join("\n");
}

/** The places of a cell that ask for a probe: only of what means the same at the cell's end. */
export function probesOf({ program, source }: ParsedCell): Probe[] {
  const probes: Probe[] = [];
  const inner = new Set<string>();
  const text = (node: t.Node) => source.slice(node.start!, node.end!);
  const add = (
    kind: Kind,
    operand: t.Node | null | undefined,
    at: t.Node,
    message: (expression: string) => string,
  ): void => {
    const names = operand && namesIn(operand);
    if (!names) return;
    const expression = text(operand);
    if (expression.includes("\n")) return;
    probes.push({ kind, expression, names, start: at.start!, end: at.end!, message: message(expression) });
  };
  const awaited = (operand: t.Node | undefined, at: t.Node) => {
    if (operand === undefined) return;
    const before = source.slice(at.start!, operand.start!);
    const after = source.slice(operand.end!, at.end!);
    const write = (value: string) => (at.type === "UnaryExpression" ? `(await ${value})` : `await ${value}`);
    add(
      "promise",
      operand,
      at,
      (value) => `${short(value)} is a promise, not its value yet. Write: ${before}${write(value)}${after}`,
    );
  };
  const visit = (node: t.Node, isTop: boolean, parent?: t.Node): void => {
    if (!isTop && node.type === "VariableDeclaration") {
      for (const { id } of node.declarations) for (const name of boundNames(id)) inner.add(name);
    }
    if (node.type === "CatchClause") for (const name of boundNames(node.param)) inner.add(name);
    if (isFunction(node)) return; // what is a tensor there, the checker says only there
    switch (node.type) {
      case "IfStatement":
      case "WhileStatement":
      case "ConditionalExpression":
        add("tensor", node.test, node.test, truth);
        break;
      case "LogicalExpression":
        if (node.operator !== "??") {
          const method = METHODS[node.operator[0]!]!;
          add(
            "tensor",
            node.left,
            node,
            (left) => `A tensor is always truthy. Write: ${left}.${method}(${text(node.right)})`,
          );
        }
        break;
      case "UnaryExpression":
        if (node.operator === "!") add("tensor", node.argument, node, truth);
        if (SIGNS[node.operator]) {
          const sign = SIGNS[node.operator]!;
          add("tensor", node.argument, node, (value) => `${WHY(node.operator)} Write: ${sign(value)}`);
        }
        if (/^[-+~!]$/.test(node.operator)) awaited(node.argument, node);
        break;
      case "CallExpression": {
        const callee = text(node.callee);
        const [argument] = node.arguments;
        if (TAKE_ANYTHING.test(callee)) awaited(argument, node);
        if (/^Number\.is/.test(callee)) {
          const why = `${callee} takes a number, not a tensor.`;
          add("tensor", argument, node, (value) => `${why} Write: ${callee}(await ${value}.item())`);
        }
        break;
      }
      case "MemberExpression": {
        const { object, property, computed } = node;
        if (!computed || property.type !== "UnaryExpression" || property.operator !== "-") break;
        if (property.argument.type !== "NumericLiteral") break;
        const isSet = parent?.type === "AssignmentExpression" && parent.left === node;
        const last = (value: string) =>
          isSet ? `${value}[${value}.length - ${text(property.argument)}]` : `${value}.at(${text(property)})`;
        add("list", object, node, (value) => `Negative indices do not count from the end. Write: ${last(value)}`);
        break;
      }
      case "ForInStatement": {
        const { left, right, body } = node;
        // Who reads the elements by their index knows what `in` gives.
        if (text(body).includes(`${text(right)}[`)) break;
        const head = { ...node, end: source.indexOf(")", right.end!) + 1 };
        const message = (items: string) =>
          `\`in\` goes through the keys, \`of\` through the values. Write: for (${text(left)} of ${items})`;
        add("array", right, head, message);
        break;
      }
      case "BinaryExpression": {
        const method = METHODS[node.operator];
        const right = text(node.right);
        if (node.operator === "in") {
          const message = (items: string) =>
            `\`in\` looks for keys, not for values. Write: ${items}.includes(${text(node.left)})`;
          add("array", node.right, node, message);
          break;
        }
        if (/^(null|undefined)$/.test(right)) break;
        if (/^[=!]==?$/.test(node.operator) && (node.operator.length === 2 || /\.shape$/.test(right))) {
          const message = (left: string) => `${SAME_LIST} Write: ${left}.join() ${node.operator} ${right}.join()`;
          add("array", node.left, node, message);
        }
        if (!COMPARISONS.includes(node.operator)) break;
        const message = (left: string) => `${WHY(node.operator)} Write: ${left}.${method}(${right})`;
        add("tensor", node.left, node, message);
        break;
      }
    }
    for (const child of children(node)) visit(child, false, node);
  };
  for (const statement of program.body) visit(statement, true);
  return probes.filter(({ names }) => !names.some((name) => inner.has(name)));
}

/** The names in a value that is a name, one of its members, or what one of its methods returns; else undefined. */
function namesIn(node: t.Node): string[] | undefined {
  if (node.type === "Identifier") return [node.name];
  if (/^(Numeric|String)Literal$/.test(node.type)) return [];
  if (!/^(Call|Member|Array|Await)Expression$/.test(node.type)) return undefined;
  const parts = children(node).map(namesIn);
  return parts.includes(undefined) ? undefined : parts.flatMap((names) => names!);
}

/** (`===` asks whether two names stand for the same tensor, and may be meant.) */
const COMPARISONS = ["<", ">", "<=", ">=", "==", "!="];

/** What to write for a sign in front of a tensor. */
const SIGNS: Partial<Record<string, (value: string) => string>> = {
  "-": (value) => `${value}.neg()`,
  "+": (value) => `await ${value}.item()`,
  "~": (value) => `${value}.logicalNot()`,
};

/** Functions that TypeScript lets take a promise. */
const TAKE_ANYTHING =
  /^(Number|Boolean|JSON\.stringify|Number\.is(NaN|Finite|Integer|SafeInteger)|Object\.(keys|values|entries))$/;

/** What is wrong with comparing two lists. */
export const SAME_LIST = "Two lists are never the same one, even with the same elements.";

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
