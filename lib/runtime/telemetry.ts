import { isMainThread } from "node:worker_threads";

/**
 * onnxruntime's switch. Without it, its Linux build writes a device id and a database into the user's cache and a log
 * into the temporary folder, and sends events to its maker.
 */
const SWITCH = "ORT_DISABLE_TELEMETRY";

/**
 * Turns onnxruntime's telemetry off, unless the user has set the variable. Call it before the binding loads, which
 * reads the environment of the process once.
 */
export async function disableTelemetry(): Promise<void> {
  // In a worker thread of Node, process.env is a copy that native code does not see; Deno has one environment for all.
  process.env[SWITCH] ??= "1";
  if (!isMainThread) await setInMainThread(process.env[SWITCH]!);
}

/**
 * Sets the variable in the main thread, whose assignments reach the process. The debugger's interface is the only
 * door to it, and is answered in a millisecond even while that thread computes or sleeps in Atomics.wait.
 */
async function setInMainThread(value: string): Promise<void> {
  const { Session } = await import("node:inspector");
  const session = new Session();
  try {
    session.connectToMainThread();
  } catch {
    return; // not Node
  }
  const expression = `process.env.${SWITCH} ??= ${JSON.stringify(value)}`;
  await new Promise<void>((resolve) => {
    // The session alone would not keep this thread alive; and a main thread inside native code answers late.
    const late = setTimeout(resolve, 5_000);
    session.post("Runtime.evaluate", { expression }, () => {
      clearTimeout(late);
      resolve();
    });
  });
  session.disconnect();
}
