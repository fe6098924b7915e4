import type { DType } from "../graph/dtype.ts";
import type { Shape } from "../graph/shape.ts";
import { OnnxGraph } from "../onnx/model.ts";

/** A model that returns its input. */
export function copyModel(dtype: DType, shape: Shape): Uint8Array {
  const g = new OnnxGraph();
  g.add("Identity", [g.input("x0", dtype, shape)], {}, { output: "y0" });
  g.output("y0", dtype, shape);
  return g.encode();
}

/** A model that shows the CPU's blocked image layout on two pixels of 16 channels. */
export function blockModel(): Uint8Array {
  const g = new OnnxGraph();
  const blocked = g.add(
    "ReorderInput",
    [g.input("x0", "float32", [1, 16, 1, 2])],
    {},
    { domain: "com.microsoft.nchwc" },
  );
  // Reading it as it lies: a shape change is no change of layout.
  g.add("Reshape", [blocked, g.ints([32])], {}, { output: "y0" });
  g.output("y0", "float32", [32]);
  return g.encode();
}
