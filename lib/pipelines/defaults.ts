import { join } from "node:path";
import { type ResolvedFiles, writeJson } from "../hub/index.ts";

/** What a checkpoint paints with if a call does not say: it was trained for this guidance, another one for that. */
export interface GenerationDefaults {
  /** In place of 7.5. */
  readonly guidanceScale?: number;
  /** In place of 50. */
  readonly numInferenceSteps?: number;
}

const FILE = "generation_config.json";

/**
 * The defaults beside a checkpoint's `model_index.json`, in a file with the name and the spelling that transformers has for
 * such things. Most checkpoints have none.
 *
 * @throws Error that names the file and the value
 */
export async function readDefaults(files: ResolvedFiles): Promise<GenerationDefaults> {
  if (!files.files.has(FILE)) return {};
  const said = await files.json(FILE);
  const { guidance_scale: guidanceScale, num_inference_steps: numInferenceSteps } = said;
  const path = join(files.folder, FILE);
  if (guidanceScale !== undefined && !Number.isFinite(guidanceScale)) {
    throw new RangeError(`${path}: guidance_scale is ${JSON.stringify(guidanceScale)}; expected a number`);
  }
  if (numInferenceSteps !== undefined && !(Number.isInteger(numInferenceSteps) && Number(numInferenceSteps) > 0)) {
    throw new RangeError(
      `${path}: num_inference_steps is ${JSON.stringify(numInferenceSteps)}; expected a whole number from 1 up`,
    );
  }
  return {
    ...(guidanceScale === undefined ? {} : { guidanceScale: Number(guidanceScale) }),
    ...(numInferenceSteps === undefined ? {} : { numInferenceSteps: Number(numInferenceSteps) }),
  };
}

/** Writes the file if there is something to say. */
export async function writeDefaults(folder: string, defaults: GenerationDefaults): Promise<void> {
  const { guidanceScale, numInferenceSteps } = defaults;
  if (guidanceScale === undefined && numInferenceSteps === undefined) return;
  await writeJson(join(folder, FILE), {
    ...(guidanceScale === undefined ? {} : { guidance_scale: guidanceScale }),
    ...(numInferenceSteps === undefined ? {} : { num_inference_steps: numInferenceSteps }),
  });
}

/** A call's options, with a checkpoint's defaults for what it leaves open. */
export function withDefaults<O>(options: O, defaults: GenerationDefaults): O {
  if (typeof options !== "object" || options === null) return options;
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  return { ...defaults, ...given } as O;
}
