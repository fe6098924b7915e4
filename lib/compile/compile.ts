import type { SessionOptions } from "../runtime/protocol.ts";
import { onStopped } from "../scope.ts";
import { Tensor } from "../tensor/tensor.ts";
import { tensorsIn } from "../tensor/tensors-in.ts";
import { tracing } from "../tensor/trace.ts";
import { Call } from "./call.ts";
import { checkNotEmpty, type Results } from "./containers.ts";
import { Program } from "./program.ts";
import { trace } from "./traced.ts";

export type { Results } from "./containers.ts";

/** What a call gives: a promise, of which a tensor's values can be asked at once: `await step(x).item()`. */
export type Pending<R> = Promise<R> & (R extends Tensor ? Pick<Tensor, "item" | "data" | "bits" | "tolist"> : unknown);

/** A function whose work runs as one session for each form that it takes. */
export interface Compiled<A extends readonly unknown[], R> {
  (...args: A): Pending<R>;
  /** How many forms there were: one for each combination of shapes, branches, settings and weights that it met. */
  readonly traces: number;
  /** Opens the session for a call with these arguments, without making the call. */
  prepare(...args: A): Promise<void>;
  /**
   * Puts everything that the last call changed back to what it was before, on the host too: counters, learning rates,
   * generators. Works once for a call.
   */
  undo(): void;
  /** Releases the sessions; another call is an error. */
  close(): void;
}

/** How a function is compiled. */
export interface CompileOptions {
  /** Named in errors; the function's own name by default. */
  readonly name?: string;
  /** How the sessions are opened, where the defaults do not suit. */
  readonly session?: Partial<SessionOptions>;
}

// Of the forms that a function took, this many stay whatever they hold (training, and its smaller last batch), and the
// most recent others as long as they hold no more than that together.
const kept = { always: 2, most: 8, bytes: 256 * 2 ** 20 };

// One call after the other, of all compiled functions: each starts from the state that the one before has left.
let last: Promise<unknown> = Promise.resolve();
// The one that was stopped never ends.
onStopped(() => {
  last = Promise.resolve();
});

function afterAll<T>(action: () => Promise<T> | T): Promise<T> {
  const result = last.then(action);
  last = result.catch(() => {});
  return result;
}

/**
 * Runs all that `f` computes in a call as one session, which is made once and used again as long as `f` does the same.
 *
 * `f` itself runs at every call, but only writes operations down; these are compared with those of earlier calls, and
 * where they differ (another shape, branch, variable, setting, layer, weight) another session is made. Tensors that it
 * reads are looked up when it is called, and all that it changes (parameters through an optimizer's `step()`, running
 * means, arguments) is written in place. Random numbers, learning rates and counts are those of the call. Gradients that
 * `backward()` leaves inside do not outlive the call, nor do tensors made inside: return what you want to see. (What a
 * module's forward hook is given, and what it makes of that, does outlive it.)
 *
 * @param f - synchronous; takes whatever a function takes, tensors inside lists, records, Maps and Sets too; returns
 *   tensors, in lists or records of any depth, or nothing
 */
// biome-ignore lint/suspicious/noConfusingVoidType: a function without a result is what it means here
export function compile<A extends readonly unknown[], R extends Results | void>(
  f: (...args: A) => R,
  options: CompileOptions = {},
): Compiled<A, R> {
  const name = options.name ?? (f.name || "compiled function");
  // The most recently used first.
  let programs: Program[] = [];
  let closed = false;
  let traces = 0;
  let latest: Call<R> | null = null;

  const begin = (args: A): Call<R> => {
    if (closed) throw new Error(`${name}: called after close()`);
    const given = tensorsIn(args);
    checkNotEmpty(name, given);
    const known = programs.map(({ record }) => record);
    const traced = trace(name, f as (...args: readonly unknown[]) => R, args, given, known);
    let program = programs.find((each) => each.computes(traced, given));
    if (!program) {
      traces++;
      program = new Program(name, traced, given, options.session ?? {});
    }
    if (program !== programs[0]) {
      programs = [program, ...programs.filter((each) => each !== program)];
      forget();
    }
    return new Call(program, traced, given);
  };

  const forget = () => {
    let bytes = 0;
    programs = programs.filter((program, i) => {
      bytes += program.workingBytes;
      const stays = i < kept.always || (i < kept.most && bytes <= kept.bytes);
      if (!stays) void afterAll(() => program.close());
      return stays;
    });
  };

  const compiled = (...args: A): Pending<R> => {
    if (tracing.current) {
      throw new Error(`${name}: called inside another compiled function; call the plain function there`);
    }
    let call: Call<R>;
    try {
      call = begin(args);
    } catch (error) {
      return asPending(Promise.reject(error));
    }
    latest = call;
    return asPending(afterAll(() => call.run()));
  };
  const prepare = async (...args: A): Promise<void> => {
    const call = begin(args);
    call.undo();
    await call.prepare();
  };
  return Object.defineProperties(compiled, {
    traces: { get: () => traces },
    prepare: { value: prepare },
    undo: { value: () => latest?.undo() },
    close: {
      value: () => {
        closed = true;
        for (const program of programs) void afterAll(() => program.close());
        programs = [];
      },
    },
  }) as unknown as Compiled<A, R>;
}

const questions = ["item", "data", "bits", "tolist"] as const;

function asPending<R>(result: Promise<R>): Pending<R> {
  for (const question of questions) {
    const ask = async () => {
      const value = await result;
      if (value instanceof Tensor) return value[question]();
      throw new TypeError(
        `${question}: the compiled function did not return a single tensor; await the result and pick one`,
      );
    };
    Object.defineProperty(result, question, { value: ask });
  }
  return result as Pending<R>;
}
