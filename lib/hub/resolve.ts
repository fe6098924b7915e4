import { readFile, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { datasetInfo, listFiles, modelInfo, pathsInfo } from "@huggingface/hub";
import { COMMIT, checkPath, isFile, listFolder, RepoCache } from "./cache.ts";
import { downloadBlob, type RemoteFile } from "./download.ts";
import { explain, HubError } from "./errors.ts";
import { cacheDirOf, type HubOptions, hubUrlOf, isLocalOnly, type RepoType } from "./options.ts";
import { defaultProgress } from "./progress.ts";
import { hubFetch, isUnavailable } from "./request.ts";
import { pickWeights, type Selection, selectFiles } from "./select.ts";
import { tokenOf } from "./token.ts";

/** What to take, from where. */
export interface ResolveOptions extends HubOptions, Selection {
  /** Look in this folder of the repository. */
  subfolder?: string;
  /** Default "model". */
  repoType?: RepoType;
  /** Names the caller in errors; default "hub". */
  where?: string;
}

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
   * @throws HubError where it is not among the files
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
   * @throws HubError where there are none
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

/**
 * The files of a model: from a folder on disk, or from the Hugging Face hub, whose cache keeps them for the next time.
 *
 * @param idOrFolder - a folder, or a repository such as "stable-diffusion-v1-5/stable-diffusion-v1-5"
 * @returns where they lie
 * @throws HubError where there is no such folder, repository, revision or file, the hub refuses or cannot be reached (and
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
  if ((await stat(idOrFolder).catch(() => undefined))?.isDirectory()) return fromFolder(idOrFolder, options);
  if (!/^[\w.-]+(\/[\w.-]+)?$/.test(idOrFolder) || idOrFolder.startsWith(".")) {
    throw new HubError(
      "missing",
      `${where}: no folder ${resolve(idOrFolder)}; expected one, or a repository on the hub such as "org/name"`,
    );
  }
  return new Repository(idOrFolder, options).resolve();
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

/** Folders that a pipeline's `model_index.json` names: `"unet": ["diffusers", "UNet2DConditionModel"]`. */
async function componentsOf(path: string): Promise<string[]> {
  const index = parseObject(await readFile(path, "utf8"), path);
  const names = Object.entries(index).filter(
    ([name, value]) =>
      !name.startsWith("_") && Array.isArray(value) && value.length === 2 && value.every((v) => v !== null),
  );
  for (const [name] of names) checkPath(name);
  return names.map(([name]) => name);
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

/** One repository on the hub, at one revision. */
class Repository {
  readonly #name: string;
  readonly #type: RepoType;
  readonly #revision: string;
  readonly #options: ResolveOptions;
  readonly #cache: RepoCache;
  readonly #hubUrl: string;
  readonly #what: string;
  readonly #prefix: string;

  constructor(name: string, options: ResolveOptions) {
    this.#name = name;
    this.#type = options.repoType ?? "model";
    this.#revision = options.revision ?? "main";
    this.#options = options;
    this.#cache = new RepoCache(cacheDirOf(options), this.#type, name);
    this.#hubUrl = hubUrlOf(options);
    this.#what = `${options.where ?? "hub"}: ${name}${this.#revision === "main" ? "" : `@${this.#revision}`}`;
    this.#prefix = options.subfolder ? `${options.subfolder.replace(/\/+$/, "")}/` : "";
  }

  async resolve(): Promise<ResolvedFiles> {
    if (isLocalOnly(this.#options))
      return this.#fromCache("leave out localFilesOnly (and HF_HUB_OFFLINE) to download it");
    // A commit never changes: where every file asked for is here, there is nothing to ask.
    const { files, patterns } = this.#options;
    if (COMMIT.test(this.#revision) && files && !patterns) {
      const here = await this.#fromCache("").catch(() => undefined);
      if (here) return here;
    }
    const token = await tokenOf(this.#options);
    const request = hubFetch(this.#hubUrl, token, { signal: this.#options.signal });
    try {
      return await this.#fromHub(request);
    } catch (error) {
      this.#options.signal?.throwIfAborted();
      const where = { hubUrl: this.#hubUrl, repo: this.#repoPath(), hasToken: token !== undefined };
      const explained = explain(error, this.#wanted(), where);
      if (!isUnavailable(error)) throw explained;
      try {
        return await this.#fromCache("");
      } catch {
        throw new HubError(
          explained.kind,
          explained.kind === "offline"
            ? `${explained.message} and no copy in the cache. Connect once to download it, or give a folder on disk.`
            : explained.message,
          { status: explained.status, cause: error },
        );
      }
    }
  }

  async #fromHub(request: typeof fetch): Promise<ResolvedFiles> {
    const commit = COMMIT.test(this.#revision) ? this.#revision : await this.#askCommit(request);
    const remote = await this.#list(request, commit);
    const all = [...remote.keys()];
    let components: string[] | undefined;
    const { files, patterns } = this.#options;
    if (!files && !patterns && remote.has("model_index.json")) {
      await this.#bring(request, commit, [remote.get("model_index.json")!]);
      components = await componentsOf(join(this.#folder(commit), "model_index.json"));
    }
    const names = selectFiles(all, this.#options, components, this.#what);
    await this.#bring(
      request,
      commit,
      names.map((name) => remote.get(name)!),
    );
    await this.#cache.rememberCommit(this.#revision, commit);
    return new ResolvedFiles(this.#folder(commit), names, commit, this.#options.variant);
  }

  async #askCommit(request: typeof fetch): Promise<string> {
    const at = { name: this.#name, revision: this.#revision, hubUrl: this.#hubUrl, fetch: request };
    const { sha }: { sha?: unknown } =
      this.#type === "dataset"
        ? await datasetInfo({ ...at, additionalFields: ["sha"] })
        : await modelInfo({ ...at, additionalFields: ["sha"] });
    if (typeof sha !== "string" || !COMMIT.test(sha)) {
      throw new HubError("status", `${this.#what}: ${this.#hubUrl} named no commit; is it a Hugging Face hub?`);
    }
    return sha;
  }

  /** The files of the subfolder, by their name in it. */
  async #list(request: typeof fetch, commit: string): Promise<Map<string, RemoteFile>> {
    const { files, patterns } = this.#options;
    const repo = { type: this.#type, name: this.#name };
    const found = new Map<string, RemoteFile>();
    const at = { repo, revision: commit, hubUrl: this.#hubUrl, fetch: request };
    // A data set can hold thousands of files: ask about those wanted only.
    const entries =
      files && !patterns
        ? await pathsInfo({ ...at, paths: files.map((file) => this.#prefix + file) })
        : listFiles({ ...at, recursive: true, ...(this.#prefix ? { path: this.#prefix.slice(0, -1) } : {}) });
    for await (const { type, path, size, lfs, oid } of entries) {
      if (type !== "file" || !path.startsWith(this.#prefix)) continue;
      checkPath(path);
      const hash = lfs?.oid ?? oid;
      if (hash === undefined || !/^([0-9a-f]{40}|[0-9a-f]{64})$/.test(hash)) {
        throw new HubError("status", `${this.#what}: the hub lists ${path} without the hash of its contents`);
      }
      found.set(path.slice(this.#prefix.length), { path, size: lfs?.size ?? size, hash });
    }
    return found;
  }

  /** Downloads what is not there yet, the smallest first, and links it into the snapshot. */
  async #bring(request: typeof fetch, commit: string, files: readonly RemoteFile[]): Promise<void> {
    const { onProgress = defaultProgress(), signal } = this.#options;
    for (const file of [...files].sort((a, b) => a.size - b.size)) {
      if (await isFile(join(this.#cache.snapshot(commit), file.path))) continue;
      const what = `${this.#what}/${file.path}`;
      const token = await tokenOf(this.#options);
      const at = { hubUrl: this.#hubUrl, repo: this.#repoPath(), hasToken: token !== undefined };
      const path = file.path.split("/").map(encodeURIComponent).join("/");
      try {
        await downloadBlob(this.#cache, file, {
          url: `${this.#hubUrl}/${this.#repoPath()}/resolve/${commit}/${path}`,
          what,
          fetch: request,
          signal,
          onBytes: (loaded) => onProgress?.({ file: file.path, loaded, total: file.size }),
        });
        await this.#cache.link(commit, file.path, file.hash);
      } catch (error) {
        signal?.throwIfAborted();
        const explained = explain(error, what, at);
        if (explained.kind !== "offline") throw explained;
        throw new HubError(
          "offline",
          `${explained.message} and no whole copy in the cache. What has come is kept: try again to go on from there.`,
          { cause: error },
        );
      }
    }
  }

  async #fromCache(advice: string): Promise<ResolvedFiles> {
    const commit = await this.#commitInCache();
    const cached = commit === undefined ? [] : await this.#cache.filesOf(commit);
    const all = cached.filter((path) => path.startsWith(this.#prefix)).map((path) => path.slice(this.#prefix.length));
    const { files } = this.#options;
    const missing = (files ?? []).filter((file) => !all.includes(file));
    if (commit === undefined || all.length === 0 || missing.length > 0) {
      const name = missing.length > 0 ? `${this.#what}/${this.#prefix}${missing[0]}` : this.#what;
      const hint = advice && `; ${advice}`;
      throw new HubError("missing", `${name} is not in the cache ${cacheDirOf(this.#options)}${hint}`);
    }
    const folder = this.#folder(commit);
    const components = all.includes("model_index.json")
      ? await componentsOf(join(folder, "model_index.json"))
      : undefined;
    const names = selectFiles(all, this.#options, components, this.#what);
    // A download that was broken off has left some components out.
    const absent = components?.find(
      (part) => !this.#options.exclude?.includes(part) && !names.some((name) => name.startsWith(`${part}/`)),
    );
    if (absent !== undefined) {
      throw new HubError(
        "missing",
        `${this.#what}/${absent} is not in the cache ${cacheDirOf(this.#options)}; connect to download the rest`,
      );
    }
    return new ResolvedFiles(folder, names, commit, this.#options.variant);
  }

  async #commitInCache(): Promise<string | undefined> {
    const { revision = "main" } = this.#options;
    return this.#cache.commitOf(revision);
  }

  /** Names the repository in an error, with the file where one was asked for. */
  #wanted(): string {
    const { files, patterns } = this.#options;
    return files?.length === 1 && !patterns ? `${this.#what}/${this.#prefix}${files[0]}` : this.#what;
  }

  #folder(commit: string): string {
    return join(this.#cache.snapshot(commit), this.#prefix);
  }

  #repoPath(): string {
    return this.#type === "dataset" ? `datasets/${this.#name}` : this.#name;
  }
}

/**
 * One file of a repository on the hub: from the cache where it is there, downloaded into it where not.
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
