import { homedir } from "node:os";
import { join } from "node:path";
import type { Names } from "../options.ts";

/** How to reach the Hugging Face hub, and what to take from it. */
export interface HubOptions {
  /** Branch, tag or commit; default "main". */
  revision?: string;
  /** The hub's cache, shared with Python; default as the hub's own libraries choose it (`HF_HUB_CACHE`, `HF_HOME`). */
  cacheDir?: string;
  /** Use only what is in the cache; default false, or true if `HF_HUB_OFFLINE` is set. */
  localFilesOnly?: boolean;
  /** An access token; default `HF_TOKEN`, else the one that `login` stored. `false` sends none. */
  token?: string | false;
  /** Default the environment's `HF_ENDPOINT`, else https://huggingface.co */
  hubUrl?: string;
  /** Called while files download; default a bar in a notebook, lines in a terminal. `null` for none. */
  onProgress?: ((progress: FileProgress) => void) | null;
  /** Stops the download. What has come stays, and the next try goes on from there. */
  signal?: AbortSignal;
}

/** Names of the options above, for functions that refuse others. */
export const HUB_OPTIONS: Names<HubOptions> = {
  revision: true,
  cacheDir: true,
  localFilesOnly: true,
  token: true,
  hubUrl: true,
  onProgress: true,
  signal: true,
};

/** How far one file is. */
export interface FileProgress {
  /** The file's path in its repository. */
  readonly file: string;
  /** Bytes so far, with those of earlier tries. */
  readonly loaded: number;
  /** Bytes in all. */
  readonly total: number;
}

/** Kinds of repositories that hold files for us. */
export type RepoType = "model" | "dataset";

/** The hub's address, without a slash at the end. */
export function hubUrlOf(options: Pick<HubOptions, "hubUrl">): string {
  return (options.hubUrl ?? (process.env.HF_ENDPOINT || "https://huggingface.co")).replace(/\/+$/, "");
}

/** The folder that holds every downloaded repository: `HF_HUB_CACHE`, else `hub` in the hub's home. */
export function cacheDirOf(options: Pick<HubOptions, "cacheDir">): string {
  const { HF_HUB_CACHE, HUGGINGFACE_HUB_CACHE } = process.env;
  return expandPath(options.cacheDir ?? (HF_HUB_CACHE || HUGGINGFACE_HUB_CACHE || join(hubHome(), "hub")));
}

/** `~` and variables in a path, as a shell and Python's huggingface_hub understand them. What is not set stays as it is. */
export function expandPath(path: string): string {
  const variables = path.replace(
    /\$(?:\{([^}]+)\}|(\w+))/g,
    (match, braced?: string, plain?: string) => process.env[braced ?? plain!] ?? match,
  );
  return variables.replace(/^~(?=$|[\\/])/, () => homedir());
}

/** Whether the network is not to be used. */
export function isLocalOnly(options: Pick<HubOptions, "localFilesOnly">): boolean {
  return options.localFilesOnly ?? /^(1|on|yes|true)$/i.test(process.env.HF_HUB_OFFLINE ?? "");
}

/** The folder of the hub's own settings: `HF_HOME`, else `~/.cache/huggingface`. */
export function hubHome(): string {
  const { HF_HOME, XDG_CACHE_HOME } = process.env;
  return expandPath(HF_HOME || join(XDG_CACHE_HOME || join(homedir(), ".cache"), "huggingface"));
}
