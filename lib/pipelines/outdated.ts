import type { UNet2DConditionModel } from "../models/index.ts";
import { notice } from "../page/notice.ts";
import type { Scheduler, SchedulerSettings } from "../schedulers/index.ts";

/*
 * The first checkpoints of Stable Diffusion came with settings that were wrong or left out, and many that were made from
 * them still do. diffusers sets them right when a pipeline is made; so that its pictures are ours, we do the same.
 */

/** Sets a scheduler's outdated settings right, and says so. */
export function amendScheduler(name: string, scheduler: Scheduler, right: Partial<SchedulerSettings>): void {
  const known = scheduler.toJSON() as Partial<SchedulerSettings>;
  const wrong = Object.entries(right).filter(([key, value]) => key in known && Reflect.get(known, key) !== value);
  if (wrong.length === 0) return;
  scheduler.amend(Object.fromEntries(wrong));
  const changes = wrong.map(([key, value]) => `${key} ${value} in place of ${Reflect.get(known, key)}`);
  notice(`${name}: the scheduler's settings are outdated; using, as diffusers does, ${changes.join(" and ")}`);
}

/** Height and width of the latents that a U-Net was trained on; null where its config does not say. */
export function trainedSize(unet: UNet2DConditionModel): readonly [number, number] | null {
  const { sample_size: size, _diffusers_version: version } = unet.config as typeof unet.config & {
    _diffusers_version?: string;
  };
  if (Array.isArray(size)) return [size[0]!, size[1]!];
  if (typeof size !== "number") return null;
  const old = /^0\.[0-8]\./.test(version ?? "") && size < 64;
  return old ? [64, 64] : [size, size];
}
