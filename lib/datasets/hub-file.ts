import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { downloadFileToCacheDir, getHFHubCachePath, getRepoFolderName, HubApiError } from "@huggingface/hub";

/** How to reach the Hugging Face hub. */
export interface HubOptions {
  /** Branch, tag or commit; default "main". */
  revision?: string;
  /** The hub's cache, shared with Python; default as the hub's own libraries choose it (`HF_HUB_CACHE`, `HF_HOME`). */
  cacheDir?: string;
  /** Use only what is in the cache; default false. */
  localFilesOnly?: boolean;
  /** An access token; default the environment's `HF_TOKEN`. */
  token?: string;
  /** Default the environment's `HF_ENDPOINT`, else https://huggingface.co */
  hubUrl?: string;
  /** Called while a file downloads: bytes so far, and in all where the server says. */
  onProgress?: (progress: { file: string; loaded: number; total: number | null }) => void;
}

/**
 * A file of a data set on the Hugging Face hub: from the cache where it is there, downloaded into it where not.
 *
 * @param options.repo - such as "ylecun/mnist"
 * @param options.path - the file within the repository
 * @param options.where - names the caller in errors
 * @returns the path on disk
 * @throws Error where the hub refuses, cannot be reached or breaks off, and the cache does not hold the file
 */
export async function hubFile(options: HubOptions & { repo: string; path: string; where: string }): Promise<string> {
  const { repo, path, where, revision = "main", localFilesOnly = false } = options;
  const cacheDir = options.cacheDir ?? getHFHubCachePath();
  const cached = () => findCached(join(cacheDir, getRepoFolderName({ type: "dataset", name: repo })), revision, path);
  if (localFilesOnly) {
    const found = await cached();
    if (found) return found;
    throw new Error(
      `${where}: ${repo}/${path} is not in the cache ${cacheDir}; leave out localFilesOnly to download it`,
    );
  }
  const hubUrl = (options.hubUrl ?? process.env.HF_ENDPOINT ?? "https://huggingface.co").replace(/\/+$/, "");
  const token = options.token ?? process.env.HF_TOKEN;
  try {
    return await downloadFileToCacheDir({
      repo: { type: "dataset", name: repo },
      path,
      revision,
      cacheDir,
      hubUrl,
      fetch: countingFetch(path, options.onProgress),
      ...(token ? { accessToken: token } : {}),
    });
  } catch (error) {
    const found = isOffline(error) ? await cached() : undefined;
    if (found) return found;
    throw explain(error, `${where}: ${repo}/${path}`, hubUrl);
  }
}

/** The file in the newest snapshot that has it, or the one of `revision` where that is a commit. */
async function findCached(repoFolder: string, revision: string, path: string): Promise<string | undefined> {
  const snapshots = join(repoFolder, "snapshots");
  const named = await readFile(join(repoFolder, "refs", revision), "utf8").catch(() => revision);
  const commits = await readdir(snapshots).catch(() => []);
  const found: { file: string; time: number; named: boolean }[] = [];
  for (const commit of commits) {
    const file = join(snapshots, commit, path);
    const info = await stat(file).catch(() => undefined);
    if (info?.isFile()) found.push({ file, time: info.mtimeMs, named: commit === named.trim() });
  }
  found.sort((a, b) => Number(b.named) - Number(a.named) || b.time - a.time);
  return found[0]?.file;
}

/** `fetch` that tells how much of a file's body has come, and counts requests for the file only. */
function countingFetch(path: string, onProgress: HubOptions["onProgress"]): typeof fetch {
  if (!onProgress) return fetch;
  return async (input, init) => {
    const response = await fetch(input, init);
    const isWhole = !new Headers(init?.headers).get("range")?.endsWith("=0-0");
    if (!isWhole || !response.body || (init?.method ?? "GET") !== "GET") return response;
    const length = response.headers.get("content-length");
    const total = length === null ? null : Number(length);
    let loaded = 0;
    const counter = new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        loaded += chunk.length;
        onProgress({ file: path, loaded, total });
        controller.enqueue(chunk);
      },
    });
    return new Response(response.body.pipeThrough(counter), response);
  };
}

function isOffline(error: unknown): boolean {
  // fetch throws a TypeError where no answer came at all; a 5xx answer is a hub that is down.
  return error instanceof TypeError || (error instanceof HubApiError && error.statusCode >= 500);
}

function explain(error: unknown, what: string, hubUrl: string): Error {
  if (error instanceof HubApiError) {
    const advice =
      error.statusCode === 401 || error.statusCode === 403
        ? "Accept the licence on its page, then set HF_TOKEN."
        : error.statusCode === 404
          ? "Check the repository, the file and the revision."
          : "Try again later.";
    return new Error(`${what}: the hub at ${hubUrl} answered ${error.statusCode}. ${advice}`, { cause: error });
  }
  const { code, message, cause } = error as NodeJS.ErrnoException & { cause?: NodeJS.ErrnoException };
  if (code === "ENOSPC")
    return new Error(`${what}: the disk is full. Free space or choose another { cacheDir }.`, { cause: error });
  if (isOffline(error)) {
    return new Error(
      `${what}: no answer from ${hubUrl} (${cause?.code ?? cause?.message ?? message}) and no copy in the cache. ` +
        "Connect once to download it, or give { folder } with the IDX files.",
      { cause: error },
    );
  }
  return new Error(`${what}: ${message}`, { cause: error });
}
