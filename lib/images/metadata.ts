/** What to keep with a picture: a prompt, a seed, steps. Texts stay as they are, anything else becomes JSON. */
export type ImageMetadata = Readonly<Record<string, unknown>>;

/** Texts by keyword, with "parameters" as Stable Diffusion's web interfaces write it. */
export function textsOf(metadata: ImageMetadata): Record<string, string> {
  const texts: Record<string, string> = {};
  for (const [key, value] of Object.entries(metadata)) {
    if (value === undefined) continue;
    texts[key] = typeof value === "string" ? value : JSON.stringify(value);
  }
  const { prompt, negativePrompt, parameters, ...rest } = texts;
  if (prompt === undefined || parameters !== undefined) return texts;
  const names: Record<string, string> = {
    seed: "Seed",
    steps: "Steps",
    guidanceScale: "CFG scale",
    scheduler: "Sampler",
  };
  const details = Object.entries(rest).map(([key, value]) => `${names[key] ?? key}: ${value}`);
  const lines = [prompt, ...(negativePrompt ? [`Negative prompt: ${negativePrompt}`] : []), details.join(", ")];
  return { parameters: lines.filter((line) => line !== "").join("\n"), ...texts };
}
