"""The same training steps in PyTorch, timed on request: reads a number of steps a line, answers with JSON.

Run: python training-peer.py unet|mlp|cnn BATCH THREADS
"""
import json, math, resource, sys, time
import torch
import torch.nn.functional as F
from torch import nn

kind, batch, threads = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
torch.set_num_threads(threads)
GROUPS = 8


class Res(nn.Module):
    def __init__(self, cin, cout, time):
        super().__init__()
        self.norm1, self.conv1, self.time = nn.GroupNorm(GROUPS, cin), nn.Conv2d(cin, cout, 3, padding=1), nn.Linear(time, cout)
        self.norm2, self.conv2 = nn.GroupNorm(GROUPS, cout), nn.Conv2d(cout, cout, 3, padding=1)
        self.skip = nn.Identity() if cin == cout else nn.Conv2d(cin, cout, 1)

    def forward(self, x, t):
        h = self.conv1(F.silu(self.norm1(x))) + self.time(t)[:, :, None, None]
        return self.skip(x) + self.conv2(F.silu(self.norm2(h)))


class Attention(nn.Module):
    def __init__(self, c, heads=4):
        super().__init__()
        self.heads, self.norm, self.qkv, self.proj = heads, nn.GroupNorm(GROUPS, c), nn.Conv2d(c, 3 * c, 1), nn.Conv2d(c, c, 1)

    def forward(self, x):
        b, c, h, w = x.shape
        q, k, v = self.qkv(self.norm(x)).reshape(b, 3, self.heads, c // self.heads, h * w).transpose(-1, -2).unbind(1)
        return x + self.proj(F.scaled_dot_product_attention(q, k, v).transpose(-1, -2).reshape(b, c, h, w))


class UNet(nn.Module):
    def __init__(self, channels=(32, 64, 128), blocks=2):
        super().__init__()
        time = channels[0] * 4
        self.t1, self.t2, self.cin = nn.Linear(64, time), nn.Linear(time, time), nn.Conv2d(1, channels[0], 3, padding=1)
        self.down, skips, width = nn.ModuleList(), [], channels[0]
        for level, c in enumerate(channels):
            m = nn.ModuleDict({"res": nn.ModuleList(Res(width if i == 0 else c, c, time) for i in range(blocks))})
            if level == len(channels) - 1: m["attn"] = Attention(c)
            else: m["down"] = nn.Conv2d(c, c, 3, stride=2, padding=1)
            skips += [c] * blocks; width = c; self.down.append(m)
        self.mid = nn.ModuleList([Res(width, width, time), Attention(width), Res(width, width, time)])
        self.up = nn.ModuleList()
        for level, c in reversed(list(enumerate(channels))):
            res = nn.ModuleList()
            for _ in range(blocks): res.append(Res(width + skips.pop(), c, time)); width = c
            m = nn.ModuleDict({"res": res})
            if level > 0: m["up"] = nn.Conv2d(c, c, 3, padding=1)
            self.up.append(m)
        self.norm, self.cout = nn.GroupNorm(GROUPS, channels[0]), nn.Conv2d(channels[0], 1, 3, padding=1)

    def forward(self, x, t):
        a = t.float()[:, None] * torch.exp(-math.log(10000) * torch.arange(32) / 32)[None]
        t = F.silu(self.t2(F.silu(self.t1(torch.cat([a.sin(), a.cos()], 1)))))
        h, skips = self.cin(x), []
        for m in self.down:
            for i, r in enumerate(m["res"]):
                h = r(h, t)
                if "attn" in m and i == len(m["res"]) - 1: h = m["attn"](h)
                skips.append(h)
            if "down" in m: h = m["down"](h)
        h = self.mid[2](self.mid[1](self.mid[0](h, t)), t)
        for m in self.up:
            for r in m["res"]: h = r(torch.cat([h, skips.pop()], 1), t)
            if "up" in m: h = m["up"](F.interpolate(h, scale_factor=2, mode="nearest"))
        return self.cout(F.silu(self.norm(h)))


torch.manual_seed(0)
if kind == "unet":
    net = UNet()
    x, e, t = torch.randn(batch, 1, 32, 32), torch.randn(batch, 1, 32, 32), torch.randint(0, 1000, (batch,))
    loss_of = lambda: F.mse_loss(net(x, t), e)
else:
    if kind == "mlp":
        net = nn.Sequential(nn.Flatten(), nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 256), nn.ReLU(), nn.Linear(256, 10))
    else:
        net = nn.Sequential(
            nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Flatten(), nn.Linear(64 * 49, 128), nn.ReLU(), nn.Linear(128, 10))
    x, y = torch.randn(batch, 1, 28, 28), torch.randint(0, 10, (batch,))
    loss_of = lambda: F.cross_entropy(net(x), y)
opt = torch.optim.AdamW(net.parameters(), lr=2e-4, foreach=True)


def step():
    opt.zero_grad(set_to_none=True)
    loss = loss_of()
    loss.backward()
    opt.step()
    return loss.item()


print(json.dumps({"torch": torch.__version__, "parameters": sum(p.numel() for p in net.parameters())}), flush=True)
for line in sys.stdin:
    wall, cpu = [], []
    for _ in range(int(line.split()[0])):
        a, c = time.perf_counter(), time.process_time()
        loss = step()
        wall.append((time.perf_counter() - a) * 1e3)
        cpu.append((time.process_time() - c) * 1e3)
    print(json.dumps({"wall": wall, "cpu": cpu, "loss": loss, "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}), flush=True)
