import { randomBytes } from "node:crypto";
import { openAsBlob } from "node:fs";
import { mkdir, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { commitIter, createRepo } from "@huggingface/hub";
import { isKept, keepMapped } from "../files/mapped.ts";
import { writeWhole } from "../files/write-whole.ts";
import { listFolder } from "./cache.ts";
import { explain, HubError, HubRefusal } from "./errors.ts";
import { type HubOptions, hubUrlOf } from "./options.ts";
import { defaultProgress } from "./progress.ts";
import { hubFetch } from "./request.ts";
import { tokenOf } from "./token.ts";

/** Writes an object as JSON with indents, whole or not at all. */
export async function writeJson(path: string, value: unknown): Promise<void> {
  await writeWhole(path, (write) => write(Buffer.from(`${JSON.stringify(value, null, 2)}\n`)));
}

/**
 * Writes a model's folder (`model_index.json`, `unet/config.json` and so on) so that it is there whole or not at all:
 * `fill` writes into a new folder beside it, which takes the place of the old one at the end.
 *
 * A folder that holds other things than a saved model is refused.
 *
 * @param fill - is given the folder to write into
 * @throws HubError if `folder` is a file or holds something else, or the disk is full; what was there before stays
 */
export async function saveFolder(folder: string, fill: (folder: string) => Promise<void>): Promise<void> {
  const target = resolve(folder);
  await checkTarget(target);
  await mkdir(dirname(target), { recursive: true });
  const suffix = randomBytes(6).toString("hex");
  const fresh = join(dirname(target), `.${basename(target)}.${suffix}.part`);
  const aside = join(dirname(target), `.${basename(target)}.${suffix}.old`);
  try {
    await mkdir(fresh);
    await fill(fresh);
    // Tensors that lie in the old files keep their values.
    await keepMapped(target);
    const replaced = await rename(target, aside).then(
      () => true,
      (error: NodeJS.ErrnoException) => {
        if (error.code === "ENOENT") return false;
        throw error;
      },
    );
    try {
      await rename(fresh, target);
    } catch (error) {
      if (replaced) await rename(aside, target);
      throw error;
    }
    if (replaced) await rm(aside, { recursive: true, force: true });
  } catch (error) {
    await rm(fresh, { recursive: true, force: true });
    if ((error as NodeJS.ErrnoException).code === "ENOSPC") {
      throw new HubError(
        "disk",
        `savePretrained: ${target} was not written; the disk is full. Free some space and try again`,
        { cause: error },
      );
    }
    throw error;
  }
}

/** What a saved model's folder may hold beside its components. */
const SAVED =
  /^(model_index\.json|config\.json|.*\.(json|txt|md|safetensors|model|png|webp|gitattributes)|\.gitattributes)$/;

async function checkTarget(target: string): Promise<void> {
  const info = await stat(target).catch(() => undefined);
  if (!info) return;
  if (!info.isDirectory()) throw new HubError("disk", `savePretrained: ${target} is a file, expected a folder`);
  const names = (await listFolder(target)).map((path) => basename(path));
  if (names.length === 0) return;
  // A component's settings make it one, too: a pipeline's folder may be filled part by part.
  const isModel = names.some((name) => name === "model_index.json" || /(^|_)config\.json$/.test(name));
  const strange = names.find((name) => !SAVED.test(name) && !isKept(name));
  if (!isModel || strange !== undefined) {
    const reason = strange === undefined ? "no saved model" : `the file ${strange}`;
    throw new HubError(
      "disk",
      `savePretrained: the folder ${target} contains ${reason}, which would be lost. Choose another folder.`,
    );
  }
}

/** Where and how a model is pushed. */
export interface PushOptions extends Pick<HubOptions, "token" | "hubUrl" | "onProgress" | "signal"> {
  /** Default "main". */
  branch?: string;
  /** Whether a repository that is made for it is private; default false. */
  private?: boolean;
  /** Default "Upload model". */
  commitMessage?: string;
  /** Say what would be sent, without sending it or asking the hub anything; default false. */
  dryRun?: boolean;
}

/** What `pushToHub` has sent. */
export interface Pushed {
  /** The repository's page. */
  readonly url: string;
  /** The commit; null after a dry run. */
  readonly commit: string | null;
  /** The files and their sizes. */
  readonly files: { path: string; bytes: number }[];
}

/**
 * Sends a saved model's folder to a repository on the Hugging Face hub, as one commit; the repository is made where there
 * is none.
 *
 * @param repo - "you/name"
 * @returns the repository's page, the commit, and what was sent
 * @throws HubError if there is no token, it may not write there, the folder is empty, or the hub cannot be reached
 */
export async function pushToHub(folder: string, repo: string, options: PushOptions = {}): Promise<Pushed> {
  const { branch = "main", commitMessage = "Upload model", onProgress = defaultProgress(), signal } = options;
  if (!/^[\w.-]+\/[\w.-]+$/.test(repo)) {
    throw new TypeError(`pushToHub: got the repository ${JSON.stringify(repo)}, expected "you/name"`);
  }
  const hubUrl = hubUrlOf(options);
  const paths = await listFolder(folder);
  if (paths.length === 0) throw new HubError("missing", `pushToHub: ${resolve(folder)} contains no files`);
  const files: Pushed["files"] = [];
  for (const path of paths) files.push({ path, bytes: (await stat(join(folder, path))).size });
  if (options.dryRun) return { url: `${hubUrl}/${repo}`, commit: null, files };
  const token = await tokenOf(options);
  if (token === undefined) {
    throw new HubError(
      "refused",
      "pushToHub: no token. Set HF_TOKEN, or store one that may write with login({ token }).",
    );
  }
  const request = hubFetch(hubUrl, token, { signal });
  // The library insists on the prefix of tokens; ours goes into the header in `hubFetch`.
  const at = { repo: { type: "model" as const, name: repo }, hubUrl, accessToken: "hf_", fetch: request };
  try {
    await createRepo({ ...at, private: options.private ?? false }).catch((error: unknown) => {
      if (!(error instanceof HubRefusal && error.status === 409)) throw error;
    });
    const sizes = new Map<string, number>();
    const operations: { operation: "addOrUpdate"; path: string; content: Blob }[] = [];
    for (const path of paths) {
      const content = await openAsBlob(join(folder, path));
      sizes.set(path, content.size);
      operations.push({ operation: "addOrUpdate", path, content });
    }
    const upload = commitIter({
      ...at,
      branch,
      operations,
      title: commitMessage,
      ...(signal ? { abortSignal: signal } : {}),
    });
    for (;;) {
      const { value, done } = await upload.next();
      if (done) return { url: `${hubUrl}/${repo}`, commit: value?.commit.oid ?? "", files };
      if (value.event === "fileProgress" && value.state === "uploading") {
        const total = sizes.get(value.path) ?? 0;
        onProgress?.({ file: value.path, loaded: Math.round(total * value.progress), total });
      }
    }
  } catch (error) {
    signal?.throwIfAborted();
    throw explain(error, `pushToHub: ${repo}`, { hubUrl, repo, hasToken: true });
  }
}
