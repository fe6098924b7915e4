import { checkOptions } from "../options.ts";
import { tensorsIn } from "../tensor/tensors-in.ts";
import { tracing } from "../tensor/trace.ts";

/** A module that computes. */
interface Forwards<A extends unknown[], R> {
  /** What the module computes. */
  forward(...args: A): R;
}

/** What a module's `forward` takes; any values where its kind is not known. */
export type ForwardArgs<M> = M extends Forwards<infer A, unknown> ? A : unknown[];

/** What a module's `forward` returns; any value where its kind is not known. */
export type ForwardOutput<M> = M extends Forwards<never, infer R> ? R : unknown;

/** Called after a module's `forward`. What it returns, if anything, takes the output's place. */
// biome-ignore lint/suspicious/noConfusingVoidType: a hook that returns nothing only looks
export type ForwardHook<M> = (module: M, args: ForwardArgs<M>, output: ForwardOutput<M>) => ForwardOutput<M> | void;

/** Called before a module's `forward`. A list that it returns takes the place of the arguments; another value that of the first. */
export type ForwardPreHook<M> = (
  module: M,
  args: ForwardArgs<M>,
  // biome-ignore lint/suspicious/noConfusingVoidType: a hook that returns nothing only looks
) => readonly unknown[] | ForwardArgs<M>[0] | void;

/** Takes a hook away again. */
export interface RemovableHandle {
  /** Takes the hook away; again has no effect. */
  remove(): void;
}

/** Options of hooks. */
export interface HookOptions {
  /** Call it before the hooks that are there already; default after them. */
  prepend?: boolean;
}

type Hook = (...args: unknown[]) => unknown;

interface Hooks {
  readonly before: Hook[];
  readonly after: Hook[];
  /** Takes the wrapper off the module. */
  readonly unwrap: () => void;
}

const registered = new WeakMap<object, Hooks>();

/** Whether somebody watches a module: then it has to be called, where its work could be done without it. */
export function hasHooks(module: object): boolean {
  return registered.has(module);
}

/** @throws TypeError if the hook is no function, or the module has no `forward` */
export function addHook(
  where: string,
  module: object,
  kind: "before" | "after",
  hook: unknown,
  options: HookOptions,
): RemovableHandle {
  checkOptions(where, options, { prepend: true });
  if (typeof hook !== "function") throw new TypeError(`${where}: got ${typeof hook}, expected a function`);
  const hooks = registered.get(module) ?? wrap(where, module);
  // The same function may be registered twice.
  const own: Hook = (...args) => (hook as Hook)(...args);
  if (options.prepend) hooks[kind].unshift(own);
  else hooks[kind].push(own);
  return {
    remove: () => {
      const at = hooks[kind].indexOf(own);
      if (at < 0) return;
      hooks[kind].splice(at, 1);
      if (hooks.before.length === 0 && hooks.after.length === 0) hooks.unwrap();
    },
  };
}

/** Puts a method in front of the module's `forward` that calls its hooks. Modules without hooks pay nothing. */
function wrap(where: string, module: object): Hooks {
  const { forward } = module as { forward?: Hook };
  if (typeof forward !== "function") {
    throw new TypeError(`${where}: ${module.constructor.name} has no forward(); register the hook on its submodules`);
  }
  const own = Object.getOwnPropertyDescriptor(module, "forward");
  const hooks: Hooks = {
    before: [],
    after: [],
    unwrap: () => {
      registered.delete(module);
      if (own) Object.defineProperty(module, "forward", own);
      else delete (module as { forward?: Hook }).forward;
    },
  };
  const called = (...given: unknown[]): unknown => {
    let args = given;
    for (const hook of [...hooks.before]) {
      const changed = call(hook, [module, args], args);
      if (changed !== undefined && changed !== null) args = Array.isArray(changed) ? changed : [changed];
    }
    let output = forward.apply(module, args);
    for (const hook of [...hooks.after]) output = call(hook, [module, args, output], [args, output]) ?? output;
    return output;
  };
  // Not enumerable, so that no checkpoint sees it.
  Object.defineProperty(module, "forward", { value: called, configurable: true, enumerable: false, writable: true });
  registered.set(module, hooks);
  return hooks;
}

/** In a compiled function, too, a hook may keep what it sees and what it makes of it. */
function call(hook: Hook, args: unknown[], seen: readonly unknown[]): unknown {
  const trace = tracing.current;
  if (!trace) return settled(hook(...args));
  for (const tensor of tensorsIn(seen)) tensor.keep();
  const before = trace.keeping;
  trace.keeping = true;
  try {
    return settled(hook(...args));
  } finally {
    trace.keeping = before;
  }
}

function settled(result: unknown): unknown {
  if (!(result instanceof Promise)) return result;
  result.catch(() => {});
  throw new TypeError(
    "forward hook: the hook is async; store the tensor, as in seen.push(output), and await its values after the call",
  );
}
