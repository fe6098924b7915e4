/** Where the engine's thread begins: what must be settled before onnxruntime's binding loads, then ./worker.ts. */
import { workerData } from "node:worker_threads";
import { disableTelemetry } from "./telemetry.ts";

// The main thread has done it for an engine of its own.
if ((workerData as { nested: boolean }).nested) await disableTelemetry();
await import("./worker.ts");
