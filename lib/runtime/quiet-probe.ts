import { execFile } from "node:child_process";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

/** Milliseconds after which a driver that hangs counts as missing. */
const PATIENCE = 30_000;

/**
 * Tries a device in a process of its own, whose output nobody sees. A graphics driver that is missing prints warnings of its own, which
 * in a notebook stand there in red, or ends the whole process; neither is to happen to who only asks what works here.
 *
 * @param model - an ONNX model
 * @returns the first line of what is wrong; null if the model can be opened on the device
 */
export function quietProbe(model: Uint8Array, device: string): Promise<string | null> {
  // Deno and Bun take other arguments; there the device is tried in this process.
  if ("Deno" in globalThis || "Bun" in globalThis) return Promise.resolve(null);
  const runtime = pathToFileURL(createRequire(import.meta.url).resolve("onnxruntime-node")).href;
  const code = `
    const { default: ort } = await import(${JSON.stringify(runtime)});
    try {
      await ort.InferenceSession.create(Buffer.from(${JSON.stringify(Buffer.from(model).toString("base64"))}, "base64"), {
        executionProviders: [${JSON.stringify(device)}],
        logSeverityLevel: 4,
      });
      process.stdout.write("works");
    } catch (error) {
      process.stdout.write(String(error.message).split("\\n")[0]);
    }
    process.exit(0);`;
  return new Promise((resolve) => {
    const options = { timeout: PATIENCE, env: { ...process.env, NODE_OPTIONS: "" } };
    execFile(process.execPath, ["--input-type=module", "-e", code], options, (error, stdout) => {
      if (stdout === "works") resolve(null);
      else resolve(stdout || `its driver ends the process${error?.signal ? ` (${error.signal})` : ""}`);
    });
  });
}
