import { join } from "node:path";
import { datasetInfo, listFiles, modelInfo, pathsInfo } from "@huggingface/hub";
import { COMMIT, checkPath, isFile, RepoCache } from "./cache.ts";
import { downloadBlob, type RemoteFile } from "./download.ts";
import { explain, HubError } from "./errors.ts";
import { cacheDirOf, type HubOptions, hubUrlOf, isLocalOnly, type RepoType } from "./options.ts";
import { defaultProgress } from "./progress.ts";
import { hubFetch, isUnavailable } from "./request.ts";
import { componentsOf, ResolvedFiles } from "./resolved-files.ts";
import { type Selection, selectFiles } from "./select.ts";
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

/** One repository on the hub, at one revision. */
export class Repository {
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
            ? `${explained.message} and there is no copy in the cache. Connect once to download it, or give a folder on disk.`
            : explained.message,
          { status: explained.status, cause: error },
        );
      }
    }
  }

  async #fromHub(request: typeof fetch): Promise<ResolvedFiles> {
    const commit = COMMIT.test(this.#revision) ? this.#revision : await this.#askCommit(request);
    const remote = await this.#list(request, commit);
    const isMissing = this.#options.files?.some((file) => !remote.has(file));
    const all = isMissing ? await this.#someNames(request, commit) : [...remote.keys()];
    let components: ReadonlyMap<string, string> | undefined;
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
      throw new HubError("status", `${this.#what}: ${this.#hubUrl} did not report a commit; is it a Hugging Face hub?`);
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

  /** What there is, for the error that a file is not: only those asked for were listed. */
  async #someNames(request: typeof fetch, commit: string): Promise<string[]> {
    const names: string[] = [];
    const repo = { type: this.#type, name: this.#name };
    for await (const entry of listFiles({
      repo,
      revision: commit,
      hubUrl: this.#hubUrl,
      fetch: request,
      recursive: true,
    })) {
      if (entry.type === "file" && entry.path.startsWith(this.#prefix))
        names.push(entry.path.slice(this.#prefix.length));
      if (names.length > 100) break;
    }
    return names;
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
          `${explained.message} and there is no complete copy in the cache. The part already downloaded is kept; try again to resume.`,
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
    const absent = [...(components?.keys() ?? [])].find(
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

  /** Names the repository in an error, with the file if one was asked for. */
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
