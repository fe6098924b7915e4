/** How alike two lists of numbers are: from -1 (opposite) over 0 (nothing in common) to 1 (the same but for their size). */

/** a·b / (|a| |b|) */
export function cosine(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let [dot, aa, bb] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    dot += a[i]! * b[i]!;
    aa += a[i]! ** 2;
    bb += b[i]! ** 2;
  }
  return dot / (Math.sqrt(aa) * Math.sqrt(bb));
}

function centred(list: ArrayLike<number>): number[] {
  const values = Array.from(list);
  const mean = values.reduce((sum, v) => sum + v, 0) / values.length;
  return values.map((v) => v - mean);
}

/** The cosine of two lists around their means. */
export function correlation(a: ArrayLike<number>, b: ArrayLike<number>): number {
  return cosine(centred(a), centred(b));
}
