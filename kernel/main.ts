/** The kernel as Jupyter starts it: `node main.js CONNECTION_FILE`. */
import { randomUUID } from "node:crypto";
import { MARK } from "./evaluator/host/processes.ts";
import { Kernel } from "./server/kernel.ts";
import { readConnectionFile } from "./wire/index.ts";

async function main(): Promise<void> {
  const [file] = process.argv.slice(2);
  if (file === undefined)
    throw new Error(
      "difflab kernel: no connection file given. Jupyter passes one; to run notebooks yourself, use npm run lesson.",
    );
  // Inherited by every process that the kernel and its cells start, so that none of them outlives it.
  process.env[MARK] = randomUUID();
  const connection = readConnectionFile(file);
  const folder = process.cwd();
  // The folder may be renamed or deleted, and no program can start in a folder that no longer exists.
  process.chdir(import.meta.dirname);
  const kernel = await Kernel.start(connection, folder, () => process.exit(0));
  process.on("SIGINT", () => kernel.interrupt());
  process.on("SIGTERM", () => void kernel.stop());
  // Jupyter names the kernel's parent. A kernel that outlived its server would run forever.
  const parent = process.ppid;
  if (process.env.JPY_PARENT_PID) setInterval(() => process.ppid !== parent && void kernel.stop(), 1000).unref();
}

main().catch((error: Error) => {
  console.error(error.message);
  process.exit(1);
});
