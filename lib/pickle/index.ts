/** Files of torch.save that hold tensors, read without running anything in them. */
export { type Pickled, PickledTensor, parseTorchFile, readTorchFile } from "./torch.ts";
