import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { DDIMScheduler, DDPMScheduler, HubError, PNDMScheduler } from "../../../lib/index.ts";
import { dataPath } from "../../../lib/shipped.ts";

test("a scheduler takes the settings of a model that ships, whichever scheduler wrote them", async () => {
  const pndm = await PNDMScheduler.fromPretrained("difflab/tiny-sd", { subfolder: "scheduler" });
  const ddim = await DDIMScheduler.fromPretrained("difflab/tiny-sd", { subfolder: "scheduler" });
  expect(pndm).toBeInstanceOf(PNDMScheduler);
  expect(ddim).toBeInstanceOf(DDIMScheduler);
  expect(ddim.config.beta_schedule).toBe("scaled_linear");
  expect(ddim.alphasCumprod).toEqual(pndm.alphasCumprod);
});

test("a folder will do, also one that holds the settings alone", async () => {
  const folder = await mkdtemp(join(tmpdir(), "difflab-scheduler-"));
  try {
    await cp(dataPath("tiny-digits-by-class", "scheduler"), folder, { recursive: true });
    const scheduler = await DDPMScheduler.fromPretrained(folder);
    expect(scheduler.config.beta_schedule).toBe("linear");
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("what cannot be had is said: no settings there, no such model, an option that does not exist", async () => {
  await expect(DDIMScheduler.fromPretrained("difflab/tiny-sd")).rejects.toThrow(
    /DDIMScheduler: .*tiny-sd has no scheduler_config\.json\. .* give { subfolder: "scheduler" }/,
  );
  await expect(DDIMScheduler.fromPretrained("difflab/no-such")).rejects.toThrow(HubError);
  await expect(DDIMScheduler.fromPretrained("difflab/no-such")).rejects.toThrow(
    /DDIMScheduler: difflab does not include a model difflab\/no-such; expected .*difflab\/tiny-sd/,
  );
  const mistyped = { sub_folder: "scheduler" } as object;
  await expect(DDIMScheduler.fromPretrained("difflab/tiny-sd", mistyped)).rejects.toThrow(
    "DDIMScheduler.fromPretrained: unknown option sub_folder; it is called subfolder here",
  );
});
