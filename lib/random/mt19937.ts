/** Words of state of the twister. */
export const STATE_WORDS = 624;
const SHIFT = 397;

/**
 * The 32-bit Mersenne Twister, advanced a block of 624 words at a time, as PyTorch's CPU generator keeps it.
 *
 * `next` points at the next word to hand out and `left` counts down to the next block: both are part of PyTorch's
 * saved state, where a fresh generator has `left = 1` and `next = 0` (the first draw makes the first block).
 *
 * @see Matsumoto and Nishimura 1998: https://doi.org/10.1145/272991.272995
 */
export class Mt19937 {
  readonly words: Int32Array = new Int32Array(STATE_WORDS);
  left = 1;
  next = 0;

  /** @param seed - the low 32 bits are used, as in PyTorch */
  constructor(seed: number) {
    const words = this.words;
    words[0] = seed | 0;
    for (let i = 1; i < STATE_WORDS; i++) {
      const previous = words[i - 1]!;
      words[i] = Math.imul(1812433253, previous ^ (previous >>> 30)) + i;
    }
  }

  /** The next word as an unsigned 32-bit integer. */
  random(): number {
    if (--this.left === 0) this.#advance();
    return temper(this.words[this.next++]!) >>> 0;
  }

  /** Fills `out` with the words that as many calls of `random` would give. */
  fill(out: Uint32Array | Int32Array): void {
    const { words } = this;
    let at = 0;
    while (at < out.length) {
      if (this.left === 1) {
        this.#advance();
        // `left` counts the draw that made the block; here nothing has been drawn from it yet.
        this.left = STATE_WORDS + 1;
      }
      const count = Math.min(out.length - at, this.left - 1);
      const from = this.next;
      for (let i = 0; i < count; i++) out[at + i] = temper(words[from + i]!);
      at += count;
      this.next = from + count;
      this.left -= count;
    }
  }

  #advance(): void {
    const { words } = this;
    let i = 0;
    for (; i < STATE_WORDS - SHIFT; i++) words[i] = words[i + SHIFT]! ^ twist(words[i]!, words[i + 1]!);
    for (; i < STATE_WORDS - 1; i++) words[i] = words[i + SHIFT - STATE_WORDS]! ^ twist(words[i]!, words[i + 1]!);
    words[i] = words[SHIFT - 1]! ^ twist(words[i]!, words[0]!);
    this.left = STATE_WORDS;
    this.next = 0;
  }
}

function twist(a: number, b: number): number {
  const mixed = (a & 0x80000000) | (b & 0x7fffffff);
  return (mixed >>> 1) ^ (-(b & 1) & 0x9908b0df);
}

function temper(word: number): number {
  let y = word;
  y ^= y >>> 11;
  y ^= (y << 7) & 0x9d2c5680;
  y ^= (y << 15) & 0xefc60000;
  return y ^ (y >>> 18);
}
