"""Records pictures that diffusers' pipelines paint with a small random Stable Diffusion, whose weights `models.fill` draws.

    python pipelines.py      (torch 2.13.0, diffusers 0.42.1, transformers 5.23.0)
"""
import base64, json, os, tempfile
import diffusers, numpy as np, torch, transformers
from diffusers import (AutoencoderKL, DDIMScheduler, EulerAncestralDiscreteScheduler, EulerDiscreteScheduler, LCMScheduler, PNDMScheduler,
                       StableDiffusionImg2ImgPipeline, StableDiffusionInpaintPipeline, StableDiffusionPipeline, UNet2DConditionModel)
from PIL import Image
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer
from models import draw, fill, keys

torch.set_num_threads(1)
HERE = os.path.dirname(os.path.abspath(__file__))


def vocabulary():
    """Every byte, with and without the end of a word, then a few joined pairs."""
    printable = list(range(33, 127)) + list(range(161, 173)) + list(range(174, 256))
    extra = [b for b in range(256) if b not in printable]
    letters = [chr(b) for b in printable] + [chr(256 + i) for i in range(len(extra))]
    merges = ["h o", "r s", "ho rs", "hors e</w>", "m o", "o n</w>", "mo on</w>", "t h", "th e</w>", "c a", "ca t</w>", "a n", "an d</w>"]
    tokens = letters + [l + "</w>" for l in letters] + [m.replace(" ", "") for m in merges] + ["<|startoftext|>", "<|endoftext|>"]
    return {t: i for i, t in enumerate(tokens)}, merges


vocab, merges = vocabulary()
N = len(vocab)
LENGTH = 16
text_config = dict(vocab_size=N, hidden_size=12, intermediate_size=24, num_hidden_layers=3, num_attention_heads=2, max_position_embeddings=LENGTH, bos_token_id=N - 2, eos_token_id=N - 1, pad_token_id=N - 1, projection_dim=12)
unet_config = dict(block_out_channels=[8, 16], down_block_types=["CrossAttnDownBlock2D", "DownBlock2D"], up_block_types=["UpBlock2D", "CrossAttnUpBlock2D"], layers_per_block=1, cross_attention_dim=12, attention_head_dim=2, norm_num_groups=4, sample_size=8)
vae_config = dict(block_out_channels=[8, 8, 8, 16], down_block_types=["DownEncoderBlock2D"] * 4, up_block_types=["UpDecoderBlock2D"] * 4, layers_per_block=1, norm_num_groups=4, latent_channels=4, sample_size=64)
scheduler_config = dict(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", num_train_timesteps=1000, set_alpha_to_one=False, steps_offset=1, clip_sample=False)


def tokenizer():
    d = tempfile.mkdtemp()
    json.dump(vocab, open(f"{d}/vocab.json", "w"))
    open(f"{d}/merges.txt", "w").write("#version: 0.2\n" + "\n".join(merges))
    return CLIPTokenizer.from_pretrained(d, model_max_length=LENGTH)


text = fill(CLIPTextModel(CLIPTextConfig(**text_config)))
# diffusers 0.42 looks for the name that transformers 5 has given up.
text.__dict__["text_model"] = text
vae = fill(AutoencoderKL(**vae_config))
unet = fill(UNet2DConditionModel(**unet_config))
unet9 = fill(UNet2DConditionModel(**unet_config, in_channels=9))
unet_lcm = fill(UNet2DConditionModel(**unet_config, time_cond_proj_dim=8))
tok = tokenizer()


def pipe(kind, scheduler, net=unet, **more):
    p = kind(vae=vae, text_encoder=text, tokenizer=tok, unet=net, scheduler=scheduler.from_config({**scheduler_config, **more}), safety_checker=None, feature_extractor=None, requires_safety_checker=False)
    p.set_progress_bar_config(disable=True)
    return p


def gen(seed):
    return torch.Generator().manual_seed(seed)


def shown(images):
    a = np.stack([np.array(i) for i in images])
    return dict(shape=list(a.shape), data=base64.b64encode(a.tobytes()).decode())


def picture(seed, mode="RGB", size=(64, 72)):
    """Smooth pixels from torch's generator, which the test draws as well."""
    torch.manual_seed(seed)
    a = torch.rand(size[1], size[0], 3 if mode == "RGB" else 1).mul(255).to(torch.uint8).numpy()
    return Image.fromarray(a if mode == "RGB" else a[:, :, 0])


def half_mask(size=(64, 72)):
    a = np.zeros((size[1], size[0]), np.uint8)
    a[:, size[0] // 2 + 3 :] = 255
    return Image.fromarray(a)


PROMPT = "the horse and the moon"
with torch.no_grad():
    cases = {}
    # skip_prk_steps as every Stable Diffusion checkpoint has it
    p = pipe(StableDiffusionPipeline, PNDMScheduler, skip_prk_steps=True)
    cases["pndm"] = shown(p(PROMPT, num_inference_steps=6, guidance_scale=3.0, generator=gen(42)).images)
    p = pipe(StableDiffusionPipeline, DDIMScheduler)
    cases["two"] = shown(p([PROMPT, "cat"], negative_prompt=["moon", ""], num_images_per_prompt=2, num_inference_steps=3, guidance_scale=2.5, eta=0.5, guidance_rescale=0.7, generator=gen(7), height=64, width=48).images)
    cases["many"] = shown(p(PROMPT, num_images_per_prompt=2, num_inference_steps=2, guidance_scale=1.0, generator=[gen(1), gen(2)], clip_skip=1, output_type="pil").images)
    given = p(PROMPT, num_inference_steps=2, guidance_scale=4.0, latents=draw(99, 1, 4, 8, 8), output_type="latent").images
    cases["latents"] = dict(shape=list(given.shape), data=given.flatten().tolist())
    p = pipe(StableDiffusionPipeline, EulerAncestralDiscreteScheduler)
    cases["ancestral"] = shown(p(PROMPT, num_inference_steps=4, guidance_scale=3.0, generator=gen(3)).images)
    p = pipe(StableDiffusionPipeline, LCMScheduler, net=unet_lcm)
    cases["lcm"] = shown(p(PROMPT, num_inference_steps=3, guidance_scale=8.0, generator=gen(4)).images)
    p = pipe(StableDiffusionImg2ImgPipeline, DDIMScheduler)
    cases["img2img"] = shown(p(PROMPT, image=picture(11), strength=0.6, num_inference_steps=5, guidance_scale=3.0, generator=gen(5)).images)
    p = pipe(StableDiffusionImg2ImgPipeline, EulerDiscreteScheduler)
    cases["img2img-euler"] = shown(p(PROMPT, image=picture(11), strength=0.75, num_inference_steps=4, guidance_scale=3.0, generator=gen(5)).images)
    for name, net in dict(inpaint=unet, inpaint9=unet9).items():
        p = pipe(StableDiffusionInpaintPipeline, DDIMScheduler, net=net)
        for s in (1.0, 0.5):
            cases[f"{name}-{s}"] = shown(p(PROMPT, image=picture(11), mask_image=half_mask(), strength=s, num_inference_steps=4, guidance_scale=3.0, generator=gen(6), height=72, width=64).images)
    embeds = p.encode_prompt(PROMPT, "cpu", 1, False)[0]

out = dict(
    versions=dict(torch=torch.__version__, diffusers=diffusers.__version__, transformers=transformers.__version__),
    vocab=list(vocab), merges=merges, length=LENGTH, prompt=PROMPT, ids=tok(PROMPT)["input_ids"],
    configs=dict(text_encoder=text_config, unet=unet_config, vae=vae_config, scheduler=scheduler_config),
    keys=dict(text_encoder=keys(text), unet=keys(unet), unet9=keys(unet9), unet_lcm=keys(unet_lcm), vae=keys(vae)),
    embeds=dict(shape=list(embeds.shape), data=embeds.flatten().tolist()),
    cases=cases,
)
path = os.path.join(HERE, "pipelines.json")
json.dump(out, open(path, "w"), separators=(",", ":"))
print(os.path.getsize(path), {k: v["shape"] for k, v in cases.items()})
