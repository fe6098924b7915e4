"""Records pictures that diffusers' pipelines paint with the small random Stable Diffusion of `tiny_sd.py`.

    python pipelines.py      (torch 2.13.0, diffusers 0.42.1, transformers 5.23.0)
"""
import json, os
import numpy as np, torch
from diffusers import (DDIMScheduler, EulerAncestralDiscreteScheduler, EulerDiscreteScheduler, LCMScheduler, PNDMScheduler,
                       StableDiffusionImg2ImgPipeline, StableDiffusionInpaintPipeline, StableDiffusionPipeline)
from PIL import Image
from models import draw, keys
from tiny_sd import (LENGTH, PROMPT, VERSIONS, gen, merges, pipe, scheduler_config, shown, text, text_config, tok, unet, unet9, unet_config,
                     unet_lcm, vae, vae_config, vocab)

HERE = os.path.dirname(os.path.abspath(__file__))


def picture(seed, mode="RGB", size=(64, 72)):
    """Smooth pixels from torch's generator, which the test draws as well."""
    torch.manual_seed(seed)
    a = torch.rand(size[1], size[0], 3 if mode == "RGB" else 1).mul(255).to(torch.uint8).numpy()
    return Image.fromarray(a if mode == "RGB" else a[:, :, 0])


def half_mask(size=(64, 72)):
    a = np.zeros((size[1], size[0]), np.uint8)
    a[:, size[0] // 2 + 3 :] = 255
    return Image.fromarray(a)


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
    versions=VERSIONS,
    vocab=list(vocab), merges=merges, length=LENGTH, prompt=PROMPT, ids=tok(PROMPT)["input_ids"],
    configs=dict(text_encoder=text_config, unet=unet_config, vae=vae_config, scheduler=scheduler_config),
    keys=dict(text_encoder=keys(text), unet=keys(unet), unet9=keys(unet9), unet_lcm=keys(unet_lcm), vae=keys(vae)),
    embeds=dict(shape=list(embeds.shape), data=embeds.flatten().tolist()),
    cases=cases,
)
path = os.path.join(HERE, "pipelines.json")
json.dump(out, open(path, "w"), separators=(",", ":"))
print(os.path.getsize(path), {k: v["shape"] for k, v in cases.items()})
