import type { Tensor } from "../tensor/tensor.ts";

const functions = {
  silu: (x: Tensor) => x.silu(),
  swish: (x: Tensor) => x.silu(),
  // x tanh(log(1 + e^x)); the logarithm in the form that cannot overflow.
  mish: (x: Tensor) => x.mul(x.relu().add(x.abs().neg().exp().add(1).log()).tanh()),
  gelu: (x: Tensor) => x.gelu(),
  quick_gelu: (x: Tensor) => x.quickGelu(),
  relu: (x: Tensor) => x.relu(),
} as const;

/** The name of an activation function, as configs spell it. */
export type Activation = keyof typeof functions;

/** The names that configs use for activation functions. */
export const activations = Object.keys(functions) as Activation[];

/** Applies the activation function of that name. */
export function activate(name: Activation, x: Tensor): Tensor {
  return functions[name](x);
}
