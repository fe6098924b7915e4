// Keys whose numbers Python's libraries want written as fractions, also where they are whole: JavaScript writes 1 for 1.0.
const fractions = [
  ...["layer_norm_eps", "initializer_factor", "initializer_range", "logit_scale_init_value", "scaling_factor"],
  ...["shift_factor", "norm_eps", "dropout", "attention_dropout", "mid_block_scale_factor", "resnet_out_scale_factor"],
];

/** A config as the text of a file that diffusers and transformers read, and `parseConfig` too. */
export function configText(config: object): string {
  const integers = new RegExp(`("(?:${fractions.join("|")})": -?\\d+)(?=,?\n)`, "g");
  // JSON knows no infinite numbers; Python's writes them by name.
  const named = (_: string, value: unknown) =>
    Math.abs(value as number) === Number.POSITIVE_INFINITY ? `@${value}` : value;
  return `${JSON.stringify(config, named, 2)
    .replace(integers, "$1.0")
    .replace(/"@(-?Infinity)"/g, "$1")}\n`;
}
