import { storageOf } from "../graph/storage-of.ts";
import { checkChoice } from "../options.ts";
import { notice } from "../page/notice.ts";
import { eightBitHere } from "../runtime/sessions.ts";
import { settings } from "../runtime/settings.ts";
import type { Tensor } from "../tensor/tensor.ts";

export const precisions = ["float32", "int8", "auto"] as const;
/** What a network that is only read computes in: float32, 8 bits, or whichever suits the processor. */
export type Precision = (typeof precisions)[number];
/** What came of it. */
export type ChosenPrecision = Exclude<Precision, "auto">;

/**
 * What a network is going to compute in, which is said where it is not what was asked for.
 *
 * @param where - who asks, for errors and notices
 * @throws RangeError for a precision that there is not
 */
export async function choosePrecision(where: string, wanted: Precision): Promise<ChosenPrecision> {
  checkChoice(where, "precision", wanted, precisions);
  if (wanted === "float32") return wanted;
  if (settings.device !== "cpu") {
    notice(`${where}: "${settings.device}" has no products in 8 bits; computing in float32`);
    return "float32";
  }
  const { fast } = await eightBitHere();
  const without = "this processor has no instructions for products in 8 bits (VNNI)";
  if (wanted === "int8" && !fast) notice(`${where}: ${without}; computing in them all the same, which gains little`);
  if (wanted === "auto" && !fast) notice(`${where}: ${without}; computing in float32`);
  if (wanted === "auto" && fast) {
    notice(`${where}: computing in 8 bits, for which this processor has instructions (VNNI); "float32" is exact`);
  }
  if (wanted === "auto" && !fast) return "float32";
  return "int8";
}

/** Lets layers read a frozen weight in 8 bits, or no longer. */
export function markEightBit(weight: Tensor, on = true): void {
  const storage = storageOf(weight.peek());
  if (storage) storage.eightBit = on;
}

/** Whether layers read it so. */
export function isEightBit(weight: Tensor): boolean {
  return storageOf(weight.peek())?.eightBit === true;
}
