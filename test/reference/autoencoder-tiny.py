"""Records what diffusers' AutoencoderTiny computes, small and with weights from torch's generator, and what TAESD's own blocks
compute with the real weights of TAEF2: autoencoder-tiny.json.

    python autoencoder-tiny.py FOLDER      (torch 2.13.0, diffusers 0.42.1; FOLDER has taef2_encoder.pth and taef2_decoder.pth)
"""
import json, os, sys
import torch
from torch import nn
import diffusers
from diffusers import AutoencoderTiny
from models import draw, fill, keys, shown

CONFIG = dict(encoder_block_out_channels=[8, 8, 8], decoder_block_out_channels=[8, 8, 8], num_encoder_blocks=[1, 2, 1], num_decoder_blocks=[2, 1, 1], latent_channels=4)


class Block(nn.Module):
    """A block of TAEF2, written from its keys: three convolutions, the middle ones with a view of the whole image."""

    def __init__(self, state, name):
        super().__init__()
        at = lambda key: state.get(f"{name}.{key}")
        self.weights = [(at(f"conv.{i}.weight"), at(f"conv.{i}.bias")) for i in (0, 2, 4)]
        self.pool = None if at("pool.0.weight") is None else [at(f"pool.{k}") for k in ("0.weight", "1.weight", "1.bias", "3.weight")]

    def forward(self, x):
        F = nn.functional
        if self.pool:
            up, scale, shift, down = self.pool
            x = x + F.conv2d(F.relu(F.group_norm(F.conv2d(x, up), 4, scale, shift)), down)
        h = x
        for i, (w, b) in enumerate(self.weights):
            h = F.conv2d(F.relu(h) if i else h, w, b, padding=1)
        return F.relu(h + x)


def run(state, x, decodes):
    F = nn.functional
    names = sorted({int(k.split(".")[0]) for k in state})
    for n in names:
        if decodes and n in (7, 12, 17):
            x = F.interpolate(x, scale_factor=2)
        if f"{n}.weight" in state:
            stride = 1 if decodes or f"{n}.bias" in state else 2
            x = F.conv2d(x, state[f"{n}.weight"], state.get(f"{n}.bias"), padding=1, stride=stride)
            if decodes and n == 1:
                x = F.relu(x)
        else:
            x = Block(state, str(n))(x)
    return x


torch.set_num_threads(1)
folder = sys.argv[1]
load = lambda name: {k: v.float() for k, v in torch.load(os.path.join(folder, name), map_location="cpu", weights_only=True).items()}
with torch.no_grad():
    m = fill(AutoencoderTiny(**CONFIG))
    x, z = draw(1001, 2, 3, 16, 12).tanh(), draw(1002, 1, 4, 3, 5)
    small = dict(config=CONFIG, keys=keys(m), latents=shown(m.encode(x).latents), decoded=shown(m.decode(z).sample), forward=shown(m(x).sample))
    image, latents = draw(1003, 1, 3, 32, 48).sigmoid(), draw(1004, 1, 32, 3, 4)
    taef2 = dict(latents=shown(run(load("taef2_encoder.pth"), image, False)), decoded=shown(run(load("taef2_decoder.pth"), torch.tanh(latents / 3) * 3, True)))
path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "autoencoder-tiny.json")
json.dump(dict(versions=dict(torch=torch.__version__, diffusers=diffusers.__version__), small=small, taef2=taef2), open(path, "w"), separators=(",", ":"))
print(os.path.getsize(path))
