import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { captionOf, Dice, drawScene, type Scene, showWorld, WORLD, world } from "../../../lib/datasets/index.ts";
import { VOCABULARY } from "../../../lib/datasets/world/captions.ts";
import { DataLoader } from "../../../lib/train/data-loader.ts";

const hash = (bytes: Uint8Array | string) => createHash("sha256").update(bytes).digest("hex");
const many = world({ n: 3000, size: 16, seed: 11, split: "all" });
const key = (...names: string[]) => names.join("/");

describe("the small world", () => {
  test("is the same for the same seed on every machine, and another for another seed", () => {
    const data = world({ n: 100, seed: 7 });
    expect(hash(data.images)).toBe("e014bcd04d012a1bfea4897c89bd6821726f2ef4a0043575996193cfa3145ec0");
    expect(hash(data.captions.join("\n"))).toBe("c9d18b03d37aa3ad9c2d40b1aa139544c955c8860167840756e0ffe5928d6a95");
    expect(hash(JSON.stringify(data.scenes))).toBe("855d057bdbdc90221d92cdc82c6b01d2cf359ff2fa93a2e1bb88e3bbf19ae1f9");
    expect(world({ n: 3, seed: 8 }).images).not.toEqual(world({ n: 3, seed: 9 }).images);
    expect(world({ n: 2, seed: 2n ** 63n }).captions).toEqual(world({ n: 2, seed: 2n ** 63n }).captions);
  });

  test("begins with the same pictures however many are drawn", () => {
    const few = world({ n: 5, seed: 3 });
    const more = world({ n: 20, seed: 3 }).slice(0, 5);
    expect(more.images).toEqual(few.images);
    expect(more.captions).toEqual(few.captions);
    expect(more.scenes).toEqual(few.scenes);
    expect(more.seeds).toEqual(few.seeds);
  });

  test("is pictures in colour that a network takes, each with its thing as the label", () => {
    const data = world({ n: 6, seed: 1 });
    expect(data.shape).toEqual([6, 3, 64, 64]);
    expect([...data.labels].map((label) => data.classes[label])).toEqual(data.scenes.map(({ thing }) => thing));
    const [images, labels] = new DataLoader(data, { batchSize: 4, range: [-1, 1] }).next();
    expect(images!.shape).toEqual([4, 3, 64, 64]);
    expect(labels!.shape).toEqual([4]);
    expect(data.batch([5], { range: [-1, 1] }).images[0]).toBeCloseTo((data.at(-1)!.image[0]! / 255) * 2 - 1, 6);
    expect(data[2]!.shape).toEqual([3, 64, 64]);
  });

  test("can be drawn again scene by scene, and in another size", () => {
    const data = world({ n: 4, seed: 5 });
    const again = data.scenes.map((scene, i) => drawScene(scene, { seed: data.seeds[i]! }));
    expect(again).toEqual([...data].map(({ image }) => image));
    expect(drawScene(data.scenes[0]!, { size: 100 })).toHaveLength(3 * 100 * 100);
    // The same picture: seen from far enough, both sizes have one mean colour.
    const mean = (bytes: Uint8Array) => bytes.reduce((sum, value) => sum + value, 0) / bytes.length;
    for (const scene of data.scenes) {
      const [small, large] = [drawScene(scene, { size: 64, seed: 1 }), drawScene(scene, { size: 192, seed: 1 })];
      expect(Math.abs(mean(small) - mean(large))).toBeLessThan(2.5);
    }
  });

  test("keeps captions and scenes beside the pictures that are selected", () => {
    const data = world({ n: 8, seed: 2, size: 16 });
    const some = data.select([6, 1]);
    expect(some.captions).toEqual([data.captions[6], data.captions[1]]);
    expect(some.scenes).toEqual([data.scenes[6], data.scenes[1]]);
    expect(some.at(0)!.image).toEqual(data.at(6)!.image);
    expect(data.slice(-2).captions).toEqual(data.captions.slice(-2));
  });

  test("holds every name, each about as often as its like", () => {
    const share = (field: keyof Scene, names: readonly string[], least: number) => {
      for (const name of names) {
        const found = many.scenes.filter((scene) => scene[field] === name).length;
        expect(found, `${field} ${name}`).toBeGreaterThan((least * many.length) / names.length);
      }
    };
    share("thing", WORLD.things, 0.7);
    share("ink", WORLD.inks, 0.8);
    share("background", WORLD.backgrounds, 0.8);
    share("manner", WORLD.manners, 0.8);
    share("thickness", WORLD.thicknesses, 0.9);
    share("tilt", WORLD.tilts, 0.9);
    share("scale", WORLD.scales, 0.7);
    share("x", WORLD.xs, 0.5);
    share("y", WORLD.ys, 0.5);
  });
});

describe("combinations that are held out", () => {
  const { heldOut, things, inks, manners } = WORLD;
  const held = new Set([...heldOut.inks, ...heldOut.manners].map((pair) => key(...pair)));
  const isHeld = ({ thing, ink, manner }: Scene) => held.has(key(thing, ink)) || held.has(key(thing, manner));

  test("are a tenth and more of things with inks, and of things with manners", () => {
    expect(new Set(heldOut.inks.map((pair) => key(...pair))).size).toBeGreaterThanOrEqual(
      (things.length * inks.length) / 10,
    );
    expect(new Set(heldOut.manners.map((pair) => key(...pair))).size).toBeGreaterThanOrEqual(
      (things.length * manners.length) / 10,
    );
  });

  test("are never drawn for training, and nothing else is when they are asked for", () => {
    const train = world({ n: 3000, size: 16, seed: 4 });
    expect(train.scenes.some(isHeld)).toBe(false);
    expect(world({ n: 500, size: 16, seed: 4, split: "heldOut" }).scenes.every(isHeld)).toBe(true);
    expect(many.scenes.some(isHeld)).toBe(true);
    // Each thing, ink and manner is learnt all the same, with all partners but those.
    const pairs = new Set(train.scenes.flatMap(({ thing, ink, manner }) => [key(thing, ink), key(thing, manner)]));
    expect(pairs.size).toBe(things.length * (inks.length + manners.length) - held.size);
  });
});

describe("captions", () => {
  // Whether a caption says it: by the words that stand for nothing else.
  const says: Record<string, RegExp> = {
    ink: new RegExp(`\\b(${WORLD.inks.join("|")})\\b`),
    background: /paper|white|mint|sky|sunset|slate|dark|forest|night/,
    manner: /\bpen\b|chalk|neon|watercolou?r|mosaic|wood|shadow/,
    thickness: /thin|thick/,
    tilt: /tilted|leaning|upright|straight/,
    scale: /small|little|large|big/,
    place: /(on|at) the (left|right)|(at|near) the (top|bottom)|middle|centre|center/,
  };
  const said = many.captions.map((caption) => Object.values(says).map((words) => words.test(caption)));

  test("leave out each attribute in 30 % of them, independently of the others", () => {
    for (const [a, name] of Object.keys(says).entries()) {
      const out = said.filter((each) => !each[a]);
      expect(out.length / many.length, name).toBeGreaterThan(0.275);
      expect(out.length / many.length, name).toBeLessThan(0.325);
      for (let b = 0; b < a; b++) {
        expect(Math.abs(out.filter((each) => !each[b]).length / out.length - 0.3)).toBeLessThan(0.05);
      }
    }
  });

  test("are true, and name the thing by its word or its numeral", () => {
    for (const [i, caption] of many.captions.entries()) {
      const { thing, ink, thickness } = many.scenes[i]!;
      const digit = WORLD.things.indexOf(thing);
      expect(caption).toMatch(digit < 10 ? new RegExp(`\\b(${thing}|${digit})\\b`) : new RegExp(`\\b${thing}\\b`));
      for (const other of WORLD.inks) if (other !== ink) expect(caption).not.toMatch(new RegExp(`\\b${other}\\b`));
      expect(caption).not.toMatch(thickness === "thin" ? "thick" : "thin");
    }
    const sevens = many.captions.filter((_, i) => many.scenes[i]!.thing === "seven");
    expect(sevens.filter((caption) => caption.includes("7")).length / sevens.length).toBeCloseTo(0.5, 0);
  });

  test("are English in lower case, in many phrasings, of few words", () => {
    const words = new Set(many.captions.flatMap((caption) => caption.split(/[ ,:]+/)));
    expect([...words].filter((word) => !VOCABULARY.includes(word))).toEqual([]);
    expect(VOCABULARY.filter((word) => !words.has(word))).toEqual([]);
    expect(VOCABULARY.length).toBeLessThan(130);
    for (const caption of many.captions) {
      expect(caption).toMatch(/^[a-z0-9]+([,:]? [a-z0-9]+)*$/);
      expect(caption).not.toMatch(/\ba (?!one\b)[aeiou8]|\ban [^aeiou8]|\b(an|a|the|in|on|at|with|as)$/);
      expect(caption.split(" ").length).toBeLessThan(40);
    }
    // With nothing said but the thing, what is left is the phrasing.
    const phrasings = new Set<string>();
    for (const [i, caption] of many.captions.entries()) {
      const bare = caption.replace(
        new RegExp(`\\b(${many.scenes[i]!.thing}|${WORLD.things.indexOf(many.scenes[i]!.thing)})\\b`),
        "it",
      );
      if (bare.split(" ").length <= 5)
        phrasings.add(
          bare
            .replace(/\b(?:an?|the) (?:\w+ )*it/, (text) => `${text.split(" ")[0]} it`)
            .replace(/^(?:\w+ )+it$/, (text) => (/^(a|an|the|this|here|there|look|i|it) /.test(text) ? text : "it")),
        );
    }
    expect(phrasings.size).toBeGreaterThanOrEqual(12);
  });

  test("of one scene differ, and are the same from the same dice", () => {
    const scene = many.scenes[0]!;
    const captions = Array.from({ length: 20 }, (_, seed) => captionOf(scene, new Dice(seed)));
    expect(new Set(captions).size).toBeGreaterThan(15);
    expect(captionOf(scene, new Dice(3))).toBe(captions[3]);
  });
});

describe("inks", () => {
  const plain: Scene = {
    thing: "heart",
    variant: 1,
    ink: "red",
    background: "paper",
    manner: "pen",
    thickness: "thin",
    tilt: "none",
    scale: "small",
    x: "centre",
    y: "centre",
  };
  /** A pixel in CIELAB, where a difference of 2 is just seen. */
  const colour = (bytes: Uint8Array, i: number) => {
    const [r, g, b] = [0, 1, 2].map((channel) => {
      const value = bytes[(channel * bytes.length) / 3 + i]! / 255;
      return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    }) as [number, number, number];
    const bent = (t: number) => (t > 0.008856 ? Math.cbrt(t) : 7.787 * t + 16 / 116);
    const x = bent((0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.9505);
    const y = bent(0.2126 * r + 0.7152 * g + 0.0722 * b);
    const z = bent((0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.089);
    return [116 * y - 16, 500 * (x - y), 200 * (y - z)] as const;
  };
  const distance = (a: readonly number[], b: readonly number[]) => Math.hypot(...a.map((value, k) => value - b[k]!));

  /** How far the 60 pixels that stand out most are from the background at the same height, in CIELAB; thin and small, that is all the ink there is. */
  const contrast = (scene: Scene) => {
    const bytes = drawScene(scene, { seed: 2 });
    const far = Array.from({ length: 64 * 64 }, (_, i) =>
      distance(colour(bytes, i), colour(bytes, Math.floor(i / 64) * 64)),
    );
    return far.sort((a, b) => b - a)[59]!;
  };

  test.each(WORLD.manners)("are legible on every background in %s", (manner) => {
    for (const background of WORLD.backgrounds) {
      for (const ink of WORLD.inks) {
        expect(contrast({ ...plain, manner, background, ink }), `${ink} on ${background}`).toBeGreaterThan(30);
      }
    }
  });

  test("are plainly different from each other on every background", () => {
    for (const background of WORLD.backgrounds) {
      const shades = WORLD.inks.map((ink) => {
        const bytes = drawScene({ ...plain, variant: 2, background, ink }, { seed: 2 });
        return colour(bytes, 32 * 64 + 32);
      });
      for (const [i, a] of shades.entries())
        for (const b of shades.slice(0, i)) expect(distance(a, b)).toBeGreaterThan(20);
    }
  });
});

describe("what is asked of the world", () => {
  test("may be some of its things, inks, backgrounds and manners", () => {
    const data = world({
      n: 40,
      size: 16,
      things: ["cat", "three"],
      inks: ["red", "blue"],
      backgrounds: ["night"],
      manners: ["pen", "neon"],
    });
    expect(new Set(data.scenes.map(({ thing }) => thing))).toEqual(new Set(["cat", "three"]));
    expect(new Set(data.scenes.map(({ ink }) => ink))).toEqual(new Set(["red", "blue"]));
    expect(new Set(data.scenes.map(({ background }) => background))).toEqual(new Set(["night"]));
    expect(new Set(data.scenes.map(({ manner }) => manner))).toEqual(new Set(["pen", "neon"]));
  });

  test("is refused with the names that exist, or with what is wrong", () => {
    const ask = (options: object) => () => world(options as never);
    expect(ask({ things: ["dog"] })).toThrow('world: things "dog"; expected some of zero, one, two');
    expect(ask({ inks: ["red", "Blue"] })).toThrow('world: inks "Blue"; expected some of red, orange');
    expect(ask({ backgrounds: [] })).toThrow("world: backgrounds []; expected some of paper, mint");
    expect(ask({ manners: ["oil"] })).toThrow('world: manners "oil"; expected some of pen, chalk');
    expect(ask({ inks: "red" })).toThrow('world: inks is "red"; expected a list');
    expect(ask({ split: "test" })).toThrow('world: split "test"; expected "train", "heldOut", "all"');
    expect(ask({ n: 0 })).toThrow("world: n 0; expected a whole number from 1 up");
    expect(ask({ size: 8 })).toThrow("world: size 8; expected 16 to 512 pixels");
    expect(ask({ n: 10_000, size: 512 })).toThrow("draw fewer at a time");
    expect(ask({ seed: 0.5 })).toThrow("seed 0.5 is not a whole number");
    const [thing, ink] = WORLD.heldOut.inks[0]!;
    expect(ask({ things: [thing], inks: [ink] })).toThrow(
      `world: split "train" contains none of the things [${thing}] in inks [${ink}]`,
    );
    expect(() => drawScene({ ...many.scenes[0]!, ink: "brown" } as never)).toThrow(
      'drawScene: ink "brown"; expected one of red, orange',
    );
    expect(() => drawScene({ ...many.scenes[0]!, thing: "cat", variant: 9 })).toThrow(
      "drawScene: variant 9; expected 1 to 3, the drawings of a cat",
    );
    expect(() => drawScene(many.scenes[0]!, { size: 1.5 })).toThrow("drawScene: size 1.5; expected 16 to 512 pixels");
    expect(() => captionOf({ ...many.scenes[0]!, manner: "oil" } as never, new Dice(0))).toThrow(
      'captionOf: manner "oil"; expected one of pen',
    );
  });
});

test("showWorld shows every name on one page", async () => {
  const svg = await showWorld().svg();
  for (const name of [...WORLD.things, ...WORLD.inks, ...WORLD.backgrounds, ...WORLD.manners])
    expect(svg).toContain(`>${name}<`);
  expect(await showWorld().alt()).toContain("24 things in 8 inks, on 7 backgrounds, in 7 manners");
});
