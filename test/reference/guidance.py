"""Records runs of the small random Stable Diffusion of `tiny_sd.py` that a loss of the predicted picture guides, in PyTorch: a loop written by
hand around diffusers' parts, and single gradients.

    python guidance.py      (torch 2.13.0, diffusers 0.42.1, transformers 5.23.0)
"""
import json, os
import numpy as np, safetensors.torch, torch
import torch.nn.functional as F
from diffusers import DDIMScheduler, LMSDiscreteScheduler
from PIL import Image
from models import draw, shown
from tiny_sd import LENGTH, PROMPT, VERSIONS, gen, scheduler_config, shown as shown_pictures, text, tok, unet, vae

HERE = os.path.dirname(os.path.abspath(__file__))
judge = safetensors.torch.load_file(os.path.join(HERE, "../../data/digit-judge/model.safetensors"))
judge = {k: v.float() for k, v in judge.items()}
SCALE = vae.config.scaling_factor


def features(x):
    """What the convolutions of the digit judge see in `[b, 1, 28, 28]`."""
    seen = []
    for name in ("conv1", "conv2", "conv3"):
        x = F.silu(F.conv2d(x, judge[f"{name}.weight"], judge[f"{name}.bias"], padding=1))
        seen.append(x)
        x = F.avg_pool2d(x, 2)
    return seen


def small(pictures):
    """The middle of a picture from 0 to 1, grey, at the judge's size."""
    return F.avg_pool2d(pictures[:, :, 4:60, 4:60].mean(1, keepdim=True), 2)


target = features(small(draw(77, 1, 3, 64, 64).mul(0.2).add(0.5)))
blue = lambda x: (x[:, 2] - 0.9).abs().mean() * 200
perceptual = lambda x: sum(F.mse_loss(a, b) for a, b in zip(features(small(x)), target)) * 20
losses = dict(blue=blue, perceptual=perceptual)


def decode(x0):
    return vae.decode(x0 / SCALE).sample / 2 + 0.5


def embed(prompt):
    ids = tok(prompt, padding="max_length", max_length=LENGTH, truncation=True, return_tensors="pt").input_ids
    with torch.no_grad():
        return text(ids).last_hidden_state


both = torch.cat([embed(""), embed(PROMPT)])
for net in (unet, vae):
    net.requires_grad_(False)


def predict(latents, t):
    without, wanted = unet(torch.cat([latents] * 2), t, both).sample.chunk(2)
    return without + 3.0 * (wanted - without)


def loop(kind, loss, every, steps=6):
    """Every so many steps the latents move against the gradient of the loss of the predicted picture, times sigma squared."""
    s = kind.from_config(scheduler_config)
    s.set_timesteps(steps)
    latents = torch.randn((1, 4, 8, 8), generator=gen(42)) * s.init_noise_sigma
    seen = []
    for i, t in enumerate(s.timesteps):
        with torch.no_grad():
            noise = predict(s.scale_model_input(latents, t), t)
        if i % every == 0:
            latents = latents.detach().requires_grad_()
            if kind is LMSDiscreteScheduler:
                signal, sigma = 1.0, float(s.sigmas[i])
            else:
                signal, sigma = float(s.alphas_cumprod[t] ** 0.5), float((1 - s.alphas_cumprod[t]) ** 0.5)
            value = loss(decode((latents - sigma * noise) / signal))
            seen.append(float(value.detach()))
            latents = latents.detach() - torch.autograd.grad(value, latents)[0] * sigma**2
        latents = s.step(noise, t, latents).prev_sample
    with torch.no_grad():
        picture = decode(latents / 1).clamp(0, 1)
    return dict(losses=seen, picture=shown_pictures([Image.fromarray((picture[0].permute(1, 2, 0).numpy() * 255).round().astype(np.uint8))]))


def gradients(loss):
    """At one step of DDIM, with the predicted noise for given and through the U-Net."""
    s = DDIMScheduler.from_config(scheduler_config)
    t, x = 501, draw(5, 1, 4, 8, 8).requires_grad_()
    signal, sigma = s.alphas_cumprod[t] ** 0.5, (1 - s.alphas_cumprod[t]) ** 0.5
    noise = predict(x, t)
    given = torch.autograd.grad(loss(decode((x - sigma * noise.detach()) / signal)), x, retain_graph=True)[0]
    value = loss(decode((x - sigma * noise) / signal))
    return dict(loss=float(value.detach()), x0=shown(given), model=shown(torch.autograd.grad(value, x)[0]))


out = dict(
    versions=VERSIONS,
    loops={f"{name}-{kind.__name__}": loop(kind, loss, every) for name, loss in losses.items() for kind, every in ((LMSDiscreteScheduler, 5), (DDIMScheduler, 1))},
    gradients={name: gradients(loss) for name, loss in losses.items()},
)
path = os.path.join(HERE, "guidance.json")
json.dump(out, open(path, "w"), separators=(",", ":"))
print(os.path.getsize(path), {k: [round(v, 3) for v in x["losses"]] for k, x in out["loops"].items()})
