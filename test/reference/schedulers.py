"""Records a sampling loop of each of diffusers' schedulers, in several settings, into schedulers.json.

The model is a formula that test/lib/schedulers repeats. python test/reference/schedulers.py (diffusers 0.42.1, torch 2.13.0)
"""
import json
import pathlib
import warnings

import diffusers
import torch

warnings.filterwarnings("ignore")
diffusers.logging.set_verbosity_error()

SHAPE = (2, 4, 3, 5)
numel = torch.Size(SHAPE).numel()
PATTERN = torch.arange(numel, dtype=torch.float32).reshape(SHAPE) / numel - 0.5


def model(x, t):
    """What a trained network might say: bounded, not linear, different at each timestep."""
    return torch.tanh(0.7 * x) * (0.5 + t / 2000) + 0.3 * PATTERN


SD = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}
V = {"prediction_type": "v_prediction"}
X0 = {"prediction_type": "sample"}
THRESHOLD = {"thresholding": True, "dynamic_thresholding_ratio": 0.9, "sample_max_value": 1.5}
RUNS = {
    "DDPMScheduler": [
        ({}, 10),
        ({**SD, "clip_sample": False, "timestep_spacing": "trailing"}, 7),
        ({**SD, "variance_type": "fixed_large", "timestep_spacing": "linspace", **V}, 5),
        ({"beta_schedule": "squaredcos_cap_v2", "variance_type": "fixed_small_log", **X0}, 6),
        ({"beta_schedule": "sigmoid", **THRESHOLD, "steps_offset": 1}, 6),
        ({"variance_type": "learned_range"}, 4),
        ({"beta_schedule": "laplace", "clip_sample": False}, 4),
        ({}, {"timesteps": [800, 500, 200, 30, 0]}),
        ({"trained_betas": [0.001 * (i + 1) for i in range(50)], "num_train_timesteps": 50}, 10),
    ],
    "DDIMScheduler": [
        ({}, 10),
        ({**SD, "clip_sample": False, "set_alpha_to_one": False, "steps_offset": 1}, 7),
        ({**SD, "clip_sample": False, **V, "timestep_spacing": "trailing", "rescale_betas_zero_snr": True}, 5),
        ({**THRESHOLD, "timestep_spacing": "linspace"}, 5),
        ({**SD, **X0, "clip_sample_range": 0.8}, 5),
        ({**SD, "clip_sample": False}, 6, {"eta": 0.7}),
        ({**SD}, 6, {"use_clipped_model_output": True}),
    ],
    "PNDMScheduler": [
        ({**SD, "skip_prk_steps": True, "steps_offset": 1}, 10),
        ({}, 10),
        ({**SD, "skip_prk_steps": True, "set_alpha_to_one": True, "timestep_spacing": "trailing", **V}, 6),
        ({**SD, "timestep_spacing": "linspace"}, 8),
    ],
    "LMSDiscreteScheduler": [
        ({**SD}, 10),
        ({**SD, "use_karras_sigmas": True}, 8),
        ({**SD, "use_exponential_sigmas": True, **V}, 6),
        ({"timestep_spacing": "leading", "steps_offset": 1, **X0}, 6),
        ({"timestep_spacing": "trailing"}, 6, {"order": 2}),
    ],
    "EulerDiscreteScheduler": [
        ({**SD}, 10),
        ({**SD, "use_karras_sigmas": True}, 8),
        ({**SD, "use_exponential_sigmas": True, "sigma_min": 0.05, "sigma_max": 12.0}, 6),
        ({**SD, "timestep_spacing": "leading", "steps_offset": 1, **V}, 7),
        ({**SD, "timestep_spacing": "trailing", **X0, "final_sigmas_type": "sigma_min"}, 6),
        ({**SD, "interpolation_type": "log_linear"}, 5),
        ({**SD, **V, "timestep_type": "continuous", "rescale_betas_zero_snr": True, "timestep_spacing": "trailing"}, 5),
        ({**SD}, 6, {"s_churn": 2.0, "s_noise": 1.01, "s_tmin": 0.1}),
        ({**SD}, {"sigmas": [12.0, 7.0, 3.0, 1.0, 0.2, 0.0]}),
        ({**SD}, {"timesteps": [900, 700, 450, 200, 50]}),
    ],
    "EulerAncestralDiscreteScheduler": [
        ({**SD}, 10),
        ({**SD, "timestep_spacing": "leading", "steps_offset": 1, **V}, 6),
        ({"timestep_spacing": "trailing", "rescale_betas_zero_snr": True, **V}, 6),
    ],
    "HeunDiscreteScheduler": [
        ({**SD}, 8),
        ({**SD, "use_karras_sigmas": True, **V}, 6),
        ({"beta_schedule": "exp", "clip_sample": True, "timestep_spacing": "leading"}, 5),
        ({**SD, "use_exponential_sigmas": True, **X0, "timestep_spacing": "trailing"}, 5),
    ],
    "DPMSolverMultistepScheduler": [
        ({**SD}, 10),
        ({**SD}, 20),
        ({**SD, "use_karras_sigmas": True, "solver_order": 3}, 8),
        ({**SD, "solver_order": 3}, 18),
        ({**SD, "solver_type": "heun", **V, "timestep_spacing": "leading", "steps_offset": 1}, 7),
        ({**SD, "algorithm_type": "dpmsolver", "final_sigmas_type": "sigma_min", "solver_order": 3}, 16),
        ({**SD, "algorithm_type": "dpmsolver", "final_sigmas_type": "sigma_min", "solver_type": "heun", **X0}, 6),
        ({**SD, "algorithm_type": "sde-dpmsolver++"}, 7),
        ({**SD, "algorithm_type": "sde-dpmsolver++", "solver_order": 3, "use_exponential_sigmas": True}, 16),
        ({**SD, "algorithm_type": "sde-dpmsolver++", "solver_type": "heun"}, 16),
        ({**SD, "algorithm_type": "sde-dpmsolver", "final_sigmas_type": "sigma_min"}, 6),
        ({**SD, "algorithm_type": "sde-dpmsolver", "final_sigmas_type": "sigma_min", "solver_type": "heun"}, 6),
        ({"beta_schedule": "squaredcos_cap_v2", "lambda_min_clipped": -5.1, **THRESHOLD, **X0}, 8),
        ({**SD, "algorithm_type": "dpmsolver", "final_sigmas_type": "sigma_min", **THRESHOLD}, 6),
        ({**SD, "use_lu_lambdas": True, "euler_at_final": True}, 17),
        ({**SD, "timestep_spacing": "trailing", "rescale_betas_zero_snr": True, **V}, 6),
        ({**SD, "final_sigmas_type": "sigma_min", "lower_order_final": False}, 6),
        ({**SD}, {"timesteps": [900, 700, 450, 200, 50]}),
    ],
    "DPMSolverSinglestepScheduler": [
        ({**SD}, 9),
        ({**SD}, 8),
        ({**SD, "solver_order": 3}, 9),
        ({**SD, "solver_order": 3, "solver_type": "heun", "lower_order_final": True}, 10),
        ({**SD, "solver_order": 3, "use_karras_sigmas": True, **V}, 11),
        ({**SD, "solver_order": 1}, 5),
        ({**SD, "algorithm_type": "dpmsolver", "final_sigmas_type": "sigma_min", "solver_order": 3}, 9),
        ({**SD, "algorithm_type": "dpmsolver", "final_sigmas_type": "sigma_min", "solver_order": 3, "solver_type": "heun"}, 9),
        ({**SD, "algorithm_type": "dpmsolver", "final_sigmas_type": "sigma_min", "solver_type": "heun"}, 6),
        ({**SD, "algorithm_type": "sde-dpmsolver++", "solver_order": 3, **X0}, 8),
        ({**SD, "algorithm_type": "sde-dpmsolver++", "solver_order": 3, "solver_type": "heun"}, 9),
        ({**SD, "use_exponential_sigmas": True, "solver_type": "heun"}, 6),
        ({"beta_schedule": "squaredcos_cap_v2", "lambda_min_clipped": -5.1}, 6),
    ],
    "UniPCMultistepScheduler": [
        ({**SD}, 10),
        ({**SD, "solver_order": 3}, 10),
        ({**SD, "solver_order": 3, "solver_type": "bh1", "use_karras_sigmas": True, "final_sigmas_type": "sigma_min"}, 8),
        ({**SD, "predict_x0": False, "final_sigmas_type": "sigma_min"}, 8),
        ({**SD, "disable_corrector": [0, 1], **V, "timestep_spacing": "trailing"}, 7),
        ({**SD, "solver_order": 1, **X0, "timestep_spacing": "leading", "steps_offset": 1}, 6),
        ({**SD, "use_exponential_sigmas": True, "final_sigmas_type": "sigma_min", "lower_order_final": False}, 6),
        ({"beta_schedule": "squaredcos_cap_v2", **THRESHOLD}, 6),
        ({**SD, "predict_x0": False, "final_sigmas_type": "sigma_min", **THRESHOLD, **X0}, 6),
    ],
    "LCMScheduler": [
        ({}, 4),
        ({"prediction_type": "v_prediction", "rescale_betas_zero_snr": True}, 3),
        ({"clip_sample": True, "prediction_type": "sample"}, 2),
        ({}, {"steps": 4, "strength": 0.6, "original_inference_steps": 40}),
        ({}, {"timesteps": [999, 759, 499, 259]}),
    ],
}


def rounded(x):
    return [float(f"{v:.8g}") for v in x.flatten().tolist()]


def record(name, config, run, options={}):
    scheduler = getattr(diffusers, name).from_config(config)
    if isinstance(run, dict):
        run = dict(run)
        steps = run.pop("steps", None)
        scheduler.set_timesteps(steps, **run) if steps else scheduler.set_timesteps(**run)
    else:
        scheduler.set_timesteps(run)
    begin = torch.Generator().manual_seed(42)
    generator = torch.Generator().manual_seed(7)
    x = torch.randn(SHAPE, generator=begin) * scheduler.init_noise_sigma
    result = {"init": float(scheduler.init_noise_sigma), "timesteps": scheduler.timesteps.tolist()}
    if hasattr(scheduler, "sigmas"):
        result["sigmas"] = scheduler.sigmas.tolist()
    takes_generator = "generator" in scheduler.step.__code__.co_varnames
    x0 = None
    result["first"] = []
    for i, t in enumerate(scheduler.timesteps):
        output = model(scheduler.scale_model_input(x, t), t)
        if config.get("variance_type") == "learned_range":
            output = torch.cat([output, torch.tanh(x)], 1)
        extra = {"generator": generator} if takes_generator else {}
        out = scheduler.step(output, t, x, **extra, **options)
        x, x0 = out.prev_sample, getattr(out, "pred_original_sample", None)
        result["first"].append(float(f"{x.flatten()[0].item():.8g}"))
    result["sample"] = rounded(x)
    result["x0"] = rounded(x0) if x0 is not None else None
    noise = torch.randn(SHAPE, generator=torch.Generator().manual_seed(3))
    again = getattr(diffusers, name).from_config(config)
    again.set_timesteps(8)
    picked = again.timesteps[[2, 5]]
    result["noisy"] = {"timesteps": picked.tolist(), "value": rounded(again.add_noise(PATTERN, noise, picked))}
    # Euler's looks up the training's alpha-bar by the number of the run's step, which is no velocity of that timestep.
    if hasattr(again, "get_velocity") and not hasattr(again, "sigmas"):
        result["noisy"]["velocity"] = rounded(again.get_velocity(PATTERN, noise, picked))
    return result


cases = []
for name, runs in RUNS.items():
    for config, run, *options in runs:
        options = options[0] if options else {}
        cases.append({"name": name, "config": config, "run": run, "options": options, **record(name, config, run, options)})

defaults = {}
for name in RUNS:
    config = {k: v for k, v in getattr(diffusers, name)().config.items() if not k.startswith("_")}
    defaults[name] = {k: (str(v) if v == float("-inf") else v) for k, v in config.items()}

# Stable Diffusion 1.5's own config, as it stands on the hub, and what each scheduler makes of it.
sd15 = {
    "_class_name": "PNDMScheduler",
    "_diffusers_version": "0.6.0",
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "beta_start": 0.00085,
    "num_train_timesteps": 1000,
    "set_alpha_to_one": False,
    "skip_prk_steps": True,
    "steps_offset": 1,
    "trained_betas": None,
    "clip_sample": False,
}
pndm = diffusers.PNDMScheduler.from_config(sd15)
swapped = {}
for name in RUNS:
    other = getattr(diffusers, name).from_config(pndm.config)
    other.set_timesteps(15)
    swapped[name] = {"timesteps": other.timesteps.tolist(), "init": float(other.init_noise_sigma)}
euler = diffusers.EulerDiscreteScheduler(**SD)
euler.set_timesteps(15)
out = {
    "made": {"by": "test/reference/schedulers.py", "diffusers": diffusers.__version__, "torch": torch.__version__},
    "shape": SHAPE,
    "cases": cases,
    "defaults": defaults,
    "sd15": sd15,
    "swapped": swapped,
    "sd15Sigmas": euler.sigmas.tolist(),
}
pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps(out, allow_nan=False) + "\n")
print(len(cases))
