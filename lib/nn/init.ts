import { source } from "../graph/node.ts";
import { constant, expand } from "../graph/ops/index.ts";
import { type Shape, sizeOf } from "../graph/shape.ts";
import { fillNormal, fillUniform } from "../random/index.ts";
import { settings } from "../runtime/settings.ts";
import { HostArray } from "../runtime/storage.ts";
import { within } from "../scope.ts";
import { Tensor } from "../tensor/tensor.ts";

export * from "./init-in-place.ts";

const state = { skip: false };

/**
 * Builds modules without drawing initial weights, which are all zeros (and take no memory) until they are loaded.
 * For models whose weights come from a file.
 */
export function withoutInit<T>(build: () => T): T {
  const before = state.skip;
  const leave = () => {
    state.skip = before;
  };
  return within(leave, () => {
    state.skip = true;
    return build();
  });
}

function parameter(shape: Shape, fill: (data: Float32Array) => void): Tensor {
  if (state.skip) return filled(shape, 0);
  const data = new Float32Array(sizeOf(shape));
  fill(data);
  return new Tensor(source(new HostArray("float32", shape, data, settings.device))).requiresGrad_();
}

/** A parameter whose elements are all `value`. */
export function filled(shape: Shape, value: number): Tensor {
  return new Tensor(expand(constant(value), shape)).requiresGrad_();
}

/** A parameter of standard normal numbers. */
export function normal(shape: Shape, std = 1): Tensor {
  return parameter(shape, (data) => fillNormal(data, { std }));
}

/** A parameter of this shape, drawn evenly from `-bound` to `bound`. */
export function uniform(shape: Shape, bound: number): Tensor {
  return parameter(shape, (data) => fillUniform(data, { from: -bound, to: bound }));
}

/**
 * Default of PyTorch's linear and convolution layers: evenly from -b to b, with b = sqrt(3) gain / sqrt(fanIn) and the
 * gain sqrt(2 / (1 + 5)) of a leaky ReLU with slope sqrt(5). In effect b = 1 / sqrt(fanIn).
 * @see He et al. 2015: https://arxiv.org/abs/1502.01852
 */
export function kaimingUniform(shape: Shape, fanIn: number): Tensor {
  const std = Math.sqrt(2 / (1 + 5)) / Math.sqrt(fanIn);
  return uniform(shape, Math.sqrt(3) * std);
}

/** @see Glorot and Bengio 2010: https://proceedings.mlr.press/v9/glorot10a.html */
export function xavierUniform(shape: readonly [number, number]): Tensor {
  return uniform(shape, Math.sqrt(3) * Math.sqrt(2 / (shape[0] + shape[1])));
}

/**
 * Weights of a convolution that passes its input on: output channel c is input channel c, at the middle of the kernel.
 *
 * @param shape - `[out, in, kh, kw]`
 * @param channels - how many pass; default as many as there are on both sides
 */
export function dirac(shape: Shape, channels = Math.min(shape[0]!, shape[1]!)): Tensor {
  const [, inputs, height, width] = shape as [number, number, number, number];
  return parameter(shape, (data) => {
    for (let c = 0; c < channels; c++) {
      data[((c * inputs + c) * height + (height >> 1)) * width + (width >> 1)] = 1;
    }
  });
}
