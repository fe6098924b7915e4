"""Records PyTorch's CPU random numbers into torch-random.json: python test/reference/torch-random.py (torch 2.13.0)."""
import base64
import hashlib
import json
import pathlib

import torch

DTYPES = {"float32": torch.float32, "float64": torch.float64, "int64": torch.int64, "int32": torch.int32}


def run(call):
    op, n, dtype = call["op"], call["n"], DTYPES[call["dtype"]]
    if op == "randn":
        return torch.empty(n, dtype=dtype).normal_(call.get("mean", 0.0), call.get("std", 1.0))
    if op == "rand":
        return torch.empty(n, dtype=dtype).uniform_(call.get("from", 0.0), call.get("to", 1.0))
    if op == "randint":
        return torch.randint(int(call["low"]), int(call["high"]), (n,), dtype=dtype)
    return torch.randperm(n, dtype=dtype)


def shorten(values):
    """All of a short result; of a long one some places spread over it, the end, and sums over all."""
    n = len(values)
    if n <= 128:
        return {"values": values.tolist() if values.is_floating_point() else [str(v) for v in values.tolist()]}
    places = sorted({*range(0, n, max(1, n // 40)), *range(n - 36, n)})
    picked = values[places].tolist()
    wide = values.double()
    return {
        "places": places,
        "values": picked if values.is_floating_point() else [str(v) for v in picked],
        "sum": wide.sum().item(),
        "sumOfSquares": (wide * wide).sum().item(),
    }


def record(seed, calls):
    torch.manual_seed(seed)
    result = {"seed": str(seed), "initialSeed": str(torch.initial_seed()), "calls": []}
    for call in calls:
        result["calls"].append({**call, **shorten(run(call))})
    state = bytes(torch.get_rng_state().tolist())
    # The cached normal differs in its last bits between C libraries, so it is left out of the hash.
    result["stateHash"] = hashlib.sha256(state[:5024]).hexdigest()
    return result


SIZES = [1, 2, 3, 15, 16, 17, 31, 32, 100, 623, 624, 625, 16384, 16384 + 3]
SEEDS = [0, 1, 42, 1024, 2**32, 2**32 + 5, -1, -12345, 2**53 - 1, 2**63 - 1, -(2**63), 2**64 - 1]
cases = []
for n in SIZES:
    for dtype in ["float32", "float64"]:
        cases.append(record(42, [{"op": "randn", "n": n, "dtype": dtype}]))
        cases.append(record(7, [{"op": "rand", "n": n, "dtype": dtype}]))
    cases.append(record(3, [{"op": "randperm", "n": n, "dtype": "int64"}]))
for seed in SEEDS:
    cases.append(
        record(
            seed,
            [
                {"op": "randn", "n": 4, "dtype": "float32"},
                {"op": "randn", "n": 20, "dtype": "float32"},
                {"op": "rand", "n": 3, "dtype": "float32"},
                {"op": "randint", "low": "0", "high": "10", "n": 5, "dtype": "int64"},
            ],
        )
    )
for low, high, dtype in [
    (0, 2, "int64"),
    (-5, 5, "int64"),
    (0, 1000, "int32"),
    (0, 2**28 - 1, "int64"),
    (0, 2**28, "int64"),
    (5, 2**28 + 5, "int32"),
    (0, 2**32 - 1, "int64"),
    (0, 2**32, "int64"),
    (-(2**40), 2**40, "int64"),
    (2**60, 2**60 + 7, "int64"),
    (-(2**63), 2**63 - 1, "int64"),
    (-(2**31), 2**31 - 1, "int32"),
]:
    cases.append(record(11, [{"op": "randint", "low": str(low), "high": str(high), "n": 40, "dtype": dtype}]))
cases.append(
    record(
        2024,
        [
            {"op": "randn", "n": 1, "dtype": "float32"},
            {"op": "rand", "n": 7, "dtype": "float64"},
            {"op": "randn", "n": 1, "dtype": "float64"},
            {"op": "randn", "n": 3, "dtype": "float32", "mean": 2.5, "std": 0.1},
            {"op": "randperm", "n": 50, "dtype": "int64"},
            {"op": "randn", "n": 16, "dtype": "float32"},
            {"op": "randn", "n": 5, "dtype": "float32"},
            {"op": "randint", "low": "-3", "high": "4", "n": 700, "dtype": "int64"},
            {"op": "rand", "n": 100, "dtype": "float32", "from": -0.125, "to": 0.3},
            {"op": "randn", "n": 33, "dtype": "float64", "mean": -1.0, "std": 3.0},
            {"op": "randperm", "n": 1, "dtype": "int64"},
            {"op": "randn", "n": 15, "dtype": "float32"},
            {"op": "randperm", "n": 1000, "dtype": "int32"},
            {"op": "randn", "n": 40, "dtype": "float32", "mean": 1.0, "std": 0.02},
        ],
    )
)
torch.manual_seed(99)
torch.rand(1000)
torch.randn(3)
saved = base64.b64encode(bytes(torch.get_rng_state().tolist())).decode()
exchange = {"state": saved, "then": [torch.randn(4).tolist(), torch.rand(4).tolist()], "seed": "99"}
out = {
    "made": {"by": "test/reference/torch-random.py", "torch": torch.__version__, "cpu": torch.backends.cpu.get_cpu_capability()},
    "cases": cases,
    "exchange": exchange,
    "defaultSeed": str(torch.Generator().initial_seed()),
}
pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps(out) + "\n")
