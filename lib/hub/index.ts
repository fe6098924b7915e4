/** The Hugging Face hub: its files through the cache that Python shares, its accounts, and models sent to it. */
export { bytes, HubError, type HubErrorKind, redact } from "./errors.ts";
export { type FileProgress, HUB_OPTIONS, type HubOptions, hubHome, type RepoType } from "./options.ts";
export type { ResolveOptions } from "./repository.ts";
export { hubFile, resolveFiles } from "./resolve.ts";
export { ResolvedFiles } from "./resolved-files.ts";
export { type PushOptions, pushToHub, saveFolder, writeJson } from "./save.ts";
export { pickWeights, type Selection, type Weights, weightsIn } from "./select.ts";
export { shippedNames, writeChecksums } from "./shipped.ts";
export { type Account, login, logout, tokenOf, whoami } from "./token.ts";
