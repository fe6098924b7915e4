import { type DType, dtypes, isDType } from "../graph/dtype.ts";
import { checkOptions, type Names, shown } from "../options.ts";
import { devices } from "../runtime/devices.ts";

/** How a tensor is made: its dtype, device, and whether it takes gradients. */
export interface TensorOptions {
  /** float32 unless the data say otherwise. */
  readonly dtype?: DType;
  /** The default device unless given. */
  readonly device?: string;
  /** Whether `backward()` leaves a gradient in `x.grad`; default false. */
  readonly requiresGrad?: boolean;
}

const names: Names<TensorOptions> = { dtype: true, device: true, requiresGrad: true };

/** Refuses a dtype that tensors do not have, with the way out for those that PyTorch has. */
export function checkDType(where: string, dtype: unknown): asserts dtype is DType {
  if (isDType(dtype)) return;
  const way = dtype === "float64" || dtype === "double" ? "; difflab computes in float32, as onnxruntime does" : "";
  throw new TypeError(`${where}: unknown dtype ${shown(dtype)}${way}; expected one of ${dtypes.join(", ")}`);
}

/** Refuses a device that does not exist. Whether it works here, `setDevice` and the first computation tell. */
export function checkDevice(where: string, device: unknown): void {
  if ((devices as readonly unknown[]).includes(device)) return;
  throw new RangeError(`${where}: unknown device ${shown(device)}; expected one of ${devices.join(", ")}`);
}

/**
 * Refuses options of a new tensor that are unknown or make no sense.
 *
 * @param more - names of further options
 */
export function checkCreation(where: string, options: TensorOptions, more: readonly string[] = []): void {
  checkOptions(where, options, [...Object.keys(names), ...more]);
  if (options.dtype !== undefined) checkDType(where, options.dtype);
  if (options.device !== undefined) checkDevice(where, options.device);
}
