"""Weights that PyTorch's in-place initializers draw from a seed: python test/reference/init.py > test/reference/init.json"""

import json

import torch
from torch import nn

CASES = {
    "uniform_": ((3, 4), lambda w: nn.init.uniform_(w, -0.5, 2)),
    "normal_": ((4, 5), lambda w: nn.init.normal_(w, 1, 0.1)),
    "truncNormal_": ((5, 4), lambda w: nn.init.trunc_normal_(w, std=0.5, a=-0.6, b=1)),
    "truncNormal_ in a tail": ((5, 4), lambda w: nn.init.trunc_normal_(w, a=1.5, b=3)),
    "xavierUniform_": ((4, 6), lambda w: nn.init.xavier_uniform_(w, 2)),
    "xavierNormal_": ((4, 3, 3, 3), lambda w: nn.init.xavier_normal_(w)),
    "kaimingUniform_": ((4, 3, 3, 3), lambda w: nn.init.kaiming_uniform_(w, a=0.2)),
    "kaimingNormal_": ((4, 6), lambda w: nn.init.kaiming_normal_(w, mode="fan_out", nonlinearity="relu")),
    "orthogonal_": ((4, 6), lambda w: nn.init.orthogonal_(w, 2)),
    "orthogonal_ of a convolution": ((7, 1, 2, 2), lambda w: nn.init.orthogonal_(w)),
    "eye_": ((3, 4), nn.init.eye_),
    "constant_": ((2, 2), lambda w: nn.init.constant_(w, 3)),
}

weights = {}
for name, (shape, draw) in CASES.items():
    torch.manual_seed(5)
    weights[name] = {"shape": shape, "values": [round(v, 6) for v in draw(torch.empty(shape)).flatten().tolist()]}
names = ["linear", "sigmoid", "tanh", "relu", "leaky_relu", "selu"]
gains = {name: nn.init.calculate_gain(name) for name in names}
print(json.dumps({"torch": torch.__version__, "seed": 5, "weights": weights, "gains": gains}))
