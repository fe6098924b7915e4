import { stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { checkPath, listFolder } from "./cache.ts";
import { HubError } from "./errors.ts";
import { Repository, type ResolveOptions } from "./repository.ts";
import { componentsOf, ResolvedFiles } from "./resolved-files.ts";
import { selectFiles } from "./select.ts";
import { isShipped, shippedFolder } from "./shipped.ts";

/**
 * The files of a model: from a folder on disk, from those that ship with the library, or from the Hugging Face hub, whose
 * cache keeps them for the next time.
 *
 * @param idOrFolder - a folder, a model that ships ("difflab/tiny-sd"), or a repository such as
 *   "stable-diffusion-v1-5/stable-diffusion-v1-5"
 * @returns where they lie
 * @throws HubError if there is no such folder, repository, revision or file, the hub refuses or cannot be reached (and
 *   the cache does not hold them), the disk is full, or what comes is damaged
 */
export async function resolveFiles(idOrFolder: string, options: ResolveOptions = {}): Promise<ResolvedFiles> {
  const { where = "hub" } = options;
  if (typeof idOrFolder !== "string" || idOrFolder === "") {
    throw new TypeError(
      `${where}: got ${JSON.stringify(idOrFolder)}, expected a folder or a repository such as "org/name"`,
    );
  }
  if (options.subfolder) checkPath(options.subfolder);
  const found = await stat(idOrFolder).catch(() => undefined);
  if (found?.isDirectory()) return fromFolder(idOrFolder, options);
  if (found) {
    const hint = /\.(safetensors|ckpt)$/.test(idOrFolder)
      ? "; a checkpoint in one file has to be converted to diffusers' layout first"
      : "";
    throw new HubError("missing", `${where}: ${resolve(idOrFolder)} is a file; expected a model's folder${hint}`);
  }
  if (isShipped(idOrFolder)) {
    const prefix = options.subfolder ? `${options.subfolder}/` : "";
    const files = options.files?.map((file) => prefix + file);
    return fromFolder(await shippedFolder(idOrFolder, { where, ...(files ? { files } : {}) }), options);
  }
  if (!/^[\w.-]+(\/[\w.-]+)?$/.test(idOrFolder) || idOrFolder.startsWith(".")) {
    throw new HubError(
      "missing",
      `${where}: there is no folder ${resolve(idOrFolder)}; expected a folder, or a repository on the hub such as "org/name"`,
    );
  }
  try {
    return await new Repository(idOrFolder, options).resolve();
  } catch (error) {
    throw error instanceof HubError && isUnknown(error) ? orFolder(error, idOrFolder) : error;
  }
}

/** Whether there is no such repository, or nobody to ask; a repository that lacks a file is known. */
function isUnknown({ kind, status }: HubError): boolean {
  return kind === "offline" || (kind === "missing" && status !== undefined);
}

/** A name that is no folder is looked for on the hub: if it is not found there either, a folder's name may have been mistyped. */
function orFolder(error: HubError, given: string): HubError {
  const { kind, message, status, cause } = error;
  const text = `${message.replace(/\.$/, "")}. If you meant a folder, there is none at ${resolve(given)}.`;
  return new HubError(kind, text, { ...(status !== undefined && { status }), cause });
}

async function fromFolder(given: string, options: ResolveOptions): Promise<ResolvedFiles> {
  const folder = resolve(given, options.subfolder ?? "");
  const all = await listFolder(folder);
  const what = `${options.where ?? "hub"}: ${folder}`;
  if (all.length === 0 && !options.patterns) throw new HubError("missing", `${what}: has no files`);
  const index = join(folder, "model_index.json");
  const components = all.includes("model_index.json") ? await componentsOf(index) : undefined;
  return new ResolvedFiles(folder, selectFiles(all, options, components, what), undefined, options.variant);
}

/**
 * One file of a repository on the hub: from the cache if it is there, downloaded into it if not.
 *
 * @param path - the file within the repository
 * @returns the path on disk
 * @throws as `resolveFiles` does
 */
export async function hubFile(
  repo: string,
  path: string,
  options: Omit<ResolveOptions, "files" | "patterns"> = {},
): Promise<string> {
  const resolved = await new Repository(repo, { ...options, files: [path] }).resolve();
  return resolved.path(path);
}
