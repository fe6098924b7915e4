import type { Results } from "../compile/containers.ts";
import { trace } from "../compile/traced.ts";
import { writeWhole } from "../files/write-whole.ts";
import type { TypedArray } from "../graph/dtype.ts";
import { type Node, source } from "../graph/node.ts";
import { lower } from "../lower/lower.ts";
import { structure } from "../lower/structure.ts";
import { read, realize } from "../runtime/realize.ts";
import { noGrad } from "../tensor/grad.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { tensorsIn } from "../tensor/tensors-in.ts";

/**
 * Writes a function of tensors as an `.onnx` file in standard operators, weights included, which other runtimes load.
 * Inputs are named `x0`, `x1` and so on in the order of the arguments, outputs `y0`, `y1` and so on.
 *
 * @param args - tensors whose shapes and dtypes the model will take; their values do not matter
 * @throws Error if the function changes tensors (a training step), draws random numbers, or exceeds 2 GB
 */
export async function saveOnnx<A extends readonly Tensor[]>(
  path: string,
  f: (...args: A) => Results,
  args: A,
): Promise<void> {
  const model = await toOnnx(f, args);
  await writeWhole(path, (write) => write(model));
}

/** The bytes that `saveOnnx` would write. */
export async function toOnnx<A extends readonly Tensor[]>(f: (...args: A) => Results, args: A): Promise<Uint8Array> {
  const plain = (...inputs: readonly unknown[]) => noGrad(() => f(...(inputs as unknown as A)));
  const traced = trace("saveOnnx", plain, args, tensorsIn(args));
  if (traced.states.size > 0) throw new Error("saveOnnx: the function changes tensors; save one that only computes");
  // What hooks have kept is no part of the model.
  const graph = structure(traced.results.slice(0, traced.results.length - traced.kept.length), true);
  const constants = new Map<Node, TypedArray>();
  const outers = new Map(traced.record.map(({ node, read }) => [node, read]));
  const inputs = [];
  for (const input of graph.inputs) {
    const outer = outers.get(input.node);
    if (typeof outer === "number") {
      inputs.push({ ...input, name: `x${outer}` });
      continue;
    }
    if (input.node.is("live")) throw new Error("saveOnnx: the function draws random numbers; pass them as an argument");
    const node = outer ? outer.peek() : input.node;
    await realize([node]);
    constants.set(input.node, await read(node));
    inputs.push(input);
  }
  // Arguments that the function never looked at are not part of the model.
  inputs.sort((a, b) => a.name.localeCompare(b.name, "en", { numeric: true }));
  for (const node of graph.order) {
    if (node.storage?.file) constants.set(node, await read(source(node.storage)));
  }
  return lower({ ...graph, inputs }, { tuned: false, block: 0 }, constants);
}
