const END = 0x06054b50;
const END64 = 0x06064b50;
const END64_LOCATOR = 0x07064b50;
const ENTRY = 0x02014b50;
const LOCAL = 0x04034b50;
/** PyTorch writes one entry for each tensor; no model has more. */
const MOST_ENTRIES = 100_000;

/** Whether bytes begin as a zip archive does. */
export function isZip(bytes: Uint8Array): boolean {
  return bytes.length >= 4 && view(bytes).getUint32(0, true) === LOCAL;
}

/**
 * The files in a zip archive, as views of its bytes. Of the kind that PyTorch writes only: nothing packed, nothing encrypted.
 *
 * @param where - names the archive in errors
 * @throws Error if it is damaged, cut off or of another kind
 * @see https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT sections 4.3.7, 4.3.12, 4.3.14 to 4.3.16
 */
export function readZip(bytes: Uint8Array, where: string): Map<string, Uint8Array> {
  const data = view(bytes);
  const within = (at: number, length: number) => {
    if (!Number.isSafeInteger(at) || at < 0 || length < 0 || at + length > bytes.length) {
      throw new Error(
        `${where}: a damaged or truncated zip archive (it points to byte ${at + length} of ${bytes.length})`,
      );
    }
  };
  const { count, start } = findDirectory(bytes, data, where);
  const files = new Map<string, Uint8Array>();
  let at = start;
  for (let i = 0; i < count; i++) {
    within(at, 46);
    if (data.getUint32(at, true) !== ENTRY) throw new Error(`${where}: a damaged zip archive (no entry at byte ${at})`);
    const [nameLength, extraLength, commentLength] = [28, 30, 32].map((k) => data.getUint16(at + k, true)) as [
      number,
      number,
      number,
    ];
    within(at + 46, nameLength + extraLength + commentLength);
    const name = Buffer.from(bytes.subarray(at + 46, at + 46 + nameLength)).toString("utf8");
    const extra = bytes.subarray(at + 46 + nameLength, at + 46 + nameLength + extraLength);
    const sizes = [
      data.getUint32(at + 20, true),
      data.getUint32(at + 24, true),
      data.getUint32(at + 42, true),
    ] as const;
    const [packed, size, header] = wide(sizes, extra);
    if (data.getUint16(at + 10, true) !== 0 || packed !== size || (data.getUint16(at + 8, true) & 1) !== 0) {
      throw new Error(`${where}: ${name} is compressed or encrypted; PyTorch's files are neither`);
    }
    within(header, 30);
    if (data.getUint32(header, true) !== LOCAL)
      throw new Error(`${where}: a damaged zip archive (${name} is not where it should be)`);
    const from = header + 30 + data.getUint16(header + 26, true) + data.getUint16(header + 28, true);
    within(from, size);
    if (files.has(name)) throw new Error(`${where}: contains ${name} twice`);
    files.set(name, bytes.subarray(from, from + size));
    at += 46 + nameLength + extraLength + commentLength;
  }
  return files;
}

function findDirectory(bytes: Uint8Array, data: DataView, where: string): { count: number; start: number } {
  // At the end, before a comment of at most 65,535 bytes.
  for (let at = bytes.length - 22; at >= Math.max(0, bytes.length - 22 - 0xffff); at--) {
    if (data.getUint32(at, true) !== END) continue;
    let count = data.getUint16(at + 10, true);
    let start = data.getUint32(at + 16, true);
    if (at >= 20 && data.getUint32(at - 20, true) === END64_LOCATOR) {
      const end64 = Number(data.getBigUint64(at - 12, true));
      if (end64 + 56 > bytes.length || data.getUint32(end64, true) !== END64) break;
      count = Number(data.getBigUint64(end64 + 32, true));
      start = Number(data.getBigUint64(end64 + 48, true));
    }
    if (count > MOST_ENTRIES)
      throw new Error(`${where}: a zip archive of ${count} files; expected at most ${MOST_ENTRIES}`);
    return { count, start };
  }
  throw new Error(`${where}: a damaged or truncated zip archive (its directory is missing)`);
}

/** Packed size, size and place of an entry; those that do not fit 32 bits stand in an extra field. */
function wide(sizes: readonly [number, number, number], extra: Uint8Array): [number, number, number] {
  if (!sizes.includes(0xffffffff)) return [...sizes];
  const data = view(extra);
  for (let at = 0; at + 4 <= extra.length; ) {
    const length = data.getUint16(at + 2, true);
    if (data.getUint16(at, true) === 1) {
      let next = at + 4;
      // Uncompressed size comes first there.
      const read = (size: number) => {
        if (size !== 0xffffffff || next + 8 > Math.min(extra.length, at + 4 + length)) return size;
        next += 8;
        return Number(data.getBigUint64(next - 8, true));
      };
      const size = read(sizes[1]);
      const packed = read(sizes[0]);
      return [packed, size, read(sizes[2])];
    }
    at += 4 + length;
  }
  return [...sizes];
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
