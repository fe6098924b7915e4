import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ROOT } from "../../root.ts";

test("asking which devices there are prints nothing, whatever the graphics driver says of itself", () => {
  const library = join(ROOT, "dist/lib/index.js");
  const code = `import { availableDevices } from ${JSON.stringify(library)}; console.log((await availableDevices()).includes("cpu")); process.exit(0)`;
  const env = { ...process.env, VK_ICD_FILENAMES: "/nothing/here.json" };
  const out = execFileSync("sh", ["-c", '"$0" --input-type=module -e "$1" 2>&1', process.execPath, code], {
    encoding: "utf8",
    env,
  });
  expect(out).toBe("true\n");
});
