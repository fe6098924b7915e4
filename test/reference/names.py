"""Records the public names of PyTorch and diffusers that a user of difflab may look for: names.json.

    python names.py      (torch 2.13.0, diffusers 0.42.1)
"""
import inspect, json, os
import diffusers, torch
import torch.nn.functional as F
from torch.optim import lr_scheduler

HERE = os.path.dirname(os.path.abspath(__file__))


def public(names):
    return sorted(n for n in names if not n.startswith("_"))


def classes(module, base, skip=()):
    return public(n for n, v in vars(module).items() if inspect.isclass(v) and issubclass(v, base) and v is not base and n not in skip)


methods = {n for n in dir(torch.Tensor) if callable(getattr(torch.Tensor, n, None))}
functions = {n for n in torch.functional.__all__} | {n for n in dir(torch) if type(getattr(torch, n)).__name__ == "builtin_function_or_method"}
result = dict(
    versions=dict(torch=torch.__version__, diffusers=diffusers.__version__),
    # A trailing underscore means "in place"; what the library itself uses begins with an underscore.
    tensor=public(methods),
    torch=public(n for n in functions if not n.endswith("_")),
    nn=classes(torch.nn, torch.nn.Module),
    functional=public(n for n, v in vars(F).items() if callable(v) and not inspect.isclass(v) and not n.endswith("_") and getattr(v, "__module__", "torch").startswith("torch")),
    init=public(n for n, v in vars(torch.nn.init).items() if inspect.isfunction(v) and (n.endswith("_") or n == "calculate_gain")),
    optim=classes(torch.optim, torch.optim.Optimizer),
    lr_scheduler=classes(lr_scheduler, lr_scheduler.LRScheduler),
    schedulers=public(n for n in dir(diffusers) if n.endswith("Scheduler") and not n.startswith("Flax")),
    pipelines=public(n for n in dir(diffusers) if n == "DiffusionPipeline" or n.startswith("StableDiffusion") and n.endswith("Pipeline") and "XL" not in n and "3" not in n),
    models=public(n for n in dir(diffusers) if n.startswith(("UNet", "Autoencoder")) and not n.endswith("Pipeline")),
)
json.dump(result, open(os.path.join(HERE, "names.json"), "w"), separators=(",", ":"))
print({k: len(v) for k, v in result.items()})
