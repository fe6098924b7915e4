import { join } from "node:path";
import { packageRoot } from "./package-root.ts";

/** The kernelspec's name: that of its folder, and `metadata.kernelspec.name` in notebooks. */
export const KERNEL_NAME = "difflab";

/** What front ends show in their kernel menus. */
export const DISPLAY_NAME = "TypeScript (difflab)";

/** The contents of a `kernel.json`. */
export interface KernelJson {
  argv: string[];
  display_name: string;
  language: string;
  interrupt_mode: "message" | "signal";
  metadata: Record<string, unknown>;
}

/** The file that `kernelArgv` starts. */
export function kernelMain(root = packageRoot()): string {
  return join(root, "dist", "kernel", "main.js");
}

/**
 * The command that starts the kernel; defined only here.
 *
 * Its paths are absolute, because a front end may start kernels from any folder, and one that was opened from a
 * desktop menu does not have the terminal's PATH (nvm, Homebrew).
 *
 * @param root - the package's folder; default this one
 */
export function kernelArgv(root = packageRoot()): string[] {
  return [process.execPath, kernelMain(root), "{connection_file}"];
}

/** The whole `kernel.json`. */
export function kernelJson(root = packageRoot()): KernelJson {
  return {
    argv: kernelArgv(root),
    display_name: DISPLAY_NAME,
    language: "typescript",
    // The cells run in a child of the process that a signal would reach.
    interrupt_mode: "message",
    metadata: { debugger: false },
  };
}
