import { crc32, inflateSync } from "node:zlib";

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
/** More text than anybody writes, and less than fills the memory when it unpacks. */
const LONGEST = 8 << 20;

/** Whether these bytes begin as a PNG does. */
export function isPng(bytes: Uint8Array): boolean {
  return SIGNATURE.equals(bytes.subarray(0, 8));
}

/**
 * The texts that a PNG carries, by keyword: chunks tEXt, zTXt and iTXt. What is damaged is left out; the picture may be
 * sound all the same.
 *
 * @see https://www.w3.org/TR/png-3/#11textinfo
 */
export function readPngText(bytes: Uint8Array): Record<string, string> {
  const found: Record<string, string> = {};
  if (!isPng(bytes)) return found;
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 8; at + 12 <= file.length; ) {
    const length = file.readUInt32BE(at);
    const type = file.toString("latin1", at + 4, at + 8);
    const data = file.subarray(at + 8, at + 8 + length);
    if (data.length < length) break;
    const entry = readText(type, data);
    if (entry)
      Object.defineProperty(found, entry[0], { value: entry[1], enumerable: true, writable: true, configurable: true });
    at += 12 + length;
  }
  return found;
}

function readText(type: string, data: Buffer): [string, string] | undefined {
  if (type !== "tEXt" && type !== "zTXt" && type !== "iTXt") return undefined;
  const end = data.indexOf(0);
  if (end < 1) return undefined;
  const keyword = data.toString("latin1", 0, end);
  try {
    if (type === "tEXt") return [keyword, data.toString("latin1", end + 1)];
    if (type === "zTXt") return [keyword, unpack(data.subarray(end + 2)).toString("latin1")];
    // Packed or not, how, language, translated keyword, text.
    const language = data.indexOf(0, end + 3);
    const translated = language < 0 ? -1 : data.indexOf(0, language + 1);
    if (translated < 0) return undefined;
    const text = data.subarray(translated + 1);
    return [keyword, (data[end + 1] === 1 ? unpack(text) : text).toString("utf8")];
  } catch {
    return undefined;
  }
}

function unpack(data: Uint8Array): Buffer {
  return inflateSync(data, { maxOutputLength: LONGEST });
}

/**
 * A PNG with texts put behind its header: tEXt where Latin-1 can hold them, else iTXt.
 *
 * @throws RangeError if a keyword is not 1 to 79 Latin-1 characters
 */
export function withPngText(png: Uint8Array, texts: Readonly<Record<string, string>>): Buffer {
  const chunks = Object.entries(texts).map(([keyword, text]) => {
    if (!/^[\x20-\x7e\xa1-\xff]{1,79}$/.test(keyword) || keyword !== keyword.trim()) {
      throw new RangeError(
        `Image.save: metadata key ${JSON.stringify(keyword)}; expected 1 to 79 Latin letters, digits or signs, as for PNG keywords`,
      );
    }
    const latin = /^[\n\r\t\x20-\x7e\xa0-\xff]*$/.test(text);
    return latin
      ? chunk("tEXt", Buffer.from(`${keyword}\0${text}`, "latin1"))
      : chunk("iTXt", Buffer.concat([Buffer.from(`${keyword}\0\0\0\0\0`, "latin1"), Buffer.from(text, "utf8")]));
  });
  const header = 8 + 12 + 13;
  return Buffer.concat([png.subarray(0, header), ...chunks, png.subarray(header)]);
}

function chunk(type: string, data: Buffer): Buffer {
  const out = Buffer.alloc(12 + data.length);
  out.writeUInt32BE(data.length, 0);
  out.write(type, 4, "latin1");
  data.copy(out, 8);
  out.writeUInt32BE(crc32(out.subarray(4, 8 + data.length)), 8 + data.length);
  return out;
}
