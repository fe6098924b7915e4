import { HUB_OPTIONS, HubError, type HubOptions, resolveFiles } from "../hub/index.ts";
import { checkOptions } from "../options.ts";

/** The file in which a scheduler's settings are stored. */
const CONFIG = "scheduler_config.json";

/** How to find a scheduler's settings. */
export interface SchedulerSource extends HubOptions {
  /** Where they lie in the folder or repository: a pipeline's are in "scheduler". */
  subfolder?: string;
}

/**
 * A scheduler's settings from a folder, from a model that ships, or from the Hugging Face hub.
 *
 * @param where - the scheduler's class, for errors
 * @throws HubError if they cannot be had
 */
export async function pretrainedConfig(where: string, idOrFolder: string, options: SchedulerSource): Promise<object> {
  checkOptions(`${where}.fromPretrained`, options, [...Object.keys(HUB_OPTIONS), "subfolder"]);
  const files = await resolveFiles(idOrFolder, { ...options, where, patterns: [CONFIG] });
  if (!files.files.has(CONFIG)) {
    throw new HubError(
      "missing",
      `${where}: ${files.folder} has no ${CONFIG}. In a pipeline's folder it is in "scheduler": give { subfolder: "scheduler" }.`,
    );
  }
  return files.json(CONFIG);
}
