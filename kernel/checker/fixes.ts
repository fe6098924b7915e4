import type * as t from "@babel/types";
import type { ParsedCell } from "../cells/parse.ts";
import { children } from "../cells/syntax.ts";
import type { Problem } from "./problems.ts";
import { camelCase } from "./python-names.ts";
import { nodeAt, outerRange, type Path } from "./tree.ts";

/**
 * A change of the cell that may take an error away. Nobody knows beforehand: {@link ./checker.ts} checks the cell with
 * it, and proposes what does.
 */
export interface Fix {
  start: number;
  end: number;
  text: string;
  /** What is wrong, in front of "Write: ...". */
  why: string;
  /** It helps where it ends errors that say this, though others may come instead. Default: it must end all. */
  ends?: RegExp;
}

/** Methods that tensors, and vectors of any other kind, have for operators. */
const METHODS: Record<string, string> = {
  "+": "add",
  "-": "sub",
  "*": "mul",
  "/": "div",
  "**": "pow",
  "%": "remainder",
  "<": "lt",
  "<=": "le",
  ">": "gt",
  ">=": "ge",
  "==": "eq",
  "!=": "ne",
  "&": "logicalAnd",
  "|": "logicalOr",
};

/** For a number on the left and a tensor on the right. */
const FLIPPED: Record<string, (number: string, tensor: string) => string> = {
  "+": (number, tensor) => `${tensor}.add(${number})`,
  "*": (number, tensor) => `${tensor}.mul(${number})`,
  "-": (number, tensor) => `${tensor}.neg().add(${number})`,
  "/": (number, tensor) => `${tensor}.reciprocal().mul(${number})`,
  "<": (number, tensor) => `${tensor}.gt(${number})`,
  "<=": (number, tensor) => `${tensor}.ge(${number})`,
  ">": (number, tensor) => `${tensor}.lt(${number})`,
  ">=": (number, tensor) => `${tensor}.le(${number})`,
};

const OPERANDS = new Set([2362, 2363]);
const OPERATOR = 2365;
const NO_INDEX = new Set([7053, 7052, 7015, 2538]);
const NOT_ITERABLE = new Set([2488, 2461, 2548, 2549]);
const NO_MEMBER = new Set([2339, 2551]);
const ARGUMENTS = new Set([2345, 2554, 2769]);

/** Proposals for one problem, the likeliest first. `problems` are all of the cell's. */
export function fixesFor(problem: Problem, problems: readonly Problem[], cell: ParsedCell): Fix[] {
  return new Fixes(problems, cell).for(problem);
}

class Fixes {
  readonly #source: string;
  readonly #program: t.Program;
  readonly #problems: readonly { code: number; message: string; start: number; end: number }[];

  constructor(problems: readonly Problem[], { source, program }: ParsedCell) {
    this.#source = source;
    this.#program = program;
    this.#problems = problems.map((each) => ({
      code: each.code ?? 0,
      message: each.message,
      ...rangeOf(each, source),
    }));
  }

  for(problem: Problem): Fix[] {
    const { code = 0, message } = problem;
    const { start, end } = rangeOf(problem, this.#source);
    const path = nodeAt(this.#program, start, end);
    const isPromise = message.includes("Promise<") || OPERANDS.has(code);
    return [
      ...(OPERANDS.has(code) || NO_INDEX.has(code) || code === OPERATOR ? this.#methods(path) : []),
      ...(ARGUMENTS.has(code) ? this.#arguments(path) : []),
      ...(isPromise || code === 2801 ? this.#awaits(path, code) : []),
      ...(NOT_ITERABLE.has(code) ? this.#spread(path) : []),
      ...(NO_MEMBER.has(code) ? this.#member(path) : []),
    ];
  }

  /** Operators and brackets as methods, in the whole of the expression at once; else in what is next to the error. */
  #methods({ node, parents }: Path): Fix[] {
    const wrong = [node, ...parents].filter((each) => this.#isConverted(each) && !this.#isAssigned(each, parents));
    const ends = [...new Set([wrong.at(-1), wrong[0]])].filter((each) => each !== undefined);
    return ends.map((each) => {
      const why = isOperation(each)
        ? `Operators such as ${each.operator} work on numbers, not on tensors.`
        : "Brackets index arrays and objects, not tensors.";
      return { start: each.start!, end: each.end!, text: this.#render(each), why };
    });
  }

  #isAssigned(node: t.Node, parents: readonly t.Node[]): boolean {
    return isIndex(node) && parents.some((each) => each.type === "AssignmentExpression" && each.left === node);
  }

  /** Whether an operation has an operand that is no number. */
  #isConverted(node: t.Node): boolean {
    if (isIndex(node)) {
      const isWrong = this.#problems.some(
        (each) =>
          NO_INDEX.has(each.code) && each.start >= node.start! && each.end <= node.end! && each.end > node.object.end!,
      );
      return isWrong || this.#isConverted(node.object);
    }
    if (!isOperation(node)) return false;
    const [start, end] = outerRange(node, this.#source);
    const isWrong = this.#problems.some((each) => {
      if (each.code === OPERATOR)
        return each.start >= start && each.end <= end && each.start <= node.start! && each.end >= node.end!;
      return this.#isOperand(each, node.left) || this.#isOperand(each, node.right);
    });
    return isWrong || this.#isConverted(node.left) || this.#isConverted(node.right);
  }

  #isOperand({ code, start, end }: { code: number; start: number; end: number }, operand: t.Node): boolean {
    const [from, to] = outerRange(operand, this.#source);
    return OPERANDS.has(code) && start >= from && end <= to && start <= operand.start! && end >= operand.end!;
  }

  #isTensor(node: t.Node, side: "left" | "right", operation: Operation): boolean {
    if (this.#isConverted(node)) return true;
    if (this.#problems.some((each) => this.#isOperand(each, node))) return true;
    const types = this.#problems
      .filter(({ code, start, end }) => code === OPERATOR && start <= operation.start! && end >= operation.end!)
      .map(({ message }) => / types '(.*)' and '(.*)'/.exec(message)?.[side === "left" ? 1 : 2]);
    return types.some((type) => type !== undefined && !/^(number|string|boolean|bigint|[\d"'-].*)$/.test(type));
  }

  /** The source of a node with its operations as calls. */
  #render(node: t.Node): string {
    if (isIndex(node) && this.#isConverted(node)) {
      const indices = [this.#text(node.property)];
      let { object } = node;
      for (; isIndex(object) && this.#isConverted(object); object = object.object)
        indices.unshift(this.#text(object.property));
      return `${this.#receiver(object)}.at(${indices.join(", ")})`;
    }
    if (isOperation(node) && this.#isConverted(node)) {
      const operator = node.operator.replace(/(?<=[^=!<>])=$/, "");
      const isAssignment = node.type === "AssignmentExpression";
      const method = METHODS[operator.replace(/^([=!])==$/, "$1=")];
      if (method === undefined) return this.#text(node);
      const flipped = FLIPPED[operator];
      const call =
        this.#isTensor(node.left, "left", node) || !flipped
          ? `${this.#receiver(node.left)}.${method}(${this.#render(node.right)})`
          : flipped(this.#render(node.left), this.#receiver(node.right));
      return isAssignment ? `${this.#text(node.left)} = ${call}` : call;
    }
    let text = "";
    let from = node.start!;
    for (const child of children(node)) {
      if (child.start! < from) continue;
      text += this.#source.slice(from, child.start!) + this.#render(child);
      from = child.end!;
    }
    return text + this.#source.slice(from, node.end!);
  }

  #receiver(node: t.Node): string {
    const text = this.#render(node);
    const isSimple =
      /^(Identifier|ThisExpression|.*MemberExpression|.*CallExpression|TSNonNullExpression|NewExpression)$/;
    return isSimple.test(node.type) || this.#isConverted(node) ? text : `(${text})`;
  }

  #text(node: t.Node): string {
    return this.#source.slice(node.start!, node.end!);
  }

  /** `randn(2, 3)` as `randn([2, 3])`, `Math.sqrt(x)` as `x.sqrt()`. */
  #arguments({ node, parents }: Path): Fix[] {
    const call = [node, ...parents].find((each) => each.type === "CallExpression");
    if (call?.type !== "CallExpression" || call.arguments.length === 0) return [];
    const args = call.arguments.map((each) => this.#text(each));
    const [first, last] = [call.arguments[0]!, call.arguments.at(-1)!];
    const fixes: Fix[] = [];
    const { callee } = call;
    if (callee.type === "MemberExpression" && this.#text(callee.object) === "Math" && args.length === 1) {
      const why = `${this.#text(callee)} takes a number, not a tensor.`;
      const text = `${this.#receiver(first)}.${this.#text(callee.property)}()`;
      fixes.push({ start: call.start!, end: call.end!, text, why });
    }
    if (call.arguments.every((each) => !/^(Object|Array|String|Spread|Arrow|Function)/.test(each.type))) {
      const text = `${this.#source.slice(call.start!, first.start!)}[${args.join(", ")}]${this.#source.slice(last.end!, call.end!)}`;
      fixes.push({ start: call.start!, end: call.end!, text, why: `${this.#text(callee)} takes a list.` });
    }
    return fixes;
  }

  #awaits({ node, parents }: Path, code: number): Fix[] {
    const targets = this.#awaitable(node, parents, code).filter((each) => each.type !== "AwaitExpression");
    const isOperand = code === OPERATOR || OPERANDS.has(code);
    const operation = isOperand ? [node, ...parents].find(isOperation) : undefined;
    const both = operation ? [this.#awaitBoth(operation)] : [];
    return [...this.#awaitEach(targets, [node, ...parents], isOperand ? {} : { ends: /Promise</ }), ...both];
  }

  #awaitBoth({ start, end, left, right }: Operation): Fix {
    const text = this.#source.slice(outerRange(left, this.#source)[1], outerRange(right, this.#source)[0]);
    const why = "A promise is not its value yet.";
    return { start: start!, end: end!, text: `(await ${this.#text(left)})${text}(await ${this.#text(right)})`, why };
  }

  #awaitEach(targets: readonly t.Node[], chain: readonly t.Node[], rest: Pick<Fix, "ends">): Fix[] {
    return targets.map((target) => {
      const around = chain.filter(
        (each) =>
          each !== target && each.start! <= target.start! && each.end! >= target.end! && sameLine(this.#text(each)),
      );
      // Shown with what it is part of: `(await x.item()) * 2`, `(await x.item()).toFixed(2)`.
      const part = around.find((each) => /^(Binary|.*Member|.*Call|Spread)/.test(each.type));
      const call = around[around.indexOf(part!) + 1];
      const shown = (call?.type === "CallExpression" && call.callee === part ? call : part) ?? target;
      const needsParens = shown !== target && !isArgument(shown, target);
      const awaited = needsParens ? `(await ${this.#text(target)})` : `await ${this.#text(target)}`;
      const [from, to] = outerRange(target, this.#source);
      const [start, end] = [Math.min(shown.start!, from), Math.max(shown.end!, to)];
      const text = this.#source.slice(start, from) + awaited + this.#source.slice(to, end);
      const why = `${short(this.#text(target))} is a promise, not its value yet.`;
      return { start, end, text, why, ...rest };
    });
  }

  #awaitable(node: t.Node, parents: t.Node[], code: number): t.Node[] {
    const [parent] = parents;
    if (NO_MEMBER.has(code) || NO_INDEX.has(code)) {
      const member = [node, ...parents].find((each) => /MemberExpression$/.test(each.type)) as
        | t.MemberExpression
        | undefined;
      return member ? [member.object] : [];
    }
    if (code === OPERATOR && isOperation(node)) {
      return [node.left, node.right].filter((each) => each.type !== "NumericLiteral");
    }
    if (parent?.type === "VariableDeclarator" && parent.id === node && parent.init) return [parent.init];
    if (parent?.type === "AssignmentExpression" && parent.left === node) return [parent.right];
    if (parent?.type === "ObjectProperty" && parent.key === node) return [parent.value];
    if (node.type === "ReturnStatement" && node.argument) return [node.argument];
    if (/^TSAs|^TSTypeAssertion/.test(node.type)) return [(node as t.TSAsExpression).expression];
    return /Expression$|^Identifier$/.test(node.type) ? [node] : [];
  }

  /** `[...x]` and `for (const row of x)` of a tensor. */
  #spread({ node }: Path): Fix[] {
    const why = "A tensor is not a list.";
    return [{ start: node.start!, end: node.end!, text: `${this.#receiver(node)}.unbind()`, why }];
  }

  /** PyTorch's `requires_grad` as `requiresGrad`. */
  #member({ node }: Path): Fix[] {
    if (node.type !== "Identifier" || !/\w_\w/.test(node.name)) return [];
    const text = camelCase(node.name);
    return [{ start: node.start!, end: node.end!, text, why: "Names are in camelCase here, without underscores." }];
  }
}

type Operation = t.BinaryExpression | t.AssignmentExpression;

function isOperation(node: t.Node): node is Operation {
  if (node.type === "BinaryExpression") return true;
  return node.type === "AssignmentExpression" && node.operator !== "=";
}

/** `x[0]`, where what is in the brackets is no text. */
function isIndex(node: t.Node): node is t.MemberExpression {
  return node.type === "MemberExpression" && node.computed && node.property.type !== "StringLiteral";
}

function isArgument(node: t.Node, target: t.Node): boolean {
  return /Call/.test(node.type) && (node as t.CallExpression).arguments.includes(target as t.Expression);
}

function sameLine(text: string): boolean {
  return !text.includes("\n") && text.length <= 100;
}

function short(text: string): string {
  return `\`${text.length > 60 ? `${text.slice(0, 57)}...` : text}\``;
}

/** Offsets of a problem. */
export function rangeOf({ line, column, endLine, endColumn }: Problem, source: string): { start: number; end: number } {
  const lines = source.split("\n");
  const offset = (number: number, at: number) =>
    lines.slice(0, number - 1).reduce((sum, each) => sum + each.length + 1, 0) + at - 1;
  return { start: offset(line, column), end: offset(endLine, endColumn) };
}
