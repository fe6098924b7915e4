import type { Node } from "../graph/node.ts";
import { within } from "../scope.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { arrangeDisplaced, type Record, Retrace, Trace, tracing, type Variable } from "../tensor/trace.ts";
import { takeApart } from "./containers.ts";

/** What a function did in one call, and what comes of it. */
export interface Traced<R> {
  readonly trace: Trace;
  readonly record: Record;
  /** What it returns, then what it keeps. */
  readonly results: readonly Node[];
  readonly assemble: (tensors: Tensor[]) => R;
  /** Changed tensors and what they become. */
  readonly states: ReadonlyMap<Variable, Node>;
  /** Tensors that outlive the call, those of one value together: that of the last results. */
  readonly kept: readonly (readonly Variable[])[];
}

/**
 * Runs `f` without computing anything, and returns what it would have computed.
 *
 * @param given - the tensors among its arguments
 * @param known - what it did in earlier calls
 * @throws whatever `f` throws; counters that it has moved on are put back then
 */
export function trace<R>(
  name: string,
  f: (...args: readonly unknown[]) => R,
  args: readonly unknown[],
  given: readonly Tensor[],
  known: readonly Record[] = [],
): Traced<R> {
  const attempts: Trace[] = [];
  for (let left = 8; ; left--) {
    arrangeDisplaced();
    const attempt = new Trace(name, given, known);
    try {
      return traceAttempt(name, f, args, attempt, attempts);
    } catch (error) {
      // An optimizer had to rearrange its parameters first.
      if (!(error instanceof Retrace) || left === 0) throw error;
      attempts.push(attempt);
    }
  }
}

function traceAttempt<R>(
  name: string,
  f: (...args: readonly unknown[]) => R,
  args: readonly unknown[],
  trace: Trace,
  attempts: readonly Trace[],
): Traced<R> {
  const leave = (stopped: boolean) => {
    if (stopped) undoAll(trace);
    tracing.current = null;
    for (const back of trace.writes.values()) back();
    for (const tensor of trace.grads) tensor.grad = null;
  };
  return within(leave, () => {
    tracing.current = trace;
    return traceNow(name, f, args, trace, attempts);
  });
}

function traceNow<R>(
  name: string,
  f: (...args: readonly unknown[]) => R,
  args: readonly unknown[],
  trace: Trace,
  attempts: readonly Trace[],
): Traced<R> {
  const states = new Map<Variable, Node>();
  try {
    const result = f(...args);
    if (result instanceof Promise) {
      result.catch(() => {});
      throw new TypeError(
        `${name}: the function is async; a compiled function only records operations, so it cannot await`,
      );
    }
    const { tensors, assemble } = takeApart(name, result);
    const kept = new Map<Node, Variable[]>();
    for (const tensor of trace.kept) kept.set(tensor.node, [...(kept.get(tensor.node) ?? []), tensor]);
    const results = [...tensors.map((t) => t.node), ...kept.keys()];
    for (const tensor of trace.writes.keys()) states.set(tensor, tensor.peek());
    return {
      trace,
      record: trace.record,
      results,
      assemble,
      states,
      kept: withTwins([...kept.values()], trace, attempts),
    };
  } catch (error) {
    undoAll(trace);
    throw error;
  }
}

/** Hooks were called in attempts to trace the call, too: what those have kept has the same values. */
function withTwins(kept: readonly Variable[][], trace: Trace, attempts: readonly Trace[]): readonly Variable[][] {
  const order = [...trace.kept];
  const alike = attempts.map((attempt) => [...attempt.kept]).filter((list) => list.length === order.length);
  if (alike.length === 0) return kept;
  const place = new Map(order.map((tensor, i) => [tensor, i]));
  return kept.map((group) => [...group, ...group.flatMap((t) => alike.map((list) => list[place.get(t)!]!))]);
}

/** Puts back what a call has changed on the host, the last change first. */
export function undoAll({ restore }: Trace): void {
  for (const back of restore.splice(0).reverse()) back();
}
