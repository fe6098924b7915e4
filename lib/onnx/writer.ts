/**
 * The part of protobuf that an ONNX file needs: varints, 32-bit floats and length-prefixed messages.
 * @see https://protobuf.dev/programming-guides/encoding/
 */
const text = new TextEncoder();

export class Writer {
  #buffer: Uint8Array<ArrayBuffer>;
  #length = 0;

  /** @param size - bytes to begin with; it grows as needed */
  constructor(size = 1024) {
    this.#buffer = new Uint8Array(size);
  }

  finish(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }

  int(field: number, value: number | bigint): void {
    this.#varint(field * 8);
    this.#varint(value);
  }

  float(field: number, value: number): void {
    this.#varint(field * 8 + 5);
    this.#reserve(4);
    new DataView(this.#buffer.buffer).setFloat32(this.#length, value, true);
    this.#length += 4;
  }

  string(field: number, value: string): void {
    this.message(field, () => {
      this.#reserve(3 * value.length);
      this.#length += text.encodeInto(value, this.#buffer.subarray(this.#length)).written;
    });
  }

  bytes(field: number, value: Uint8Array): void {
    this.#varint(field * 8 + 2);
    this.#varint(value.length);
    this.#reserve(value.length);
    this.#buffer.set(value, this.#length);
    this.#length += value.length;
  }

  /** What `build` writes, with its length in front: it is moved back for that, which takes less than a buffer of its own. */
  message(field: number, build: (message: Writer) => void): void {
    this.#varint(field * 8 + 2);
    const start = this.#length;
    build(this);
    const size = this.#length - start;
    this.#reserve(10);
    const head = size < 2 ** 7 ? 1 : size < 2 ** 14 ? 2 : size < 2 ** 21 ? 3 : size < 2 ** 28 ? 4 : 5;
    this.#buffer.copyWithin(start + head, start, this.#length);
    this.#length = start;
    this.#varint(size);
    this.#length += size;
  }

  #varint(value: number | bigint): void {
    this.#reserve(10);
    // Negative numbers are written as 64-bit two's complement.
    let rest = typeof value === "number" && value >= 0 ? value : BigInt.asUintN(64, BigInt(value));
    if (typeof rest === "bigint") {
      for (; rest >= 128n; rest >>= 7n) this.#buffer[this.#length++] = Number(rest & 127n) | 128;
      this.#buffer[this.#length++] = Number(rest);
      return;
    }
    for (; rest >= 128; rest = Math.floor(rest / 128)) this.#buffer[this.#length++] = (rest % 128) | 128;
    this.#buffer[this.#length++] = rest;
  }

  #reserve(bytes: number): void {
    if (this.#length + bytes <= this.#buffer.length) return;
    const grown = new Uint8Array(Math.max(this.#buffer.length * 2, this.#length + bytes));
    grown.set(this.#buffer.subarray(0, this.#length));
    this.#buffer = grown;
  }
}
