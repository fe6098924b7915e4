import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { checkPath } from "./cache.ts";
import { HubError } from "./errors.ts";
import { pickWeights } from "./select.ts";

/** Files at hand, on this disk. */
export class ResolvedFiles {
  /** The folder that holds them: the one given, or a snapshot in the hub's cache. */
  readonly folder: string;
  /** Paths on disk by name relative to `folder`. */
  readonly files: ReadonlyMap<string, string>;
  /** The repository's commit; undefined for a folder on disk. */
  readonly commit: string | undefined;
  readonly #variant: string | undefined;

  constructor(folder: string, names: readonly string[], commit: string | undefined, variant: string | undefined) {
    this.folder = folder;
    this.files = new Map(names.map((name) => [name, join(folder, name)]));
    this.commit = commit;
    this.#variant = variant;
  }

  /**
   * Where a file lies.
   *
   * @throws HubError if it is not among the files
   */
  path(name: string): string {
    const path = this.files.get(name);
    if (path === undefined) throw new HubError("missing", `${this.folder}: there is no ${name}`);
    return path;
  }

  /**
   * The weights of a component (`"unet"`; `""` for the folder itself), to be given to `openSafetensors`: a file, or the
   * index of several.
   *
   * @throws HubError if there are none
   */
  weights(component = ""): string {
    const prefix = component === "" ? "" : `${component}/`;
    const names = [...this.files.keys()]
      .filter((name) => name.startsWith(prefix))
      .map((name) => name.slice(prefix.length));
    const found = pickWeights(names, this.#variant);
    if (!found) throw new HubError("missing", `${join(this.folder, component)}: there are no safetensors weights`);
    return this.path(prefix + found.file);
  }

  /** A JSON file's object. */
  async json(name: string): Promise<Record<string, unknown>> {
    return parseObject(await readFile(this.path(name), "utf8"), this.path(name));
  }
}

/** Folders that a pipeline's `model_index.json` names, with their classes: `"unet": ["diffusers", "UNet2DConditionModel"]`. */
export async function componentsOf(path: string): Promise<ReadonlyMap<string, string>> {
  const index = parseObject(await readFile(path, "utf8"), path);
  const components = new Map<string, string>();
  for (const [name, value] of Object.entries(index)) {
    if (name.startsWith("_") || !Array.isArray(value) || value.length !== 2 || value.includes(null)) continue;
    checkPath(name);
    components.set(name, String(value[1]));
  }
  return components;
}

function parseObject(text: string, path: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new HubError("damaged", `${path}: not JSON (${(error as Error).message}). Delete it and try again.`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new HubError(
      "damaged",
      `${path}: holds ${Array.isArray(value) ? "a list" : typeof value}, expected an object`,
    );
  }
  return value as Record<string, unknown>;
}
