"""Records what PyTorch 2.13 (CPU) computes of integers and booleans: integers.json.

Run: python test/reference/integers.py > test/reference/integers.json
Values beyond what float32 holds exactly, negative ones, and the largest and smallest of each type. Each result is stored
with its dtype and as strings, as int64 has more digits than JSON's numbers keep.
"""
import json, platform, torch

values = {
    "int64": ([2**40 + 1, -(2**40 + 1), 7, -7, 0, 16777217, -16777217, -2**63], [3, 3, -2, 2, 5, 1, 1, -1]),
    "int32": ([2**31 - 1, -2**31, 7, -7, 0, 16777217, -16777217, -2**31], [3, 3, -2, 2, 5, 1, 1, -1]),
    "uint8": ([255, 0, 7, 200, 1, 128, 3, 9], [3, 2, 2, 7, 5, 1, 1, 2]),
    "bool": ([True, False, True, False], [True, True, False, False]),
}
whole = {
    "floorDivide": lambda a, b: a // b,
    "floorDivideByNumber": lambda a, b: a // 3,
    "remainder": lambda a, b: a % b,
    "remainderOfNumber": lambda a, b: a % 3,
    "cumsum": lambda a, b: a[:7].cumsum(0),
    "argmax": lambda a, b: a.argmax(),
    "argmin": lambda a, b: a[:7].argmin(),
    "max": lambda a, b: a.max(0).values,
    "min": lambda a, b: a.min(0).values,
    "sort": lambda a, b: a.sort().values,
    "topk": lambda a, b: a.topk(3).values,
}
signed = {
    "floorDivideByNegative": lambda a, b: a // -3,
    "floorDivideByMinusOne": lambda a, b: a // -1,
    "remainderOfNegative": lambda a, b: a % -3,
    "remainderOfMinusOne": lambda a, b: a % -1,
    "abs": lambda a, b: a[:7].abs(),
    "neg": lambda a, b: -a[:7],
    "sign": lambda a, b: a.sign(),
}
both = {
    "add": lambda a, b: a + b,
    "mul": lambda a, b: a * b,
    "maximum": torch.maximum,
    "minimum": torch.minimum,
    "square": lambda a, b: a.square(),
    "addNumber": lambda a, b: a + 1,
    "div": lambda a, b: a / b,
    "sum": lambda a, b: a.sum(),
    "less": lambda a, b: a < b,
    "equal": lambda a, b: a == b,
}

cases = []
for dtype, (x, y) in values.items():
    a, b = (torch.tensor(v, dtype=getattr(torch, dtype)) for v in (x, y))
    operations = both | (whole if dtype != "bool" else {}) | (signed if dtype.startswith("int") else {})
    for name, f in operations.items():
        out = f(a, b)
        cases.append([name, dtype, str(out.dtype)[6:], [str(v).lower() for v in out.flatten().tolist()]])
inputs = {dtype: [[str(v).lower() for v in side] for side in sides] for dtype, sides in values.items()}
versions = {"torch": torch.__version__, "python": platform.python_version()}
print("{" + f'"versions": {json.dumps(versions)},\n"inputs": {json.dumps(inputs)},\n"cases": [\n' + ",\n".join(map(json.dumps, cases)) + "\n]}")
