import type * as t from "@babel/types";
import type { ParsedCell } from "../cells/parse.ts";
import { children } from "../cells/syntax.ts";
import { FLIPPED, METHODS } from "./operators.ts";
import type { Problem } from "./problems.ts";
import { camelCase } from "./python-names.ts";
import {
  isArgument,
  isIndex,
  isOperation,
  nodeAt,
  type Operation,
  outerRange,
  type Path,
  rangeOf,
  sameLine,
  short,
} from "./tree.ts";

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

const OPERANDS = new Set([2362, 2363]);
const OPERATOR = 2365;
const NO_INDEX = new Set([7053, 7052, 7015, 2538]);
const NOT_ITERABLE = new Set([2488, 2461, 2548, 2549]);
const NO_MEMBER = new Set([2339, 2551]);
const ARGUMENTS = new Set([2345, 2554, 2769]);
/** "This condition will always return 'false' since JavaScript compares objects by reference". */
const NEVER_EQUAL = 2839;
const NOT_CALLABLE = new Set([2348, 2349, 6234]);

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
      ...(OPERANDS.has(code) || code === OPERATOR ? this.#lists(path) : []),
      ...(NOT_CALLABLE.has(code) ? this.#calls(path) : []),
      ...(ARGUMENTS.has(code) ? this.#arguments(path, message) : []),
      ...(isPromise || code === 2801 ? this.#awaits(path, code) : []),
      ...(NOT_ITERABLE.has(code) ? this.#spread(path) : []),
      ...(NO_MEMBER.has(code) ? this.#member(path, message) : []),
      ...(code === NEVER_EQUAL ? this.#equal(path) : []),
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
      /^(Identifier|ThisExpression|.*MemberExpression|.*CallExpression|TSNonNullExpression|NewExpression|StringLiteral|ArrayExpression)$/;
    return isSimple.test(node.type) || this.#isConverted(node) ? text : `(${text})`;
  }

  #text(node: t.Node): string {
    return this.#source.slice(node.start!, node.end!);
  }

  /** What Python's operators do with texts and lists, and `in` with the elements of a list. */
  #lists({ node, parents }: Path): Fix[] {
    const chain = [node, ...parents];
    const fixes: Fix[] = [];
    const loop = chain.find((each) => each.type === "ForInStatement");
    if (loop) {
      const end = this.#source.indexOf(")", outerRange(loop.right, this.#source)[1]) + 1;
      const text = `for (${this.#text(loop.left)} of ${this.#text(loop.right)})`;
      fixes.push({ start: loop.start!, end, text, why: "`in` goes through the keys, `of` through the values." });
    }
    const operation = chain.find(isOperation);
    if (operation && (operation.operator === "*" || operation.operator === "+")) {
      const { start, end, left, operator } = operation;
      const right = this.#text(operation.right);
      const only = left.type === "ArrayExpression" && left.elements.length === 1 ? left.elements[0] : undefined;
      const times = only
        ? `Array.from({ length: ${right} }, () => ${this.#text(only)})`
        : `${this.#receiver(left)}.repeat(${right})`;
      const text = operator === "+" ? `${this.#receiver(left)}.concat(${right})` : times;
      fixes.push({
        start: start!,
        end: end!,
        text,
        why: `${operator} works on numbers${operator === "+" ? " and texts" : ""} only.`,
      });
    }
    return fixes;
  }

  /** `layer(x)` as `layer.forward(x)`, `x.shape()` as `x.shape`, `nn.Linear(2, 3)` with `new`. */
  #calls({ node, parents }: Path): Fix[] {
    const call = [node, ...parents].find((each) => each.type === "CallExpression");
    if (call?.type !== "CallExpression") return [];
    const name = this.#text(call.callee);
    const given = this.#source.slice(call.callee.end!, call.end!);
    const write = (text: string, why: string): Fix => ({ start: call.start!, end: call.end!, text, why });
    if (call.arguments.length === 0) return [write(name, `${short(name)} is a value, not a function.`)];
    return [
      write(`new ${name}${given}`, "A new object of a class is made with `new`."),
      write(`${name}.forward${given}`, "A layer is not a function."),
    ];
  }

  /** `randn(2, 3)` as `randn([2, 3])`, `Math.sqrt(x)` as `x.sqrt()`. */
  #arguments({ node, parents }: Path, message: string): Fix[] {
    if (message.includes("type '() => ")) {
      const [text, why] = [`${this.#text(node)}()`, `${short(this.#text(node))} is a function: call it.`];
      return [{ start: node.start!, end: node.end!, text, why }];
    }
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
    return [{ start: start!, end: end!, text, why: "Two lists are never the same one, even with the same elements." }];
  }
}
