import { source } from "../graph/node.ts";
import { storageOf } from "../graph/storage-of.ts";
import { FileArray } from "../runtime/storage.ts";
import { Tensor } from "./tensor.ts";

/** The same values, which nobody reads in 8 bits where `x` is a weight of a network that does. */
export function exact(x: Tensor): Tensor {
  const storage = storageOf(x.peek());
  if (!storage?.eightBit) return x;
  if (!(storage instanceof FileArray)) return x.mul(1);
  const { dtype, shape, file, device } = storage;
  return new Tensor(source(new FileArray(dtype, shape, file, device))).reshape(x.shape).to(x.dtype);
}
