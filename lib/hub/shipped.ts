import { createHash } from "node:crypto";
import { createReadStream, existsSync, readdirSync } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { dataPath } from "../shipped.ts";
import { listFolder } from "./cache.ts";
import { HubError } from "./errors.ts";
import { writeJson } from "./save.ts";

/** What the names of the models that ship with the library begin with: "difflab/tiny-sd". */
const OWNER = "difflab/";
/** In each of their folders: size and SHA-256 of its weights. */
const CHECKSUMS = "checksums.json";

type Checksums = Record<string, { bytes: number; sha256: string }>;

/** Whether a name is that of a model which ships, such as "difflab/tiny-sd". */
export function isShipped(name: string): boolean {
  return name.startsWith(OWNER);
}

/**
 * The folder of a model that ships, its weights found whole.
 *
 * @param name - such as "difflab/tiny-sd"
 * @param options.files - look at these alone, given relative to the folder; default all
 * @throws HubError if there is no such model, or a file of weights is missing or damaged: its name, what was expected,
 *   and how to get it back
 */
export async function shippedFolder(
  name: string,
  options: { where: string; files?: readonly string[]; root?: string },
): Promise<string> {
  const { where, root = dataPath() } = options;
  const folder = join(root, name.slice(OWNER.length));
  const names = shippedNames(root);
  if (!names.includes(name)) {
    throw new HubError("missing", `${where}: difflab does not include a model ${name}; expected ${names.join(", ")}`);
  }
  const checksums = JSON.parse(await readFile(join(folder, CHECKSUMS), "utf8")) as Checksums;
  for (const [file, expected] of Object.entries(checksums)) {
    if (options.files && !options.files.includes(file)) continue;
    const path = join(folder, file);
    const problem = await problemOf(path, expected);
    if (problem === undefined) continue;
    throw new HubError(
      "damaged",
      `${where}: ${path} ${problem}; expected ${expected.bytes} bytes with SHA-256 ${expected.sha256}. ` +
        `Restore it with: git checkout -- data/${basename(folder)}/${file}`,
    );
  }
  return folder;
}

/** The names of all models that ship. */
export function shippedNames(root: string = dataPath()): string[] {
  const folders = existsSync(root) ? readdirSync(root) : [];
  return folders.filter((folder) => existsSync(join(root, folder, CHECKSUMS))).map((folder) => OWNER + folder);
}

/** Writes down size and SHA-256 of the weights in a model's folder. */
export async function writeChecksums(folder: string): Promise<void> {
  const checksums: Checksums = {};
  for (const file of await listFolder(folder)) {
    if (!file.endsWith(".safetensors")) continue;
    const path = join(folder, file);
    checksums[file] = { bytes: (await stat(path)).size, sha256: await sha256(path) };
  }
  await writeJson(join(folder, CHECKSUMS), checksums);
}

async function problemOf(path: string, expected: Checksums[string]): Promise<string | undefined> {
  const info = await stat(path).catch(() => undefined);
  if (!info) return "is missing";
  if (info.size !== expected.bytes) return `is damaged: it has ${info.size} bytes`;
  const found = await sha256(path);
  return found === expected.sha256 ? undefined : `is damaged: its SHA-256 is ${found}`;
}

async function sha256(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash);
  return hash.digest("hex");
}
