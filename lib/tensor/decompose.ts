/**
 * Decompositions of small matrices in float64, by rotations that make one pair of columns orthogonal after the other.
 * @see Golub and Van Loan, Matrix Computations, 8.5 and 8.6: https://doi.org/10.56021/9781421407944
 */

// Rounds over all pairs; a dozen is plenty for matrices of thousands of columns.
const rounds = 60;

/** Singular value decomposition of `a` `[n, m]`, row by row: u `[n, k]`, s `[k]` (largest first), v `[m, k]`. */
export function singularValues(
  a: Float64Array,
  n: number,
  m: number,
): { u: Float64Array; s: Float64Array; v: Float64Array } {
  if (n < m) {
    const turned = singularValues(transposed(a, n, m), m, n);
    return { u: turned.v, s: turned.s, v: turned.u };
  }
  // Columns as rows, so that each is a run of numbers.
  const columns = transposed(a, n, m);
  const v = identity(m);
  orthogonalise(columns, v, m, n);
  const lengths = Array.from({ length: m }, (_, i) => Math.hypot(...columns.subarray(i * n, (i + 1) * n)));
  const order = lengths.map((_, i) => i).sort((p, q) => lengths[q]! - lengths[p]!);
  const [u, s, right] = [new Float64Array(n * m), new Float64Array(m), new Float64Array(m * m)];
  for (const [k, i] of order.entries()) {
    s[k] = lengths[i]!;
    for (let r = 0; r < n; r++) u[r * m + k] = lengths[i]! > 0 ? columns[i * n + r]! / lengths[i]! : 0;
    for (let r = 0; r < m; r++) right[r * m + k] = v[i * m + r]!;
  }
  complete(u, s, n, m);
  return { u, s, v: right };
}

/** Eigenvalues (smallest first) and eigenvectors (in the columns) of a symmetric matrix `[n, n]`. */
export function eigenSymmetric(a: Float64Array, n: number): { values: Float64Array; vectors: Float64Array } {
  const [m, vectors] = [a.slice(), identity(n)]; // an eigenvector in each row until the end
  for (let round = 0; round < rounds; round++) {
    let off = 0;
    let all = 0;
    for (let i = 0; i < n * n; i++) {
      all += m[i]! ** 2;
      if (i % (n + 1) !== 0) off += m[i]! ** 2;
    }
    if (off <= 1e-30 * all) break;
    for (let p = 0; p < n; p++) {
      for (let q = p + 1; q < n; q++) {
        const apq = m[p * n + q]!;
        if (apq === 0) continue;
        const [c, s] = rotation(m[p * n + p]!, m[q * n + q]!, apq);
        for (let i = 0; i < n; i++) {
          const [x, y] = [m[i * n + p]!, m[i * n + q]!];
          m[i * n + p] = c * x - s * y;
          m[i * n + q] = s * x + c * y;
        }
        rotate(m, p, q, n, c, s);
        rotate(vectors, p, q, n, c, s);
      }
    }
  }
  const order = Array.from({ length: n }, (_, i) => i).sort((p, q) => m[p * n + p]! - m[q * n + q]!);
  const values = Float64Array.from(order, (i) => m[i * n + i]!);
  const out = new Float64Array(n * n);
  for (const [k, i] of order.entries()) for (let r = 0; r < n; r++) out[r * n + k] = vectors[i * n + r]!;
  return { values, vectors: out };
}

/** Makes the rows of `rows` `[m, n]` orthogonal to each other, and turns those of `v` `[m, m]` alike. */
function orthogonalise(rows: Float64Array, v: Float64Array, m: number, n: number): void {
  for (let round = 0; round < rounds; round++) {
    let turned = false;
    for (let p = 0; p < m; p++) {
      for (let q = p + 1; q < m; q++) {
        let [pp, qq, pq] = [0, 0, 0];
        for (let i = 0; i < n; i++) {
          const [x, y] = [rows[p * n + i]!, rows[q * n + i]!];
          pp += x * x;
          qq += y * y;
          pq += x * y;
        }
        if (Math.abs(pq) <= 1e-15 * Math.sqrt(pp * qq)) continue;
        turned = true;
        const [c, s] = rotation(pp, qq, pq);
        rotate(rows, p, q, n, c, s);
        rotate(v, p, q, m, c, s);
      }
    }
    if (!turned) break;
  }
}

/** Cosine and sine of the turn that makes `pq` 0. */
function rotation(pp: number, qq: number, pq: number): [number, number] {
  const tau = (qq - pp) / (2 * pq);
  const t = (tau < 0 ? -1 : 1) / (Math.abs(tau) + Math.hypot(1, tau));
  const c = 1 / Math.hypot(1, t);
  return [c, t * c];
}

function rotate(rows: Float64Array, p: number, q: number, n: number, c: number, s: number): void {
  for (let i = 0; i < n; i++) {
    const [x, y] = [rows[p * n + i]!, rows[q * n + i]!];
    rows[p * n + i] = c * x - s * y;
    rows[q * n + i] = s * x + c * y;
  }
}

/** Gives the columns of `u` `[n, k]` whose singular value is 0 a direction of their own. */
function complete(u: Float64Array, s: Float64Array, n: number, k: number): void {
  const column = (j: number) => Float64Array.from({ length: n }, (_, i) => u[i * k + j]!);
  for (let j = 0; j < k; j++) {
    if (s[j]! > 0) continue;
    for (let axis = 0; axis < n; axis++) {
      const candidate = new Float64Array(n);
      candidate[axis] = 1;
      for (let other = 0; other < j; other++) {
        const known = column(other);
        const share = known[axis]!;
        for (let i = 0; i < n; i++) candidate[i]! -= share * known[i]!;
      }
      const length = Math.hypot(...candidate);
      if (length < 1e-3) continue;
      for (let i = 0; i < n; i++) u[i * k + j] = candidate[i]! / length;
      break;
    }
  }
}

function identity(n: number): Float64Array {
  return Float64Array.from({ length: n * n }, (_, i) => (i % (n + 1) === 0 ? 1 : 0));
}

function transposed(a: Float64Array, n: number, m: number): Float64Array {
  const out = new Float64Array(a.length);
  for (let i = 0; i < n; i++) for (let j = 0; j < m; j++) out[j * n + i] = a[i * m + j]!;
  return out;
}
