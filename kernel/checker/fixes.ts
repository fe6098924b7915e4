import type * as t from "@babel/types";
import type { ParsedCell } from "../cells/parse.ts";
import { children } from "../cells/syntax.ts";
import { argumentFixes, callFixes } from "./call-fixes.ts";
import type { Fix } from "./fix.ts";
import { methodFixes } from "./member-fixes.ts";
import { dateFixes, operatorFixes } from "./operator-fixes.ts";
import { FLIPPED, METHODS } from "./operators.ts";
import { SAME_LIST } from "./probes.ts";
import type { Problem } from "./problems.ts";
import { promiseFixes } from "./promise-fixes.ts";
import { camelCase } from "./python-names.ts";
import {
  isIndex,
  isOperation,
  isReceiver,
  nodeAt,
  type Operation,
  outerRange,
  type Path,
  rangeOf,
  sameLine,
} from "./tree.ts";

const OPERANDS = new Set([2362, 2363]);
const OPERATOR = 2365;
/** "This comparison appears to be unintentional because the types have no overlap". */
const NO_OVERLAP = 2367;
/** "Type 'number' is not comparable to type 'Promise<number>'", of a case. */
const NO_CASE = 2678;
const NO_INDEX = new Set([7053, 7052, 7015, 2538]);
const NOT_ITERABLE = new Set([2488, 2461, 2548, 2549]);
const NO_MEMBER = new Set([2339, 2551]);
/** Wrong arguments, wrong options, and something that is no list. */
const ARGUMENTS = new Set([2345, 2554, 2769, 2559, 2353, 2739, 2740, 2741, 2322]);
/** "This condition will always return 'false' since JavaScript compares objects by reference". */
const NEVER_EQUAL = 2839;
const IS_OPERATOR = new Set([OPERATOR, NO_OVERLAP]);
const NOT_CALLABLE = new Set([2348, 2349, 6234]);

/** Proposals for one problem, the likeliest first. `problems` are all of the cell's. */
export function fixesFor(problem: Problem, problems: readonly Problem[], cell: ParsedCell): Fix[] {
  return new Fixes(problems, cell).for(problem);
}

/** Conditions that both are, or of which one is. */
function isBoth(node: t.Node): node is t.LogicalExpression {
  return node.type === "LogicalExpression" && node.operator !== "??";
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
    const isOperand = OPERANDS.has(code);
    const isComparison = code === OPERATOR || code === NO_OVERLAP;
    const isPromise = message.includes("Promise<") || isOperand || code === NO_CASE;
    const isMember = NO_MEMBER.has(code) || NO_INDEX.has(code);
    const promises =
      isPromise || code === 2801 ? promiseFixes(path, { isOperand, isComparison, isMember }, this.#source) : [];
    const isTold = message.includes("Promise<") && !isMember;
    return [
      ...(isTold ? promises : []),
      ...(isOperand || NO_INDEX.has(code) || isComparison ? [...this.#put(path), ...this.#methods(path)] : []),
      ...(isOperand || code === OPERATOR ? operatorFixes(path, this.#source) : []),
      ...(NOT_CALLABLE.has(code) ? callFixes(path, this.#source) : []),
      ...(ARGUMENTS.has(code) ? argumentFixes(path, message, this.#source) : []),
      ...(isMember ? methodFixes(path, message, this.#source) : []),
      ...(isTold ? [] : promises),
      ...(isOperand ? dateFixes(path, this.#source) : []),
      ...(NOT_ITERABLE.has(code) ? this.#spread(path) : []),
      ...(NO_MEMBER.has(code) ? this.#member(path, message) : []),
      ...(code === NEVER_EQUAL ? this.#equal(path) : []),
    ];
  }

  /** Operators and brackets as methods, in the whole of the expression at once; else in what is next to the error. */
  #methods({ node, parents }: Path): Fix[] {
    const wrong = [node, ...parents].filter((each) => this.#isConverted(each) && !this.#isAssigned(each, parents));
    // x[x > 0]
    const mask = wrong.find((each) => isIndex(each) && isOperation(each.property));
    if (mask && isIndex(mask) && isOperation(mask.property)) {
      const text = `await ${this.#receiver(mask.object)}.maskedSelect(${this.#render(mask.property)})`;
      const why = "Brackets index arrays and objects, not tensors.";
      return [{ start: mask.start!, end: mask.end!, text, why }];
    }
    const ends = [...new Set([wrong.at(-1), wrong[0]])].filter((each) => each !== undefined);
    return ends.map((each) => {
      const why =
        isOperation(each) || isBoth(each)
          ? `Operators such as ${each.operator} work on numbers, not on tensors.`
          : "Brackets index arrays and objects, not tensors.";
      const text = this.#render(each);
      // `tensor` may have to be imported first.
      const rest = /\btensor\(/.test(text) && { ends: /used as an index|used to index/ };
      return { start: each.start!, end: each.end!, text, why, ...rest };
    });
  }

  #isAssigned(node: t.Node, parents: readonly t.Node[]): boolean {
    return isIndex(node) && parents.some((each) => each.type === "AssignmentExpression" && each.left === node);
  }

  /** `x[0] = 1` as `x.set([0], 1)`. */
  #put({ node, parents }: Path): Fix[] {
    const assignment = [node, ...parents].find((each) => each.type === "AssignmentExpression");
    if (assignment?.type !== "AssignmentExpression" || !isIndex(assignment.left)) return [];
    const { start, end, left, right, operator } = assignment;
    const indices = [this.#render(left.property)];
    let { object } = left;
    for (; isIndex(object); object = object.object) indices.unshift(this.#render(object.property));
    const to = this.#receiver(object);
    const method = METHODS[operator.slice(0, -1)];
    const value =
      operator === "=" ? this.#text(right) : `${to}.at(${indices.join(", ")}).${method}(${this.#text(right)})`;
    const text = `${to}.set([${indices.join(", ")}], ${value})`;
    return [{ start: start!, end: end!, text, why: "Brackets index arrays and objects, not tensors." }];
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
    // x > 0 && x < 1
    if (isBoth(node)) return this.#isConverted(node.left) && this.#isConverted(node.right);
    if (!isOperation(node)) return false;
    const [start, end] = outerRange(node, this.#source);
    const isWrong = this.#problems.some((each) => {
      if (IS_OPERATOR.has(each.code))
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
      .filter(({ code, start, end }) => IS_OPERATOR.has(code) && start <= operation.start! && end >= operation.end!)
      .map(({ message }) => / types '(.*)' and '(.*)'/.exec(message)?.[side === "left" ? 1 : 2]);
    return types.some((type) => type !== undefined && !/^(number|string|boolean|bigint|[\d"'-].*)$/.test(type));
  }

  /** The source of a node with its operations as calls. */
  #render(node: t.Node): string {
    if (isIndex(node) && this.#isConverted(node)) {
      const indices = [this.#index(node.property)];
      let { object } = node;
      for (; isIndex(object) && this.#isConverted(object); object = object.object)
        indices.unshift(this.#index(object.property));
      return `${this.#receiver(object)}.at(${indices.join(", ")})`;
    }
    if (isBoth(node) && this.#isConverted(node)) {
      return `${this.#receiver(node.left)}.${METHODS[node.operator[0]!]}(${this.#render(node.right)})`;
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

  /** `[0, 2]` between brackets is a list of indices in Python; `x.at([0, 2])` is 0 to 2. */
  #index(node: t.Node): string {
    const text = this.#text(node);
    return node.type === "ArrayExpression" ? `tensor(${text}, { dtype: "int64" })` : text;
  }

  #receiver(node: t.Node): string {
    const text = this.#render(node);
    return isReceiver(node) || this.#isConverted(node) ? text : `(${text})`;
  }

  #text(node: t.Node): string {
    return this.#source.slice(node.start!, node.end!);
  }

  /** `[...x]` and `for (const row of x)` of a tensor, `for (const i of 10)`. */
  #spread({ node, parents }: Path): Fix[] {
    const why = "A tensor is not a list.";
    const fixes: Fix[] = [{ start: node.start!, end: node.end!, text: `${this.#receiver(node)}.unbind()`, why }];
    const [loop] = parents;
    if (loop?.type === "ForOfStatement" && loop.left.type === "VariableDeclaration") {
      const name = this.#text(loop.left.declarations[0]!.id);
      const text = `for (let ${name} = 0; ${name} < ${this.#text(node)}; ${name}++)`;
      const end = this.#source.indexOf(")", outerRange(node, this.#source)[1]) + 1;
      fixes.push({ start: loop.start!, end, text, why: "A number is not a list." });
    }
    return fixes;
  }

  /** PyTorch's `requires_grad` as `requiresGrad`; a tensor's elements as a list, its only one as a number. */
  #member({ node, parents: [member, call] }: Path, message: string): Fix[] {
    if (node.type !== "Identifier") return [];
    const [start, end] = [node.start!, node.end!];
    if (/\w_\w/.test(node.name)) {
      return [{ start, end, text: camelCase(node.name), why: "Names are in camelCase here, without underscores." }];
    }
    if (member?.type !== "MemberExpression" || !message.includes("on type 'Tensor'")) return [];
    const object = this.#text(member.object);
    const whole = call?.type === "CallExpression" && call.callee === member ? call : member;
    const rest = this.#source.slice(member.object.end!, whole.end!);
    const write = (text: string, why: string): Fix => ({ start: whole.start!, end: whole.end!, text, why });
    if (node.name === "length") return [write(`${object}.shape[0]`, "A tensor has a shape.")];
    if (sameLine(rest)) {
      return [
        write(`(await ${object}.item())${rest}`, "A tensor is not a number."),
        write(`[...(await ${object}.data())]${rest}`, "A tensor is not a list."),
      ];
    }
    return [];
  }

  /** Two lists that are compared. */
  #equal({ node, parents }: Path): Fix[] {
    const operation = [node, ...parents].find(isOperation);
    if (!operation) return [];
    const { start, end, left, right, operator } = operation;
    const text = `${this.#receiver(left)}.join() ${operator} ${this.#receiver(right)}.join()`;
    return [{ start: start!, end: end!, text, why: SAME_LIST }];
  }
}
