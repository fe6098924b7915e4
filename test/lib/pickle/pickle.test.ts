import { readFileSync } from "node:fs";
import { crc32 } from "node:zlib";
import { describe, expect, test } from "vitest";
import { type PickledTensor, parseTorchFile, readTorchFile } from "../../../lib/pickle/index.ts";
import { toFloat32 } from "../../../lib/safetensors/index.ts";

interface Described {
  dtype: string;
  shape: number[];
  float32: number[];
}
interface File {
  file: string;
  expected: Record<string, Described>;
}
const reference: Record<"tensors" | "protocol4" | "stateDict" | "legacy" | "wholeModule", File> = JSON.parse(
  readFileSync(new URL("../../reference/adapters.json", import.meta.url), "utf8"),
);
const bytesOf = (name: keyof typeof reference) => new Uint8Array(Buffer.from(reference[name].file, "base64"));
const NAMES: Record<string, string> = {
  float32: "F32",
  float16: "F16",
  bfloat16: "BF16",
  float64: "F64",
  int64: "I64",
  int32: "I32",
  int16: "I16",
  int8: "I8",
  uint8: "U8",
  bool: "BOOL",
};

function expectTensors(bytes: Uint8Array, expected: Record<string, Described>) {
  const found = parseTorchFile(bytes, "file") as Map<string, PickledTensor>;
  expect([...found.keys()]).toEqual(Object.keys(expected));
  for (const [name, { dtype, shape, float32 }] of Object.entries(expected)) {
    const tensor = found.get(name)!;
    expect([tensor.dtype, tensor.shape], name).toEqual([NAMES[dtype], shape]);
    expect([...toFloat32(tensor.dtype, tensor.data)], name).toEqual(float32.map(Math.fround));
  }
}

/** A zip archive, unpacked, of the given files. */
function zip(files: Record<string, Buffer>): Uint8Array {
  const locals: Buffer[] = [];
  const entries: Buffer[] = [];
  let at = 0;
  for (const [name, data] of Object.entries(files)) {
    const local = Buffer.alloc(30 + name.length);
    local.writeUInt32LE(0x04034b50, 0);
    local.writeUInt32LE(crc32(data), 14);
    local.writeUInt32LE(data.length, 18);
    local.writeUInt32LE(data.length, 22);
    local.writeUInt16LE(name.length, 26);
    local.write(name, 30);
    const entry = Buffer.alloc(46 + name.length);
    entry.writeUInt32LE(0x02014b50, 0);
    entry.writeUInt32LE(data.length, 20);
    entry.writeUInt32LE(data.length, 24);
    entry.writeUInt16LE(name.length, 28);
    entry.writeUInt32LE(at, 42);
    entry.write(name, 46);
    locals.push(local, data);
    entries.push(entry);
    at += local.length + data.length;
  }
  const directory = Buffer.concat(entries);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(at, 16);
  return new Uint8Array(Buffer.concat([...locals, directory, end]));
}

/** A PyTorch file with this pickle and one storage of eight float32 numbers. */
const torchFile = (pickle: string, storage = Buffer.alloc(32)) =>
  zip({ "a/data.pkl": Buffer.from(pickle, "latin1"), "a/data/0": storage });

/** A tensor as a pickle writes it, with the numbers chosen at will. */
const tensorOf = ({
  count = "\x08",
  offset = "K\0",
  shape = "K\x08\x85",
  strides = "K\x01\x85",
  type = "ctorch\nFloatStorage\n",
}) =>
  `ctorch._utils\n_rebuild_tensor_v2\n((U\x07storage${type}U\x010U\x03cpuK${count}tQ${offset}${shape}${strides}\x89ccollections\nOrderedDict\n)RtR`;
const P = "\x80\x02";

describe("files of torch.save", () => {
  test("give their tensors, of every type, transposed, cut out and shared", () => {
    expectTensors(bytesOf("tensors"), reference.tensors.expected);
    expectTensors(bytesOf("protocol4"), reference.tensors.expected);
  });

  test("give a module's state dict, whose attributes are left out", () => {
    expectTensors(bytesOf("stateDict"), reference.stateDict.expected);
  });

  test("are read from memory that is not aligned", () => {
    const bytes = bytesOf("tensors");
    const moved = new Uint8Array(bytes.length + 1);
    moved.set(bytes, 1);
    expectTensors(moved.subarray(1), reference.tensors.expected);
  });

  test("in the format before PyTorch 1.6 are refused, with what to do", () => {
    expect(() => parseTorchFile(bytesOf("legacy"), "old.bin")).toThrow(
      /^old\.bin: written in the format before PyTorch 1\.6.*save_file/,
    );
  });

  test("that hold a whole module are refused", () => {
    expect(() => parseTorchFile(bytesOf("wholeModule"), "m.bin")).toThrow(
      'm.bin: names "torch.nn.modules.linear.Linear", which no file of tensors needs. It could run code in Python, so it was not read',
    );
  });

  test("that are missing or something else are refused", async () => {
    await expect(readTorchFile("/none/embeds.bin")).rejects.toThrow("/none/embeds.bin: there is no such file");
    expect(() => parseTorchFile(Buffer.from("not a zip"), "x")).toThrow("x: not a torch.save file");
    expect(() => parseTorchFile(zip({ "a.txt": Buffer.from("hello") }), "x")).toThrow("a zip archive without data.pkl");
  });

  test("that are cut off anywhere are refused", () => {
    const bytes = bytesOf("tensors");
    for (let length = 0; length < bytes.length; length += 97) {
      expect(() => parseTorchFile(bytes.subarray(0, length), "x"), `${length} bytes`).toThrow(/^x: /);
    }
  });

  test("with any byte of their pickle changed give an error of ours or data, and nothing else", () => {
    const bytes = bytesOf("tensors");
    const start = Buffer.from(bytes).indexOf("\x80\x02", 0, "latin1");
    for (let at = start; at < start + 1500; at += 3) {
      for (const value of [0, 0x52, 0x63, 0xff]) {
        const changed = bytes.slice();
        changed[at] = value;
        try {
          parseTorchFile(changed, "changed");
        } catch (error) {
          expect((error as Error).message, `byte ${at} is ${value}`).toMatch(/^changed: /);
        }
      }
    }
  });
});

describe("hostile pickles", () => {
  const refused = (pickle: string) => {
    try {
      return parseTorchFile(torchFile(pickle), "x");
    } catch (error) {
      return (error as Error).message;
    }
  };

  test("cannot name a function, whichever way they do", () => {
    const names = [
      "os\nsystem",
      "posix\nsystem",
      "builtins\neval",
      "__builtin__\nexec",
      "torch\nload",
      "torch._utils\n_rebuild_qtensor",
      "torch\nUntypedStorage",
      "numpy.core.multiarray\n_reconstruct",
      "collections\nOrderedDict.__init__",
    ];
    for (const name of names) {
      expect(refused(`${P}c${name}\n(U\x02lstR.`), name).toMatch(/names ".*", which no file of tensors needs/);
    }
    expect(refused(`${P}U\x02osU\x06system\x93U\x02ls\x85R.`)).toContain('names "os.system"');
    // Instructions that call or make objects in other ways, and persistent ids as text.
    for (const letter of [
      "i",
      "o",
      "\x92",
      "P",
      "\x82",
      "2",
      "0",
      "1",
      "d",
      "l",
      "\x8f",
      "S",
      "V",
      "I",
      "L",
      "F",
      "B",
    ]) {
      expect(refused(`${P}${letter}os\nsystem\n.`), letter).toMatch(
        /asks for the instruction .* which no file of tensors needs/,
      );
    }
  });

  test("cannot call what is no function, or a function in a way of their own", () => {
    expect(refused(`${P}U\x02os)R.`)).toContain("calls something that is not a function");
    expect(refused(`${P}ccollections\nOrderedDict\n]\x85R.`)).toContain(
      "a call of collections.OrderedDict with 1 values",
    );
    expect(refused(`${P}ctorch\nFloatStorage\n)R.`)).toContain("a call of torch.FloatStorage");
    expect(refused(`${P}ctorch._utils\n_rebuild_tensor_v2\n)R.`)).toContain("a tensor without storage");
    expect(refused(`${P}ccollections\nOrderedDict\n)RU\x01ab.`)).toContain("an object's state");
  });

  test("cannot make tensors beyond their storage, or larger than the file", () => {
    expect((parseTorchFile(torchFile(`${P}${tensorOf({})}.`), "x") as PickledTensor).shape).toEqual([8]);
    expect(refused(`${P}${tensorOf({ offset: "K\x01" })}.`)).toBe(
      "x: a tensor [8] extends to element 8 of a storage of 8",
    );
    expect(refused(`${P}${tensorOf({ shape: "J\xff\xff\xff\x7f\x85" })}.`)).toContain("extends to element 2147483646");
    expect(refused(`${P}${tensorOf({ shape: "J\xff\xff\xff\xff\x85" })}.`)).toContain(
      "a tensor without storage, place, shape",
    );
    // A stride of 0 repeats one number a thousand million times.
    expect(refused(`${P}${tensorOf({ shape: "J\0\xca\x9a\x3b\x85", strides: "K\0\x85" })}.`)).toContain(
      "many times the file's size",
    );
    expect(
      refused(
        `${P}${tensorOf({ shape: "J\0\xca\x9a\x3bJ\0\xca\x9a\x3bJ\0\xca\x9a\x3b\x87", strides: "K\0K\0K\0\x87" })}.`,
      ),
    ).toContain("many times");
    expect(refused(`${P}${tensorOf({ count: "\x09" })}.`)).toBe("x: storage 0 has 32 bytes, but 9 of F32 take 36");
    expect(refused(`${P}${tensorOf({ type: "ctorch\nDoubleStorage\n" })}.`)).toContain(
      "storage 0 has 32 bytes, but 8 of F64 take 64",
    );
    expect(
      refused(
        `${P}${tensorOf({}).replace("U\x010U", "U\x0a../data.pklU").replace("\x0a../data.pkl", "\x0b../data.pkl")}.`,
      ),
    ).toContain("something other than a tensor's storage");
  });

  test("that do not hold together are refused", () => {
    const broken = [
      ".",
      "t.",
      "a.",
      "Ns.",
      "(u.",
      "h\x05.",
      "N(Nu.",
      "]K\x01K\x02s.",
      "R.",
      "b.",
      "Q.",
      "\x8a\xff",
      "X\xff\xff\xff\x7fabc",
      "K",
      "",
    ];
    for (const pickle of broken) expect(refused(P + pickle), JSON.stringify(pickle)).toMatch(/^x: /);
    expect(refused(`${P}\x8a\x09123456789.`)).toContain("a number of 9 bytes");
  });

  test("that nest without end, or hold themselves, do no harm", () => {
    const deep = parseTorchFile(torchFile(`${P}${"]".repeat(100_000)}${"a".repeat(99_999)}.`), "x");
    expect(Array.isArray(deep)).toBe(true);
    const itself = parseTorchFile(torchFile(`${P}]q\0h\0a.`), "x") as unknown[];
    expect(itself[0]).toBe(itself);
  });

  test("in archives that point elsewhere are refused", () => {
    const sound = torchFile(`${P}N.`);
    const directory = Buffer.from(sound).indexOf("PK\x01\x02", 0, "latin1");
    const change = (at: number, value: number) => {
      const bytes = sound.slice();
      new DataView(bytes.buffer).setUint32(at, value, true);
      return () => parseTorchFile(bytes, "x");
    };
    expect(change(sound.length - 6, 0x7fffffff)).toThrow("it points to byte");
    expect(change(directory + 42, 0x7fffffff)).toThrow("it points to byte");
    expect(change(directory + 42, 5)).toThrow("is not where it should be");
    expect(change(directory + 24, 0x7ffffff)).toThrow("compressed or encrypted");
    expect(change(directory + 8, 0x00080000)).toThrow("compressed or encrypted");
    const many = sound.slice();
    new DataView(many.buffer).setUint16(many.length - 12, 60_000, true);
    expect(() => parseTorchFile(many, "x")).toThrow("a damaged or truncated zip archive");
  });
});
