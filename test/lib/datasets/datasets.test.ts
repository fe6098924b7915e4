import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fashionMnist, ImageDataset, mnist, parseIdx, type Split } from "../../../lib/datasets/index.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "difflab-datasets-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** An IDX file of bytes. */
function idx(shape: number[], data: ArrayLike<number>, type = 8): Buffer {
  const header = Buffer.alloc(4 + 4 * shape.length);
  header[2] = type;
  header[3] = shape.length;
  shape.forEach((size, i) => {
    header.writeUInt32BE(size, 4 + 4 * i);
  });
  return Buffer.concat([header, Uint8Array.from(data)]);
}

/** Three pictures of 2 rows and 3 columns. */
const small = () =>
  new ImageDataset({
    name: "small",
    images: Uint8Array.from({ length: 18 }, (_, i) => i * 15),
    labels: Uint8Array.of(2, 0, 2),
    shape: [3, 2, 3],
    classes: ["a", "b", "c"],
  });

describe("a data set", () => {
  test("gives picture i as data[i], from the end with at, and nothing outside", () => {
    const data = small();
    expect(data).toBeInstanceOf(ImageDataset);
    expect(data.length).toBe(3);
    expect(data[1]).toEqual({ image: Uint8Array.of(90, 105, 120, 135, 150, 165), label: 0, shape: [2, 3] });
    expect(data.at(-1)?.label).toBe(2);
    expect(data[3]).toBeUndefined();
    expect(data.at(1.5)).toBeUndefined();
    expect(String(data)).toBe("[object Object]");
    expect([...data].map(({ label }) => label)).toEqual([2, 0, 2]);
  });

  test("selects, slices and finds by label", () => {
    const data = small();
    expect(data.indicesOf(2)).toEqual([0, 2]);
    const chosen = data.select([2, 0, 2]);
    expect(chosen.shape).toEqual([3, 2, 3]);
    expect([...chosen.labels]).toEqual([2, 2, 2]);
    expect(chosen[1]!.image).toEqual(data[0]!.image);
    expect(data.slice(1).shape).toEqual([2, 2, 3]);
    expect(data.slice(-1)[0]!.image).toEqual(data[2]!.image);
    expect(data.slice(2, 1).length).toBe(0);
  });

  test("makes batches as a network takes them, in [0, 1] or another range", () => {
    const data = small();
    const { images, labels, shape } = data.batch([2n, 0]);
    expect(shape).toEqual([2, 1, 2, 3]);
    expect([...labels]).toEqual([2n, 2n]);
    expect(images[0]).toBeCloseTo(180 / 255, 6);
    expect(images[7]).toBeCloseTo(15 / 255, 6);
    const signed = data.batch(undefined, { range: [-1, 1] });
    expect([signed.images.length, signed.images[0], signed.images[17]]).toEqual([18, -1, 1]);
  });

  test("refuses parts and indices that do not fit", () => {
    const parts = { name: "x", images: new Uint8Array(4), labels: new Uint8Array(1), classes: ["a"] };
    expect(() => new ImageDataset({ ...parts, shape: [1, 2, 3] })).toThrow(
      "x: 4 pixels and 1 label do not fit pictures",
    );
    expect(() => new ImageDataset({ ...parts, labels: Uint8Array.of(7), shape: [1, 2, 2] })).toThrow(
      "x: picture 0 has the label 7, expected 0 to 0",
    );
    expect(() => small().batch([3])).toThrow("small.batch: index 3 is out of range; the data set has 3 pictures");
    expect(() => small().select([0.5])).toThrow("small.select: index 0.5 is out of range");
    expect(() => small().batch([0], { range: [0, Number.NaN] })).toThrow("range [0, NaN]");
  });
});

describe("an IDX file", () => {
  test("is read plain or packed with gzip, with every element type", async () => {
    const bytes = idx([2, 3], [0, 1, 2, 3, 4, 255]);
    for (const file of [bytes, gzipSync(bytes)]) {
      expect(await parseIdx(file)).toEqual({ dtype: "uint8", shape: [2, 3], data: Uint8Array.of(0, 1, 2, 3, 4, 255) });
    }
    expect((await parseIdx(idx([2], [255, 1], 9))).data).toEqual(Int8Array.of(-1, 1));
    expect((await parseIdx(idx([2], [255, 254, 1, 0], 11))).data).toEqual(Int16Array.of(-2, 256));
    expect((await parseIdx(idx([1], [0, 0, 1, 2], 12))).data).toEqual(Int32Array.of(258));
    expect((await parseIdx(idx([1], [0x3f, 0x80, 0, 0], 13))).data).toEqual(Float32Array.of(1));
    expect((await parseIdx(idx([1], [0x3f, 0xf0, 0, 0, 0, 0, 0, 0], 14))).data).toEqual(Float64Array.of(1));
  });

  test("that is damaged is refused with the reason", async () => {
    const good = idx([2, 3], [0, 1, 2, 3, 4, 5]);
    const packed = gzipSync(good);
    await expect(parseIdx(new Uint8Array(0), "f")).rejects.toThrow("f: 0 bytes are too short");
    await expect(parseIdx(Buffer.from("<html>not found</html>"), "f")).rejects.toThrow(
      "f: starts with the bytes 3c68746d",
    );
    await expect(parseIdx(good.subarray(0, 9), "f")).rejects.toThrow("truncated in its header, after 9 bytes");
    await expect(parseIdx(good.subarray(0, 14), "f")).rejects.toThrow(
      "6 bytes, but 2 follow; it was truncated; download it again",
    );
    await expect(parseIdx(Buffer.concat([good, good]), "f")).rejects.toThrow("it is damaged; download it again");
    await expect(parseIdx(packed.subarray(0, 20), "f")).rejects.toThrow("its gzip data are damaged or truncated");
    const flipped = Buffer.from(packed);
    flipped[flipped.length - 6]! ^= 255;
    await expect(parseIdx(flipped, "f")).rejects.toThrow("its gzip data are damaged or truncated");
    await expect(parseIdx(idx([2 ** 31, 2 ** 31], []), "f")).rejects.toThrow("it was truncated");
    await expect(parseIdx(idx([1], [0], 10), "f")).rejects.toThrow("starts with the bytes 00000a01");
  });
});

describe("mnist from a folder", () => {
  const put = async (images: Buffer, labels: Buffer, names: [string, string]) => {
    const dir = await mkdtemp(join(folder, "mnist-"));
    await writeFile(join(dir, names[0]), images);
    await writeFile(join(dir, names[1]), labels);
    return dir;
  };
  const images = idx([2, 2, 2], [0, 1, 2, 3, 4, 5, 6, 7]);
  const labels = idx([2], [7, 1]);

  test("takes the original names and unpacked copies with a dot", async () => {
    for (const dir of [
      await put(gzipSync(images), gzipSync(labels), ["t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"]),
      await put(images, labels, ["t10k-images.idx3-ubyte", "t10k-labels-idx1-ubyte"]),
    ]) {
      const data = await mnist({ folder: dir, split: "test" });
      expect(data.shape).toEqual([2, 2, 2]);
      expect(data[1]).toEqual({ image: Uint8Array.of(4, 5, 6, 7), label: 1, shape: [2, 2] });
      await expect(mnist({ folder: dir })).rejects.toThrow(
        `mnist: no train-images-idx3-ubyte.gz (or train-images-idx3-ubyte) in the folder ${dir}`,
      );
    }
  });

  test("refuses files that do not belong together, and splits that do not exist", async () => {
    const names: [string, string] = ["train-images-idx3-ubyte", "train-labels-idx1-ubyte"];
    const fails = async (i: Buffer, l: Buffer, message: string) =>
      expect(mnist({ folder: await put(i, l, names) })).rejects.toThrow(message);
    await fails(images, idx([3], [1, 2, 3]), "has 3 labels, but");
    await fails(labels, labels, "holds uint8 [2], expected pictures as uint8 [n, height, width]");
    await fails(images, images, "expected labels as uint8 [n]");
    await fails(images, idx([2], [1, 10]), "mnist: picture 1 has the label 10, expected 0 to 9");
    await expect(mnist({ folder, split: "val" as Split })).rejects.toThrow(
      'mnist: unknown split "val"; expected "train" or "test"',
    );
    await expect(fashionMnist({ folder: join(folder, "nowhere") })).rejects.toThrow(
      "fashionMnist: no train-images-idx3-ubyte.gz",
    );
  });

  const shared = (name: string) => fileURLToPath(new URL(`../../../../shared/data/${name}`, import.meta.url));

  test.skipIf(!existsSync(shared("mnist")))(
    "reads the real MNIST (skipped where ../shared/data/mnist is absent)",
    async () => {
      const train = await mnist({ folder: shared("mnist") });
      expect(train.shape).toEqual([60_000, 28, 28]);
      expect([...train.labels.subarray(0, 10)]).toEqual([5, 0, 4, 1, 9, 2, 1, 3, 1, 4]);
      expect(train[0]!.image.reduce((a, b) => a + b, 0)).toBe(27525);
      const mean = train.images.reduce((a, b) => a + b, 0) / train.images.length / 255;
      expect(mean).toBeCloseTo(0.1306604763, 9);
      const testSet = await mnist({ folder: shared("mnist"), split: "test" });
      expect([...testSet.labels.subarray(0, 10)]).toEqual([7, 2, 1, 0, 4, 1, 4, 9, 5, 9]);
    },
  );

  test.skipIf(!existsSync(shared("fashion-mnist")))(
    "reads the real Fashion-MNIST (skipped where ../shared/data/fashion-mnist is absent)",
    async () => {
      const train = await fashionMnist({ folder: shared("fashion-mnist") });
      expect([...train.labels.subarray(0, 10)]).toEqual([9, 0, 0, 3, 0, 2, 7, 2, 5, 5]);
      expect(train.classes[train[0]!.label]).toBe("Ankle boot");
      for (let label = 0; label < 10; label++) expect(train.indicesOf(label).length).toBe(6000);
    },
  );
});
