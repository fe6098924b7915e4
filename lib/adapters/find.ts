import { stat } from "node:fs/promises";
import { HUB_OPTIONS, HubError, type HubOptions, resolveFiles } from "../hub/index.ts";
import type { Names } from "../options.ts";

/** Where an adapter's file is taken from, if it is no path. `token` is the concept's word, so the hub's is `hfToken`. */
export interface AdapterOptions extends Omit<HubOptions, "token"> {
  /** The file's name in the repository or folder; default the usual ones. */
  weightName?: string;
  /** Look in this folder of the repository. */
  subfolder?: string;
  /** An access token for the hub; default as everywhere. */
  hfToken?: string | false;
}

const { token: _, ...hubOptions } = HUB_OPTIONS;
/** Names of the options above, for functions that refuse others. */
export const ADAPTER_OPTIONS: Names<AdapterOptions> = {
  ...hubOptions,
  weightName: true,
  subfolder: true,
  hfToken: true,
};

/**
 * The file of an adapter: the path given, or in a folder or a repository on the hub the one of the usual names, safetensors first.
 *
 * @throws HubError if there is none, with what there is
 */
export async function findAdapter(
  given: string,
  options: AdapterOptions,
  { usual, where }: { usual: readonly string[]; where: string },
): Promise<string> {
  const { weightName, hfToken, ...rest } = options;
  if ((await stat(given).catch(() => undefined))?.isFile()) return given;
  // A path that names a file and is none: not a repository, whatever its form.
  if (weightName === undefined && /\.(safetensors|bin|pt|pth|ckpt)$/.test(given)) {
    throw new HubError("missing", `${where}: ${given}: there is no such file`);
  }
  const names = weightName === undefined ? usual : [weightName];
  let last: unknown;
  for (const name of names) {
    try {
      return (await resolveFiles(given, { ...rest, token: hfToken, files: [name], where })).path(name);
    } catch (error) {
      // The file is missing, not the repository (which the hub would have answered with a status): the next name may be there.
      if (!(error instanceof HubError && error.kind === "missing" && error.status === undefined)) throw error;
      last = error;
    }
  }
  if (names.length === 1) throw last;
  const { message } = last as HubError;
  throw new HubError(
    "missing",
    `${message} Nor does it have ${names.slice(0, -1).join(", ")}. Name the file with { weightName }.`,
    {
      cause: last,
    },
  );
}
