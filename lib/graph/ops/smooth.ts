import type { Node } from "../node.ts";
import { add, binary, constant, div, exp, inFloat32, mul, sub, unary, where } from "./elementwise.ts";

/**
 * `log(1 + x)`, also where x is so small that 1 + x rounds: what rounding took from the sum is put back. The slope is
 * that of the first term, 1 / (1 + x).
 */
export function log1p(x: Node): Node {
  return inFloat32(x, (u) => {
    const w = add(u, 1);
    const usual = binary("and", binary("gt", w, constant(0)), binary("lt", w, constant(Infinity)));
    const lost = div(sub(u, sub(w, 1)), where(usual, w, constant(1)));
    return add(unary("log", w), unary("detach", where(usual, lost, constant(0))));
  });
}

/** `exp(x) - 1`, also where exp(x) is close to 1: there it is tanh(x / 2) (exp(x) + 1). */
export function expm1(x: Node): Node {
  return inFloat32(x, (u) => {
    const plain = sub(exp(u), 1);
    const exact = mul(unary("tanh", mul(u, 0.5)), add(exp(u), 1));
    const small = binary("lt", unary("abs", u), constant(1));
    return add(plain, unary("detach", where(small, sub(exact, plain), constant(0))));
  });
}

/** `log(1 + exp(x))`: 0 for very negative x, x itself above 20. */
export function softplus(x: Node): Node {
  return inFloat32(x, (u) => {
    const large = binary("gt", u, constant(20));
    return where(large, u, log1p(exp(where(large, constant(0), u))));
  });
}
