import { structure } from "../lower/structure.ts";
import { copyModel } from "./copy-model.ts";
import { engine } from "./engine.ts";
import { quietProbe } from "./quiet-probe.ts";
import { Session } from "./sessions.ts";
import { settings } from "./settings.ts";

/** Where tensors may lie and be computed. */
export const devices = ["cpu", "webgpu", "cuda", "coreml", "dml"] as const;
/** The name of a device: "cpu", "webgpu", "cuda", "coreml" or "dml". */
export type Device = (typeof devices)[number];

// In the order in which "auto" tries them.
const fastest: readonly Device[] = ["cuda", "dml", "webgpu", "coreml", "cpu"];

const remedy: Readonly<Record<Device, string>> = {
  cpu: "the CPU is always available",
  webgpu:
    "it needs a graphics driver: Vulkan on Linux (mesa-vulkan-drivers, or the card's own), DirectX 12 on Windows, Metal on macOS",
  cuda: "it needs Linux on x64 with an NVIDIA driver, CUDA 12 and cuDNN 9, and onnxruntime-node installed with `npm rebuild onnxruntime-node --onnxruntime-node-install=cuda12`",
  coreml: "it is part of macOS",
  dml: "it is part of Windows",
};

const usable = new Map<Device, Promise<string | null>>();

/**
 * Sets the device on which tensors are created and computed from now on; existing tensors stay where they are.
 * `await setDevice("auto")` at the top of a notebook.
 *
 * @param name - a device, or "auto" for the fastest that works here
 * @returns the device selected
 * @throws RangeError for a name that is none; Error if the device is not available, with how to get it
 */
export async function setDevice(name: Device | "auto"): Promise<Device> {
  if (name === "auto") {
    for (const device of fastest) {
      if ((await whyNot(device)) !== null) continue;
      console.log(`difflab: computing on ${device}`);
      settings.device = device;
      return device;
    }
    return "cpu";
  }
  if (!devices.includes(name)) {
    throw new RangeError(`setDevice: unknown device "${name}"; expected one of ${devices.join(", ")} or auto`);
  }
  const reason = await whyNot(name);
  if (reason !== null) {
    throw new Error(`setDevice: "${name}" is not available here: ${remedy[name]}. (${reason})`);
  }
  settings.device = name;
  return name;
}

/** The device on which tensors are created. */
export function getDevice(): string {
  return settings.device;
}

/** The devices that work here. */
export async function availableDevices(): Promise<Device[]> {
  const working = await Promise.all(devices.map(async (device) => ((await whyNot(device)) === null ? device : null)));
  return working.filter((device) => device !== null);
}

/** Null where a device works, otherwise what it says. Found out once, by computing something. */
function whyNot(device: Device): Promise<string | null> {
  let answer = usable.get(device);
  if (!answer) {
    answer = device === "cpu" ? Promise.resolve(null) : attempt(device);
    usable.set(device, answer);
  }
  return answer;
}

async function attempt(device: Device): Promise<string | null> {
  const backends = (await engine.request({ type: "backends" })) as { name: string }[];
  if (!backends.some((backend) => backend.name === device)) {
    return `onnxruntime-node for ${process.platform} ${process.arch} does not include it`;
  }
  const model = copyModel("float32", [1]);
  const quiet = device === "webgpu" ? await quietProbe(model, device) : null;
  if (quiet !== null) return quiet;
  const session = new Session(structure([]), () => ({ model }), { device, threads: 1, arena: false }, []);
  try {
    const data = Float32Array.of(3);
    const feeds = [{ name: "x0", dtype: "float32", shape: [1], data }] as const;
    const [read] = await session.run(feeds, [{ name: "y0", dtype: "float32", shape: [1], read: true }]);
    return (read as Float32Array)[0] === 3 ? null : "it computes wrong results";
  } catch (error) {
    return (error instanceof Error ? error.message : String(error)).split("\n")[0]!;
  } finally {
    session.close();
  }
}
