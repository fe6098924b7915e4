import { join } from "node:path";
import { prefixDataDir, userDataDir } from "../spec/data-dirs.ts";
import { findKernelspec, installKernelspec, kernelspecFolder } from "../spec/install.ts";
import type { JupyterLab } from "./jupyter.ts";

/** Where `npm start` put the kernelspec. */
export interface KernelPlace {
  dataDir: string;
  folder: string;
  /** Whose kernelspec was left untouched in the user's folder, if there was one. */
  leftAlone?: string;
}

/**
 * Installs the kernelspec where this JupyterLab and VS Code find it, without overwriting anybody else's.
 *
 * With the private environment: inside it. With the user's own JupyterLab, or none: in the user's data folder, so
 * that it works from any notebook. If another clone's kernelspec (or another program's) is in that place, it stays, and
 * this clone's goes into `.cache/jupyter`, which `npm start` shows to its own server only.
 */
export function placeKernel(root: string, jupyter: Pick<JupyterLab, "prefix"> | undefined, home = root): KernelPlace {
  const dataDir = jupyter?.prefix ? prefixDataDir(jupyter.prefix) : userDataDir();
  const found = findKernelspec(dataDir, root);
  if (found.state !== "foreign") {
    // What is there is this clone's own, or of a clone that has gone.
    const { folder } = installKernelspec({ dataDir, root, force: true });
    return { dataDir, folder };
  }
  const aside = join(home, ".cache", "jupyter");
  const { folder } = installKernelspec({ dataDir: aside, root, force: true });
  return { dataDir: aside, folder, leftAlone: `${found.owner} in ${kernelspecFolder(dataDir)}` };
}
