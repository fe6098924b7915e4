import { randomBytes } from "node:crypto";
import {
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { KERNEL_NAME, type KernelJson, kernelJson, kernelMain } from "./kernelspec.ts";
import { packageRoot } from "./package-root.ts";

/** A kernelspec of the same name that is not the one to be installed or removed. */
export class KernelspecInTheWayError extends Error {
  override name = "KernelspecInTheWayError";
}

/** What a Jupyter data folder holds under our kernelspec's name. */
export type Found =
  /** Nothing. */
  | { state: "absent" }
  /** Exactly what would be installed. */
  | { state: "identical" }
  /** A kernelspec of this clone, made by another Node or another version of it. */
  | { state: "outdated"; owner: string }
  /** A kernelspec whose program no longer exists: its clone was moved or removed. */
  | { state: "orphaned"; owner: string }
  /** Somebody else's: another clone's, another program's, or no kernelspec at all. */
  | { state: "foreign"; owner: string };

/** What {@link installKernelspec} did. */
export interface Installed {
  /** The kernelspec's folder, `DATA_DIR/kernels/difflab`. */
  folder: string;
  outcome: "installed" | "unchanged" | "replaced";
}

/** Where to, from which clone, and whether to overwrite. */
export interface InstallOptions {
  /** A Jupyter data folder; `kernels/difflab` in it is written. */
  dataDir: string;
  /** The package's folder; default this one. */
  root?: string;
  /** Replace what is there. Default: only if it is identical, so that nothing changes. */
  force?: boolean;
}

/** Where the kernelspec is or would be in a data folder. */
export function kernelspecFolder(dataDir: string): string {
  return join(dataDir, "kernels", KERNEL_NAME);
}

/** Looks at what a data folder holds under our name; changes nothing. */
export function findKernelspec(dataDir: string, root = packageRoot()): Found {
  const folder = kernelspecFolder(dataDir);
  if (!lstatSync(folder, { throwIfNoEntry: false })) return { state: "absent" };
  let spec: Partial<KernelJson>;
  try {
    spec = JSON.parse(readFileSync(join(folder, "kernel.json"), "utf8"));
    if (!Array.isArray(spec.argv)) throw new TypeError();
  } catch {
    return { state: "foreign", owner: "something that is not a kernelspec" };
  }
  const argv = spec.argv.map(String);
  const owner = `"${spec.display_name}" (${argv.join(" ")})`;
  if (argv.includes(kernelMain(root))) return { state: isIdentical(folder, root) ? "identical" : "outdated", owner };
  const main = argv.find((word) => word.endsWith(join("dist", "kernel", "main.js")));
  return { state: main && !existsSync(main) ? "orphaned" : "foreign", owner };
}

/**
 * Installs the kernelspec into a Jupyter data folder.
 *
 * The folder is written under another name first and then renamed, so that Jupyter never sees half of it.
 *
 * @throws KernelspecInTheWayError if there is a different one already and `force` is not given
 * @throws Error if the folder cannot be written
 */
export function installKernelspec({ dataDir, root = packageRoot(), force = false }: InstallOptions): Installed {
  const folder = kernelspecFolder(dataDir);
  const found = findKernelspec(dataDir, root);
  if (found.state === "identical") return { folder, outcome: "unchanged" };
  if (found.state !== "absent" && !force) {
    throw new KernelspecInTheWayError(
      `kernelspec: ${folder} already holds ${found.owner}. Add --force to replace it, or install elsewhere with --prefix DIR.`,
    );
  }
  // Beside "kernels", not in it: same disk, so it can be renamed, but never listed as a kernel.
  const draft = join(dataDir, `.${KERNEL_NAME}-${randomBytes(6).toString("hex")}`);
  const old = `${draft}-old`;
  try {
    mkdirSync(dirname(folder), { recursive: true });
    cpSync(logos(root), draft, { recursive: true });
    writeFileSync(join(draft, "kernel.json"), kernelJsonText(root));
    if (found.state !== "absent") renameSync(folder, old);
    try {
      renameSync(draft, folder);
    } catch (error) {
      if (found.state !== "absent") renameSync(old, folder);
      throw error;
    }
  } catch (error) {
    throw notWritable(folder, error as NodeJS.ErrnoException);
  } finally {
    rmSync(draft, { recursive: true, force: true });
    rmSync(old, { recursive: true, force: true });
  }
  return { folder, outcome: found.state === "absent" ? "installed" : "replaced" };
}

/**
 * Removes the kernelspec from a Jupyter data folder.
 *
 * @returns the folder that was removed, undefined if there was none
 * @throws KernelspecInTheWayError if it is somebody else's and `force` is not given
 */
export function uninstallKernelspec({
  dataDir,
  root = packageRoot(),
  force = false,
}: InstallOptions): string | undefined {
  const folder = kernelspecFolder(dataDir);
  const found = findKernelspec(dataDir, root);
  if (found.state === "absent") return undefined;
  if (found.state === "foreign" && !force) {
    throw new KernelspecInTheWayError(
      `kernelspec: ${folder} holds ${found.owner}, not this clone's kernel. Add --force to remove it anyway.`,
    );
  }
  try {
    rmSync(folder, { recursive: true });
  } catch (error) {
    throw notWritable(folder, error as NodeJS.ErrnoException);
  }
  return folder;
}

function isIdentical(folder: string, root: string): boolean {
  if (readFileSync(join(folder, "kernel.json"), "utf8") !== kernelJsonText(root)) return false;
  return readdirSync(logos(root)).every((name) => {
    const copy = join(folder, name);
    return existsSync(copy) && readFileSync(copy).equals(readFileSync(join(logos(root), name)));
  });
}

/** The folder of logo files, which are no sources and so are not copied to dist/. */
function logos(root: string): string {
  return join(root, "kernel", "spec", "logo");
}

function kernelJsonText(root: string): string {
  return `${JSON.stringify(kernelJson(root), null, 2)}\n`;
}

function notWritable(folder: string, cause: NodeJS.ErrnoException): Error {
  const hint = ["EACCES", "EPERM", "EROFS"].includes(cause.code ?? "")
    ? "Choose a folder that you can write to: --user, or --prefix DIR."
    : "Nothing was changed.";
  return new Error(`kernelspec: cannot write ${folder} (${cause.message}). ${hint}`, { cause });
}
