import { basename, extname } from "node:path";
import { checkOptions } from "../options.ts";
import { type Pickled, PickledTensor } from "../pickle/index.ts";
import { ADAPTER_OPTIONS, type AdapterOptions, findAdapter } from "./find.ts";
import { readWeightsFile, weightsOf } from "./weights-file.ts";

/** A concept that was learned as one or more vectors in a text encoder's table of embeddings. */
export interface LearnedConcept {
  /** The word that stands for it, such as "<cat-toy>". */
  readonly token: string;
  /** float32, `vectors` times `width` numbers, row by row. */
  readonly data: Float32Array;
  /** How many vectors stand for the concept. */
  readonly vectors: number;
  /** The text encoder's width: 768 for Stable Diffusion 1.x, 1024 for 2.x. */
  readonly width: number;
}

/** What diffusers calls the file. */
const USUAL = ["learned_embeds.safetensors", "learned_embeds.bin"];

/**
 * Reads a file of textual inversion, safetensors or pickle, in every layout that people share: diffusers' (`{ token: vectors }`),
 * AUTOMATIC1111's (`string_to_param`, `emb_params`), that of the first code, and bare vectors.
 *
 * @param given - the file, or a folder or a repository on the hub that holds it, such as "sd-concepts-library/cat-toy"
 * @param options.token - the word to use in place of the file's own; needed for bare vectors
 * @throws Error if the file is missing or damaged, or holds no vectors, or those of Stable Diffusion XL
 * @see Gal et al. 2022: https://arxiv.org/abs/2208.01618
 */
export async function readTextualInversion(
  given: string,
  options: AdapterOptions & { token?: string } = {},
): Promise<LearnedConcept> {
  checkOptions("readTextualInversion", options, { ...ADAPTER_OPTIONS, token: true });
  const { token: word, ...rest } = options;
  const path = await findAdapter(given, rest, { usual: USUAL, where: "readTextualInversion" });
  const { value } = await readWeightsFile(path);
  const found = find(value, path);
  const token = word ?? found.token ?? fileName(path);
  if (token.trim() === "") throw new Error(`${path}: the concept has no name; give it one: { token: "<name>" }`);
  const { shape, data } = weightsOf(found.tensor);
  const [vectors, width] = shape.length === 1 ? [1, shape[0]!] : [shape[0]!, shape[1] ?? 0];
  if (shape.length < 1 || shape.length > 2 || vectors < 1 || width < 1) {
    throw new Error(`${path}: the concept is a tensor [${shape}]; expected [width] or [vectors, width]`);
  }
  if (!data.every(Number.isFinite)) throw new Error(`${path}: the concept's vectors contain NaN or infinite numbers`);
  return { token, data, vectors, width };
}

/** `learned_embeds.bin` names nothing; `my-style.pt` does. */
function fileName(path: string): string {
  return basename(path, extname(path));
}

function find(value: Pickled, path: string): { token: string | undefined; tensor: PickledTensor } {
  if (value instanceof PickledTensor) return { token: undefined, tensor: value };
  const refuse = (what: string) =>
    new Error(
      `${path}: ${what}; expected a concept of textual inversion: { "<token>": vectors }, "emb_params" or "string_to_param"`,
    );
  if (!(value instanceof Map)) throw refuse("contains no dictionary");
  const params = value.get("string_to_param");
  if (params instanceof Map) {
    const tensor = params.get("*") ?? [...params.values()][0];
    const name = value.get("name");
    if (!(tensor instanceof PickledTensor)) throw refuse("its string_to_param contains no tensor");
    return { token: typeof name === "string" ? name : undefined, tensor };
  }
  const embedded = value.get("emb_params");
  if (embedded instanceof PickledTensor) return { token: undefined, tensor: embedded };
  if (value.has("clip_g") || value.has("clip_l")) {
    throw new Error(
      `${path}: a concept for Stable Diffusion XL (it has vectors for two text encoders); expected one for 1.x or 2.x, which have one text encoder`,
    );
  }
  const entries = [...value].filter(([, tensor]) => tensor instanceof PickledTensor) as [unknown, PickledTensor][];
  if (entries.length !== 1) throw refuse(`contains ${entries.length} tensors`);
  const [token, tensor] = entries[0]!;
  return { token: String(token), tensor };
}
