import type { DType } from "../graph/dtype.ts";
import type { Shape } from "../graph/shape.ts";
import { microsoft, OnnxGraph } from "../onnx/model.ts";

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

/** A model that multiplies `[16, 64]` of uint8 by 127s of int8. */
export function eightBitModel(): Uint8Array {
  const g = new OnnxGraph();
  const weight = g.initializer("int8", [64, 16], new Uint8Array(64 * 16).fill(127));
  const inputs = [g.input("x0", "uint8", [16, 64]), weight, g.scalar(1), g.scalar(1)];
  g.add("MatMulIntegerToFloat", inputs, {}, { ...microsoft, output: "y0" });
  g.output("y0", "float32", [16, 16]);
  return g.encode();
}
