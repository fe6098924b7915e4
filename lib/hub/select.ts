import { HubError } from "./errors.ts";

/** Which of a repository's files are wanted. Paths are relative to the subfolder, with `/`. */
export interface Selection {
  /** Files by name: each must be there. */
  files?: readonly string[];
  /** Files by pattern (`*` within a folder, `**` across): as many as there are, never pickles. */
  patterns?: readonly string[];
  /** The kind of weights, such as "fp16" for `model.fp16.safetensors`; where a folder has none, its plain ones. */
  variant?: string;
  /** Folders to leave out, such as "safety_checker". */
  exclude?: readonly string[];
  /** The class of the one model wanted, such as "UNet2DConditionModel": a pipeline is refused, with the subfolder that holds one. */
  model?: string;
}

/** Names that libraries give to weights; whatever else lies about (single-file checkpoints) is not downloaded unasked. */
const WEIGHT_NAMES = ["diffusion_pytorch_model", "model", "pytorch_lora_weights", "learned_embeds"];
const STEM = `(?<stem>${WEIGHT_NAMES.join("|")})`;
const WEIGHTS = new RegExp(`^${STEM}(?:\\.(?<variant>[^.]+?))?(?<shard>-\\d{5}-of-\\d{5})?\\.safetensors$`);
const INDEX = new RegExp(`^${STEM}\\.safetensors\\.index(?:\\.(?<variant>[^.]+))?\\.json$`);
const OTHER_WEIGHTS = /\.(bin|ckpt|pt|pth|msgpack|h5|onnx|pb|gguf|pkl|pickle|tflite)$/;
/** What a pipeline has beside the folders of its parts: their names, and what to paint with if a call does not say. */
const OF_A_PIPELINE = ["model_index.json", "generation_config.json"];
/** Settings, vocabularies and the like. */
const SMALL = /\.(json|txt|model)$/;
/** Indexes of weights in other formats. */
const OTHER_INDEX = /\.index(\.[^.]+)?\.json$/;

/** One set of weights in a folder. */
export interface Weights {
  readonly stem: string;
  /** "" for the plain ones. */
  readonly variant: string;
  /** The file to open: the weights, or the index of several. */
  readonly file: string;
  /** All files, with the index. */
  readonly files: readonly string[];
}

/** The sets of safetensors weights among the names of one folder. */
export function weightsIn(names: readonly string[]): Weights[] {
  const sets = new Map<string, { stem: string; variant: string; single?: string; index?: string; shards: string[] }>();
  const setOf = ({ stem, variant = "" }: { stem?: string; variant?: string }) => {
    const key = `${stem}.${variant}`;
    const set = sets.get(key) ?? { stem: stem!, variant, shards: [] };
    sets.set(key, set);
    return set;
  };
  for (const name of names) {
    const weights = WEIGHTS.exec(name)?.groups;
    const index = INDEX.exec(name)?.groups;
    if (weights?.shard) setOf(weights).shards.push(name);
    else if (weights) setOf(weights).single = name;
    else if (index) setOf(index).index = name;
  }
  const found: Weights[] = [];
  for (const { stem, variant, single, index, shards } of sets.values()) {
    if (single !== undefined) found.push({ stem, variant, file: single, files: [single] });
    else if (index !== undefined) found.push({ stem, variant, file: index, files: [index, ...shards] });
  }
  return found;
}

/**
 * The weights of one folder: of the variant asked for, else the plain ones.
 *
 * @returns undefined where the folder has no safetensors weights of either kind
 */
export function pickWeights(names: readonly string[], variant = ""): Weights | undefined {
  const sets = weightsIn(names);
  const rank = ({ stem }: Weights) => WEIGHT_NAMES.indexOf(stem);
  const of = (wanted: string) => sets.filter((set) => set.variant === wanted).sort((a, b) => rank(a) - rank(b))[0];
  return of(variant) ?? of("");
}

/**
 * Chooses the files to use, from all that there are.
 *
 * Without `files` and `patterns`: of a pipeline (`model_index.json`) that file, its defaults and the folders of `components`, of
 * anything else the folder itself; in each the settings and one set of safetensors weights.
 *
 * @param components - the folders that a pipeline's `model_index.json` names, with their classes; undefined for what is no pipeline
 * @param what - names the repository in errors
 * @throws HubError where a file asked for is missing, no folder has the variant, weights are there as pickles only, or it is
 *   a pipeline and one model was asked for
 */
export function selectFiles(
  all: readonly string[],
  selection: Selection,
  components: ReadonlyMap<string, string> | undefined,
  what: string,
): string[] {
  const { files, patterns, variant, exclude = [], model } = selection;
  if (model !== undefined && components) throw notOneModel(model, components, what);
  const left = all.filter((path) => !exclude.includes(path.split("/")[0]!));
  if (files || patterns) {
    const missing = (files ?? []).filter((name) => !all.includes(name));
    if (missing.length > 0) {
      throw new HubError("missing", `${what}: has no ${missing.join(", no ")}. It has ${some(all)}.`);
    }
    const tests = (patterns ?? []).map(globToRegExp);
    const matched = left.filter((path) => tests.some((test) => test.test(path)) && !OTHER_WEIGHTS.test(path));
    return [...new Set([...(files ?? []), ...matched])];
  }
  const folders = components ? [...components.keys()].filter((name) => !exclude.includes(name)) : [""];
  const chosen = components ? left.filter((path) => OF_A_PIPELINE.includes(path)) : [];
  const variants = new Set<string>();
  let hasVariant = false;
  for (const folder of folders) {
    const prefix = folder === "" ? "" : `${folder}/`;
    const names = left
      .filter((path) => path.startsWith(prefix) && !path.slice(prefix.length).includes("/"))
      .map((path) => path.slice(prefix.length));
    const weights = pickWeights(names, variant);
    for (const set of weightsIn(names)) variants.add(set.variant);
    hasVariant ||= weights !== undefined && weights.variant === variant;
    if (!weights) checkNoOthers(names, `${what}${folder && `/${folder}`}`);
    const small = names.filter((name) => SMALL.test(name) && !INDEX.test(name) && !OTHER_INDEX.test(name));
    chosen.push(...[...small, ...(weights?.files ?? [])].map((name) => prefix + name));
  }
  if (variant && !hasVariant) {
    const known = [...variants].map((name) => (name === "" ? "the plain one" : JSON.stringify(name)));
    throw new HubError(
      "missing",
      `${what}: no weights of the variant ${JSON.stringify(variant)}; it has ${known.join(", ") || "no safetensors weights"}`,
    );
  }
  return chosen;
}

/** The error of a whole pipeline where one model was asked for: which folder of it holds such a model. */
function notOneModel(model: string, components: ReadonlyMap<string, string>, what: string): HubError {
  const fitting = [...components].filter(([, kind]) => kind === model);
  const use = fitting.map(([folder]) => `{ subfolder: ${JSON.stringify(folder)} }`).join(" or ");
  const parts = [...components].map(([folder, kind]) => `${folder} (${kind})`).join(", ");
  return new HubError(
    "missing",
    `${what}: holds a pipeline, expected one model. ${use ? `Name its folder: ${use}.` : `Its parts are ${parts}: none is a ${model}.`}`,
  );
}

function checkNoOthers(names: readonly string[], where: string): void {
  const [other] = weightsIn(names);
  if (other) {
    const variant = JSON.stringify(other.variant);
    throw new HubError("missing", `${where}: has only weights of the variant ${variant}; use { variant: ${variant} }`);
  }
  checkNoPickles(names, where);
}

function checkNoPickles(names: readonly string[], where: string): void {
  const other = names.filter((name) => OTHER_WEIGHTS.test(name));
  if (other.length === 0) return;
  throw new HubError(
    "weights",
    `${where}: its only weights are ${some(other)}, none in safetensors. Reading a pickle can run arbitrary code, so these ` +
      "are not read. Look on its page for a revision with safetensors (often refs/pr/1; use { revision }), or convert it.",
  );
}

function some(names: readonly string[]): string {
  return names.length === 0
    ? "no files"
    : names.slice(0, 6).join(", ") + (names.length > 6 ? ` and ${names.length - 6} more` : "");
}

function globToRegExp(glob: string): RegExp {
  const source = glob.replace(/\*\*\/?|\*|\?|[^*?]+/g, (part) => {
    if (part.startsWith("**")) return ".*";
    if (part === "*") return "[^/]*";
    if (part === "?") return "[^/]";
    return part.replace(/[.+^${}()|[\]\\]/g, "\\$&");
  });
  return new RegExp(`^${source}$`);
}
