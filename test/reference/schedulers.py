"""Records a sampling loop of each of diffusers' schedulers, in several settings, into schedulers.json.

The model is a formula that test/lib/schedulers repeats. python test/reference/schedulers.py (diffusers 0.42.1, torch 2.13.0)
"""
import json
import pathlib
import warnings

import diffusers
import numpy as np
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
FLOW = {"use_flow_sigmas": True, "prediction_type": "flow_prediction"}
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
        ({**SD, "use_beta_sigmas": True}, 6),
        ({**SD}, 10, {}, 4),
        ({**SD, "use_karras_sigmas": True}, 10, {"order": 3}, 1),
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
        ({**SD, "use_beta_sigmas": True}, 7),
        ({**SD, "interpolation_type": "log_linear", "use_karras_sigmas": True, "timestep_spacing": "leading"}, 5),
        ({**SD, "interpolation_type": "log_linear", "use_exponential_sigmas": True, "timestep_spacing": "leading"}, 5),
        ({**SD, "interpolation_type": "log_linear", **V, "timestep_type": "continuous"}, 5),
        ({**SD, "interpolation_type": "log_linear", "final_sigmas_type": "sigma_min"}, 5),
        ({**SD}, {"sigmas": [12.0, 3.0, 0.5, 0.0292, 0.0292]}),
        ({**SD, **V, "timestep_type": "continuous"}, {"sigmas": [12.0, 3.0, 0.5, 0.03, 0.0]}),
        ({**SD}, 6, {}, 3),
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
        ({**SD, "use_beta_sigmas": True}, 5),
        ({**SD}, {"timesteps": [900, 700, 450, 200, 50]}),
        ({**SD}, 6, {}, 4),
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
        ({**SD, "use_beta_sigmas": True}, 8),
        ({**FLOW, "flow_shift": 3.0}, 8),
        ({**FLOW, "algorithm_type": "sde-dpmsolver++", "solver_order": 3}, 16),
        ({**FLOW, "use_dynamic_shifting": True}, {"steps": 5, "mu": 0.8}),
        ({**SD}, 8, {}, 3),
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
        ({**SD, "use_beta_sigmas": True}, 6),
        ({**FLOW, "flow_shift": 2.0}, 6),
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
        ({**SD, "use_beta_sigmas": True}, 6),
        ({**FLOW, "flow_shift": 3.0}, 8),
        ({**FLOW, "use_karras_sigmas": True, "final_sigmas_type": "sigma_min"}, 6),
        ({**FLOW, "shift_terminal": 0.1, "final_sigmas_type": "sigma_min"}, 5),
        ({**FLOW, "use_dynamic_shifting": True}, {"steps": 5, "mu": 0.8}),
        ({**FLOW, "flow_shift": 2.0}, {"sigmas": [1.0, 0.7, 0.4, 0.2]}),
        ({**SD}, 8, {}, 3),
    ],
    "LCMScheduler": [
        ({}, 4),
        ({"prediction_type": "v_prediction", "rescale_betas_zero_snr": True}, 3),
        ({"clip_sample": True, "prediction_type": "sample"}, 2),
        ({}, {"steps": 4, "strength": 0.6, "original_inference_steps": 40}),
        ({}, {"timesteps": [999, 759, 499, 259]}),
    ],
    "DEISMultistepScheduler": [
        ({**SD}, 10),
        ({**SD, "solver_order": 3}, 10),
        ({**SD, "solver_order": 3, "use_karras_sigmas": True, **V}, 17),
        ({**SD, "solver_order": 1, **X0, "timestep_spacing": "leading", "steps_offset": 1}, 6),
        ({**SD, "use_exponential_sigmas": True, "timestep_spacing": "trailing"}, 6),
        ({**SD, "use_beta_sigmas": True, "lower_order_final": False}, 6),
        ({**THRESHOLD}, 6),
        ({**FLOW, "flow_shift": 3.0}, 8),
        ({**SD, "solver_order": 3}, 10, {}, 4),
    ],
    "KDPM2DiscreteScheduler": [
        ({**SD}, 8),
        ({**SD, "use_karras_sigmas": True, **V}, 6),
        ({**SD, "use_exponential_sigmas": True, "timestep_spacing": "trailing"}, 5),
        ({**SD, "use_beta_sigmas": True, "timestep_spacing": "leading", "steps_offset": 1}, 5),
        ({**SD}, 8, {}, 4),
    ],
    "KDPM2AncestralDiscreteScheduler": [
        ({**SD}, 8),
        ({**SD, "use_karras_sigmas": True, **V}, 6),
        ({**SD, "use_exponential_sigmas": True, "timestep_spacing": "trailing"}, 5),
        ({**SD, "use_beta_sigmas": True, "timestep_spacing": "leading", "steps_offset": 1}, 5),
    ],
    "DDIMInverseScheduler": [
        ({}, 10),
        ({**SD, "clip_sample": False, "set_alpha_to_one": False, "steps_offset": 1}, 7),
        ({**SD, "clip_sample": False, **V, "timestep_spacing": "trailing"}, 5),
        ({**SD, **X0, "clip_sample_range": 0.8, "set_alpha_to_one": False}, 5),
    ],
    "FlowMatchEulerDiscreteScheduler": [
        ({}, 8),
        ({"shift": 3.0}, 6),
        ({"use_dynamic_shifting": True}, {"steps": 5, "mu": 0.8}),
        ({"use_dynamic_shifting": True, "time_shift_type": "linear", "shift_terminal": 0.1}, {"steps": 5, "mu": 1.8}),
        ({"use_karras_sigmas": True}, 5),
        ({"use_exponential_sigmas": True, "shift": 2.0}, 5),
        ({"use_beta_sigmas": True}, 5),
        ({"invert_sigmas": True}, 5),
        ({"stochastic_sampling": True}, 5),
        ({"shift": 2.0}, {"sigmas": [1.0, 0.6, 0.3, 0.1]}),
        ({}, {"timesteps": [900.0, 500.0, 100.0]}),
        ({}, {"sigmas": [0.9, 0.5, 0.1], "timesteps": [901.0, 500.0, 99.0]}),
        ({}, 8, {}, 3),
    ],
    "TCDScheduler": [
        ({}, 4),
        ({"prediction_type": "v_prediction"}, 3, {"eta": 0.0}),
        ({"prediction_type": "sample"}, 4, {"eta": 1.0}),
        ({}, {"steps": 4, "strength": 0.6, "original_inference_steps": 40}),
        ({}, {"timesteps": [999, 759, 499, 259]}, {"eta": 0.7}),
    ],
    "EDMEulerScheduler": [
        ({}, 8),
        ({**V, "sigma_schedule": "exponential", "final_sigmas_type": "sigma_min"}, 6),
        ({"sigma_max": 40.0, "sigma_min": 0.01, "rho": 5.0}, 6, {"s_churn": 2.0, "s_noise": 1.01}),
        ({}, {"steps": 4, "sigmas": [0.0, 0.2, 0.6, 1.0]}),
    ],
}


def rounded(x):
    return [float(f"{v:.6g}") for v in x.flatten().tolist()]


def record(name, config, run, options={}, skip=0):
    scheduler = getattr(diffusers, name).from_config(config)
    if isinstance(run, dict):
        run = dict(run)
        steps = run.pop("steps", None)
        if name == "EDMEulerScheduler":
            run["sigmas"] = torch.tensor(run["sigmas"], dtype=torch.float64)
        if name == "UniPCMultistepScheduler" and "sigmas" in run:
            run["sigmas"] = np.array(run["sigmas"])
        scheduler.set_timesteps(steps, **run) if steps else scheduler.set_timesteps(**run)
    else:
        scheduler.set_timesteps(run)
    begin = torch.Generator().manual_seed(42)
    generator = torch.Generator().manual_seed(7)
    # That of flow matching has none; its samples have a variance of 1 where all is noise.
    init = getattr(scheduler, "init_noise_sigma", 1.0)
    scale = getattr(scheduler, "scale_model_input", lambda x, t: x)
    x = torch.randn(SHAPE, generator=begin) * init
    if skip > 0:
        scheduler.set_begin_index(skip)
    result = {"init": float(init), "timesteps": scheduler.timesteps.tolist()}
    if hasattr(scheduler, "sigmas"):
        result["sigmas"] = scheduler.sigmas.tolist()
    takes_generator = "generator" in scheduler.step.__code__.co_varnames
    x0 = None
    result["first"] = []
    for t in scheduler.timesteps[skip:]:
        output = model(scale(x, t), t)
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
    again.set_timesteps(8, **({"mu": run["mu"]} if isinstance(run, dict) and "mu" in run else {}))
    picked = again.timesteps[[2, 5]]
    if hasattr(again, "scale_noise"):
        again.add_noise = lambda samples, noise, timesteps: again.scale_noise(samples, timesteps, noise)
    if skip > 0 or not hasattr(again, "add_noise"):
        return result
    result["noisy"] = {"timesteps": picked.tolist(), "value": rounded(again.add_noise(PATTERN, noise, picked))}
    # Euler's looks up the training's alpha-bar by the number of the run's step, which is no velocity of that timestep.
    if hasattr(again, "get_velocity") and not hasattr(again, "sigmas"):
        result["noisy"]["velocity"] = rounded(again.get_velocity(PATTERN, noise, picked))
    return result


cases = []
for name, runs in RUNS.items():
    for config, run, *more in runs:
        options, skip = (*more, 0) if len(more) == 1 else more or ({}, 0)
        case = {"name": name, "config": config, "run": run, "options": options, **({"skip": skip} if skip else {})}
        recorded = record(name, config, run, options, skip)
        cases.append({**case, **recorded})

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
    swapped[name] = {"timesteps": other.timesteps.tolist(), "init": float(getattr(other, "init_noise_sigma", 1))}
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
