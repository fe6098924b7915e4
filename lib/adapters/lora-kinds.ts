/** Adapters that are read by nobody here, by a piece of their tensors' names. */
const KINDS: readonly (readonly [RegExp, string])[] = [
  [/dora_scale|lora_magnitude_vector/, "DoRA"],
  [/hada_w|hada_t/, "LoHa"],
  [/lokr_/, "LoKr"],
  [/lora_mid/, "LoCon with a middle matrix"],
  [/oft_|boft_/, "OFT"],
  [/vera_lambda/, "VeRA"],
  [/ia3_l|\.on_input$/, "IA3"],
  [/\.(a1|a2|b1|b2|bm)\.weight$/, "GLoRA"],
  [/\.(w_norm|b_norm)$/, "trained norms"],
  [/\.(diff|diff_b|set_weight)$/, "whole differences of weights"],
  [/modules_to_save|original_module/, "whole layers beside LoRA (modules_to_save)"],
  [/lora_embedding_[AB]/, "LoRA of an embedding table"],
  [/lora_[AB]?\.?(\w+\.)?bias$|lora_(up|down|A|B)\.bias$/, "LoRA with biases"],
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

/** The kind of adapter that a tensor's name betrays; undefined where it may be LoRA. */
export function kindOf(key: string): string | undefined {
  return KINDS.find(([pattern]) => pattern.test(key))?.[1];
}

/** PEFT's other methods, as `adapter_config.json` names them. */
export const PEFT_KINDS: Readonly<Record<string, string>> = { LOHA: "LoHa", LOKR: "LoKr", ADALORA: "AdaLoRA" };

/**
 * The error of a file with tensors that are not read: all kinds in it, with how many tensors each has.
 *
 * @param keys - names of those tensors
 */
export function refusal(path: string, keys: readonly string[], read: number): Error {
  const kinds = new Map<string, string[]>();
  for (const key of keys) {
    const kind = kindOf(key) ?? "no kind that is known";
    kinds.set(kind, [...(kinds.get(kind) ?? []), key]);
  }
  const parts = [...kinds].map(
    ([kind, names]) =>
      `${kind} (${names.length} tensor${names.length === 1 ? "" : "s"}, such as ${JSON.stringify(names[0])})`,
  );
  const beside = read > 0 ? ` beside ${read} tensors of plain LoRA, which would be half of what it does` : "";
  return new Error(
    `${path}: holds an adapter of the kind ${parts.join(", ")}${beside}; LoRA for Stable Diffusion 1.x and 2.x is read, ` +
      'with names such as "unet.LAYER.lora_A.weight"',
  );
}
