"""Small picture files of every kind that people have, written by Pillow, with the pixels that they stand for, into images.json.

python test/reference/images.py (Pillow 13.0.0, numpy 2.4.6)
"""
import base64
import io
import json
import pathlib

import numpy as np
import PIL
from PIL import Image
from PIL.PngImagePlugin import PngInfo

H, W = 5, 7
y, x = np.mgrid[0:H, 0:W]
rgb = np.stack([30 * x + 10, 40 * y + 5, 255 - 20 * (x + y)], -1).astype(np.uint8)
alpha = (x * 255 // (W - 1)).astype(np.uint8)
grey = rgb[..., 1]


def encode(image, fmt="PNG", **options):
    out = io.BytesIO()
    image.save(out, fmt, **options)
    return base64.b64encode(out.getvalue()).decode()


def over_white(rgb, alpha):
    a = alpha[..., None].astype(float) / 255
    return np.round(rgb * a + 255 * (1 - a)).astype(int).tolist()


info = PngInfo()
info.add_text("parameters", "a red three\nNegative prompt: blue\nSteps: 20, Seed: 42")
info.add_text("Comment", "packed " * 30, zip=True)
info.add_itxt("prompt", "ein Kätzchen 🐱 三", lang="de", tkey="Aufforderung")
info.add_itxt("packed", "日本 " * 20, zip=True)

deep = (grey.astype(np.uint16) * 257)
upright = Image.fromarray(rgb)
exif = Image.Exif()
exif[0x0112] = 6  # to be turned by 90 degrees clockwise
palette = upright.quantize(16)

out = {
    "versions": {"pillow": PIL.__version__, "numpy": np.__version__},
    "rgb": {"file": encode(upright, pnginfo=info), "pixels": rgb.tolist()},
    "rgba": {"file": encode(Image.fromarray(np.dstack([rgb, alpha]))), "pixels": over_white(rgb, alpha), "alpha": alpha.tolist()},
    "grey": {"file": encode(Image.fromarray(grey)), "pixels": np.repeat(grey[..., None], 3, -1).tolist()},
    "greyAlpha": {"file": encode(Image.merge("LA", [Image.fromarray(grey), Image.fromarray(alpha)])), "pixels": over_white(np.repeat(grey[..., None], 3, -1), alpha)},
    "sixteenBits": {"file": encode(Image.fromarray(deep)), "pixels": np.repeat(grey[..., None], 3, -1).tolist()},
    "palette": {"file": encode(palette), "pixels": np.array(palette.convert("RGB")).tolist()},
    "turned": {"file": encode(upright, exif=exif), "pixels": np.rot90(rgb, -1).tolist()},
    "oneBit": {"file": encode(Image.fromarray(grey > 100)), "pixels": (np.repeat((grey > 100)[..., None], 3, -1) * 255).tolist()},
    "text": {k: v for k, v in Image.open(io.BytesIO(base64.b64decode(encode(upright, pnginfo=info)))).text.items()},
}
# diffusers' way from a decoded tensor to bytes: (x / 2 + 0.5).clamp(0, 1), times 255, rounded half to even.
values = np.concatenate([np.linspace(-1.2, 1.2, 97), (np.arange(0, 256) + 0.5) / 255 * 2 - 1]).astype(np.float32)
out["toBytes"] = {"values": [float(v) for v in values], "bytes": [int(v) for v in (np.clip(values / np.float32(2) + np.float32(0.5), 0, 1) * np.float32(255)).round().astype(np.uint8)]}
rng = np.random.default_rng(7)
noise = rng.integers(0, 256, (9, 13, 4), dtype=np.uint8)
noise[..., 3][rng.random((9, 13)) < 0.2] = 0
noise[..., 3][rng.random((9, 13)) < 0.2] = 255
filters = {"lanczos": Image.LANCZOS, "bicubic": Image.BICUBIC, "bilinear": Image.BILINEAR, "nearest": Image.NEAREST}
out["resized"] = {"data": noise.flatten().tolist(), "width": 13, "height": 9, "results": [
    {"mode": mode, "filter": name, "width": w, "height": h,
     "data": np.array(Image.fromarray(noise if mode == "RGBA" else noise[..., 0] if mode == "L" else noise[..., :3].copy()).resize((w, h), f)).flatten().tolist()}
    for name, f in filters.items() for mode, w, h in (("RGB", 5, 4), ("RGB", 30, 20), ("RGB", 13, 11), ("L", 1, 1), ("RGBA", 20, 5), ("RGB", 6, 9))]}
pathlib.Path(__file__).with_name("images.json").write_text(json.dumps(out) + "\n")
