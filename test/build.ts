import { build } from "../kernel/start/start.mjs";
import { ROOT } from "./root.ts";

/** The kernel's processes run what is in dist/: no test meets one that is older than the sources. */
export async function setup(): Promise<void> {
  await build(ROOT);
}
