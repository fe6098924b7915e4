import { copyFile, mkdir, readdir, readFile, rm, stat, symlink } from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";
import { getRepoFolderName } from "@huggingface/hub";
import { isKept } from "../files/mapped.ts";
import { writeWhole } from "../files/write-whole.ts";
import { HubError } from "./errors.ts";
import type { RepoType } from "./options.ts";

/** What file systems say that know no symbolic links: FAT and exFAT, network shares, some containers. */
const NO_LINKS = new Set(["EPERM", "EACCES", "ENOSYS", "ENOTSUP", "EOPNOTSUPP", "EINVAL", "EIO", "UNKNOWN", "EMLINK"]);

/** A full commit id. */
export const COMMIT = /^[0-9a-f]{40}$/;

/**
 * One repository in the hub's cache, laid out as Python's huggingface_hub does:
 * `blobs/HASH` holds contents, `snapshots/COMMIT/path` links to them, `refs/main` names a commit.
 *
 * @see https://huggingface.co/docs/huggingface_hub/guides/manage-cache
 */
export class RepoCache {
  readonly folder: string;
  readonly #locks: string;

  constructor(cacheDir: string, type: RepoType, name: string) {
    const folder = getRepoFolderName({ type, name });
    this.folder = join(cacheDir, folder);
    this.#locks = join(cacheDir, ".locks", folder);
  }

  blob(hash: string): string {
    return join(this.folder, "blobs", hash);
  }

  /** Where a download that is not whole waits. Python's library calls its own differently, so neither writes into the other's. */
  incomplete(hash: string): string {
    return join(this.folder, "blobs", `${hash}.difflab.incomplete`);
  }

  lock(hash: string): string {
    return join(this.#locks, `${hash}.difflab.lock`);
  }

  snapshot(commit: string): string {
    return join(this.folder, "snapshots", commit);
  }

  /** The commit that a branch or tag was at when it was last asked for; undefined if it never was. */
  async commitOf(revision: string): Promise<string | undefined> {
    if (COMMIT.test(revision)) return revision;
    checkPath(revision);
    const text = await readFile(join(this.folder, "refs", revision), "utf8").catch(() => "");
    return text.trim() || undefined;
  }

  async rememberCommit(revision: string, commit: string): Promise<void> {
    if (revision === commit) return;
    checkPath(revision);
    if ((await this.commitOf(revision)) === commit) return;
    await writeWhole(join(this.folder, "refs", revision), (write) => write(Buffer.from(commit)));
  }

  /** Paths of all files of a commit that are here. */
  async filesOf(commit: string): Promise<string[]> {
    return listFolder(this.snapshot(commit));
  }

  /** Makes `path` of a commit lead to a blob. */
  async link(commit: string, path: string, hash: string): Promise<string> {
    checkPath(path);
    const blob = this.blob(hash);
    const pointer = join(this.snapshot(commit), path);
    if (await isFile(pointer)) return pointer;
    await mkdir(dirname(pointer), { recursive: true });
    await rm(pointer, { force: true });
    try {
      await symlink(relative(dirname(pointer), blob), pointer);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      // Another process linked it first.
      if (code === "EEXIST" && (await isFile(pointer))) return pointer;
      // Windows allows links to administrators and developers only.
      if (!NO_LINKS.has(code ?? "")) throw error;
      await copyFile(blob, pointer);
    }
    return pointer;
  }
}

/** Whether there is a file, links followed. */
export async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isFile() ?? false;
}

/** All files below a folder, as paths with `/` relative to it; none if there is no folder. */
export async function listFolder(folder: string): Promise<string[]> {
  const found: string[] = [];
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  for (const entry of entries) {
    const path = join(entry.parentPath ?? entry.path, entry.name);
    if (isKept(entry.name)) continue;
    if (entry.isFile() || (entry.isSymbolicLink() && (await isFile(path)))) {
      found.push(relative(folder, path).split(sep).join("/"));
    }
  }
  return found.sort();
}

/**
 * Refuses names that would lead out of the cache: they come from a server.
 *
 * @throws HubError
 */
export function checkPath(path: string): void {
  const parts = path.split(/[\\/]/);
  if (path === "" || parts.includes("..") || parts.includes("") || /^[a-z]:/i.test(path) || path.includes("\0")) {
    throw new HubError("damaged", `hub: the name ${JSON.stringify(path)} points outside its folder and was not used`);
  }
}
