import { shown } from "../options.ts";
import { plural } from "../printed.ts";

/** Adapters that are read by nobody here, by a piece of their tensors' names. */
const KINDS: readonly (readonly [RegExp, string])[] = [
  [/dora_scale|lora_magnitude_vector/, "DoRA"],
  [/hada_w|hada_t/, "LoHa"],
  [/lokr_/, "LoKr"],
  [/lora_mid/, "LoCon with a middle matrix"],
  [/boft_/, "BOFT"],
  [/oft_/, "OFT"],
  [/vera_(lambda|A|B)/, "VeRA"],
  [/\.lora_[ABE]$/, "AdaLoRA"],
  [/ia3_l|\.on_input$/, "IA3"],
  [/\.(a1|a2|b1|b2|bm)\.weight$/, "GLoRA"],
  [/\.(w_norm|b_norm)$/, "trained norms"],
  [/\.(diff|diff_b|set_weight)$/, "full weight differences"],
  [/modules_to_save|original_module/, "full layers in addition to LoRA (modules_to_save)"],
  [/lora_embedding_[AB]/, "LoRA of an embedding table"],
  [/lora_[AB]?\.?(\w+\.)?bias$|lora_(up|down|A|B)\.bias$|\.base_layer\.bias$/, "LoRA with biases"],
  [/^bundle_emb\./, "textual inversion bundled with a LoRA (bundle_emb)"],
  [
    /^(unet|text_encoder|lora_unet|lora_te):\d+:(up|down)|^(unet|text_encoder):\d+:/,
    "lora_diffusion (cloneofsimo's), whose matrices have no names",
  ],
  [/lora_te[23]_|text_encoder_[23]\./, "LoRA for Stable Diffusion XL or 3"],
  [
    /^(diffusion_model|transformer|model\.diffusion_model)\.|lora_transformer_|double_blocks|single_blocks/,
    "LoRA for a diffusion transformer",
  ],
  [/lora_prior_|^prior\./, "LoRA for a prior"],
];

/** The kind of adapter that a tensor's name betrays; undefined if it may be LoRA. */
export function kindOf(key: string): string | undefined {
  return KINDS.find(([pattern]) => pattern.test(key))?.[1];
}

/** What a file holds that is not read. */
export interface Unread {
  /** Names of tensors by the kind of adapter that they belong to. */
  readonly tensors: ReadonlyMap<string, readonly string[]>;
  /** What the settings beside the tensors say: the kind, and the setting. */
  readonly settings: readonly (readonly [kind: string, setting: string])[];
  /** How many tensors are plain LoRA. */
  readonly plain: number;
}

/** The error of a file that is more than plain LoRA: all kinds in it, with how many tensors each has. */
export function refusal(path: string, { tensors, settings, plain }: Unread): Error {
  const parts = [...tensors].map(
    ([kind, names]) => `${kind} (${plural(names.length, "tensor")}, such as ${shown(names[0])})`,
  );
  for (const [kind, setting] of settings) if (!tensors.has(kind)) parts.push(`${kind} (${setting})`);
  const remainder =
    plain > 0
      ? ` next to ${plural(plain, "tensor")} of plain LoRA; applying only those would be half of the adapter`
      : "";
  return new Error(
    `${path}: contains an unsupported kind of adapter: ${parts.join(", ")}${remainder}. Supported is LoRA for Stable Diffusion 1.x and 2.x, ` +
      'with names such as "unet.LAYER.lora_A.weight"',
  );
}
