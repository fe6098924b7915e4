"""Records layers, optimizers and schedules of PyTorch 2.13 (CPU): nn.json.

Run: python test/reference/nn.py > test/reference/nn.json
Layers: the weights after manual_seed(7), the output for an input, the gradients of sum(output * cos(i)).
Optimizers: a network from manual_seed(3), 20 steps on one batch, all losses and the last weights.
"""
import json, math, platform, torch
from torch import nn
import torch.nn.functional as F

def L(t): return [float(f"{v:.8g}") for v in t.detach().float().reshape(-1).tolist()]
def T(t): return {"shape": list(t.shape), "data": L(t)}
out = {"made": {"torch": torch.__version__, "python": platform.python_version()}, "layers": {}, "optimizers": {}, "schedules": {}}

def layer(name, make, x, train=True):
    torch.manual_seed(7); m = make(); m.train(train); init = {k: T(v) for k, v in m.state_dict().items()}
    if name == "batchNormEval":
        with torch.no_grad(): m.running_mean.copy_(torch.linspace(-1, 1, 3)); m.running_var.copy_(torch.linspace(.5, 2, 3))
    y = m(x, x, x, need_weights=False)[0] if isinstance(m, nn.MultiheadAttention) else m(x)
    (y * torch.arange(y.numel()).float().cos().reshape(y.shape)).sum().backward()
    out["layers"][name] = {"input": {**T(x), "dtype": "float32" if x.is_floating_point() else "int64"}, "init": init, "output": T(y), "grads": {k: T(p.grad) for k, p in m.named_parameters()}, "after": {k: T(v) for k, v in m.state_dict().items()}}
torch.manual_seed(1)
layer("linear", lambda: nn.Linear(6, 4), torch.randn(3, 6)); layer("conv2d", lambda: nn.Conv2d(3, 5, 3, stride=2, padding=1), torch.randn(2, 3, 7, 7)); layer("conv2dGroups", lambda: nn.Conv2d(4, 6, 3, groups=2, bias=False), torch.randn(2, 4, 5, 5))
layer("convTranspose2d", lambda: nn.ConvTranspose2d(4, 3, 4, stride=2, padding=1), torch.randn(2, 4, 4, 4)); layer("embedding", lambda: nn.Embedding(9, 5), torch.randint(0, 9, (2, 4)))
layer("groupNorm", lambda: nn.GroupNorm(2, 6), torch.randn(2, 6, 4, 4)); layer("layerNorm", lambda: nn.LayerNorm(5), torch.randn(3, 5)); layer("batchNorm", lambda: nn.BatchNorm2d(3), torch.randn(4, 3, 2, 2)); layer("batchNormEval", lambda: nn.BatchNorm2d(3), torch.randn(4, 3, 2, 2), False)
layer("multiheadAttention", lambda: nn.MultiheadAttention(8, 2, batch_first=True), torch.randn(2, 5, 8))
layer("sequential", lambda: nn.Sequential(nn.Linear(4, 8), nn.GELU(), nn.Sequential(nn.Linear(8, 8), nn.SiLU()), nn.Linear(8, 2)), torch.randn(3, 4))

class Net(nn.Module):
    def __init__(self):
        super().__init__(); self.conv1 = nn.Conv2d(1, 8, 3, padding=1); self.norm = nn.GroupNorm(4, 8); self.conv2 = nn.Conv2d(8, 8, 3, stride=2, padding=1); self.head = nn.Linear(128, 10)
    def forward(self, x): return self.head(F.silu(self.conv2(F.silu(self.norm(self.conv1(x))))).flatten(1))
torch.manual_seed(5); X = torch.randn(16, 1, 8, 8); Y = torch.randint(0, 10, (16,)); out["batch"] = {"x": T(X), "y": Y.tolist()}
optimizers = {
  "sgd": lambda p: torch.optim.SGD(p, lr=0.1), "sgdMomentum": lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9, weight_decay=1e-3), "sgdNesterov": lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9, nesterov=True),
  "adam": lambda p: torch.optim.Adam(p, lr=1e-2), "adamDecay": lambda p: torch.optim.Adam(p, lr=1e-2, weight_decay=0.01), "adamW": lambda p: torch.optim.AdamW(p, lr=1e-2), "adamWBetas": lambda p: torch.optim.AdamW(p, lr=3e-3, betas=(0.8, 0.95), eps=1e-6, weight_decay=0.1),
  "rmsprop": lambda p: torch.optim.RMSprop(p, lr=1e-3), "rmspropMomentum": lambda p: torch.optim.RMSprop(p, lr=1e-3, momentum=0.9, centered=True, weight_decay=1e-2), "adamWClipped": lambda p: torch.optim.AdamW(p, lr=1e-2), "sgdDampened": lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9, dampening=0.3), "adamAmsgrad": lambda p: torch.optim.Adam(p, lr=1e-2, amsgrad=True), "adamWAmsgrad": lambda p: torch.optim.AdamW(p, lr=1e-2, amsgrad=True),
  "adamOneCycle": lambda p: torch.optim.Adam(p, lr=1e-3)}
for name, make in optimizers.items():
    torch.manual_seed(3); net = Net(); opt = make(net.parameters()); losses = []; norms = []
    sch = torch.optim.lr_scheduler.OneCycleLR(opt, max_lr=1e-2, total_steps=20) if name == "adamOneCycle" else None
    for _ in range(20):
        opt.zero_grad(); loss = F.cross_entropy(net(X), Y); loss.backward()
        if name == "adamWClipped": norms.append(torch.nn.utils.clip_grad_norm_(net.parameters(), 0.5).item())
        opt.step(); losses.append(loss.item())
        if sch: sch.step()
    out["optimizers"][name] = {"losses": losses, "norms": norms, "weights": {k: T(v) for k, v in net.state_dict().items()}}
def schedule(name, make, n):
    p = nn.Parameter(torch.zeros(1)); opt = torch.optim.AdamW([p], lr=0.1); s = make(opt); rows = []
    for _ in range(n): rows.append([opt.param_groups[0]["lr"], opt.param_groups[0]["betas"][0]]); opt.step(); s.step()
    out["schedules"][name] = rows
schedule("oneCycle", lambda o: torch.optim.lr_scheduler.OneCycleLR(o, max_lr=0.5, total_steps=25), 25); schedule("cosine", lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, 20, eta_min=0.01), 20)
schedule("cosineWarmup", lambda o: torch.optim.lr_scheduler.LambdaLR(o, lambda s: s / 5 if s < 5 else max(0.0, 0.5 * (1 + math.cos(math.pi * (s - 5) / 20)))), 25)
L_ = torch.optim.lr_scheduler
schedule("step", lambda o: L_.StepLR(o, 3, 0.5), 10); schedule("multiStep", lambda o: L_.MultiStepLR(o, [2, 5], 0.3), 10); schedule("exponential", lambda o: L_.ExponentialLR(o, 0.9), 8); schedule("linear", lambda o: L_.LinearLR(o), 8); schedule("linearDown", lambda o: L_.LinearLR(o, 1.0, 0.1, 4), 8)
numbers = [1, .9, .9, .89995, .95, 1, 1, .8, .85, .9, .9, .9, .9, .9]; out["plateaus"] = {"numbers": numbers, "rates": {}}
for name, o in {"default": dict(patience=2), "max": dict(mode="max", patience=1, factor=0.5), "abs": dict(threshold_mode="abs", threshold=.05, patience=1, cooldown=2), "least": dict(patience=0, factor=0.2, min_lr=0.01)}.items():
    opt = torch.optim.AdamW([nn.Parameter(torch.zeros(1))], lr=0.1); s = L_.ReduceLROnPlateau(opt, **o); rates = []
    for v in numbers: s.step(v); rates.append(opt.param_groups[0]["lr"])
    out["plateaus"]["rates"][name] = rates
print(json.dumps(out, separators=(",", ":")))
