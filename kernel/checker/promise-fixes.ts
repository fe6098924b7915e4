import type * as t from "@babel/types";
import type { Fix } from "./fix.ts";
import { isArgument, isOperation, type Operation, outerRange, type Path, sameLine, short, textOf } from "./tree.ts";

/** What an error with a promise in it is about. */
export interface PromiseError {
  isOperand: boolean;
  isComparison: boolean;
  /** No such member, or no such index. */
  isMember: boolean;
}

/** Where an `await` may be missing. */
export function promiseFixes({ node, parents }: Path, error: PromiseError, source: string): Fix[] {
  const chain = [node, ...parents];
  const targets = awaitable(node, parents, error).filter((each) => each.type !== "AwaitExpression");
  const operation = error.isOperand || error.isComparison ? chain.find(isOperation) : undefined;
  const each = awaitEach(targets, chain, error.isOperand || error.isComparison ? {} : { ends: /Promise</ }, source);
  return [...each, ...(operation ? [awaitBoth(operation, source)] : []), ...awaitAll(chain, source)];
}

function awaitBoth({ start, end, left, right }: Operation, source: string): Fix {
  const text = source.slice(outerRange(left, source)[1], outerRange(right, source)[0]);
  const why = "A promise is not its value yet.";
  return {
    start: start!,
    end: end!,
    text: `(await ${textOf(left, source)})${text}(await ${textOf(right, source)})`,
    why,
  };
}

/** Lists of promises: one that is spread, `[a, b].map(...)`. */
function awaitAll(chain: readonly t.Node[], source: string): Fix[] {
  const why = "These are promises, not their values yet.";
  const all = (list: t.Node, write: (text: string) => string): Fix => ({
    start: list.start!,
    end: list.end!,
    text: write(`await Promise.all(${textOf(list, source)})`),
    why,
  });
  const spread = chain.find((each) => each.type === "SpreadElement");
  const lists = chain.flatMap((each) => {
    if (each.type !== "CallExpression" || each.callee.type !== "MemberExpression") return [];
    const isInside = each.arguments.some((argument) => chain.includes(argument));
    return isInside ? [each.callee.object] : [];
  });
  return [
    ...(spread?.type === "SpreadElement" ? [all(spread.argument, (text) => `(${text})`)] : []),
    ...lists.map((list) => all(list, (text) => `(${text})`)),
  ];
}

function awaitEach(
  targets: readonly t.Node[],
  chain: readonly t.Node[],
  rest: Pick<Fix, "ends">,
  source: string,
): Fix[] {
  return targets.map((target) => {
    const around = chain.filter(
      (each) =>
        each !== target && each.start! <= target.start! && each.end! >= target.end! && sameLine(textOf(each, source)),
    );
    // Shown with what it is part of: `(await x.item()) * 2`, `(await x.item()).toFixed(2)`.
    const part = around.find((each) => /^(Binary|.*Member|.*Call|Spread)/.test(each.type));
    const call = around[around.indexOf(part!) + 1];
    const shown = (call?.type === "CallExpression" && call.callee === part ? call : part) ?? target;
    const needsParens = shown !== target && !isArgument(shown, target);
    const awaited = needsParens ? `(await ${textOf(target, source)})` : `await ${textOf(target, source)}`;
    const [from, to] = outerRange(target, source);
    const [start, end] = [Math.min(shown.start!, from), Math.max(shown.end!, to)];
    const text = source.slice(start, from) + awaited + source.slice(to, end);
    const why = `${short(textOf(target, source))} is a promise, not its value yet.`;
    return { start, end, text, why, ...rest };
  });
}

function awaitable(node: t.Node, parents: t.Node[], { isComparison, isMember }: PromiseError): t.Node[] {
  const [parent] = parents;
  if (isMember) {
    const member = [node, ...parents].find((each) => /MemberExpression$/.test(each.type)) as
      | t.MemberExpression
      | undefined;
    if (member) return [member.object];
    // const { images } = pipe.generate(...)
    const declarator = parents.find((each) => each.type === "VariableDeclarator");
    const isPattern = parents.some((each) => each.type === "ObjectPattern");
    return isPattern && declarator?.type === "VariableDeclarator" && declarator.init ? [declarator.init] : [];
  }
  if (isComparison && isOperation(node)) {
    return [node.left, node.right].filter((each) => each.type !== "NumericLiteral");
  }
  const choice = parents.find((each) => each.type === "SwitchStatement");
  if (parent?.type === "SwitchCase" && choice?.type === "SwitchStatement") return [choice.discriminant];
  if (parent?.type === "VariableDeclarator" && parent.id === node && parent.init) return [parent.init];
  if (parent?.type === "AssignmentExpression" && parent.left === node) return [parent.right];
  if (parent?.type === "ObjectProperty" && parent.key === node) return [parent.value];
  if (node.type === "ReturnStatement" && node.argument) return [node.argument];
  if (/^TSAs|^TSTypeAssertion/.test(node.type)) return [(node as t.TSAsExpression).expression];
  return /Expression$|^Identifier$/.test(node.type) ? [node] : [];
}
