import { byteSize, wellFormed } from "./safe.ts";

/** What the first bytes of a file say about it. Width and height in pixels, where the format gives them near its start. */
export interface Media {
  mime: string;
  /** For the plain text: `PNG image`. */
  name: string;
  width?: number;
  height?: number;
}

const SVG_START =
  /^\uFEFF?\s*(?:<\?xml[^>]*>\s*)?(?:<!--[\s\S]*?-->\s*)*(?:<!DOCTYPE svg[^>]*>\s*)?(?:<!--[\s\S]*?-->\s*)*<svg[\s>]/;

/**
 * Recognises PNG, JPEG, GIF, WebP, SVG and PDF by their first bytes, and reads the size of a picture in pixels.
 *
 * @returns `undefined` for anything else
 * @see PNG: https://www.w3.org/TR/png-3/#11IHDR; JPEG: ITU-T T.81, B.2.2; GIF: GIF89a specification, 18;
 *   WebP: RFC 9649, 2
 */
export function sniff(bytes: Uint8Array): Media | undefined {
  if (bytes.length < 8) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(0) === 0x89504e47 && view.getUint32(4) === 0x0d0a1a0a) {
    const size = bytes.length >= 24 ? { width: view.getUint32(16), height: view.getUint32(20) } : {};
    return { mime: "image/png", name: "PNG image", ...size };
  }
  if (bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff) {
    return { mime: "image/jpeg", name: "JPEG image", ...jpegSize(view) };
  }
  const start = ascii(bytes, 0, 6);
  if (start === "GIF87a" || start === "GIF89a") {
    const size = bytes.length >= 10 ? { width: view.getUint16(6, true), height: view.getUint16(8, true) } : {};
    return { mime: "image/gif", name: "GIF image", ...size };
  }
  if (start.startsWith("RIFF") && ascii(bytes, 8, 12) === "WEBP") {
    return { mime: "image/webp", name: "WebP image", ...webpSize(view, ascii(bytes, 12, 16)) };
  }
  if (start.startsWith("%PDF-")) return { mime: "application/pdf", name: "PDF document" };
  // Only what can start an SVG is decoded: "<", a space, or a byte order mark.
  if (bytes[0] === 0x3c || bytes[0] === 0xef || bytes[0]! <= 0x20) {
    if (SVG_START.test(Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 4096)).toString("utf8"))) {
      return { mime: "image/svg+xml", name: "SVG image" };
    }
  }
  return undefined;
}

/** One line for front ends that show no pictures: `PNG image, 640 × 480, 31.2 kB`. */
export function describeMedia(media: Media, byteLength: number): string {
  const size = media.width && media.height ? `${media.width} × ${media.height}, ` : "";
  return `${media.name}, ${size}${byteSize(byteLength)}`;
}

/** Bytes as a MIME bundle holds them: text for SVG, base64 for the others. */
export function encodeMedia(bytes: Uint8Array, mime: string): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return mime === "image/svg+xml" || mime.startsWith("text/")
    ? wellFormed(buffer.toString("utf8"))
    : buffer.toString("base64");
}

function ascii(bytes: Uint8Array, from: number, to: number): string {
  return String.fromCharCode(...bytes.subarray(from, to));
}

/** Walks the segments to the frame header (SOF0 to SOF15, without the three markers in that range which are none). */
function jpegSize(view: DataView): { width?: number; height?: number } {
  let at = 2;
  while (at + 9 <= view.byteLength && view.getUint8(at) === 0xff) {
    const marker = view.getUint8(at + 1);
    if (marker === 0xff) {
      at += 1; // fill byte
    } else if (marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc) {
      return { height: view.getUint16(at + 5), width: view.getUint16(at + 7) };
    } else {
      at += 2 + view.getUint16(at + 2);
    }
  }
  return {};
}

function webpSize(view: DataView, chunk: string): { width?: number; height?: number } {
  if (view.byteLength < 30) return {};
  const uint24 = (at: number): number => view.getUint16(at, true) | (view.getUint8(at + 2) << 16);
  if (chunk === "VP8X") return { width: uint24(24) + 1, height: uint24(27) + 1 };
  if (chunk === "VP8L") {
    const bits = view.getUint32(21, true); // two fields of 14 bits, each one less than the size
    return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 };
  }
  if (chunk === "VP8 ") return { width: view.getUint16(26, true) & 0x3fff, height: view.getUint16(28, true) & 0x3fff };
  return {};
}
