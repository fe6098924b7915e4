import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { digits, world } from "../../../lib/datasets/index.ts";
import { PictureBatches, type PictureGroup, shrunk } from "../../../lib/finetune/batches.ts";
import { readPictures, requireCaptions } from "../../../lib/finetune/pictures.ts";
import { Image } from "../../../lib/images/index.ts";
import { randn } from "../../../lib/tensor/random.ts";
import { CLIPTokenizer } from "../../../lib/tokenizer/index.ts";

let home: string;
const where = "finetune";
const at = (...parts: string[]) => join(home, ...parts);
const plain = (shade: number, width = 8, height = 8) =>
  Image.fromRaw(new Uint8Array(3 * width * height).fill(shade), { width, height });

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "difflab-pictures-"));
});
afterAll(() => rm(home, { recursive: true, force: true }));

async function folder(name: string, files: Readonly<Record<string, string | Image>>): Promise<string> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(join(at(name), path, ".."), { recursive: true });
    if (typeof content === "string") await writeFile(join(at(name), path), content);
    else await content.save(join(at(name), path));
  }
  return at(name);
}

describe("where pictures come from", () => {
  it("a folder: captions from metadata.jsonl, as the hub has it, or from texts beside the pictures", async () => {
    const path = await folder("both", {
      "a.png": plain(10),
      "more/b.png": plain(20),
      "c.jpg": plain(30),
      "c.txt": "a third\n",
      "metadata.jsonl":
        '{"file_name": "a.png", "text": "a first"}\n\n{"file_name": "more/b.png", "text": "a second"}\n',
      ".hidden.png": "no picture",
      "README.md": "about them",
    });
    const { images, captions, names } = await readPictures(path, { where });
    expect(names).toEqual(["a.png", "c.jpg", join("more", "b.png")]);
    expect(captions).toEqual(["a first", "a third", "a second"]);
    expect(images.map((image) => image.toRaw().data[0])).toEqual([10, 30, 20]);
  });

  it("metadata with captions of another name, which has to be given", async () => {
    const path = await folder("named", {
      "a.png": plain(1),
      "metadata.jsonl": '{"file_name": "a.png", "caption": "a first"}',
    });
    await expect(readPictures(path, { where })).rejects.toThrow(/line 1: has no "text"; it has file_name, caption/);
    expect((await readPictures(path, { where, captionColumn: "caption" })).captions).toEqual(["a first"]);
  });

  it("our world, digits in grey, tensors, lists of paths, pictures and captions", async () => {
    const drawn = world({ n: 3, seed: 1, size: 16 });
    const fromWorld = await readPictures(drawn, { where });
    expect(fromWorld.captions).toEqual(drawn.captions);
    const pixel = fromWorld.images[2]!.toRaw().data.subarray(3 * 17, 3 * 17 + 3);
    expect([...pixel]).toEqual([0, 1, 2].map((c) => drawn.images[2 * 768 + c * 256 + 17]));
    const [digit] = (await readPictures(digits({ n: 1, seed: 2 }), { where })).images;
    expect([digit!.width, digit!.mode]).toEqual([28, "RGB"]);
    expect((await readPictures(randn([2, 3, 8, 8]).clamp(-1, 1), { where })).images).toHaveLength(2);
    const path = await folder("list", { "x.png": plain(77) });
    const list = await readPictures([join(path, "x.png"), plain(5), { image: plain(6), text: "six" }], { where });
    expect(list.captions).toEqual([undefined, undefined, "six"]);
    expect(list.images.map((image) => image.toRaw().data[0])).toEqual([77, 5, 6]);
  });

  it.each<[string, Record<string, string | Image>, RegExp]>([
    ["none", { "notes.txt": "x", "b.csv": "y" }, /contains no pictures \(PNG.*it contains b\.csv, notes\.txt/],
    [
      "broken",
      { "a.png": plain(1), "b.png": "no picture" },
      /1 of 2 files cannot be read.*\n.*b\.png: not a readable picture/,
    ],
    [
      "absent",
      { "a.png": plain(1), "metadata.jsonl": '{"file_name": "z.png", "text": "z"}' },
      /lists 1 file .*not exist: z\.png/,
    ],
    ["json", { "a.png": plain(1), "metadata.jsonl": "a.png: a first" }, /metadata\.jsonl, line 1: not JSON/],
    ["nameless", { "a.png": plain(1), "metadata.jsonl": '{"text": "a"}' }, /line 1: has no file_name/],
  ])("says what is wrong with a folder: %s", async (name, files, message) => {
    await expect(readPictures(await folder(name, files), { where })).rejects.toThrow(message);
  });

  it("says what is wrong with other things", async () => {
    await expect(readPictures(at("nowhere"), { where })).rejects.toThrow(/nowhere: there is no such folder/);
    await expect(readPictures([], { where })).rejects.toThrow("finetune: got no pictures to train on");
    await expect(readPictures(7 as never, { where })).rejects.toThrow(/data is 7; expected a folder/);
    await expect(readPictures([{ image: 3 }] as never, { where })).rejects.toThrow(/picture 0/);
    const some = await readPictures([plain(1), { image: plain(2), text: "two" }, plain(3)], { where });
    expect(() => requireCaptions(where, some)).toThrow(
      /2 of 3 pictures have no caption: picture 0, picture 2\. .*metadata\.jsonl.*\{ prompt \}/,
    );
  });
});

describe("pictures as batches", () => {
  let tokenizer: CLIPTokenizer;
  beforeAll(() => {
    tokenizer = CLIPTokenizer.learn(["a cat and a dog"], { vocabSize: 560, modelMaxLength: 8 });
  });
  const cropping = { resolution: 8, centerCrop: false, randomFlip: true, repeats: 3, seed: 5 };
  // Each pixel says where it is.
  const wide = Image.fromRaw(
    Uint8Array.from({ length: 20 * 8 * 3 }, (_, i) => [(i / 3) % 20, Math.floor(i / 60), 9][i % 3]!),
    { width: 20, height: 8 },
  );
  const group = (images: readonly Image[], text = "a cat"): PictureGroup => ({ images, caption: () => text });

  it("crops and mirrors at random, as the batch's number says and nothing else", async () => {
    const batches = new PictureBatches([group([wide])], tokenizer, cropping);
    expect(batches.length).toBe(3);
    const seen = new Set<string>();
    for (let position = 0; position < 30; position++) {
      const place = { epoch: 1, position };
      const [pixels] = batches.tensors(Int32Array.of(0), place) as [never];
      const row = [...(await (pixels as import("../../../lib/index.ts").Tensor).data()).subarray(0, 8)].map((v) =>
        Math.round((v + 1) * 127.5),
      );
      const steps = new Set(row.slice(1).map((v, i) => v - row[i]!));
      expect([...steps]).toEqual([row[1]! > row[0]! ? 1 : -1]);
      seen.add(`${row[0]} ${[...steps]}`);
      const [again] = batches.tensors(Int32Array.of(0), place) as [never];
      expect(await (again as import("../../../lib/index.ts").Tensor).tolist()).toEqual(
        await (pixels as import("../../../lib/index.ts").Tensor).tolist(),
      );
    }
    expect(seen.size).toBeGreaterThan(10);
    const middle = new PictureBatches([group([wide])], tokenizer, { ...cropping, centerCrop: true, randomFlip: false });
    const [pixels] = middle.tensors(Int32Array.of(0));
    expect(Math.round(((await pixels!.data())[0]! + 1) * 127.5)).toBe(6);
  });

  it("adds as many pictures of the class, with their prompt", async () => {
    const groups = [group([plain(0), plain(255)]), group([plain(51)], "a dog")];
    const batch = new PictureBatches(groups, tokenizer, cropping).tensors(Int32Array.of(0, 1, 3));
    expect(batch.map((x) => [x.dtype, ...x.shape])).toEqual([
      ["float32", 3, 3, 8, 8],
      ["int64", 3, 8],
      ["float32", 3, 3, 8, 8],
      ["int64", 3, 8],
    ]);
    expect(await batch[0]!.mean([1, 2, 3]).tolist()).toEqual([-1, 1, 1]);
    expect((await batch[2]!.mean().item()).toFixed(4)).toBe("-0.6000");
    expect(await batch[3]!.tolist()).toEqual(await tokenizer.batch(["a dog", "a dog", "a dog"]).inputIds.tolist());
  });

  it("brings the shorter side to the resolution, whichever it is", () => {
    expect(
      [shrunk(plain(1, 40, 20), 8), shrunk(plain(1, 3, 12), 8)].map(({ width, height }) => [width, height]),
    ).toEqual([
      [16, 8],
      [8, 32],
    ]);
  });
});
