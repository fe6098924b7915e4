"""Records checksums of the timesteps that diffusers' schedulers choose, for every number of steps, into scheduler-spacing.json.

A checksum is the CRC-32 of a hundred runs' timesteps as float32, in their order. Runs that diffusers refuses count as empty.
python test/reference/scheduler-spacing.py (diffusers 0.42.1, torch 2.13.0, numpy of that environment)
"""
import json
import pathlib
import warnings
import zlib

import diffusers
import numpy
import torch

warnings.filterwarnings("ignore")
diffusers.logging.set_verbosity_error()

PLAIN = ["linspace", "leading", "trailing"]
SPACINGS = {
    "DDPMScheduler": PLAIN,
    "DDIMScheduler": PLAIN,
    "DDIMInverseScheduler": ["leading", "trailing"],
    "PNDMScheduler": PLAIN,
    "LMSDiscreteScheduler": PLAIN,
    "EulerDiscreteScheduler": PLAIN,
    "EulerAncestralDiscreteScheduler": PLAIN,
    "HeunDiscreteScheduler": PLAIN,
    "DPMSolverMultistepScheduler": PLAIN,
    "DPMSolverSinglestepScheduler": [None],
    "UniPCMultistepScheduler": PLAIN,
    "DEISMultistepScheduler": PLAIN,
    "LCMScheduler": [None],
    "TCDScheduler": [None],
    "FlowMatchEulerDiscreteScheduler": [None],
}
# Every number of steps for the usual length of training, a part of them for others and for classes that share their code.
LENGTHS = [(1000, 1), (50, 1), (100, 3), (999, 13), (1024, 13), (4000, 61)]
ALIKE = ["DDPMScheduler", "LMSDiscreteScheduler", "EulerAncestralDiscreteScheduler", "HeunDiscreteScheduler",
         "UniPCMultistepScheduler", "DEISMultistepScheduler"]


def config_of(name, spacing, train):
    config = {"num_train_timesteps": train}
    if spacing is not None:
        config |= {"timestep_spacing": spacing, "steps_offset": 1 if spacing == "leading" else 0}
    if name == "PNDMScheduler":
        config["skip_prk_steps"] = True
    if name in ("LCMScheduler", "TCDScheduler"):
        config["original_inference_steps"] = train if train < 1000 else train // 2
    return config


def checksums(name, spacing, train, every):
    scheduler = getattr(diffusers, name).from_config(config_of(name, spacing, train))
    sums, crc, count = [], 0, 0
    for steps in range(1, train + 1, every):
        try:
            scheduler.set_timesteps(steps)
            crc = zlib.crc32(scheduler.timesteps.numpy().astype("<f4").tobytes(), crc)
        except (ValueError, AssertionError, IndexError):
            pass
        count += 1
        if count % 100 == 0:
            sums.append(f"{crc:08x}")
            crc = 0
    return " ".join([*sums, f"{crc:08x}"])


runs = [
    {"name": name, "spacing": spacing, "train": train, "every": every, "sums": checksums(name, spacing, train, every)}
    for name, spacings in SPACINGS.items()
    for spacing in spacings
    for train, every in ([(1000, 7), (999, 53)] if name in ALIKE else LENGTHS)
]
versions = {"diffusers": diffusers.__version__, "torch": torch.__version__, "numpy": numpy.__version__}
path = pathlib.Path(__file__).with_suffix(".json")
path.write_text(json.dumps({"versions": versions, "runs": runs}, separators=(",", ":")).replace("},{", "},\n{") + "\n")
