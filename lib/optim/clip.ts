import * as g from "../graph/ops/index.ts";
import { noGrad } from "../tensor/grad.ts";
import { Tensor } from "../tensor/tensor.ts";

/**
 * Scales all gradients down together where their common length exceeds `maxNorm`.
 *
 * @returns the length before, as a tensor
 */
export function clipGradNorm(params: Iterable<Tensor>, maxNorm: number): Tensor {
  const list = [...params].filter((p) => p.grad);
  if (list.length === 0) throw new Error("clipGradNorm: no parameter has a gradient; call loss.backward() first");
  return noGrad(() => {
    const squares = list.map((p) => g.reshape(g.sumSquare(p.grad!.node), [1]));
    const norm = g.sqrt(g.sum(g.cat(squares, 0)));
    const scale = g.binary("minimum", g.div(g.constant(maxNorm), g.add(norm, 1e-6)), g.constant(1));
    for (const p of list) p.grad = new Tensor(g.mul(p.grad!.node, scale));
    return new Tensor(norm);
  });
}

/** Cuts every element of the gradients to between `-limit` and `limit`. */
export function clipGradValue(params: Iterable<Tensor>, limit: number): void {
  for (const p of params) if (p.grad) p.grad = p.grad.detach().clamp(-limit, limit);
}
