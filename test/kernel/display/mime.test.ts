import { runInNewContext } from "node:vm";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import {
  DISPLAY,
  html,
  image,
  json,
  type MimeBundle,
  markdown,
  mimeBundle,
  svg,
  toMimeBundle,
} from "../../../kernel/display/index.ts";

async function bundleOf(value: unknown): Promise<MimeBundle> {
  const bundle = await toMimeBundle(value);
  expect(bundle).toBeDefined();
  return bundle!;
}

async function textOf(value: unknown): Promise<string> {
  return (await bundleOf(value)).data["text/plain"] as string;
}

describe("plain text", () => {
  it.each([
    [6, "6"],
    [-0, "-0"],
    [0.1 + 0.2, "0.30000000000000004"],
    [Number.NaN, "NaN"],
    [10n, "10n"],
    ["it", "'it'"],
    [true, "true"],
    [null, "null"],
    [Symbol("s"), "Symbol(s)"],
    [[1, 2, 3], "[ 1, 2, 3 ]"],
    [[], "[]"],
    [{}, "{}"],
    [{ a: 1, b: "x" }, "{ a: 1, b: 'x' }"],
    [new Date(0), "1970-01-01T00:00:00.000Z"],
    [/a+/g, "/a+/g"],
    [new Map(), "Map(0) {}"],
    [Object.assign(Object.create(null), { a: 1 }), "[Object: null prototype] { a: 1 }"],
    [new Uint8Array([1, 2, 3]), "Uint8Array(3) [ 1, 2, 3 ]"],
    [Buffer.from("hello"), "<Buffer 68 65 6c 6c 6f>"],
    [function add() {}, "[Function: add]"],
    [class Layer {}, "[class Layer]"],
  ])("of %o is %s, with no other MIME type and no colour codes", async (value, text) => {
    expect(await toMimeBundle(value)).toEqual({ data: { "text/plain": text }, metadata: {} });
  });

  it("of undefined is nothing at all", async () => {
    expect(await toMimeBundle(undefined)).toBeUndefined();
  });

  it("shows a class instance with its name and without private fields", async () => {
    class Point {
      x = 1;
      #secret = 2;
      get sum() {
        return this.x + this.#secret;
      }
    }
    expect(await textOf(new Point())).toBe("Point { x: 1 }");
  });

  it("tells a student who forgot await what to do, and shows a settled promise's value", async () => {
    expect(await textOf(new Promise(() => {}))).toMatch(/^Promise \{ <pending> \}\n.*write await/);
    expect(await textOf(Promise.resolve(3))).toBe("Promise { 3 }");
    expect(await textOf([new Promise(() => {})])).toBe(
      "[ Promise { <pending> } ]\nThese are promises, not their values yet: write await Promise.all(...) around them.",
    );
  });

  it("leaves out what Node and the kernel note on promises", async () => {
    const traced = Object.assign(Promise.resolve(3), { [Symbol("run")]: 12, [Symbol("async_id_symbol")]: 4 });
    expect(await textOf(traced)).toBe("Promise { 3 }");
    expect(await textOf([traced])).toBe("[ Promise { 3 } ]");
  });

  it("shows an error as its stack, with its cause", async () => {
    const text = await textOf(new RangeError("outer", { cause: new Error("inner") }));
    expect(text).toMatch(/^RangeError: outer\n\s+at /);
    expect(text).toContain("[cause]: Error: inner");
  });

  it("marks what is circular", async () => {
    const loop: Record<string, unknown> = { a: 1 };
    loop.self = loop;
    expect(await textOf(loop)).toBe("<ref *1> { a: 1, self: [Circular *1] }");
  });

  it("summarises a long typed array by its type, length, first values, extremes and mean", async () => {
    const text = await textOf(Float32Array.from({ length: 1000 }, (_, i) => i));
    expect(text).toMatch(/^Float32Array\(1000\) \[/);
    expect(text).toContain("... 976 more items");
    expect(text).toMatch(/\nmin 0, max 999, mean 499\.5; 4\.0 kB$/);
  });

  it("counts the NaNs of a typed array and leaves them out of the figures", async () => {
    const values = Float64Array.from({ length: 200 }, (_, i) => (i % 2 ? Number.NaN : i));
    expect(await textOf(values)).toMatch(/min 0, max 198, mean 99; NaN 100 times; 1\.6 kB$/);
    expect(await textOf(new Float32Array(150).fill(Number.NaN))).toMatch(/\nNaN 150 times; 600 B$/);
    expect(await textOf(BigInt64Array.from({ length: 101 }, (_, i) => BigInt(i)))).toContain(
      "min 0, max 100, mean 50;",
    );
  });

  it("replaces lone surrogates, so that the message is valid UTF-8", async () => {
    for (const value of [
      "a\ud800b",
      { "\udfff": "\ud800" },
      [{ a: "\ud800" }],
      new Map([["\ud800", 1]]),
      new Error("\ud800"),
    ]) {
      const { data } = await bundleOf(value);
      const texts = Object.values(data).join("");
      expect(Buffer.from(texts, "utf8").toString("utf8")).toBe(texts);
    }
  });
});

describe("huge values", () => {
  const text = async (value: unknown, limit = 60_000): Promise<string> => {
    const { data } = await bundleOf(value);
    for (const content of Object.values(data)) expect(String(content).length).toBeLessThan(limit);
    return data["text/plain"] as string;
  };

  it("are shortened, and the text says by how much", async () => {
    expect(await text(Array.from({ length: 1e6 }, (_, i) => i))).toContain("... 999900 more items");
    expect(await text("x".repeat(1e8))).toMatch(/\.\.\. 99990000 more characters$/);
    expect(await text(new Float32Array(1e8))).toMatch(
      /^Float32Array\(100000000\).*min 0, max 0, mean 0; 400 MB \(from every 5,000th value\)$/s,
    );
    expect(await text(Object.fromEntries(Array.from({ length: 50_000 }, (_, i) => [`k${i}`, i])))).toContain(
      "... 49,800 more properties\n}",
    );
    const keyed = Object.assign(() => 1, Object.fromEntries(Array.from({ length: 50_000 }, (_, i) => [`k${i}`, i])));
    expect(await text(keyed)).toContain("more properties");
    const sparse: number[] = [];
    sparse[4e9] = 1;
    expect(await text(sparse)).toBe("[ <4000000000 empty items>, 1 ]");
  });

  it("that are wide on every level lose elements before they lose levels", async () => {
    const cube = Array.from({ length: 200 }, () =>
      Array.from({ length: 200 }, () => Array.from({ length: 200 }, () => 7)),
    );
    const shown = await text(cube);
    expect(shown).toContain("7, 7");
    expect(shown).toContain("194 more items");
  });

  it("that are deep end in [Object]", async () => {
    const root: Record<string, unknown> = {};
    let at = root;
    for (let i = 0; i < 1e5; i++) at = at.a = {};
    expect(await text(root)).toContain("[Object]");
  });

  it("in a custom inspect method are cut", async () => {
    const shown = await text({ [Symbol.for("nodejs.util.inspect.custom")]: () => "y".repeat(2e6) }, 600_000);
    expect(shown).toMatch(/\.\.\. 1,500,000 more characters$/);
  });
});

describe("hostile values", () => {
  const boom = (): never => {
    throw new Error("boom");
  };
  const revoked = (target: object): object => {
    const { proxy, revoke } = Proxy.revocable(target, {});
    revoke();
    return proxy;
  };
  const everyTrap = new Proxy({}, { get: () => boom });
  const hostileError = (key: string): Error => Object.defineProperty(new Error("message"), key, { get: boom });
  const hostileMap = Object.assign(new Map([[1, 2]]), { entries: boom, [Symbol.iterator]: boom });
  Object.defineProperty(hostileMap, "size", { get: boom });

  // One object, for the runner prints the rows of a table into the titles and would itself fall over them.
  const cases: [string, unknown, RegExp][] = [
    [
      "a throwing getter",
      {
        get x() {
          return boom();
        },
        y: 1,
      },
      /^\{ x: \[Getter\], y: 1 \}$/,
    ],
    [
      "a throwing getter in a table",
      [
        {
          get x() {
            return boom();
          },
          y: 1,
        },
      ],
      /\[Getter\]\s+1/,
    ],
    ["a Proxy whose traps all throw", new Proxy({ a: 1 }, everyTrap), /^\{ a: 1 \}$/],
    ["a Proxy around a function whose traps all throw", new Proxy(function f() {}, everyTrap), /f/],
    ["an array of such Proxies", [new Proxy({ a: 1 }, everyTrap)], /a: 1/],
    ["an object with such a Proxy as prototype", Object.create(new Proxy({}, everyTrap)), /./],
    ["an array of objects with such a prototype", [Object.create(new Proxy({}, everyTrap))], /./],
    ["a revoked Proxy", revoked({}), /Revoked Proxy/],
    ["a revoked Proxy of an array", revoked([]), /Revoked Proxy/],
    ["a revoked Proxy of a function", revoked(() => 1), /Revoked Proxy/],
    ["a table with a revoked Proxy in it", [{ a: revoked({}), b: 1 }], /<Revoked Proxy>\s+1/],
    [
      "a Proxy that answers everything with itself",
      new Proxy(() => 1, { get: (_t, _k, self) => self, apply: () => 1 }),
      /Function/,
    ],
    [
      "a throwing Symbol.toStringTag",
      {
        a: 1,
        get [Symbol.toStringTag]() {
          return boom();
        },
      },
      // Node 24 shows the property itself.
      /boom\)\n {2}a: 1|a: 1, .*\[Getter\]/,
    ],
    [
      "one further down",
      {
        deep: {
          get [Symbol.toStringTag]() {
            return boom();
          },
        },
        b: 2,
      },
      /b: 2/,
    ],
    [
      "a throwing constructor",
      {
        a: 1,
        get constructor() {
          return boom();
        },
      },
      /a: 1/,
    ],
    ["a constructor without a usable name", { a: 1, constructor: { name: { toString: boom } } }, /a: 1/],
    [
      "a throwing util.inspect method",
      { a: 1, [Symbol.for("nodejs.util.inspect.custom")]: boom },
      /a: 1.*could not be displayed: Error: boom/s,
    ],
    ["an error with a throwing stack", hostileError("stack"), /message/],
    ["an error with a throwing message", hostileError("message"), /boom|Error/],
    ["an error with a throwing name", hostileError("name"), /message/],
    [
      "a throwing display property",
      {
        a: 1,
        get [DISPLAY]() {
          return boom();
        },
      },
      /a: 1/,
    ],
    [
      "a throwing nodeType",
      {
        a: 1,
        get nodeType() {
          return boom();
        },
      },
      /a: 1/,
    ],
    [
      "a false element",
      {
        nodeType: 1,
        get outerHTML() {
          return boom();
        },
      },
      /nodeType: 1/,
    ],
    ["a Map with throwing methods", hostileMap, /1\s+2/],
    ["an object of another realm", runInNewContext("({ a: [1, new Map([[1, 2]])] })"), /a:/],
    // biome-ignore lint/suspicious/noThenProperty: awaiting the value must not call it
    ["a thenable", { then: boom, a: 1 }, /a: 1/],
  ];
  it.each(cases.map(([name], at) => [name, at] as const))("%s gives a text", async (_name, at) => {
    const [, value, text] = cases[at]!;
    const { data } = await bundleOf(value);
    expect(data["text/plain"]).toMatch(text);
    expect(() => JSON.stringify(data)).not.toThrow();
  });
});

describe("a value's own display", () => {
  const throwing = (): never => {
    throw new Error("keys are mine");
  };
  const showing = (result: unknown): object => ({ [DISPLAY]: () => result });

  it("is taken as it is, synchronous or not, and called on the value", async () => {
    class Tensor {
      shape = [2, 3];
      [DISPLAY]() {
        return { "text/html": `<b>${this.shape}</b>`, "text/plain": "tensor" };
      }
    }
    expect(await toMimeBundle(new Tensor())).toEqual({
      data: { "text/html": "<b>2,3</b>", "text/plain": "tensor" },
      metadata: {},
    });
    expect(mimeBundle(new Tensor())).not.toBeInstanceOf(Promise);
    expect((await bundleOf(showing(Promise.resolve({ "text/plain": "later" })))).data).toEqual({
      "text/plain": "later",
    });
  });

  it("works on a function and through a Proxy", async () => {
    const shown = Object.assign(() => 1, { [DISPLAY]: () => ({ "text/plain": "f" }) });
    expect(await textOf(shown)).toBe("f");
    expect(await textOf(new Proxy(shown, {}))).toBe("f");
  });

  it("may hold bytes, JSON, lines of text, metadata and types with parameters", async () => {
    const bundle = await bundleOf(
      showing({
        data: {
          "image/png": new Uint8Array([1, 2, 3]),
          "application/vnd.vega.v5+json": { mark: "\ud800", n: [1, null] },
          "text/plain": ["a\n", "b"],
          "text/html; charset=utf-8": "x",
          "image/svg+xml": new TextEncoder().encode("<svg/>"),
          "text/latex": undefined,
        },
        metadata: { "image/png": { width: 3 } },
      }),
    );
    expect(bundle).toEqual({
      data: {
        "image/png": "AQID",
        "application/vnd.vega.v5+json": { mark: "\ufffd", n: [1, null] },
        "text/plain": "a\nb",
        "text/html; charset=utf-8": "x",
        "image/svg+xml": "<svg/>",
      },
      metadata: { "image/png": { width: 3 } },
    });
  });

  it("gets a plain text where it has none", async () => {
    class Chart {
      [DISPLAY]() {
        return { "text/html": "x" };
      }
    }
    expect(await textOf(new Chart())).toBe("Chart (text/html)");
  });

  it("that is empty shows nothing", async () => {
    expect(await toMimeBundle(showing({}))).toBeUndefined();
  });

  it("that throws or rejects gives a note with the place, and the value as text", async () => {
    class Broken {
      weight = 7;
      [DISPLAY](): Record<string, unknown> {
        throw new RangeError("no picture");
      }
    }
    const text = await textOf(new Broken());
    expect(text).toContain('[Symbol.for("Jupyter.display")]() of Broken failed: RangeError: no picture');
    expect(text).toContain("mime.test.ts");
    expect(text).toMatch(/\nShown as plain text instead:\nBroken \{ weight: 7 \}$/);
    for (const thrown of [
      undefined,
      null,
      "text",
      3,
      Symbol("x"),
      Object.create(null),
      new Proxy(
        {},
        {
          get: () => {
            throw 1;
          },
        },
      ),
    ]) {
      const rejecting = { [DISPLAY]: () => Promise.reject(thrown) };
      expect(await textOf(rejecting)).toMatch(/failed: [\s\S]*Shown as plain text instead:/);
    }
  });

  it.each<[string, () => unknown, RegExp]>([
    ["a number", () => 3, /got the number 3, expected an object of MIME types/],
    ["null", () => null, /got null/],
    ["an array", () => ["text/html"], /got an Array/],
    ["a key that is no MIME type", () => ({ html: "<b>" }), /got the key "html", expected a MIME type such as/],
    ["a number for text", () => ({ "text/html": 3 }), /got the number 3 for "text\/html", expected a string$/m],
    [
      "an object for a picture",
      () => ({ "image/png": {} }),
      /got an Object for "image\/png", expected a string of base64, or bytes/,
    ],
    ["JSON with a bigint", () => ({ "application/json": 10n }), /BigInt/i],
    ["JSON of a function", () => ({ "application/json": () => 1 }), /JSON can hold/],
    ["a Proxy that throws", () => new Proxy({}, { ownKeys: throwing }), /keys are mine/],
    // biome-ignore lint/suspicious/noThenProperty: a thenable that is no promise
    ["a thenable of a number", () => ({ then: (resolve: (x: unknown) => void) => resolve(5) }), /got the number 5/],
  ])("that returns %s says what is wrong with it", async (_name, result, message) => {
    expect(await textOf(showing(result()))).toMatch(message);
  });
});

describe("pictures in bytes", () => {
  const picture = () => sharp({ create: { width: 31, height: 17, channels: 3, background: "#c03" } });

  it.each([
    ["image/png", () => picture().png().toBuffer(), /^PNG image, 31 × 17, \d+ B$/],
    ["image/jpeg", () => picture().jpeg().toBuffer(), /^JPEG image, 31 × 17/],
    [
      "image/jpeg",
      () =>
        picture()
          .jpeg({ progressive: true })
          .withExif({ IFD0: { Copyright: "x" } })
          .toBuffer(),
      /^JPEG image, 31 × 17/,
    ],
    ["image/gif", () => picture().gif().toBuffer(), /^GIF image, 31 × 17/],
    ["image/webp", () => picture().webp().toBuffer(), /^WebP image, 31 × 17/],
    ["image/webp", () => picture().webp({ lossless: true }).toBuffer(), /^WebP image, 31 × 17/],
    ["image/webp", () => picture().ensureAlpha(0.5).webp().toBuffer(), /^WebP image, 31 × 17/],
  ])("%s goes out as base64 with its size", async (mime, make, text) => {
    const bytes = await make();
    const expected = {
      data: { [mime]: bytes.toString("base64"), "text/plain": expect.stringMatching(text) },
      metadata: { [mime]: { width: 31, height: 17 } },
    };
    expect(await toMimeBundle(bytes)).toEqual(expected);
    // A view into a larger buffer, as streams and pools give them.
    const within = new Uint8Array(bytes.length + 20).fill(9);
    within.set(bytes, 7);
    expect(await toMimeBundle(within.subarray(7, 7 + bytes.length))).toEqual(expected);
  });

  it("an SVG goes out as text, a PDF as base64", async () => {
    const source = '\ufeff<?xml version="1.0"?>\n<!-- drawn -->\n<svg xmlns="http://www.w3.org/2000/svg"/>';
    expect((await bundleOf(Buffer.from(source))).data["image/svg+xml"]).toContain("<svg xmlns");
    expect((await bundleOf(Buffer.from("%PDF-1.7\n..."))).data["application/pdf"]).toBe(
      Buffer.from("%PDF-1.7\n...").toString("base64"),
    );
  });

  it("a file that breaks off harms nothing", async () => {
    for (const make of [picture().png(), picture().jpeg(), picture().gif(), picture().webp({ lossless: true })]) {
      const bytes = await make.toBuffer();
      for (let length = 0; length < Math.min(bytes.length, 200); length++) await bundleOf(bytes.subarray(0, length));
    }
  });

  it("other bytes stay bytes", async () => {
    expect(Object.keys((await bundleOf(Buffer.from("<html><svg></svg></html>"))).data)).toEqual(["text/plain"]);
    expect(Object.keys((await bundleOf(new Uint8Array(100))).data)).toEqual(["text/plain"]);
    // The first bytes of a PNG in another type of array are numbers.
    expect(Object.keys((await bundleOf(Uint16Array.from(await picture().png().toBuffer()))).data)).toEqual([
      "text/plain",
    ]);
  });
});

describe("helpers", () => {
  it("show a string or a value as the type they are named after", async () => {
    expect((await bundleOf(html("<b>x</b>"))).data).toEqual({ "text/html": "<b>x</b>", "text/plain": "<b>x</b>" });
    expect((await bundleOf(markdown("# x"))).data["text/markdown"]).toBe("# x");
    expect((await bundleOf(svg("<svg width='1'></svg>"))).data["image/svg+xml"]).toBe(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width='1'></svg>",
    );
    expect((await bundleOf(json({ a: [1] }))).data).toEqual({
      "application/json": { a: [1] },
      "text/plain": '{\n  "a": [\n    1\n  ]\n}',
    });
  });

  it("show a picture at another size", async () => {
    const bytes = await sharp({ create: { width: 8, height: 8, channels: 3, background: "red" } })
      .png()
      .toBuffer();
    expect((await bundleOf(image(bytes, { width: 80, height: 80 }))).metadata).toEqual({
      "image/png": { width: 80, height: 80 },
    });
    expect((await bundleOf(image(bytes))).metadata).toEqual({ "image/png": { width: 8, height: 8 } });
  });

  it("refuse what they cannot show where it is said, not when it is shown", () => {
    expect(() => html(3 as never)).toThrow("html: got a number, expected a string.");
    expect(() => svg("<b>")).toThrow("no <svg> element");
    expect(() => image(new Uint8Array(9))).toThrow("image: got 9 bytes in another format");
    expect(() => image("cat.png" as never)).toThrow("expected the bytes of a PNG");
    expect(() => json({ n: 1n })).toThrow(TypeError);
  });
});
