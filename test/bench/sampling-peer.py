"""The same calls in PyTorch with diffusers and transformers, timed on request; see sampling-ours.ts.

Run: python sampling-peer.py unet|vae|text_encoder|pipeline FOLDER THREADS
"""
import json, os, sys, time, warnings
warnings.filterwarnings("ignore")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
import torch

part, folder, threads = sys.argv[1], sys.argv[2], int(sys.argv[3])
torch.set_num_threads(threads)


def draw(seed, *shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


if part == "pipeline":
    import diffusers
    library = "diffusers " + diffusers.__version__
    diffusers.utils.logging.disable_progress_bar()
    pipe = diffusers.StableDiffusionPipeline.from_pretrained(folder, safety_checker=None, feature_extractor=None, requires_safety_checker=False)
    pipe.set_progress_bar_config(disable=True)
    latents = draw(1, 1, 4, 64, 64)
    call = lambda: pipe("a horse on the moon", num_inference_steps=3, guidance_scale=7.5, latents=latents, output_type="pt").images * 2 - 1
elif part == "text_encoder":
    import transformers
    from transformers import CLIPTextModel
    library = "transformers " + transformers.__version__
    net = CLIPTextModel.from_pretrained(folder).eval()
    ids = torch.tensor([[(i * 631) % 49406 for i in range(77)]])
    call = lambda: net(ids).last_hidden_state
else:
    import diffusers
    library = "diffusers " + diffusers.__version__
    if part == "unet":
        net = diffusers.UNet2DConditionModel.from_pretrained(folder).eval()
        x, y, t = draw(1, 2, 4, 64, 64), draw(2, 2, 77, 768), torch.tensor([601, 601])
        call = lambda: net(x, t, y).sample
    else:
        net = diffusers.AutoencoderKL.from_pretrained(folder).eval()
        z = draw(1, 1, 4, 64, 64)
        call = lambda: net.decode(z).sample


def status(key):
    try:
        return next(int(line.split()[1]) / 1024 for line in open("/proc/self/status") if line.startswith(key))
    except OSError:
        import resource
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


print(json.dumps({"torch": torch.__version__, "package": library, "parameters": 0}), flush=True)
with torch.inference_mode():
    for line in sys.stdin:
        wall, cpu, out = [], [], None
        for _ in range(int(line.split()[0])):
            a, c = time.perf_counter(), time.process_time()
            out = call()
            wall.append((time.perf_counter() - a) * 1e3)
            cpu.append((time.process_time() - c) * 1e3)
        check = out.flatten()[:64].tolist() if out is not None else []
        print(json.dumps({"wall": wall, "cpu": cpu, "loss": 0, "check": check, "peak": status("VmHWM"), "rss": status("VmRSS")}), flush=True)
