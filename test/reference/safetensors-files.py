"""Records files that the reference implementation writes, and PyTorch's roundings to 16 bits, into safetensors-files.json.

python test/reference/safetensors-files.py (safetensors 0.8.0, torch 2.13.0)
"""
import base64
import hashlib
import json
import pathlib

import safetensors
import torch
from safetensors.torch import save

g = torch.Generator().manual_seed(1)
r = lambda *shape: torch.randn(shape, generator=g)
tensors = {
    "b": r(3).half(),
    "a": r(2, 2),
    "a.10": torch.arange(6).reshape(1, 2, 3),
    "c": torch.tensor([-1, 2**40, -(2**63)]),
    "10": torch.tensor([1, -2], dtype=torch.int32),
    "2": r(1).double(),
    "flag": torch.tensor(True),
    "empty": torch.zeros(0, 3),
    "é \"quoted\" \n\u0007": r(1),
    "\U0001f600": r(1),
    "\uff5e": r(1),
    "bf": r(5).bfloat16(),
    "i16": torch.tensor([-300, 300], dtype=torch.int16),
    "i8": torch.tensor([-3, 127], dtype=torch.int8),
    "u8": torch.tensor([0, 255, 3], dtype=torch.uint8),
    "f8": r(2).to(torch.float8_e4m3fn),
    "z": torch.complex(r(2), r(2)),
}
plain = save(tensors)
described = {
    name: {
        "dtype": str(t.dtype).removeprefix("torch."),
        "shape": list(t.shape),
        "float32": t.float().flatten().tolist() if not t.is_complex() else torch.view_as_real(t).flatten().tolist(),
        "integers": [str(v) for v in t.flatten().tolist()] if not t.is_floating_point() and not t.is_complex() else None,
    }
    for name, t in tensors.items()
}
one = save({"weight": torch.arange(4.0)}, metadata={"format": "pt"})

special = [0.0, -0.0, 1.0, -1.5, 65504.0, 65519.99, 65520.0, -65520.0, 1e30, float("inf"), float("-inf"), 2.0**-14,
           2.0**-24, 2.0**-25, 2.0**-25 * 1.0001, -(2.0**-26), 3 * 2.0**-25, 6.1e-5, 6.09e-5, 1e-40, 3.4e38, 3.39e38,
           1.0009765625, 1.00048828125, 1.00146484375, 2049.0, 2051.0, 0.1, 1 / 3]
values = torch.tensor(special + (torch.randn(200, generator=g) * torch.logspace(-9, 6, 200)).tolist())
halves = torch.arange(65536, dtype=torch.int32).to(torch.uint16).view(torch.float16).float()
halves = torch.where(halves.isnan(), torch.tensor(0.0), halves)
bits = lambda t: t.view(torch.int16).to(torch.int32).bitwise_and(0xFFFF).tolist()
out = {
    "made": {"by": "test/reference/safetensors-files.py", "safetensors": safetensors.__version__, "torch": torch.__version__},
    "plain": base64.b64encode(plain).decode(),
    "tensors": described,
    "withMetadata": base64.b64encode(one).decode(),
    "rounding": {
        "float32": base64.b64encode(values.numpy().tobytes()).decode(),
        "float16": bits(values.half()),
        "bfloat16": bits(values.bfloat16()),
        "nan": [bits(torch.tensor([float("nan")]).half())[0], bits(torch.tensor([float("nan")]).bfloat16())[0]],
    },
    "allHalvesSha256": hashlib.sha256(halves.numpy().tobytes()).hexdigest(),
}
pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps(out) + "\n")
