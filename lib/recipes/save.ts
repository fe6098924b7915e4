import { join } from "node:path";
import { configText } from "../config/write.ts";
import { writeWhole } from "../files/write-whole.ts";
import { writeJson } from "../hub/index.ts";
import type { Model } from "../models/model.ts";
import type { Scheduler } from "../schedulers/index.ts";

/** Writes a pixel-space U-Net (as float16) and its noise schedule, in the layout that diffusers' `DDPMPipeline` reads. */
export async function savePixelModel(folder: string, unet: Model, scheduler: Scheduler): Promise<void> {
  await unet.savePretrained(join(folder, "unet"), { dtype: "float16" });
  const settings = Buffer.from(configText(scheduler.toJSON()));
  await writeWhole(join(folder, "scheduler", "scheduler_config.json"), (write) => write(settings));
  await writeJson(join(folder, "model_index.json"), {
    _class_name: "DDPMPipeline",
    scheduler: ["diffusers", scheduler.constructor.name],
    unet: ["diffusers", unet.constructor.name],
  });
}
