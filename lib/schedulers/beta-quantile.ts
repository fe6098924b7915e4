/**
 * Quantiles of the symmetric Beta(a, a) distribution: the x below which a share `p` of it lies.
 *
 * The regularized incomplete beta function by its continued fraction, inverted by halving.
 * @see DLMF 8.17.22: https://dlmf.nist.gov/8.17.E22
 */
export function betaQuantile(p: number, a: number): number {
  if (p <= 0) return 0;
  if (p >= 1) return 1;
  if (p > 0.5) return 1 - betaQuantile(1 - p, a);
  let [low, high] = [0, 0.5];
  // As many halvings as separate the smallest results that float64 can tell apart.
  for (let i = 0; i < 200 && high > low; i++) {
    const middle = (low + high) / 2;
    if (middle === low || middle === high) break;
    if (betaShare(middle, a) < p) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** The share of Beta(a, a) below x, for x up to a half. */
function betaShare(x: number, a: number): number {
  const front = Math.exp(a * (Math.log(x) + Math.log1p(-x)) + logGamma(2 * a) - 2 * logGamma(a)) / a;
  // Lentz's method.
  const tiny = 1e-300;
  const atLeast = (value: number) => (Math.abs(value) < tiny ? tiny : value);
  let c = 1;
  // The first coefficient of the fraction is -(a + b) x / (a + 1), here with b = a.
  let d = 1 / atLeast(1 - (2 * a * x) / (a + 1));
  let fraction = d;
  for (let m = 1; m < 300; m++) {
    const even = (m * (a - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / atLeast(1 + even * d);
    c = atLeast(1 + even / c);
    fraction *= d * c;
    const odd = (-(a + m) * (2 * a + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / atLeast(1 + odd * d);
    c = atLeast(1 + odd / c);
    const change = d * c;
    fraction *= change;
    if (Math.abs(change - 1) < 1e-16) break;
  }
  return front * fraction;
}

/** log of the gamma function, by Lanczos' approximation with g = 7: to about 15 digits for x above 1/2. */
function logGamma(x: number): number {
  const [base, ...terms] = LANCZOS as [number, ...number[]];
  const sum = terms.reduce((total, c, i) => total + c / (x + i), base);
  const t = x + 6.5;
  return 0.5 * Math.log(2 * Math.PI) + (x - 0.5) * Math.log(t) - t + Math.log(sum);
}

const LANCZOS = [
  0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
  12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
];
