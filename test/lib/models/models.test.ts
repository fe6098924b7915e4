import { readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { compile } from "../../../lib/compile/compile.ts";
import {
  AutoencoderKL,
  AutoencoderTiny,
  CLIPModel,
  CLIPTextModel,
  CLIPVisionModel,
  type Model,
  UNet2DConditionModel,
  UNet2DModel,
} from "../../../lib/models/index.ts";
import { mseLoss } from "../../../lib/nn/functional/index.ts";
import { AdamW } from "../../../lib/optim/index.ts";
import { manualSeed } from "../../../lib/random/index.ts";
import { float32ToFloat16, openSafetensors } from "../../../lib/safetensors/index.ts";
import { tensor } from "../../../lib/tensor/create.ts";
import { noGrad } from "../../../lib/tensor/grad.ts";
import type { Tensor } from "../../../lib/tensor/tensor.ts";
import recorded from "../../reference/models.json" with { type: "json" };
import { draw, expectClose, inFolder, type Keys, type Shown, weights, writeModel } from "./reference.ts";

interface UNetCase {
  type: string;
  config: object;
  size: [number, number];
  extra: { label?: [string, number[]]; cond?: number[] };
  keys: Keys;
  output: Shown;
}
const unets = recorded.unets as unknown as Record<string, UNetCase>;

afterEach(() => void vi.restoreAllMocks());

async function load<M extends Model>(
  type: (new (config: never) => M) & Pick<typeof Model, "fromPretrained">,
  one: { config: object; keys: Keys },
  use: (model: M, folder: string) => Promise<void>,
  name?: string,
) {
  const said = vi.spyOn(console, "log");
  await inFolder(async (folder) => {
    await writeModel(folder, one.config, weights(one.keys), name);
    await use(await type.fromPretrained(folder), folder);
  });
  // A notice would name weights or settings that were left over.
  expect(said).not.toHaveBeenCalled();
}

function callUNet(model: UNet2DConditionModel | UNet2DModel, one: UNetCase): Tensor {
  const x = draw(1001, 2, model.config.in_channels, ...one.size);
  const t = tensor([601, 7]);
  const [kind, value] = one.extra.label ?? [];
  const options = {
    ...(value ? { classLabels: kind === "int" ? tensor(value).long() : draw(1003, ...value) } : {}),
    ...(one.extra.cond ? { timestepCond: draw(1004, ...one.extra.cond) } : {}),
  };
  if (model instanceof UNet2DModel) return model.forward(x, t, options).sample;
  return model.forward(x, t, draw(1002, 2, 5, 12), options).sample;
}

describe("U-Nets", () => {
  for (const [name, one] of Object.entries(unets)) {
    it(`of the kind "${name}" load all of diffusers' weights and compute its numbers`, async () => {
      const type = one.type === "UNet2DModel" ? UNet2DModel : UNet2DConditionModel;
      await load<UNet2DModel | UNet2DConditionModel>(type, one, async (model) => {
        expect(Object.keys(model.stateDict()).sort()).toEqual(Object.keys(one.keys).sort());
        expect(model.mapped).toBe(true);
        await expectClose(
          noGrad(() => callUNet(model, one)),
          one.output,
        );
        // With gradients attention is computed otherwise; compiled, all weights are constants.
        await expectClose(callUNet(model, one), one.output);
        const program = compile(() => noGrad(() => callUNet(model, one)));
        await expectClose(await program(), one.output);
        program.close();
      });
    });
  }

  it("take a timestep as a number, a scalar, one for each image, or as sinusoids", async () => {
    const one = unets.sd2!;
    await load(UNet2DConditionModel, one, async (model) => {
      const [x, text] = [draw(1, 2, 4, 8, 8), draw(2, 2, 5, 12)];
      const call = (t: Tensor | number) => noGrad(() => model.forward(x, t, text).sample).data();
      const expected = await call(tensor([250, 250]));
      for (const t of [250, tensor(250), tensor([250]), model.timeProj([250, 250])]) {
        const got = await call(t);
        for (const [i, v] of expected.entries()) expect(Number(got[i])).toBeCloseTo(Number(v), 5);
      }
    });
  });

  it("save what they loaded, byte for byte the same weights, also over their own file", async () => {
    await load(UNet2DModel, unets.ddpm!, async (model, folder) => {
      await model.savePretrained(folder);
      await expectClose(callUNet(model, unets.ddpm!), unets.ddpm!.output);
      const again = await UNet2DModel.fromPretrained(folder);
      expect(again.config).toEqual(expect.objectContaining(unets.ddpm!.config));
      const file = await openSafetensors(join(folder, "diffusion_pytorch_model.safetensors"));
      for (const [name, { data }] of weights(unets.ddpm!.keys)) expect(await file.read(name)).toEqual(data);
    });
  });

  it("write configs as Python's libraries want them: fractions are fractions, also where they are whole", async () => {
    await inFolder(async (folder) => {
      const model = new CLIPTextModel({ ...recorded.texts.quick.config, layer_norm_eps: 1 });
      await model.savePretrained(folder);
      const text = await readFile(join(folder, "config.json"), "utf8");
      expect(text).toContain('"initializer_factor": 1.0,\n');
      expect(text).toContain('"layer_norm_eps": 1.0,\n');
      expect(text).toContain('"vocab_size": 60,\n');
      expect((await CLIPTextModel.fromPretrained(folder)).config).toMatchObject(recorded.texts.quick.config);
    });
  });

  it("read float16 weights where they lie, whole or in halves", async () => {
    const one = unets.sd1!;
    await inFolder(async (folder) => {
      const half = new Map(
        [...weights(one.keys)].map(([k, w]) => [k, { shape: w.shape, data: float32ToFloat16(w.data) }]),
      );
      await writeModel(folder, one.config, half, "diffusion_pytorch_model.fp16.safetensors");
      await expect(UNet2DConditionModel.fromPretrained(folder)).rejects.toThrow(
        /only weights of the variant "fp16"; use/,
      );
      const model = await UNet2DConditionModel.fromPretrained(folder, { variant: "fp16" });
      expect(model.mapped).toBe(true);
      const out = await noGrad(() => callUNet(model, one)).data();
      const worst = Math.max(...one.output.data.map((v, i) => Math.abs(v - Number(out[i]))));
      // Rounding the weights moves the output, but not far.
      expect(worst).toBeGreaterThan(1e-6);
      expect(worst).toBeLessThan(2e-2);
    });
  });

  it("learn from where a file left them", async () => {
    await load(UNet2DModel, unets.ddpm!, async (model) => {
      model.train();
      const optimizer = new AdamW(model.parameters(), { lr: 1e-3 });
      const [x, wanted] = [draw(1, 2, 3, 8, 8), draw(2, 2, 3, 8, 8)];
      const step = compile(() => {
        optimizer.zeroGrad();
        const loss = mseLoss(model.forward(x, tensor([10, 20])).sample, wanted);
        loss.backward();
        optimizer.step();
        return loss;
      });
      const losses: number[] = [];
      for (let i = 0; i < 5; i++) losses.push(await (await step()).item());
      expect(losses[4]!).toBeLessThan(losses[0]! * 0.98);
      expect(model.mapped).toBe(false);
      step.close();
    });
  });

  it("are built from settings in camelCase, with their defaults", () => {
    const model = new UNet2DModel({ sampleSize: 32, blockOutChannels: [8, 16], normNumGroups: 4, layersPerBlock: 1,
      downBlockTypes: ["DownBlock2D", "DownBlock2D"], upBlockTypes: ["UpBlock2D", "UpBlock2D"] }); // biome-ignore format: one line a thought
    expect(model.config.in_channels).toBe(3);
    expect(model.config.block_out_channels).toEqual([8, 16]);
    expect(model.training).toBe(true);
  });
});

describe("autoencoders", () => {
  for (const [name, one] of Object.entries(recorded.vaes)) {
    it(`of the kind "${name}" encode, decode and tile as diffusers' do`, async () => {
      await load(AutoencoderKL, one as unknown as { config: object; keys: Keys }, async (model) => {
        const { in_channels: c, latent_channels: z } = model.config;
        const { latentDist } = noGrad(() => model.encode(draw(1001, 1, c, 24, 20)));
        await expectClose(latentDist.mean, one.mean);
        await expectClose(latentDist.mode(), one.mean);
        await expectClose(latentDist.logvar, one.logvar);
        await expectClose(latentDist.kl(), one.kl, 1e-3);
        await expectClose(latentDist.nll(draw(1003, ...latentDist.mean.shape)), one.nll, 2e-3);
        const generator = manualSeed(5);
        await expectClose(latentDist.sample({ generator }), one.sampled);
        await expectClose(
          noGrad(() => model.decode(draw(1002, 1, z, 6, 5)).sample),
          one.decoded,
        );
        model.enableSlicing();
        await expectClose(
          noGrad(() => model.decode(draw(1002, 1, z, 6, 5)).sample),
          one.decoded,
        );
        model.enableTiling();
        await expectClose(
          noGrad(() => model.encode(draw(1004, 1, c, 40, 28)).latentDist.mean),
          one.tiledMean,
        );
        const up = model.scale;
        const tiled = noGrad(() => model.decode(draw(1005, 1, z, 40 / up, 28 / up)).sample);
        await expectClose(tiled.slice(2, 0, 40, 3).slice(3, 0, 28, 3), one.tiledDecoded);
      });
    });
  }

  it("accept the attention names of checkpoints from before 2023, and matrices kept as convolutions", async () => {
    const one = recorded.vaes.kl as unknown as { config: object; keys: Keys; mean: Shown };
    await inFolder(async (folder) => {
      const old = new Map<string, { shape: number[]; data: Float32Array }>();
      for (const [name, w] of weights(one.keys)) {
        const key = name.replace(".to_q.", ".query.").replace(".to_k.", ".key.").replace(".to_v.", ".value.");
        const attention = /attentions.*to_.*weight$/.test(name);
        old.set(key.replace(".to_out.0.", ".proj_attn."), attention ? { ...w, shape: [...w.shape, 1, 1] } : w);
      }
      await writeModel(folder, one.config, old);
      const model = await AutoencoderKL.fromPretrained(folder);
      await expectClose(
        noGrad(() => model.encode(draw(1001, 1, 3, 24, 20)).latentDist.mean),
        one.mean,
      );
    });
  });

  it("say which sizes they take", () => {
    const model = new AutoencoderKL(recorded.vaes.kl.config as object);
    expect(() => model.encode(draw(1, 1, 3, 25, 24))).toThrow(/25, 24\] has sides that are not multiples of 2; resize/);
    expect(() => model.encode(draw(1, 1, 4, 24, 24))).toThrow(/expected \[B, 3, H, W\]/);
    expect(() => model.decode(draw(1, 1, 3, 24, 24))).toThrow(/latents \[1, 3, 24, 24\], expected \[B, 4, h, w\]/);
  });
});

describe("CLIP", () => {
  for (const [name, one] of Object.entries(recorded.texts)) {
    it(`reads texts as transformers does ("${name}")`, async () => {
      const file = "model.safetensors";
      await load(CLIPTextModel, one as unknown as { config: object; keys: Keys }, async (model) => {
        const out = noGrad(() => model.forward(tensor(one.ids).long()));
        await expectClose(out.lastHiddenState, one.last);
        await expectClose(out.poolerOutput, one.pooled);
        for (const [i, hidden] of one.hidden.entries()) await expectClose(out.hiddenStates[i]!, hidden);
      }, file); // biome-ignore format: the file name is a detail
    });
  }

  it("finds a text encoder with the names that old and new files use", async () => {
    const one = recorded.texts.quick as unknown as { config: object; keys: Keys; ids: number[][]; last: Shown };
    await inFolder(async (folder) => {
      const prefixed = new Map([...weights(one.keys)].map(([k, w]) => [`text_model.${k}`, w]));
      prefixed.set("text_model.embeddings.position_ids", { shape: [1, 11], data: new Float32Array(11) });
      await writeModel(folder, one.config, prefixed, "model.safetensors");
      const said = vi.spyOn(console, "log");
      const model = await CLIPTextModel.fromPretrained(folder);
      expect(said).not.toHaveBeenCalled();
      await expectClose(
        noGrad(() => model.forward(tensor(one.ids).long()).lastHiddenState),
        one.last,
      );
      expect(Object.keys(model.stateDict())[0]).toMatch(/^text_model\.embeddings\./);
    });
  });

  it("sees images as transformers does", async () => {
    const one = recorded.vision as unknown as { config: object; keys: Keys; last: Shown; pooled: Shown };
    await load(CLIPVisionModel, one, async (model) => {
      const out = noGrad(() => model.forward(draw(1001, 2, 3, 12, 12)));
      await expectClose(out.lastHiddenState, one.last);
      await expectClose(out.poolerOutput, one.pooled);
      expect(() => model.forward(draw(1, 2, 3, 12, 16))).toThrow(/expected \[B, 3, 12, 12\]/);
    }, "model.safetensors"); // biome-ignore format: the file name is a detail
  });

  it("scores texts and images against each other, with the contrastive loss", async () => {
    const one = recorded.clip;
    await load(CLIPModel, one as unknown as { config: object; keys: Keys }, async (model) => {
      const out = noGrad(() => model.forward(tensor(one.ids).long(), draw(1001, 2, 3, 12, 12)));
      await expectClose(out.logitsPerImage, one.perImage);
      await expectClose(out.textEmbeds, one.text);
      await expectClose(out.imageEmbeds, one.image);
      expect(await out.loss.item()).toBeCloseTo(one.loss, 4);
    }, "model.safetensors"); // biome-ignore format: the file name is a detail
  });
});

describe("bad checkpoints", () => {
  const one = unets.ddpm!;

  it("list every missing and misshapen weight at once, and load nothing", async () => {
    await inFolder(async (folder) => {
      const some = weights(one.keys);
      some.delete("conv_in.bias");
      some.delete("mid_block.resnets.0.norm1.weight");
      some.set("conv_out.bias", { shape: [5], data: new Float32Array(5) });
      await writeModel(folder, one.config, some);
      await expect(UNet2DModel.fromPretrained(folder)).rejects.toThrow(
        /3 of \d+ weights:\n {2}conv_in\.bias \[8\] is missing[\s\S]*norm1\.weight \[16\] is missing[\s\S]*conv_out\.bias is \[5\], expected \[3\]/,
      );
    });
  });

  it("are told from checkpoints in other formats", async () => {
    await inFolder(async (folder) => {
      await expect(UNet2DModel.fromPretrained(folder)).rejects.toThrow(/has no files/);
      await writeModel(folder, one.config, new Map());
      await rename(join(folder, "diffusion_pytorch_model.safetensors"), join(folder, "diffusion_pytorch_model.bin"));
      await expect(UNet2DModel.fromPretrained(folder)).rejects.toThrow(
        /its only weights are diffusion_pytorch_model\.bin/,
      );
    });
  });

  it("tell of weights that nothing reads", async () => {
    const said = vi.spyOn(console, "log").mockImplementation(() => {});
    await inFolder(async (folder) => {
      const more = weights(one.keys).set("extra.weight", { shape: [1], data: new Float32Array(1) });
      await writeModel(folder, one.config, more);
      await UNet2DModel.fromPretrained(folder);
      expect(said).toHaveBeenCalledWith(expect.stringMatching(/does not use: extra\.weight/));
    });
  });

  it("name every unknown value of a config, and what was expected", () => {
    const config = {
      act_fn: "elu",
      down_block_types: ["KDownBlock2D"],
      addition_embed_type: "text_time",
      in_channels: 0,
    };
    expect(() => UNet2DConditionModel.fromConfig(config)).toThrow(
      /act_fn is "elu"; expected "silu"[\s\S]*KDownBlock2D[\s\S]*addition_embed_type is "text_time"; expected null[\s\S]*in_channels is 0; expected a whole number/,
    );
    expect(() => UNet2DModel.fromConfig({ block_out_channels: [8, 16] })).toThrow(/down_block_types has 4 blocks/);
    expect(() => UNet2DConditionModel.fromConfig({ ...unets.sd1!.config, norm_num_groups: 32 })).toThrow(
      /norm_num_groups 32 does not divide 8/,
    );
  });

  it("tell of keys that are not known, in files only: written by hand they are errors, in every model", () => {
    const said = vi.spyOn(console, "log").mockImplementation(() => {});
    type Kind = (new (settings: object) => Model) & { fromConfig(config: object): Model };
    const kinds = [
      [UNet2DModel, one.config],
      [UNet2DConditionModel, unets.sd1!.config],
      [AutoencoderKL, recorded.vaes.kl.config],
      [CLIPTextModel, recorded.texts.quick.config],
      [CLIPVisionModel, recorded.vision.config],
      [CLIPModel, recorded.clip.config],
    ] as unknown as [Kind, object][];
    for (const [kind, config] of kinds) {
      said.mockClear();
      kind.fromConfig({ _diffusers_version: "9.9", ...config });
      expect(said).not.toHaveBeenCalled();
      kind.fromConfig({ ...config, wobble: 3, quantization_config: null });
      expect(said.mock.calls).toEqual([[`${kind.name}: the config's wobble is unknown and ignored`]]);
      expect(() => new kind({ ...config, wobble: 3 })).toThrow(
        `${kind.name}: unknown setting wobble; expected one of `,
      );
      expect(() => kind.fromConfig({ ...config, quantization_config: { load_in_4bit: true } })).toThrow(
        /quantization_config is \{"load_in_4bit":true\}; expected none/,
      );
    }
    said.mockRestore();
  });

  it("of transformers hold much that concerns no network, which is kept and not spoken of", () => {
    const said = vi.spyOn(console, "log").mockImplementation(() => {});
    const more = {
      torch_dtype: "float16",
      num_beams: 1,
      bos_token_id: 0,
      return_dict: true,
      id2label: { 0: "LABEL_0" },
    };
    const model = CLIPTextModel.fromConfig({ ...recorded.texts.quick.config, ...more });
    expect(model.config).toMatchObject(more);
    expect(said).not.toHaveBeenCalled();
    said.mockRestore();
    expect(() => CLIPTextModel.fromConfig({ ...recorded.texts.quick.config, attention_dropout: 0.1 })).toThrow(
      "attention_dropout is 0.1; expected 0, the only value supported by difflab",
    );
  });

  it("of a whole CLIP give its text encoder and its image encoder too", async () => {
    const one = recorded.clip;
    await inFolder(async (folder) => {
      const { text_config: text, vision_config: vision, ...rest } = one.config;
      const config = {
        ...rest,
        text_config: {},
        text_config_dict: text,
        vision_config: vision,
        vision_config_dict: null,
      };
      await writeModel(folder, config, weights(one.keys as unknown as Keys), "model.safetensors");
      const whole = await CLIPModel.fromPretrained(folder);
      const part = await CLIPTextModel.fromPretrained(folder);
      const image = await CLIPVisionModel.fromPretrained(folder);
      const ids = tensor(one.ids).long();
      const output = noGrad(() => part.forward(ids).poolerOutput);
      const expected = noGrad(() => whole.textModel.forward(ids).poolerOutput);
      expect(await output.data()).toEqual(await expected.data());
      expect(image.config.hidden_size).toBe(whole.config.vision_config.hidden_size);
      // A copy says as much; a change beside the encoder's part had no effect, and nobody noticed.
      const copy = { ...whole.config };
      expect(new CLIPTextModel(copy as object).config).toEqual(part.config);
      expect(() => new CLIPTextModel({ ...copy, hidden_size: 8 } as object)).toThrow(
        "CLIPTextModel: unknown setting hidden_size; expected one of text_config",
      );
      expect(() => new CLIPVisionModel({ ...copy, imageSize: 8 } as object)).toThrow("unknown setting imageSize");
    });
  });

  it("are saved as those of the class that saves them, whichever the config was read from", async () => {
    const { act_fn } = new AutoencoderTiny().config;
    const models = [
      UNet2DModel.fromConfig({ ...one.config, _class_name: "Other", _diffusers_version: "0.1" }),
      AutoencoderTiny.fromConfig({ _class_name: "Other", act_fn }),
    ];
    for (const model of models) {
      await inFolder(async (folder) => {
        await model.savePretrained(folder);
        const saved = JSON.parse(await readFile(join(folder, "config.json"), "utf8"));
        expect(Object.entries(saved)[0]).toEqual(["_class_name", model.constructor.name]);
        const { _class_name: _, ...rest } = model.config as unknown as Record<string, unknown>;
        expect(saved).toMatchObject(model instanceof UNet2DModel ? rest : { act_fn });
      });
    }
  });

  it("tell images from latents, and texts of another width", async () => {
    await load(UNet2DConditionModel, unets.sd1!, async (model) => {
      const text = draw(1, 1, 5, 12);
      expect(() => model.forward(draw(1, 1, 3, 8, 8), 1, text)).toThrow(/Encode images with vae\.encode first/);
      expect(() => model.forward(draw(1, 1, 4, 8, 8), 1, draw(1, 1, 5, 16))).toThrow(/cross_attention_dim is 12/);
      expect(() => model.forward(draw(1, 1, 4, 8, 8), Number.NaN, text)).toThrow(/timestep is NaN; expected a number/);
      expect(() => model.forward(draw(1, 4, 8, 8), 1, text)).toThrow(
        "sample [4, 8, 8] must be [B, 4, H, W], a batch: x.unsqueeze(0) makes one of a single x",
      );
      expect(() => model.forward(draw(1, 2, 4, 8, 8), 1, text)).toThrow(
        "expected [2, tokens, width], the vectors of one text",
      );
    });
  });
});
