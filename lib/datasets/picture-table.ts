import { decodeGreyPng } from "./grey-png.ts";

/** Pictures decoded at a time: enough to keep sharp's threads busy, few enough to hold little memory. */
const DECODED_AT_ONCE = 64;

/**
 * The pictures and labels of a parquet file as the Hugging Face hub keeps them: a column `image` with a PNG's bytes
 * and a column `label`.
 *
 * @param path - the parquet file
 * @returns grey pictures of one size, `[n, height, width]`
 * @throws Error if the file is damaged, a column is missing, or a picture is broken or of another size
 */
export async function readPictureTable(
  path: string,
): Promise<{ images: Uint8Array; labels: Uint8Array; shape: [number, number, number] }> {
  const rows = await readRows(path);
  const labels = new Uint8Array(rows.length);
  let images = new Uint8Array(0);
  let size: [number, number] | undefined;
  for (let start = 0; start < rows.length; start += DECODED_AT_ONCE) {
    const some = rows.slice(start, start + DECODED_AT_ONCE);
    const decoded = await Promise.all(some.map((row, k) => decode(row, `${path}: row ${start + k}`)));
    for (const [k, { pixels, height, width, label }] of decoded.entries()) {
      size ??= [height, width];
      if (images.length === 0) images = new Uint8Array(rows.length * height * width);
      if (height !== size[0] || width !== size[1]) {
        throw new Error(`${path}: row ${start + k} is ${height}x${width} pixels, the first is ${size[0]}x${size[1]}`);
      }
      images.set(pixels, (start + k) * height * width);
      labels[start + k] = label;
    }
  }
  return { images, labels, shape: [rows.length, size?.[0] ?? 0, size?.[1] ?? 0] };
}

async function readRows(path: string): Promise<Record<string, unknown>[]> {
  try {
    const { asyncBufferFromFile, parquetReadObjects } = await import("hyparquet");
    const file = await asyncBufferFromFile(path);
    return await parquetReadObjects({ file, columns: ["image", "label"], utf8: false });
  } catch (error) {
    throw new Error(
      `${path}: damaged, or not a Parquet table of pictures (${(error as Error).message}). Delete it and try again.`,
      {
        cause: error,
      },
    );
  }
}

async function decode(row: Record<string, unknown>, where: string) {
  const bytes = (row.image as { bytes?: unknown } | null | undefined)?.bytes;
  const label = Number(row.label);
  if (!(bytes instanceof Uint8Array))
    throw new Error(`${where} has no picture; expected a column "image" with PNG bytes`);
  if (!Number.isInteger(label) || label < 0 || label > 255) throw new Error(`${where} has the label ${row.label}`);
  const plain = decodeGreyPng(bytes);
  if (plain) return { ...plain, label };
  try {
    const { default: sharp } = await import("sharp");
    const { data, info } = await sharp(bytes).toColourspace("b-w").raw().toBuffer({ resolveWithObject: true });
    if (info.channels !== 1) throw new Error(`${info.channels} colour channels, expected a greyscale picture`);
    return { pixels: data, height: info.height, width: info.width, label };
  } catch (error) {
    throw new Error(`${where}: its picture cannot be decoded (${(error as Error).message})`, { cause: error });
  }
}
