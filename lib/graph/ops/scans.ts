import type { Node } from "../node.ts";
import { axis, type Shape } from "../shape.ts";
import { abs, add, binary, constant, exp, inFloat32, mul, sub, unary, where } from "./elementwise.ts";
import { cat, narrow, pad, reshape } from "./movement.ts";
import { max, sum } from "./reduce.ts";

/** The product along `dim`, halved and multiplied again and again: so its slope is right where elements are 0. */
export function prod(x: Node, dim: number | undefined, keepdim = false): Node {
  if (dim === undefined) {
    const all = prod(reshape(x, [x.size]), 0);
    return keepdim
      ? reshape(
          all,
          x.shape.map(() => 1),
        )
      : all;
  }
  const d = axis("prod", dim, x.shape.length);
  const dropped = (shape: Shape) => shape.filter((_, i) => keepdim || i !== d);
  return inFloat32(x, (wide) => {
    let out = wide;
    if (out.shape[d] === 0) out = padEnd(out, d, 1, 1);
    for (let n = out.shape[d]!; n > 1; n = out.shape[d]!) {
      if (n % 2 === 1) out = padEnd(out, d, 1, 1);
      const half = out.shape[d]! / 2;
      out = mul(narrow(out, d, 0, half), narrow(out, d, half, 2 * half));
    }
    return reshape(out, dropped(out.shape));
  });
}

/** Products of all elements up to each one along `dim`, in rounds that reach twice as far each. */
export function cumprod(x: Node, dim: number): Node {
  const d = axis("cumprod", dim, x.shape.length);
  const n = x.shape[d]!;
  return inFloat32(x, (wide) => {
    let out = wide;
    for (let reach = 1; reach < n; reach *= 2) {
      const rest = mul(narrow(out, d, reach, n), narrow(out, d, 0, n - reach));
      out = cat([narrow(out, d, 0, reach), rest], d);
    }
    return out;
  });
}

function padEnd(x: Node, d: number, count: number, value: number): Node {
  const none = x.shape.map(() => 0);
  return pad(
    x,
    none,
    none.map((_, i) => (i === d ? count : 0)),
    value,
  );
}

/** `log(sum(exp(x)))` over `dims`, without overflow. */
export function logsumexp(x: Node, dims: number | readonly number[] | undefined, keepdim = false): Node {
  return inFloat32(x, (wide) => {
    const largest = unary("detach", max(wide, dims, true));
    const finite = binary("lt", abs(largest), constant(Infinity));
    const shift = where(finite, largest, constant(0));
    const logs = unary("log", sum(exp(sub(wide, shift)), dims, keepdim));
    return add(logs, reshape(shift, logs.shape));
  });
}
