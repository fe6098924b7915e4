import { readFileSync } from "node:fs";
import { crc32 } from "node:zlib";
import { describe, expect, test } from "vitest";
import { SCHEDULERS, type SchedulerName } from "../../../lib/schedulers/index.ts";

interface Recorded {
  name: SchedulerName;
  spacing: string | null;
  train: number;
  every: number;
  sums: string;
}

const { runs } = JSON.parse(
  readFileSync(new URL("../../reference/scheduler-spacing.json", import.meta.url), "utf8"),
) as { runs: Recorded[] };

/** As the reference script makes them. */
function configOf({ name, spacing, train }: Recorded): object {
  return {
    num_train_timesteps: train,
    ...(spacing === null ? {} : { timestep_spacing: spacing, steps_offset: spacing === "leading" ? 1 : 0 }),
    ...(name === "PNDMScheduler" ? { skip_prk_steps: true } : {}),
    ...(/LCM|TCD/.test(name) ? { original_inference_steps: train < 1000 ? train : Math.floor(train / 2) } : {}),
  };
}

function checksums(run: Recorded): string {
  const Class = SCHEDULERS[run.name] as unknown as { fromConfig(config: object): TestedScheduler };
  const scheduler = Class.fromConfig(configOf(run));
  const sums: string[] = [];
  const hex = (crc: number) => crc.toString(16).padStart(8, "0");
  let [crc, count] = [0, 0];
  for (let steps = 1; steps <= run.train; steps += run.every) {
    try {
      scheduler.setTimesteps(steps);
      crc = crc32(new Uint8Array(Float32Array.from(scheduler.timesteps).buffer), crc);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
    }
    if (++count % 100 > 0) continue;
    sums.push(hex(crc));
    crc = 0;
  }
  return [...sums, hex(crc)].join(" ");
}

interface TestedScheduler {
  timesteps: readonly number[];
  setTimesteps(steps: number): void;
}

describe("the timesteps of every number of steps are diffusers'", () => {
  for (const run of runs) {
    test(`${run.name} ${run.spacing ?? ""} of ${run.train}`, () => expect(checksums(run)).toBe(run.sums));
  }
});
