import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { appendFile, mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  bfloat16ToFloat32,
  float16ToFloat32,
  float32ToBfloat16,
  float32ToFloat16,
  openSafetensors,
  parseSafetensors,
  saveCheckpoint,
  saveSafetensors,
  serializeSafetensors,
  type TensorToSave,
} from "../../../lib/safetensors/index.ts";

type Reference = {
  plain: string;
  tensors: Record<string, { dtype: string; shape: number[]; float32: number[]; integers: string[] | null }>;
  withMetadata: string;
  rounding: { float32: string; float16: number[]; bfloat16: number[]; nan: [number, number] };
  allHalvesSha256: string;
};
const reference: Reference = JSON.parse(
  readFileSync(new URL("../../reference/safetensors-files.json", import.meta.url), "utf8"),
);
const plain = new Uint8Array(Buffer.from(reference.plain, "base64"));

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "difflab-safetensors-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A file with this header, padded as the format asks, and this much data. */
function fileOf(header: object | string, data = 0): Uint8Array {
  const json = Buffer.from(typeof header === "string" ? header : JSON.stringify(header));
  const padded = Buffer.concat([json, Buffer.alloc((8 - (json.length % 8)) % 8, " ")]);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(padded.length));
  return new Uint8Array(Buffer.concat([length, padded, Buffer.alloc(data)]));
}

const entry = (dtype: unknown, shape: unknown, start: unknown, end: unknown) => ({
  dtype,
  shape,
  data_offsets: [start, end],
});

describe("files that the reference implementation writes", () => {
  test("are read with every type, shape and number", () => {
    const { tensors } = parseSafetensors(plain);
    expect([...tensors.keys()].sort()).toEqual(Object.keys(reference.tensors).sort());
    for (const [name, expected] of Object.entries(reference.tensors)) {
      const { shape, data, dtype } = tensors.get(name)!;
      expect(shape, name).toEqual(expected.shape);
      if (dtype === "F16") expect([...float16ToFloat32(data as Uint16Array)], name).toEqual(expected.float32);
      else if (dtype === "BF16") expect([...bfloat16ToFloat32(data as Uint16Array)], name).toEqual(expected.float32);
      else if (dtype === "BOOL")
        expect([...data].map(Boolean).map(String), name).toEqual(expected.integers!.map((s) => s.toLowerCase()));
      else if (expected.integers) expect([...data].map(String), name).toEqual(expected.integers);
      else if (dtype !== "F8_E4M3") expect([...data], name).toEqual(expected.float32);
    }
  });

  test("are written by us byte for byte, whatever the order of the tensors given", () => {
    const { tensors } = parseSafetensors(plain);
    const shuffled = new Map([...tensors].sort(([a], [b]) => ((a.length * 7) % 5) - ((b.length * 7) % 5)));
    expect(Buffer.from(serializeSafetensors(shuffled)).equals(plain)).toBe(true);
    const one = serializeSafetensors(
      { weight: { dtype: "F32", shape: [4], data: Float32Array.of(0, 1, 2, 3) } },
      { metadata: { format: "pt" } },
    );
    expect(Buffer.from(one).toString("base64")).toBe(reference.withMetadata);
  });

  test("are opened lazily: offsets in the file are exact and each tensor is read alone", async () => {
    const path = join(folder, "plain.safetensors");
    await writeFile(path, plain);
    const file = await openSafetensors(path);
    for (const [name, { offset, byteLength, data }] of parseSafetensors(plain).tensors) {
      const stored = file.entry(name);
      expect([stored.path, stored.offset, stored.byteLength]).toEqual([path, offset, byteLength]);
      expect(new Uint8Array(data.buffer)).toEqual(plain.slice(offset, offset + byteLength));
      expect(await file.read(name)).toEqual(data);
    }
    expect([...(await file.readFloat32("b"))]).toEqual(reference.tensors.b!.float32);
    expect([...(await file.readFloat32("c"))]).toEqual(reference.tensors.c!.float32);
    await expect(file.readFloat32("f8")).rejects.toThrow("no conversion from F8_E4M3 to float32");
    const all = await file.readAll();
    expect([...all.keys()]).toEqual([...file.tensors.keys()]);
    for (const [name, data] of all) expect(data, name).toEqual(await file.read(name));
  });

  test("hold metadata", () => {
    expect(parseSafetensors(Buffer.from(reference.withMetadata, "base64")).metadata).toEqual({
      format: "pt",
    });
  });
});

describe("16-bit floats", () => {
  test("all 65,536 halves become PyTorch's float32", () => {
    const values = float16ToFloat32(Uint16Array.from({ length: 65536 }, (_, i) => i)).map((v) =>
      Number.isNaN(v) ? 0 : v,
    );
    expect(createHash("sha256").update(new Uint8Array(values.buffer)).digest("hex")).toBe(reference.allHalvesSha256);
  });

  test("float32 is rounded to both as PyTorch rounds, ties, subnormals and overflow included", () => {
    const bytes = new Uint8Array(Buffer.from(reference.rounding.float32, "base64"));
    const values = new Float32Array(bytes.buffer);
    expect([...float32ToFloat16(values)]).toEqual(reference.rounding.float16);
    expect([...float32ToBfloat16(values)]).toEqual(reference.rounding.bfloat16);
  });

  test("not-a-number stays so", () => {
    const nan = Float32Array.of(Number.NaN);
    expect(float16ToFloat32(float32ToFloat16(nan))[0]).toBeNaN();
    expect(bfloat16ToFloat32(float32ToBfloat16(nan))[0]).toBeNaN();
  });
});

describe("a header that lies is refused before its data is touched", () => {
  const u8 = (start: number, end: number) => entry("U8", [end - start], start, end);
  const cases: [string, Uint8Array, string][] = [
    ["a file of 4 bytes", new Uint8Array(4), "4 bytes are too short"],
    ["a header longer than the file", fileOf({}, 0).slice(0, 10), "announces a header of 8 bytes, but the file has 10"],
    [
      "a header length of 2^63",
      Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 128, 123),
      "announces a header of 9223372036854775808 bytes, but the limit is",
    ],
    [
      "HTML in place of a file",
      new Uint8Array(Buffer.from("<!DOCTYPE html><html></html>")),
      "this is not a safetensors file",
    ],
    ["broken JSON", fileOf('{"a":'), "the header is not JSON"],
    ["text after the JSON", fileOf("{} x"), "the header is not JSON"],
    ["a list", fileOf("[]"), 'the header starts with "[]      ", expected a JSON object'],
    [
      "bytes that are no UTF-8",
      new Uint8Array([8, 0, 0, 0, 0, 0, 0, 0, 123, 34, 255, 34, 58, 49, 125, 32]),
      "is not UTF-8",
    ],
    [
      "a tensor named twice",
      fileOf(
        '{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"\\u0061":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}',
        1,
      ),
      'the key "a" twice',
    ],
    [
      "a field named twice",
      fileOf('{"a":{"dtype":"U8","dtype":"U8","shape":[1],"data_offsets":[0,1]}}', 1),
      'the key "dtype" twice',
    ],
    [
      "an unknown dtype",
      fileOf({ a: entry("Q8", [1], 0, 1) }, 1),
      'tensor "a": unknown dtype "Q8"; expected one of BOOL',
    ],
    ["a dtype from Object.prototype", fileOf({ a: entry("toString", [1], 0, 1) }, 1), 'unknown dtype "toString"'],
    ["no shape", fileOf({ a: { dtype: "U8", data_offsets: [0, 1] } }, 1), "shape is missing"],
    ["a negative size", fileOf({ a: entry("U8", [-1], 0, 1) }, 1), "shape [-1] holds -1"],
    ["a fractional size", fileOf({ a: entry("U8", [0.5], 0, 1) }, 1), "shape [0.5] holds 0.5"],
    ["a size in quotes", fileOf({ a: entry("U8", ["1"], 0, 1) }, 1), "shape [1] holds 1; expected whole numbers"],
    [
      "sizes whose product overflows",
      fileOf({ a: entry("F32", [2 ** 30, 2 ** 30], 0, 8) }, 8),
      "is too large: beyond 2^53 bits",
    ],
    ["sizes that overflow to zero", fileOf({ a: entry("U8", [2 ** 32, 2 ** 32, 0], 0, 0) }), "is too large"],
    [
      "a 4-bit type that ends within a byte",
      fileOf({ a: entry("F4", [3], 0, 1) }, 1),
      "12 bits, which is not a whole number of bytes",
    ],
    [
      "offsets that disagree with the shape",
      fileOf({ a: entry("F32", [2], 0, 4) }, 4),
      "F32 [2] takes 8 bytes, but data_offsets give 4",
    ],
    [
      "offsets past the end",
      fileOf({ a: entry("F32", [2], 0, 8) }, 4),
      "lie outside the 4 bytes of data; was the download interrupted?",
    ],
    ["offsets in reverse", fileOf({ a: entry("U8", [1], 1, 0) }, 1), "data_offsets [1, 0] lie outside"],
    ["negative offsets", fileOf({ a: entry("U8", [1], -1, 0) }, 1), "data_offsets [-1, 0] lie outside"],
    ["three offsets", fileOf({ a: { dtype: "U8", shape: [1], data_offsets: [0, 1, 2] } }, 1), "expected [start, end]"],
    [
      "offsets beyond 2^53",
      fileOf('{"a":{"dtype":"U8","shape":[1],"data_offsets":[18446744073709551615,18446744073709551616]}}', 1),
      "expected [start, end]",
    ],
    ["an entry that is null", fileOf({ a: null }), 'tensor "a" is null'],
    ["overlapping tensors", fileOf({ a: u8(0, 2), b: u8(1, 3) }, 3), 'tensors "a" and "b" share 1 bytes'],
    ["two tensors over the same bytes", fileOf({ a: u8(0, 2), b: u8(0, 2) }, 2), 'tensors "a" and "b" share 2 bytes'],
    ["a gap", fileOf({ a: u8(0, 1), b: u8(2, 3) }, 3), '1 bytes before tensor "b" belong to no tensor'],
    [
      "data at the end that no tensor claims",
      fileOf({ a: u8(0, 1) }, 5),
      "4 bytes at the end of the file belong to no tensor",
    ],
    ["metadata that is no text", fileOf({ __metadata__: { a: 1 } }), '__metadata__ "a" is a number, expected a string'],
    ["metadata that is a list", fileOf({ __metadata__: ["x"] }), "__metadata__ is a list"],
  ];
  for (const [title, bytes, message] of cases) {
    test(title, async () => {
      expect(() => parseSafetensors(bytes)).toThrow(message);
      const path = join(folder, "hostile.safetensors");
      await writeFile(path, bytes);
      await expect(openSafetensors(path)).rejects.toThrow(message);
      await expect(openSafetensors(path)).rejects.toThrow(path);
    });
  }

  test("what the reference implementation accepts is accepted: no tensors, zero sizes, unaligned data, extra fields", () => {
    expect(parseSafetensors(fileOf({})).tensors.size).toBe(0);
    expect(parseSafetensors(fileOf({ __metadata__: null })).metadata).toEqual({});
    const { tensors } = parseSafetensors(
      fileOf({ a: u8(0, 1), z: entry("F32", [0, 5], 1, 1), b: { ...entry("F32", [1], 1, 5), note: 1 } }, 5),
    );
    expect([...tensors.values()].map(({ data }) => data)).toEqual([
      new Uint8Array(1),
      new Float32Array(0),
      new Float32Array(1),
    ]);
  });

  test("a Buffer is taken as well, and the tensors share no memory with it", () => {
    const bytes = Buffer.from(reference.withMetadata, "base64");
    const { data } = parseSafetensors(bytes).tensors.get("weight")!;
    bytes.fill(255);
    expect(data).toEqual(Float32Array.of(0, 1, 2, 3));
  });

  test("a tensor named __proto__ is a tensor like any other", () => {
    const bytes = fileOf('{"__proto__":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}', 1);
    expect([...parseSafetensors(bytes).tensors.keys()]).toEqual(["__proto__"]);
  });
});

describe("a file on disk", () => {
  const one: Record<string, TensorToSave> = { w: { dtype: "F32", shape: [2], data: Float32Array.of(1, 2) } };

  test("that is missing or a folder is named with the reason", async () => {
    await expect(openSafetensors(join(folder, "none.safetensors"))).rejects.toThrow(
      "none.safetensors: there is no such file",
    );
    await mkdir(join(folder, "dir.safetensors"));
    await expect(openSafetensors(join(folder, "dir.safetensors"))).rejects.toThrow("it is a folder, not a file");
  });

  test("that changes after it was opened is not read", async () => {
    const path = join(folder, "changing.safetensors");
    await saveSafetensors(path, one);
    const file = await openSafetensors(path);
    await appendFile(path, "x");
    await expect(file.read("w")).rejects.toThrow("the file has changed since it was opened");
    await truncate(path, 80);
    await expect(file.readAll()).rejects.toThrow("the file has changed since it was opened");
  });

  test("does not hold what was not saved, and the error says what it holds", async () => {
    const path = join(folder, "one.safetensors");
    await saveSafetensors(path, one);
    const file = await openSafetensors(path);
    await expect(file.read("v")).rejects.toThrow('no tensor "v" among its 1 ("w", ...)');
  });

  test("is replaced only by a whole one: a failing save leaves the old file and no rubbish", async () => {
    const dir = join(folder, "atomic");
    const path = join(dir, "a.safetensors");
    await saveSafetensors(path, one);
    const before = await readFile(path);
    const wrong: TensorToSave = { dtype: "F32", shape: [3], data: Float32Array.of(1, 2) };
    await expect(saveSafetensors(path, { w: wrong })).rejects.toThrow(
      'tensor "w": F32 [3] takes 12 bytes, but the data has 8',
    );
    // A folder of that name lets the writing succeed and the renaming fail.
    await mkdir(join(dir, "taken", "inside"), { recursive: true });
    await expect(saveSafetensors(join(dir, "taken"), one)).rejects.toThrow();
    expect(await readFile(path)).toEqual(before);
    expect((await readdir(dir)).sort()).toEqual(["a.safetensors", "taken"]);
  });

  test("is not written from data that does not fit", async () => {
    const save = (tensor: object) => saveSafetensors(join(folder, "bad.safetensors"), { w: tensor as TensorToSave });
    await expect(save({ dtype: "F64", shape: [1], data: new Float32Array(2) })).rejects.toThrow(
      "F64 data is a Float32Array, expected a Float64Array",
    );
    await expect(save({ dtype: "float32", shape: [1], data: new Float32Array(1) })).rejects.toThrow(
      "unknown dtype float32; expected one of BOOL",
    );
    await expect(save({ dtype: "F32", shape: [1.5], data: new Float32Array(1) })).rejects.toThrow(
      "shape [1.5] holds 1.5",
    );
    await expect(
      saveSafetensors(join(folder, "bad.safetensors"), one, { metadata: { a: 1 as unknown as string } }),
    ).rejects.toThrow('metadata "a" is a number');
    await expect(saveSafetensors(join(folder, "bad.safetensors"), { __metadata__: one.w! })).rejects.toThrow(
      "the name is reserved",
    );
    expect(await readdir(folder)).not.toContain("bad.safetensors");
  });

  test("takes float32 for 16-bit types and rounds it", async () => {
    const path = join(folder, "half.safetensors");
    const data = Float32Array.of(1, 0.1, 70000);
    await saveSafetensors(path, { h: { dtype: "F16", shape: [3], data }, b: { dtype: "BF16", shape: [3], data } });
    const file = await openSafetensors(path);
    expect([...(await file.readFloat32("h"))]).toEqual([1, 0.0999755859375, Number.POSITIVE_INFINITY]);
    expect([...(await file.readFloat32("b"))]).toEqual([1, 0.10009765625, 70144]);
  });
});

describe("a sharded checkpoint", () => {
  const tensors = new Map<string, TensorToSave>(
    ["c", "a", "b"].map((name, i) => [name, { dtype: "F32", shape: [4], data: new Float32Array(4).fill(i) }]),
  );

  test("is split by size and read back through its index as one", async () => {
    const dir = join(folder, "sharded");
    const path = await saveCheckpoint(dir, tensors, { name: "unet", maxShardBytes: 32 });
    expect((await readdir(dir)).sort()).toEqual([
      "unet-00001-of-00002.safetensors",
      "unet-00002-of-00002.safetensors",
      "unet.safetensors.index.json",
    ]);
    expect(JSON.parse(await readFile(path, "utf8"))).toEqual({
      metadata: { total_size: 48 },
      weight_map: {
        a: "unet-00001-of-00002.safetensors",
        b: "unet-00002-of-00002.safetensors",
        c: "unet-00001-of-00002.safetensors",
      },
    });
    const checkpoint = await openSafetensors(path);
    expect(checkpoint.metadata).toEqual({ total_size: "48" });
    expect(checkpoint.entry("b").path).toBe(join(dir, "unet-00002-of-00002.safetensors"));
    for (const [name, { data }] of tensors) expect(await checkpoint.read(name)).toEqual(data);
    for (const [name, data] of await checkpoint.readAll()) expect(data).toEqual(tensors.get(name)!.data);
  });

  test("is one plain file where it fits", async () => {
    const path = await saveCheckpoint(join(folder, "small"), tensors);
    expect(path).toBe(join(folder, "small", "model.safetensors"));
    expect((await openSafetensors(path)).metadata).toEqual({ format: "pt" });
  });

  test("whose index and files disagree is refused", async () => {
    const dir = join(folder, "disagree");
    const path = await saveCheckpoint(dir, tensors, { maxShardBytes: 32 });
    const good = JSON.parse(await readFile(path, "utf8"));
    const [first, second] = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"];
    const tryMap = async (weightMap: object) => {
      await writeFile(path, JSON.stringify({ ...good, weight_map: weightMap }));
      return openSafetensors(path);
    };
    await expect(tryMap({ ...good.weight_map, a: second })).rejects.toThrow(
      `places tensor "a" in ${second}, which does not contain it`,
    );
    await expect(tryMap({ c: first, b: second })).rejects.toThrow(`does not list tensor "a", which ${first} contains`);
    await expect(tryMap({ a: "missing.safetensors" })).rejects.toThrow("there is no such file");
    await expect(tryMap({ a: "../other.safetensors" })).rejects.toThrow(
      "expected a .safetensors file next to the index",
    );
    await expect(tryMap({ a: 7 })).rejects.toThrow("expected a .safetensors file next to the index");
    await writeFile(path, "{}");
    await expect(openSafetensors(path)).rejects.toThrow('has no "weight_map" object');
    await writeFile(path, "{");
    await expect(openSafetensors(path)).rejects.toThrow("not JSON");
    await rm(path);
    await expect(openSafetensors(path)).rejects.toThrow("there is no such file");
  });
});
