/**
 * The part of protobuf that an ONNX file needs: varints, 32-bit floats and length-prefixed messages.
 * @see https://protobuf.dev/programming-guides/encoding/
 */
const text = new TextEncoder();

export class Writer {
  #buffer = new Uint8Array(1024);
  #length = 0;

  get length(): number {
    return this.#length;
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
    this.bytes(field, text.encode(value));
  }

  bytes(field: number, value: Uint8Array): void {
    this.#varint(field * 8 + 2);
    this.#varint(value.length);
    this.#reserve(value.length);
    this.#buffer.set(value, this.#length);
    this.#length += value.length;
  }

  message(field: number, build: (message: Writer) => void): void {
    const inner = new Writer();
    build(inner);
    this.bytes(field, inner.finish());
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
