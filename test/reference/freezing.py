"""Parameters that are frozen, unfrozen and left out of the loss, by each optimizer of PyTorch.

Run: python test/reference/freezing.py > test/reference/freezing.json
"""
import json

import torch

# What is frozen (requires_grad = False) and what is left out of the loss, from step to step.
PLAN = (
    [{"frozen": ["b"], "without": []}] * 20
    + [{"frozen": [], "without": []}] * 3
    + [{"frozen": ["a"], "without": []}] * 3
    + [{"frozen": [], "without": ["c"]}] * 3
    + [{"frozen": ["a", "b"], "without": []}] * 2
    + [{"frozen": [], "without": []}] * 3
)
MAKE = {
    "sgd": lambda p: torch.optim.SGD(p, lr=0.1),
    "sgdMomentum": lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9, weight_decay=0.01),
    "adam": lambda p: torch.optim.Adam(p, lr=0.1),
    "adamW": lambda p: torch.optim.AdamW(p, lr=0.1, weight_decay=0.1),
    "rmsprop": lambda p: torch.optim.RMSprop(p, lr=0.01, momentum=0.5, centered=True),
}


def run(make):
    params = {
        "a": torch.tensor([1.0, -2.0], requires_grad=True),
        "b": torch.tensor([3.0], requires_grad=False),
        "c": torch.tensor([[0.5, -0.25], [2.0, 1.0]], requires_grad=True),
    }
    optimizer = make(list(params.values()))
    steps = []
    for step in PLAN:
        for name, p in params.items():
            p.requires_grad_(name not in step["frozen"])
        optimizer.zero_grad()
        loss = sum(((p * (i + 1)) ** 2).sum() for i, (name, p) in enumerate(params.items()) if name not in step["without"])
        loss.backward()
        optimizer.step()
        steps.append({name: [round(v, 7) for v in p.detach().flatten().tolist()] for name, p in params.items()})
    return steps


print(json.dumps({"torch": torch.__version__, "plan": PLAN, "steps": {name: run(make) for name, make in MAKE.items()}}))
