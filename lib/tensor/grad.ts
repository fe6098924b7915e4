import { gradients } from "../autodiff/gradients.ts";
import { gradMode, Node } from "../graph/node.ts";
import * as g from "../graph/ops/index.ts";
import { show } from "../graph/shape.ts";
import { within } from "../scope.ts";
import { Tensor } from "./tensor.ts";

/** Runs `f` without recording anything for gradients, and returns its result. */
export function noGrad<T>(f: () => T): T {
  const before = gradMode.enabled;
  const leave = () => {
    gradMode.enabled = before;
  };
  return within(leave, () => {
    gradMode.enabled = false;
    const result = f();
    if (result instanceof Promise) {
      throw new TypeError("noGrad: the function is async; put noGrad around the synchronous part, or use detach()");
    }
    return result;
  });
}

/** One gradient for one argument, a list of them for several. */
type Gradients<A extends readonly Tensor[]> = A extends readonly [Tensor] ? Tensor : { [K in keyof A]: Tensor };

/**
 * The function that returns `f`'s value and its gradients: `(x, y) => { value, grad }` with one gradient for one
 * argument, a list for several. The gradients can be differentiated again.
 *
 * @throws RangeError if `f` returns no scalar
 */
export function valueAndGrad<A extends readonly Tensor[]>(
  f: (...args: A) => Tensor,
): (...args: A) => { value: Tensor; grad: Gradients<A> } {
  return (...args) => {
    const inputs = args.map((x) => fresh(x));
    const value = f(...(inputs.map((node) => new Tensor(node)) as unknown as A));
    if (value.numel() !== 1) {
      throw new RangeError(
        `grad: the function returned ${show(value.shape)}, expected a scalar; end it with sum() or mean()`,
      );
    }
    const found = gradients(value.node, { createGraph: true });
    const list = inputs.map((node) => new Tensor(found.get(node) ?? g.expand(g.constant(0, node.dtype), node.shape)));
    return { value, grad: (list.length === 1 ? list[0] : list) as Gradients<A> };
  };
}

/** The gradient of `f`: `grad(f)(x)` is df/dx at `x`, a list for several arguments. `grad(grad(f))` works. */
export function grad<A extends readonly Tensor[]>(f: (...args: A) => Tensor): (...args: A) => Gradients<A> {
  const both = valueAndGrad(f);
  return (...args) => both(...args).grad;
}

/** The argument as a variable of its own, which still leads on to where it came from. */
function fresh(x: Tensor): Node {
  const shape = x.shape;
  const node = new Node("reshape", [x.node], {}, shape, x.dtype);
  node.requiresGrad = true;
  return node;
}
