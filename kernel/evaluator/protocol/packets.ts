import { writeSync } from "node:fs";

/** A message with its binary parts. */
export interface Packet<T> {
  message: T;
  buffers: Uint8Array[];
}

/** Bytes of a packet: two lengths, JSON, then the binary parts, whose lengths stand in the JSON. */
export function encodePacket(message: object, buffers: readonly Uint8Array[] = []): Buffer {
  const json = Buffer.from(JSON.stringify({ message, lengths: buffers.map((b) => b.byteLength) }));
  const head = Buffer.alloc(8);
  head.writeUInt32LE(json.length, 0);
  head.writeUInt32LE(
    buffers.reduce((sum, b) => sum + b.byteLength, 0),
    4,
  );
  return Buffer.concat([head, json, ...buffers]);
}

/** Puts packets together from the chunks in which they arrive. */
export class PacketReader<T> {
  #chunks: Buffer[] = [];
  #length = 0;
  /** Bytes that the next packet needs, as far as they are known. */
  #needed = 8;

  /** Takes a chunk; @returns the packets that are now complete */
  push(chunk: Buffer): Packet<T>[] {
    this.#chunks.push(chunk);
    this.#length += chunk.length;
    const packets: Packet<T>[] = [];
    while (this.#length >= this.#needed) {
      const all = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks, this.#length);
      this.#chunks = [all];
      const json = all.readUInt32LE(0);
      this.#needed = 8 + json + all.readUInt32LE(4);
      if (this.#length < this.#needed) break;
      const { message, lengths } = JSON.parse(all.toString("utf8", 8, 8 + json)) as { message: T; lengths: number[] };
      let end = 8 + json;
      const buffers = lengths.map((length) => {
        const start = end;
        end += length;
        // A copy: the part may live long, and the chunk it came in holds other packets.
        return Uint8Array.from(all.subarray(start, end));
      });
      packets.push({ message, buffers });
      this.#chunks = [all.subarray(end)];
      this.#length -= end;
      this.#needed = 8;
    }
    return packets;
  }
}

/** Writes all bytes, waiting while the pipe is full. */
export function writeAll(fd: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(fd, bytes, at);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
      Atomics.wait(WAITING, 0, 0, 1);
    }
  }
}

const WAITING = new Int32Array(new SharedArrayBuffer(4));
