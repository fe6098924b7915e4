import { show } from "../graph/shape.ts";
import type { Tensor } from "./tensor.ts";

/**
 * Sums of products by Einstein's notation: `einsum("bhid,bhjd->bhij", q, k)`. Letters that appear only on the left are
 * summed over. Two or more operands are joined pair by pair from the left, each pair as one matrix product.
 *
 * @throws RangeError if the letters do not describe the operands
 */
export function einsum(equation: string, ...operands: Tensor[]): Tensor {
  const [left, right] = equation.replace(/\s/g, "").split("->");
  const terms = left!.split(",");
  if (!/^[a-zA-Z,]*(->[a-zA-Z]*)?$/.test(equation.replace(/\s/g, "")) || terms.length !== operands.length) {
    throw new RangeError(
      `einsum: "${equation}" does not describe ${operands.length} operands; expected like "ij,jk->ik"`,
    );
  }
  const sizes = new Map<string, number>();
  for (const [i, term] of terms.entries()) {
    const shape = operands[i]!.shape;
    if (term.length !== shape.length || new Set(term).size !== term.length) {
      throw new RangeError(`einsum: "${term}" does not fit ${show(shape)}; expected one distinct letter per dimension`);
    }
    for (const [d, letter] of [...term].entries()) {
      const known = sizes.get(letter);
      if (known !== undefined && known !== shape[d]) {
        throw new RangeError(`einsum: "${letter}" is ${known} in one operand and ${shape[d]} in another`);
      }
      sizes.set(letter, shape[d]!);
    }
  }
  const count = (letter: string) => terms.filter((term) => term.includes(letter)).length;
  const out =
    right ??
    [...sizes.keys()]
      .filter((letter) => count(letter) === 1)
      .sort()
      .join("");
  for (const letter of out) {
    if (!sizes.has(letter)) throw new RangeError(`einsum: "${letter}" of the result is not in any operand`);
  }
  let [x, letters] = [operands[0]!, terms[0]!];
  for (let i = 1; i < operands.length; i++) {
    const later = new Set([...terms.slice(i + 1).join(""), ...out]);
    [x, letters] = pair(x, letters, operands[i]!, terms[i]!, later, sizes);
  }
  const extra = [...letters].filter((letter) => !out.includes(letter));
  if (extra.length > 0) {
    x = x.sum(extra.map((letter) => letters.indexOf(letter)));
    letters = [...letters].filter((letter) => !extra.includes(letter)).join("");
  }
  return x.permute([...out].map((letter) => letters.indexOf(letter)));
}

/** Two operands as one batched matrix product: shared letters that stay are the batch, those that go are summed. */
function pair(
  a: Tensor,
  p: string,
  b: Tensor,
  q: string,
  later: ReadonlySet<string>,
  sizes: ReadonlyMap<string, number>,
): [Tensor, string] {
  const batch = [...p].filter((l) => q.includes(l) && later.has(l));
  const inner = [...p].filter((l) => q.includes(l) && !later.has(l));
  const rows = [...p].filter((l) => !q.includes(l));
  const columns = [...q].filter((l) => !p.includes(l));
  const size = (letters: readonly string[]) => letters.reduce((n, l) => n * sizes.get(l)!, 1);
  const arrange = (x: Tensor, from: string, ...groups: string[][]) =>
    x
      .permute(groups.flat().map((l) => from.indexOf(l)))
      .reshape([...groups[0]!.map((l) => sizes.get(l)!), ...groups.slice(1).map(size)]);
  const product = arrange(a, p, batch, rows, inner).matmul(arrange(b, q, batch, inner, columns));
  const letters = [...batch, ...rows, ...columns];
  return [product.reshape(letters.map((l) => sizes.get(l)!)), letters.join("")];
}
