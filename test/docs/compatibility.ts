import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../root.ts";
import { publicNames } from "./surface.ts";

/** Where the table stands. */
export const TABLE = join(ROOT, "lib/COMPATIBILITY.md");

type Section =
  | "tensor"
  | "torch"
  | "nn"
  | "functional"
  | "init"
  | "optim"
  | "lr_scheduler"
  | "schedulers"
  | "pipelines"
  | "models";

/** Where we have what a section lists: `(name) => name of ours`. */
const PLACES: Record<Section, { title: string; theirs: string; ours: readonly string[] }> = {
  tensor: { title: "Methods of a tensor", theirs: "torch.Tensor.", ours: ["Tensor."] },
  torch: { title: "Functions that make or combine tensors", theirs: "torch.", ours: ["", "nn.functional.", "Tensor."] },
  nn: { title: "Layers and losses", theirs: "torch.nn.", ours: ["nn."] },
  functional: { title: "nn.functional", theirs: "F.", ours: ["nn.functional.", "Tensor."] },
  init: { title: "nn.init", theirs: "torch.nn.init.", ours: ["nn.init."] },
  optim: { title: "Optimizers", theirs: "torch.optim.", ours: ["optim."] },
  lr_scheduler: { title: "Learning rate schedules", theirs: "torch.optim.lr_scheduler.", ours: ["optim."] },
  schedulers: { title: "diffusers: schedulers", theirs: "diffusers.", ours: [""] },
  pipelines: { title: "diffusers: pipelines", theirs: "diffusers.", ours: [""] },
  models: { title: "diffusers: models", theirs: "diffusers.", ours: [""] },
};

/** What goes by another name here, since TypeScript or we have a better one. */
const RENAMED: Readonly<Record<string, string>> = {
  "torch.Tensor.size": "Tensor.shape",
  "torch.Tensor.dim": "Tensor.ndim",
  "torch.Tensor.ndimension": "Tensor.ndim",
  "torch.Tensor.view": "Tensor.reshape",
  "torch.Tensor.numpy": "Tensor.data",
  "torch.Tensor.cpu": "Tensor.to",
  "torch.Tensor.cuda": "Tensor.to",
  "torch.Tensor.type": "Tensor.to",
  "torch.Tensor.double": "Tensor.to",
  "torch.Tensor.clip": "Tensor.clamp",
  "torch.Tensor.nelement": "Tensor.numel",
  "torch.as_tensor": "tensor",
  "torch.from_numpy": "fromArray",
  "torch.manual_seed": "manualSeed",
};

/** Names that PyTorch itself does not document, or that are of devices and number types which are not here. */
const UNHEARD =
  /^(_|cudnn|miopen|mkldnn|fbgemm|quantize|dequantize|q_|sym_|fake_|fused_|native_|parse_|import_ir|is_autocast|set_autocast|get_autocast|autocast|clear_autocast|has_torch|handle_torch|boolean_dispatch|assert_int|sparse|unify_|merge_type|hash_|from_file|frombuffer|fork|wait|module_load|retain_|register_|rename|refine_names|align_|storage|untyped|set_$|share_|is_shared|pin_|record_stream|resize|reinforce|names|col_|crow_|ccol_|row_indices|indices|values|int_repr|smm|hsmm|saddmm|hspmm|spmm|dsmm|sspaddmm|coalesce|is_coalesced|to_sparse|to_mkldnn|to_dense|to_padded|to_dlpack|choose_qparams|unsafe_|batch_norm_|grid_sampler|conv_tbc|convolution$|rnn_|lstm|gru|set_num_interop|get_num_interop|init_num|set_flush|set_anomaly|is_anomaly|is_vulkan|get_device|can_cast|scalar_tensor|slice_|geqrf|orgqr|ormqr|alias_|as_strided|embedding_bag|is_(distributed|inference|same_size|neg|conj|set_to|meta|cpu|cuda|ipu|xpu|xla|maia|mkldnn|mps|mtia|nested|quantized|sparse|vulkan)|scaled_(grouped_)?mm|grouped_mm|multi_head_attention_forward|apply_|map_|map2_|new$|nan_to_num_|dense_dim|ipu|xpu|mtia|tolist_|xla|hpu|privateuse)|_(copy|backward|with_indices)(_|$)/;

interface Recorded {
  readonly cases: Readonly<Record<string, unknown>>;
}

function recorded<T>(name: string): T {
  return JSON.parse(readFileSync(join(ROOT, "test/reference", `${name}.json`), "utf8")) as T;
}

/** The table of what PyTorch and diffusers have, and what is here, as Markdown. */
export function compatibilityTable(): string {
  const { versions, ...sections } = recorded<Record<Section, string[]> & { versions: Record<string, string> }>("names");
  const ours = new Set(publicNames().map(({ name }) => name));
  const compared = comparedNames();
  const parts = (Object.keys(PLACES) as Section[]).map((section) => {
    const { title, theirs, ours: places } = PLACES[section];
    const rows: string[] = [];
    const absent: string[] = [];
    for (const name of sections[section]) {
      const mine =
        RENAMED[`${theirs}${name}`] ??
        places.map((place) => `${place}${camelCase(name)}`).find((full) => ours.has(full));
      if (mine === undefined || !ours.has(mine)) {
        if (!UNHEARD.test(name) && !(section === "tensor" && name.endsWith("_"))) absent.push(name);
        continue;
      }
      const isRenamed = `${theirs}${name}` in RENAMED;
      rows.push(`| \`${theirs}${name}\` | \`${mine}\` | ${isRenamed ? "by another name" : compared(mine)} |`);
    }
    const table = ["| PyTorch or diffusers | difflab | compared |", "|---|---|---|", ...rows].join("\n");
    const rest = absent.length === 0 ? "" : `\n\nNot here: ${absent.map((name) => `\`${name}\``).join(", ")}.`;
    return `## ${title}\n\n${rows.length} are here.\n\n${table}${rest}\n`;
  });
  return `# What is here of PyTorch and diffusers

Names are PyTorch's and diffusers' in TypeScript's spelling: \`masked_fill\` is \`maskedFill\`, keyword arguments are a last argument with
named options. "Numbers" means that results are compared with those that torch ${versions.torch} or diffusers ${versions.diffusers} gave (\`test/reference/\`),
"gradients" that first and second derivatives are, too. In-place methods end in an underscore as PyTorch's do.

This file is made by \`npm run compatibility\`, and a test compares it with the library.

${parts.join("\n")}`;
}

function camelCase(name: string): string {
  return name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

/** What is compared with recorded numbers: for our name, in words. */
function comparedNames(): (ours: string) => string {
  const operations = Object.keys(recorded<Recorded>("ops").cases);
  const edges = Object.keys(recorded<Recorded>("edges").cases);
  const nn = recorded<Record<"layers" | "optimizers" | "schedules", Record<string, unknown>>>("nn");
  const schedulers = recorded<{ cases: { name: string }[] }>("schedulers").cases.map(({ name }) => name);
  const inits = Object.keys(recorded<{ weights: Record<string, unknown> }>("init").weights);
  const random = JSON.stringify(recorded<Recorded>("torch-random").cases);
  const layers = [...Object.keys(nn.layers), ...Object.keys(recorded<Recorded>("norms").cases)];
  const others = [...Object.keys(nn.optimizers), ...Object.keys(nn.schedules), ...inits];
  const models = ["UNet2DConditionModel", "UNet2DModel", "AutoencoderKL", "StableDiffusionPipeline"];
  // `sumDim` is a case of `sum`, `conv2dGroups` of `conv2d`.
  const has = (cases: readonly string[], name: string) =>
    cases.some((one) => {
      const [a, b] = [one.toLowerCase(), name.toLowerCase()];
      return a === b || (a.startsWith(b) && /[A-Z0-9 ]/.test(one[b.length]!));
    });
  return (ours) => {
    const name = ours.split(".").at(-1)!;
    const first = `${name[0]!.toLowerCase()}${name.slice(1)}`.replace(/LR$|Loss$/, "");
    if (has(operations, name) || has(operations, first)) return "numbers, gradients";
    if (has(edges, name) || has(layers, first) || has(others, first) || has(inits, name)) return "numbers";
    if (schedulers.some((one) => one === name) || models.includes(name)) return "numbers";
    return random.includes(`"${name}"`) ? "numbers" : "";
  };
}
