import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { ROOT } from "../../root.ts";

// Debian's chromium brings a Vulkan driver in software, and a loader for it.
const chromium = "/usr/lib/chromium";
export const softwareDriver = existsSync(join(chromium, "vk_swiftshader_icd.json"))
  ? { LD_LIBRARY_PATH: chromium, VK_ICD_FILENAMES: join(chromium, "vk_swiftshader_icd.json"), XDG_RUNTIME_DIR: "/tmp" }
  : null;

/** Runs code in a process of its own: a graphics driver is chosen by the environment at its start. */
export async function onGpu(code: string, driver: NodeJS.ProcessEnv = softwareDriver ?? {}): Promise<unknown> {
  const program = `import * as d from ${JSON.stringify(join(ROOT, "dist/lib/index.js"))};\n${code}`;
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", program], {
    env: { ...process.env, ...driver },
    timeout: 240_000,
  });
  return JSON.parse(stdout.trim().split("\n").at(-1)!);
}

let found: Promise<unknown> | undefined;

/** Whether webgpu works here, with a driver of the machine's own or Chromium's. Asked once: a process for each test adds up. */
export function hasGpu(): Promise<unknown> {
  found ??= onGpu('console.log(JSON.stringify((await d.availableDevices()).includes("webgpu")))');
  return found;
}
