import type { Problem } from "./problems.ts";

/** What hints need to know of the session. */
export interface HintContext {
  source: string;
  /** Whether an earlier cell made a value of this name, and this one does not. */
  isEarlier(name: string): boolean;
}

/** "'x' is possibly 'null'", "Object is possibly 'undefined'" and their like. */
const POSSIBLY_MISSING = new Set([2531, 2532, 2533, 18047, 18048, 18049]);
const NOT_ASSIGNABLE = new Set([2322, 2345]);

/** Adds to a problem what to write, where TypeScript only says what is wrong. */
export function withHint(problem: Problem, context: HintContext): Problem {
  const hint = problem.hint ?? missingValueHint(problem, context);
  return hint === undefined ? problem : { ...problem, hint };
}

function missingValueHint(problem: Problem, { source, isEarlier }: HintContext): string | undefined {
  const { code = 0, message } = problem;
  const mayBeMissing =
    POSSIBLY_MISSING.has(code) || (code === 2345 && /Type '(null|undefined)' is not assignable/.test(message));
  if (!mayBeMissing) {
    const isAssigned = NOT_ASSIGNABLE.has(code) && /Type '(null|undefined)' is not assignable/.test(message);
    return isAssigned ? "If you know that the value is there, write ! after it." : undefined;
  }
  const text = textAt(source, problem);
  if (text === undefined) return undefined;
  const name = /^[\p{L}\p{N}_$]+/u.exec(text)?.[0];
  const earlier = name !== undefined && isEarlier(name);
  const why = earlier ? `\`${name}\` is from an earlier cell, and checks made there do not count here. ` : "";
  return `${why}If you know that it is there, write \`${text}!\``;
}

/** What stands at a problem, if that is short. */
export function textAt(source: string, { line, column, endLine, endColumn }: Problem): string | undefined {
  if (line !== endLine) return undefined;
  const text = source.split("\n")[line - 1]?.slice(column - 1, endColumn - 1);
  return text !== undefined && text.length > 0 && text.length <= 40 ? text : undefined;
}
