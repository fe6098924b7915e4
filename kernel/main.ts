/** The kernel as Jupyter starts it: `node main.js CONNECTION_FILE`. */
import { Kernel } from "./server/kernel.ts";
import { readConnectionFile } from "./wire/index.ts";

async function main(): Promise<void> {
  const [file] = process.argv.slice(2);
  if (file === undefined)
    throw new Error(
      "difflab kernel: got no connection file. Jupyter passes one; to run notebooks yourself, use npm run lesson.",
    );
  const kernel = await Kernel.start(readConnectionFile(file), process.cwd(), () => process.exit(0));
  process.on("SIGINT", () => kernel.interrupt());
  process.on("SIGTERM", () => void kernel.stop());
}

main().catch((error: Error) => {
  console.error(error.message);
  process.exit(1);
});
