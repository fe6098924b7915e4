import { readFileSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { inspect } from "node:util";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Image } from "../../../lib/images/index.ts";
import { fromArray, tensor } from "../../../lib/tensor/create.ts";

interface Kind {
  file: string;
  pixels: number[][][];
}
type Kinds = "rgb" | "rgba" | "grey" | "greyAlpha" | "sixteenBits" | "palette" | "turned" | "oneBit";
type Reference = Record<Kinds, Kind> & {
  rgba: { alpha: number[][] };
  text: Record<string, string>;
  toBytes: { values: number[]; bytes: number[] };
  resized: {
    data: number[];
    width: number;
    height: number;
    results: { mode: "L" | "RGB" | "RGBA"; filter: "lanczos"; width: number; height: number; data: number[] }[];
  };
};
const reference: Reference = JSON.parse(readFileSync(new URL("../../reference/images.json", import.meta.url), "utf8"));
const file = (kind: Kinds) => Buffer.from(reference[kind].file, "base64");

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "difflab-images-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A picture whose every pixel tells where it is. */
const pattern = (width = 6, height = 4) =>
  Image.fromRaw(
    Array.from({ length: width * height * 3 }, (_, i) => (i * 37) % 256),
    { width, height },
  );

describe("Image.open", () => {
  test.each(["rgb", "rgba", "grey", "greyAlpha", "sixteenBits", "palette", "turned", "oneBit"] as const)(
    "reads a picture of the kind %s as Pillow does, upright and on white",
    async (kind) => {
      const image = await Image.open(file(kind));
      const expected = reference[kind].pixels;
      expect([image.height, image.width, image.mode]).toEqual([expected.length, expected[0]!.length, "RGB"]);
      const far = [...image.toRaw().data].map((value, i) => Math.abs(value - expected.flat(2)[i]!));
      expect(Math.max(...far)).toBeLessThanOrEqual(
        kind === "rgba" || kind === "greyAlpha" || kind === "sixteenBits" ? 1 : 0,
      );
    },
  );

  test("keeps opacity or grey where asked", async () => {
    const clear = await Image.open(file("rgba"), { mode: "RGBA" });
    expect([...clear.toRaw().data].filter((_, i) => i % 4 === 3)).toEqual(reference.rgba.alpha.flat());
    const grey = await Image.open(file("grey"), { mode: "L" });
    expect([...grey.toRaw().data]).toEqual(reference.grey.pixels.flat().map((pixel) => pixel[0]));
    expect([...grey.convert("RGB").toRaw().data]).toEqual(reference.grey.pixels.flat(2));
    await expect(Image.open(file("grey"), { mode: "CMYK" as "L" })).rejects.toThrow(
      'Image.open: unknown mode "CMYK"; expected "L", "RGB", "RGBA"',
    );
  });

  test("takes a path, an address of a file, a web address and bytes", async () => {
    const path = join(folder, "a b.png");
    await writeFile(path, file("rgb"));
    const server = createServer((request, response) => {
      if (request.url === "/a.png") response.end(file("rgb"));
      else response.writeHead(404).end();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const data = `data:image/png;base64,${reference.rgb.file}`;
    const bytes = new Uint8Array(file("rgb"));
    for (const source of [
      path,
      pathToFileURL(path),
      `${address}/a.png`,
      data,
      bytes,
      bytes.buffer,
      new Blob([bytes]),
    ]) {
      expect([...(await Image.open(source)).toRaw().data]).toEqual(reference.rgb.pixels.flat(2));
    }
    await expect(Image.open(`${address}/none.png`)).rejects.toThrow("/none.png: the server answered 404");
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await expect(Image.open(`${address}/a.png`)).rejects.toThrow("ECONNREFUSED");
  });

  test("says what is wrong with a source", async () => {
    await expect(Image.open(join(folder, "none.png"))).rejects.toThrow(/none\.png: there is no such file/);
    await expect(Image.open(folder)).rejects.toThrow("it is a folder");
    await expect(Image.open(Buffer.from("not a picture"))).rejects.toThrow(
      /13 bytes: not a readable picture .*expected PNG/,
    );
    await expect(Image.open(new Uint8Array())).rejects.toThrow("not a readable picture");
    await expect(Image.open(3 as unknown as string)).rejects.toThrow("got number, expected a path");
    const whole = await sharp({
      create: {
        width: 200,
        height: 200,
        channels: 3,
        background: "red",
        noise: { type: "gaussian", mean: 128, sigma: 30 },
      },
    })
      .png()
      .toBuffer();
    await expect(Image.open(whole.subarray(0, whole.length / 2))).rejects.toThrow("not a readable picture");
    // A header that asks for 3.6 gigapixels.
    const absurd = Buffer.from(file("grey"));
    absurd.writeUInt32BE(60_000, 16);
    absurd.writeUInt32BE(60_000, 20);
    const { crc32 } = await import("node:zlib");
    absurd.writeUInt32BE(crc32(absurd.subarray(12, 29)), 29);
    await expect(Image.open(absurd)).rejects.toThrow("60000x60000 pixels; expected at most 100 million");
  });
});

describe("Image and tensors", () => {
  test("go from 0..255 to -1..1 and back without loss", async () => {
    const image = pattern();
    const x = image.toTensor();
    expect([x.shape, x.dtype]).toEqual([[1, 3, 4, 6], "float32"]);
    const values = (await x.data()) as Float32Array;
    const bytes = image.toRaw().data;
    expect(values[0]).toBeCloseTo((bytes[0]! / 255) * 2 - 1, 6);
    // Channel 1 of the pixel in row 2, column 3.
    expect(values[24 + 2 * 6 + 3]).toBeCloseTo((bytes[(2 * 6 + 3) * 3 + 1]! / 255) * 2 - 1, 6);
    expect((await Image.fromTensor(x)).toRaw()).toEqual(image.toRaw());
    const unit = await Image.fromTensor(image.toTensor({ range: [0, 1] }), { range: [0, 1] });
    expect(unit.toRaw()).toEqual(image.toRaw());
    expect((await Image.fromTensor(image.convert("L").toTensor())).mode).toBe("L");
  });

  test("round as diffusers does, and cut off what lies beyond", async () => {
    const { values, bytes } = reference.toBytes;
    const x = fromArray("float32", [1, 1, values.length], Float32Array.from(values));
    expect([...(await Image.fromTensor(x)).toRaw().data]).toEqual(bytes);
  });

  test("give every picture of a batch", async () => {
    const batch = await Image.fromBatch(tensor([-1, 1, 0, 1], [2, 1, 1, 2]));
    expect(batch.map((image) => [...image.toRaw().data])).toEqual([
      [0, 255],
      [128, 255],
    ]);
  });

  test("refuse NaN, and shapes that are no picture", async () => {
    const broken = tensor([0, Number.NaN, 1, Number.POSITIVE_INFINITY], [1, 1, 2, 2]);
    await expect(Image.fromTensor(broken)).rejects.toThrow(
      "Image.fromTensor: 2 of 4 values are not finite numbers (NaN or infinite), so they do not form a picture. Look for an option that is NaN",
    );
    await expect(Image.fromTensor(tensor([1, 2]))).rejects.toThrow("got [2], expected [channels, height, width]");
    await expect(Image.fromTensor(tensor([0, 0, 0, 0], [1, 2, 1, 2]))).rejects.toThrow(
      "To turn latents into a picture, use vae.decode",
    );
    await expect(Image.fromTensor(tensor([0, 0], [2, 1, 1, 1]))).rejects.toThrow(
      "contains 2 pictures; use Image.fromBatch",
    );
    expect(() => pattern().toTensor({ range: [1, 1] })).toThrow("range [1,1]; expected two numbers");
  });
});

describe("Image", () => {
  test("is resized to the bytes that Pillow gives, with every filter, larger and smaller", () => {
    const { data, width, height, results } = reference.resized;
    expect(results).toHaveLength(24);
    for (const { mode, filter, data: expected, ...size } of results) {
      const channels = { L: 1, RGB: 3, RGBA: 4 }[mode];
      const image = Image.fromRaw(
        data.filter((_, i) => i % 4 < channels),
        { width, height, mode },
      );
      const got = image.resize(size.width, size.height, { filter }).toRaw();
      expect([...got.data], `${mode} ${filter} ${size.width}x${size.height}`).toEqual(expected);
    }
  });

  test("is resized keeping or changing the proportions", () => {
    const flat = Image.fromRaw(new Uint8Array(48).fill(100), { width: 4, height: 4 });
    expect(new Set(flat.resize(9).toRaw().data)).toEqual(new Set([100]));
    const framed = flat.resize(8, 4, { fit: "contain" });
    expect([framed.width, framed.height]).toEqual([8, 4]);
    expect([...framed.toRaw().data.subarray(0, 3)]).toEqual([255, 255, 255]);
    expect([...framed.toRaw().data.subarray(6, 9)]).toEqual([100, 100, 100]);
    // Of 0 10 20 30 the two in the middle.
    const line = Image.fromRaw([0, 10, 20, 30], { width: 4, height: 1, mode: "L" });
    expect([...line.resize(2, 1, { fit: "cover", filter: "nearest" }).toRaw().data]).toEqual([10, 20]);
    expect([...line.resize(1, 4, { fit: "cover", filter: "nearest" }).toRaw().data]).toEqual([10, 10, 10, 10]);
    expect(() => flat.resize(0)).toThrow("Image.resize: a size of 0x0; expected whole numbers from 1 up");
    expect(() => flat.resize(4, 8, { filter: "magic" as "nearest" })).toThrow('unknown filter "magic"');
    expect(() => flat.resize(1e6)).toThrow("at most 100 million pixels");
  });

  test("is cropped to the pixels asked for", () => {
    const part = pattern().crop(2, 1, 3, 2);
    const { data } = pattern().toRaw();
    const row = (y: number) => [...data.subarray((y * 6 + 2) * 3, (y * 6 + 5) * 3)];
    expect([...part.toRaw().data]).toEqual([...row(1), ...row(2)]);
    expect(() => pattern().crop(4, 0, 3, 2)).toThrow("Image.crop: 3x2 from (4, 0) does not fit inside 6x4");
    expect(() => pattern().crop(-1, 0, 3, 2)).toThrow("does not fit inside");
  });

  test("stands in a grid, in the middle of its place, with white between", async () => {
    const black = Image.fromRaw(new Uint8Array(12), { width: 2, height: 2 });
    const dot = Image.fromRaw([50], { width: 1, height: 1, mode: "L" });
    const grid = await Image.grid([black, dot, black], { columns: 2, gap: 1 });
    const { data, width } = grid.toRaw();
    const rows = Array.from({ length: grid.height }, (_, y) =>
      Array.from({ length: width }, (_, x) => data[(y * width + x) * 3]),
    );
    expect(rows).toEqual([
      [0, 0, 255, 50, 255],
      [0, 0, 255, 255, 255],
      [255, 255, 255, 255, 255],
      [0, 0, 255, 255, 255],
      [0, 0, 255, 255, 255],
    ]);
    await expect(Image.grid([])).rejects.toThrow("got no pictures");
    await expect(Image.grid([black], { captions: ["a", "b"] })).rejects.toThrow("2 captions for 1 picture");
    await expect(Image.grid([black], { columns: 0 })).rejects.toThrow("0 columns");
  });

  test("has captions below the pictures, whatever they say", async () => {
    const white = Image.fromRaw(new Uint8Array(64 * 32 * 3).fill(255), { width: 64, height: 32 });
    const captions = ['<b> & \u0000 "q"', "a caption that is far too long for its picture"];
    const grid = await Image.grid([white, white], { captions });
    expect([grid.width, grid.height]).toEqual([132, 52]);
    const dark = (left: number, top: number, width: number, height: number) =>
      grid
        .crop(left, top, width, height)
        .toRaw()
        .data.filter((value) => value < 128).length;
    expect(dark(0, 0, 132, 32)).toBe(0);
    expect(dark(0, 32, 64, 20)).toBeGreaterThan(10);
    expect(dark(68, 32, 64, 20)).toBeGreaterThan(10);
    // Cut where the next one begins.
    expect(dark(64, 32, 4, 20)).toBe(0);
  });

  test("shows itself as a PNG in a notebook, and in a line elsewhere", async () => {
    const image = pattern();
    const show = (image as unknown as Record<symbol, () => Promise<Record<string, string>>>)[
      Symbol.for("Jupyter.display")
    ]!;
    const bundle = await show.call(image);
    expect(bundle["text/plain"]).toBe("Image 6x4 RGB");
    // Small, so each pixel is a square on the page.
    const shown = await Image.open(Buffer.from(bundle["image/png"]!, "base64"));
    expect(shown.toRaw()).toEqual(image.resize(6 * 56, 4 * 56, { filter: "nearest" }).toRaw());
    expect(inspect(image)).toBe("Image 6x4 RGB");
  });

  test("keeps its prompt and its seed in a PNG, where other programs look", async () => {
    const path = join(folder, "out", "digit.png");
    await pattern().save(path, {
      metadata: {
        prompt: "eine rote 三",
        negativePrompt: "blue",
        seed: 42,
        steps: 20,
        guidanceScale: 7.5,
        model: { a: 1 },
      },
    });
    const again = await Image.open(path);
    expect(again.toRaw()).toEqual(pattern().toRaw());
    expect(again.metadata).toEqual({
      parameters: 'eine rote 三\nNegative prompt: blue\nSeed: 42, Steps: 20, CFG scale: 7.5, model: {"a":1}',
      prompt: "eine rote 三",
      negativePrompt: "blue",
      seed: "42",
      steps: "20",
      guidanceScale: "7.5",
      model: '{"a":1}',
    });
    await pattern().save(path, { metadata: { parameters: "as it is", prompt: "x" } });
    expect((await Image.open(path)).metadata).toEqual({ parameters: "as it is", prompt: "x" });
    // libvips, which checks the sums, finds a sound file.
    await expect(sharp(path, { failOn: "warning" }).raw().toBuffer()).resolves.toBeTruthy();
    await expect(pattern().save(path, { metadata: { "": "x" } })).rejects.toThrow('metadata key ""; expected 1 to 79');
    await expect(pattern().save(join(folder, "a.jpg"), { metadata: { seed: 1 } })).rejects.toThrow(
      "metadata can only be saved in PNG",
    );
    await expect(pattern().save(join(folder, "a.bmp"))).rejects.toThrow('unknown ending ".bmp"; expected ".png"');
  });

  test("reads the texts that Pillow wrote, packed ones too", async () => {
    expect((await Image.open(file("rgb"))).metadata).toEqual(reference.text);
  });

  test.each([".jpg", ".webp", ".gif"])("is saved as %s", async (ending) => {
    const path = join(folder, `flat${ending}`);
    await Image.fromRaw(new Uint8Array(48 * 4).fill(100), { width: 8, height: 6, mode: "RGBA" }).save(path);
    const again = await Image.open(path);
    expect([again.width, again.height]).toEqual([8, 6]);
  });

  test.each(["webp", "gif"] as const)(
    "becomes a film in %s with the frames and the speed asked for",
    async (format) => {
      const frames = [0, 128, 255].map((grey) => Image.fromRaw(new Uint8Array(48).fill(grey), { width: 4, height: 4 }));
      const path = join(folder, `film.${format}`);
      await Image.animation(frames, { fps: 5, format }).save(path);
      const { pages, delay, pageHeight, height } = await sharp(await readFile(path), { animated: true }).metadata();
      expect([pages, delay, pageHeight ?? height]).toEqual([3, [200, 200, 200], 4]);
      const { data } = await sharp(path, { animated: true }).removeAlpha().raw().toBuffer({ resolveWithObject: true });
      expect([data[0], data[48], data[96]]).toEqual([0, 128, 255]);
      expect(() => Image.animation([...frames, pattern()])).toThrow("frames of 4x4 and 6x4; expected the same size");
      expect(() => Image.animation([])).toThrow("got no pictures");
      expect(() => Image.animation(frames, { fps: 0 })).toThrow("fps is 0");
    },
  );

  test("refuses bytes that do not fit the size", () => {
    expect(() => Image.fromRaw([1, 2], { width: 1, height: 1 })).toThrow("2 bytes, 1x1 RGB takes 3");
  });
});
