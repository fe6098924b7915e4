import { describe, expect, it } from "vitest";
import { AutoencoderKL, CLIPModel, CLIPTextModel, HubError, UNet2DConditionModel } from "../../../lib/index.ts";
import type { Model } from "../../../lib/models/index.ts";

type Kind = Pick<typeof Model, "fromPretrained"> & (new () => Model);

describe("a pipeline where one model is asked for", () => {
  it.each<[string, Kind]>([
    ["unet", UNet2DConditionModel],
    ["vae", AutoencoderKL],
    ["text_encoder", CLIPTextModel],
  ])("is refused with the folder that holds one: %s", async (subfolder, kind) => {
    const load = kind.fromPretrained("difflab/tiny-sd");
    await expect(load).rejects.toThrow(HubError);
    await expect(load).rejects.toThrow(
      new RegExp(
        `^${kind.name}: .*tiny-sd: holds a pipeline, expected one model. Name its folder: { subfolder: "${subfolder}" }.$`,
      ),
    );
    expect(await kind.fromPretrained("difflab/tiny-sd", { subfolder })).toBeInstanceOf(kind);
  });

  it("is told with its parts where it has no such model", async () => {
    await expect(CLIPModel.fromPretrained("difflab/tiny-sd")).rejects.toThrow(
      /: holds a pipeline, expected one model\. Its parts are .*unet \(UNet2DConditionModel\), .*: none is a CLIPModel\.$/,
    );
    await expect(UNet2DConditionModel.fromPretrained("difflab/tiny-digits")).rejects.toThrow(
      /unet \(UNet2DModel\): none is a UNet2DConditionModel/,
    );
  });
});
