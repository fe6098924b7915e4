"""Records how far PyTorch 2.13's (CPU, float32) normalisations are from float64 where the mean is large: norms.json.

Run: python test/reference/norms.py > test/reference/norms.json
x = float32(ratio + sin(0.37 i) + 0.5 sin(1.7 i + 1)), dy = float32(cos(0.31 i)), weight = 1 + 0.1 cos(c), bias = 0.1 sin(c).
For each ratio the largest error of the output and of the input's gradient, relative to the largest number of each.
"""
import json, math, platform, torch
import torch.nn.functional as F

def wave(n, f): return torch.tensor([f(i) for i in range(n)], dtype=torch.float64).float()
def affine(c): return wave(c, lambda i: 1 + .1 * math.cos(i)), wave(c, lambda i: .1 * math.sin(i))
cases = {
  "groupNorm": ((2, 16, 16, 16), lambda x, w, b: F.group_norm(x, 4, w, b), 16), "groupNormSmall": ((2, 8, 3, 5), lambda x, w, b: F.group_norm(x, 2, w, b), 8),
  "instanceNorm": ((2, 4, 16, 20), lambda x, w, b: F.group_norm(x, 4, w, b), 4), "layerNorm": ((6, 40), lambda x, w, b: F.layer_norm(x, (40,), w, b), 40),
  "batchNorm": ((8, 3, 4, 4), lambda x, w, b: F.batch_norm(x, None, None, w, b, True), 3), "rmsNorm": ((6, 40), lambda x, w, b: F.rms_norm(x, (40,), w, 1e-5), 40),
  "var": ((6, 400), lambda x, w, b: x.var(1), 1), "std": ((6, 400), lambda x, w, b: x.std(1), 1), "varAll": ((6, 400), lambda x, w, b: x.var(), 1)}
out = {"made": {"torch": torch.__version__, "python": platform.python_version()}, "cases": {}}
for name, (shape, f, c) in cases.items():
    n = math.prod(shape); rows = {}
    for ratio in [0, 1, 3, 30, 300, 1000, 3000]:
        x = wave(n, lambda i: ratio + math.sin(.37 * i) + .5 * math.sin(1.7 * i + 1)).reshape(shape); w, b = affine(c)
        results = []
        for dtype in [torch.float64, torch.float32]:
            xi = x.to(dtype).requires_grad_(); y = f(xi, w.to(dtype), b.to(dtype))
            dy = wave(y.numel(), lambda i: math.cos(.31 * i)).reshape(y.shape).to(dtype)
            g, = torch.autograd.grad(y, xi, dy); results.append((y.double(), g.double()))
        rows[ratio] = [float(f"{((p - q).abs().max() / p.abs().max()).item():.3g}") for p, q in zip(*results)]
    out["cases"][name] = rows
print(json.dumps(out, separators=(",", ":")))
