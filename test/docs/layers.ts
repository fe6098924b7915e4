/**
 * What may import what, from the ground up: a folder (or a file beside the folders) imports from those above it in its
 * list, never from its own line or below. `kernel` and `lib` never import from each other.
 */
export const LAYERS: Readonly<Record<string, readonly (readonly string[])[]>> = {
  lib: [
    ["options.ts", "printed.ts", "scope.ts", "shipped.ts", "files", "page", "random"],
    ["graph", "config"],
    ["autodiff", "onnx", "safetensors"],
    ["lower", "pickle"],
    ["runtime"],
    ["tensor"],
    ["compile", "nn"],
    ["io", "optim", "plots"],
    ["hub", "train"],
    ["adapters", "datasets", "images", "models", "schedulers", "tokenizer"],
    ["judge", "pipelines", "widgets"],
    ["explore", "finetune"],
    ["index.ts"],
    ["examples", "recipes"],
  ],
  kernel: [
    ["own-time.ts"],
    ["wire", "display", "spec", "resolution", "terminal"],
    ["cells"],
    ["client", "evaluator", "checker"],
    ["index.ts", "server", "start"],
    ["main.ts", "bin.ts", "class"],
  ],
};
