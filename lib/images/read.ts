import { readFile, stat } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { bytes as sizeOf } from "../hub/index.ts";
import { webFetch } from "../io/fetch.ts";
import { plural } from "../printed.ts";
import { MODES, type Mode, type Pixels } from "./pixels.ts";

/** What `Image.open` reads: a path, an address (http, https, file or data), or a file's bytes. */
export type ImageSource = string | URL | Uint8Array | ArrayBuffer | Blob;

/** Sides whose product is more are refused: at 3 bytes a pixel this is 300 MB. */
export const MOST_PIXELS = 1e8;
const MOST_BYTES = 2e8;
const ANSWER_MS = 30_000;

/** A picture file's bytes, and how to name it in errors. */
export async function readSource(source: ImageSource): Promise<{ bytes: Uint8Array; name: string }> {
  if (source instanceof Uint8Array) return { bytes: source, name: `${source.length} bytes` };
  if (source instanceof ArrayBuffer) return { bytes: new Uint8Array(source), name: `${source.byteLength} bytes` };
  if (source instanceof Blob)
    return { bytes: new Uint8Array(await source.arrayBuffer()), name: `${source.size} bytes` };
  if (source instanceof URL)
    return source.protocol === "file:" ? fromDisk(fileURLToPath(source)) : fromAddress(source.href);
  if (typeof source !== "string" || source === "") {
    throw new TypeError(
      `Image.open: got ${source === "" ? "an empty string" : typeof source}, expected a path, an address or bytes`,
    );
  }
  if (/^(https?|data):/i.test(source)) return fromAddress(source);
  return fromDisk(/^file:/i.test(source) ? fileURLToPath(source) : source);
}

async function fromDisk(path: string): Promise<{ bytes: Uint8Array; name: string }> {
  try {
    const { size } = await stat(path);
    checkSize(size, path);
    return { bytes: await readFile(path), name: path };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const reason = code === "ENOENT" ? "there is no such file" : code === "EISDIR" ? "it is a folder" : undefined;
    if (reason) throw new Error(`Image.open: ${path}: ${reason}`, { cause: error });
    throw error;
  }
}

async function fromAddress(address: string): Promise<{ bytes: Uint8Array; name: string }> {
  const name = address.length > 80 ? `${address.slice(0, 80)}...` : address;
  try {
    const response = await webFetch(address, { signal: AbortSignal.timeout(ANSWER_MS) });
    if (!response.ok) throw new RangeError(`the server answered ${response.status}`);
    checkSize(Number(response.headers.get("content-length") ?? 0), name);
    const parts: Uint8Array[] = [];
    let length = 0;
    for await (const part of (response.body ?? []) as unknown as AsyncIterable<Uint8Array>) {
      length += part.length;
      checkSize(length, name);
      parts.push(part);
    }
    return { bytes: Buffer.concat(parts), name };
  } catch (error) {
    const { message, cause } = error as Error & { cause?: NodeJS.ErrnoException };
    throw new Error(`Image.open: ${name}: ${cause?.code ?? cause?.message ?? message}`, { cause: error });
  }
}

function checkSize(size: number, name: string): void {
  if (size > MOST_BYTES)
    throw new RangeError(`${name} has ${sizeOf(size)}, expected a picture of at most ${sizeOf(MOST_BYTES)}`);
}

/** HEIC's brands; AVIF is the same kind of file with a codec that is free. */
function isHeic(bytes: Uint8Array): boolean {
  return /^ftyp(heic|heix|hevc|hevx|heim|heis|mif1|msf1)/.test(Buffer.from(bytes.subarray(4, 12)).toString("latin1"));
}

/**
 * Decodes a picture: turned upright as its camera says, 16 bits brought to 8, in sRGB.
 *
 * @throws Error if the bytes are no picture or a damaged one, RangeError if it has too many pixels
 */
export async function decode(bytes: Uint8Array, name: string, mode: Mode): Promise<Pixels> {
  const options = { limitInputPixels: false, failOn: "error" } as const;
  const { default: sharp } = await import("sharp");
  try {
    const { width = 0, height = 0 } = await sharp(bytes, options).metadata();
    if (width * height > MOST_PIXELS) {
      throw new RangeError(
        `${width}x${height} pixels; expected at most ${MOST_PIXELS / 1e6} million. Make it smaller first.`,
      );
    }
    const upright = sharp(bytes, options)
      .autoOrient()
      .toColourspace(mode === "L" ? "b-w" : "srgb");
    const opaque = mode === "RGBA" ? upright.ensureAlpha() : upright.flatten({ background: "white" }).removeAlpha();
    const { data, info } = await opaque.raw({ depth: "uchar" }).toBuffer({ resolveWithObject: true });
    if (info.channels !== MODES[mode])
      throw new Error(`it has ${plural(info.channels, "channel")}, ${mode} has ${MODES[mode]}`);
    return {
      width: info.width,
      height: info.height,
      mode,
      data: new Uint8Array(data.buffer, data.byteOffset, data.length),
    };
  } catch (error) {
    const message = (error as Error).message.split("\n")[0]!;
    if (isHeic(bytes)) {
      throw new Error(
        `Image.open: ${name}: is a HEIC picture (from an iPhone?), which cannot be read; save it as JPEG first (in the Photos app: share or export)`,
        { cause: error },
      );
    }
    if (error instanceof RangeError) throw new RangeError(`Image.open: ${name}: ${message}`);
    throw new Error(
      `Image.open: ${name}: not a readable picture (${message}); expected PNG, JPEG, WebP, GIF, TIFF or AVIF`,
      {
        cause: error,
      },
    );
  }
}
