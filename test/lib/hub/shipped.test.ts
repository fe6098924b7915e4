import { cpSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { writeChecksums } from "../../../lib/hub/index.ts";
import { shippedFolder, shippedNames } from "../../../lib/hub/shipped.ts";
import { CLIPModel, resolveFiles, saveTensors, tensor } from "../../../lib/index.ts";

let root: string;
const file = () => join(root, "small", "unet", "model.safetensors");
const find = (name = "difflab/small", files?: string[]) =>
  shippedFolder(name, { where: "Model", root, ...(files ? { files } : {}) });

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), "difflab-shipped-"));
  await saveTensors(file(), { x: tensor([1, 2, 3]) });
  await saveTensors(join(root, "small", "vae", "model.safetensors"), { x: tensor([4]) });
  await writeChecksums(join(root, "small"));
});
afterAll(() => rmSync(root, { recursive: true }));

describe("the models that ship", () => {
  it("are found by name from any folder", async () => {
    expect(shippedNames(root)).toEqual(["difflab/small"]);
    expect(await find()).toBe(join(root, "small"));
  });

  it("are refused where a file is cut off, with its name, what was expected, and how to get it back", async () => {
    const copy = readFileSync(file());
    truncateSync(file(), 20);
    await expect(find()).rejects.toThrow(
      new RegExp(
        `^Model: .*small.unet.model.safetensors is damaged: it has 20 bytes; expected ${copy.length} bytes with SHA-256 [0-9a-f]{64}. ` +
          "Restore it with: git checkout -- data/small/unet/model.safetensors$",
      ),
    );
    writeFileSync(file(), copy);
  });

  it("are refused where one byte differs, or a file is missing", async () => {
    const copy = readFileSync(file());
    const changed = Buffer.from(copy);
    changed[changed.length - 1]! ^= 1;
    writeFileSync(file(), changed);
    await expect(find()).rejects.toThrow(/is damaged: its SHA-256 is [0-9a-f]{64}; expected/);
    rmSync(file());
    await expect(find()).rejects.toThrow(/model.safetensors is missing; expected/);
    // What is not asked for is not looked at.
    expect(await find("difflab/small", ["vae/model.safetensors"])).toBe(join(root, "small"));
    writeFileSync(file(), copy);
  });

  it("are named where another is asked for", async () => {
    await expect(find("difflab/large")).rejects.toThrow(
      "Model: difflab does not include a model difflab/large; expected difflab/small",
    );
    await expect(resolveFiles("difflab/none")).rejects.toThrow(/does not include a model difflab\/none/);
    await expect(CLIPModel.fromPretrained("difflab/none")).rejects.toThrow(
      /CLIPModel: difflab does not include a model difflab\/none/,
    );
  });

  it("give way to a folder of that name", async () => {
    const here = mkdtempSync(join(tmpdir(), "difflab-here-"));
    const before = process.cwd();
    cpSync(join(root, "small"), join(here, "difflab", "small"), { recursive: true });
    process.chdir(here);
    try {
      expect((await resolveFiles("difflab/small")).folder).toContain("difflab-here-");
    } finally {
      process.chdir(before);
      rmSync(here, { recursive: true });
    }
  });
});
