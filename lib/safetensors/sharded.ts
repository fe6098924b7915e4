import { readFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { FileStamp } from "../files/mapped.ts";
import { writeWhole } from "../files/write-whole.ts";
import { openFileOfTensors, SafetensorsFile, type StoredTensor } from "./read.ts";
import { findRepeatedKey } from "./repeated-key.ts";
import { checkTensor, saveSafetensors, type TensorsToSave, type TensorToSave } from "./write.ts";

/**
 * Opens a checkpoint: a `.safetensors` file, or the `.safetensors.index.json` of one that is split into several.
 * Headers are read and checked, data is not.
 *
 * @throws Error if a file is missing or unsound, or the index and the files disagree
 */
export async function openSafetensors(path: string): Promise<SafetensorsFile> {
  return path.endsWith(".json") ? openIndex(path) : openFileOfTensors(path);
}

async function openIndex(path: string): Promise<SafetensorsFile> {
  const { weightMap, metadata } = await readIndex(path);
  const files = new Map<string, SafetensorsFile>();
  for (const shard of new Set(weightMap.values())) {
    try {
      files.set(shard, await openFileOfTensors(join(dirname(path), shard)));
    } catch (error) {
      throw new Error(
        `${path} names the file ${JSON.stringify(shard)}, which cannot be used: ${(error as Error).message}`,
        {
          cause: error,
        },
      );
    }
  }
  const tensors = new Map<string, StoredTensor>();
  for (const [name, shard] of weightMap) {
    const entry = files.get(shard)!.tensors.get(name);
    if (!entry)
      throw new Error(`${path}: places tensor ${JSON.stringify(name)} in ${shard}, which does not contain it`);
    tensors.set(name, entry);
  }
  for (const [shard, file] of files) {
    for (const name of file.tensors.keys()) {
      if (weightMap.get(name) !== shard) {
        throw new Error(`${path}: does not list tensor ${JSON.stringify(name)}, which ${shard} contains`);
      }
    }
  }
  const stamps = new Map<string, FileStamp>([...files.values()].flatMap((file) => [...file.stamps]));
  return new SafetensorsFile(path, tensors, metadata, stamps);
}

async function readIndex(path: string): Promise<{ weightMap: Map<string, string>; metadata: Record<string, string> }> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === "ENOENT";
    throw new Error(`${path}: ${missing ? "there is no such file" : (error as Error).message}`, { cause: error });
  }
  let index: { weight_map?: unknown; metadata?: unknown } | null;
  try {
    index = JSON.parse(text);
  } catch (error) {
    throw new Error(`${path}: not JSON (${(error as Error).message})`);
  }
  const repeated = findRepeatedKey(text);
  if (repeated !== undefined) throw new Error(`${path}: contains the key ${JSON.stringify(repeated)} twice`);
  const map = index?.weight_map;
  if (typeof map !== "object" || map === null || Array.isArray(map)) {
    throw new Error(`${path}: has no "weight_map" object; expected the index of a sharded safetensors checkpoint`);
  }
  for (const [name, file] of Object.entries(map)) {
    // A name with a folder in it could point anywhere on the disk.
    if (typeof file !== "string" || basename(file) !== file || file.includes("\\") || !file.endsWith(".safetensors")) {
      throw new Error(
        `${path}: tensor ${JSON.stringify(name)} is in ${JSON.stringify(file)}; expected a .safetensors file next to the index`,
      );
    }
  }
  const metadata: Record<string, string> = {};
  for (const [key, value] of Object.entries(index?.metadata ?? {})) metadata[key] = String(value);
  return { weightMap: new Map(Object.entries(map as Record<string, string>)), metadata };
}

/**
 * Writes a checkpoint into a folder: one `NAME.safetensors`, or, where it exceeds `maxShardBytes`, several named
 * `NAME-00001-of-00003.safetensors` with an index `NAME.safetensors.index.json`, as transformers and diffusers do.
 *
 * @param options.name - default "model"; diffusers uses "diffusion_pytorch_model"
 * @param options.maxShardBytes - default 10 GB; a larger single tensor gets a file of its own
 * @param options.metadata - default `{ format: "pt" }`
 * @returns the path to give to `openSafetensors`
 * @throws as `saveSafetensors` does
 */
export async function saveCheckpoint(
  folder: string,
  tensors: TensorsToSave,
  options: { name?: string; maxShardBytes?: number; metadata?: Readonly<Record<string, string>> } = {},
): Promise<string> {
  const { name = "model", maxShardBytes = 10e9, metadata = { format: "pt" } } = options;
  if (!(maxShardBytes > 0)) throw new RangeError(`saveCheckpoint: maxShardBytes ${maxShardBytes}; expected above 0`);
  const entries: [string, TensorToSave][] = tensors instanceof Map ? [...tensors] : Object.entries(tensors);
  const shards: Map<string, TensorToSave>[] = [new Map()];
  let total = 0;
  let shardBytes = 0;
  for (const [key, tensor] of entries) {
    const bytes = checkTensor(key, tensor);
    if (shardBytes > 0 && shardBytes + bytes > maxShardBytes) {
      shards.push(new Map());
      shardBytes = 0;
    }
    shards.at(-1)!.set(key, tensor);
    shardBytes += bytes;
    total += bytes;
  }
  if (shards.length === 1) {
    const path = join(folder, `${name}.safetensors`);
    await saveSafetensors(path, shards[0]!, { metadata });
    return path;
  }
  const number = (n: number) => String(n).padStart(5, "0");
  const weightMap: [string, string][] = [];
  for (const [i, shard] of shards.entries()) {
    const file = `${name}-${number(i + 1)}-of-${number(shards.length)}.safetensors`;
    await saveSafetensors(join(folder, file), shard, { metadata });
    for (const key of shard.keys()) weightMap.push([key, file]);
  }
  // The index last: a folder with an index is whole.
  const path = join(folder, `${name}.safetensors.index.json`);
  const index = {
    metadata: { total_size: total },
    weight_map: Object.fromEntries(weightMap.sort(([a], [b]) => (a < b ? -1 : 1))),
  };
  await writeWhole(path, (write) => write(Buffer.from(`${JSON.stringify(index, null, 2)}\n`)));
  return path;
}
