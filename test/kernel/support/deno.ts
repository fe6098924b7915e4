import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import type { KernelSpec } from "../../../kernel/client/launch.ts";
import { ROOT } from "../../root.ts";

export const DENO_VERSION = "2.9.6";

const name = process.platform === "win32" ? "deno.exe" : "deno";

/** Where the benchmarks put Deno, and the npm package that it comes from. */
export function denoFromNpm(): { folder: string; npmPackage: string; program: string } {
  const platform = `${process.platform}-${process.arch}${process.platform === "linux" ? "-glibc" : ""}`;
  const folder = join(ROOT, ".cache/peers");
  return {
    folder,
    npmPackage: `@deno/${platform}@${DENO_VERSION}`,
    program: join(folder, "node_modules/@deno", platform, name),
  };
}

/** A Deno that the machine has: in `$DENO`, from npm, or on the PATH. */
export function findDeno(): string | undefined {
  const onPath = (process.env.PATH ?? "").split(delimiter).map((folder) => join(folder, name));
  return [process.env.DENO ?? "", denoFromNpm().program, ...onPath].find((program) => program && existsSync(program));
}

/** Deno's own kernel. */
export function denoKernel(program: string): KernelSpec {
  return { argv: [program, "jupyter", "--kernel", "--conn", "{connection_file}"] };
}
