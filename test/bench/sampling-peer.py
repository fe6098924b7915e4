"""The same calls in PyTorch with diffusers and transformers, or in OpenVINO, timed on request; see sampling-ours.ts.

Run: python sampling-peer.py unet|vae|text_encoder|pipeline|picture-4|picture-20 FOLDER THREADS [float32|float16|bfloat16 [torch|openvino|cuda]]
"""
import json, os, sys, time, warnings
warnings.filterwarnings("ignore")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
import torch

part, folder, threads = sys.argv[1], sys.argv[2], int(sys.argv[3])
dtype = getattr(torch, sys.argv[4] if len(sys.argv) > 4 else "float32")
engine = sys.argv[5] if len(sys.argv) > 5 else "torch"
device = "cuda" if engine == "cuda" else "cpu"
torch.set_num_threads(threads)


def draw(seed, *shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


if part.startswith("picture"):
    import diffusers
    library = "diffusers " + diffusers.__version__
    diffusers.utils.logging.disable_progress_bar()
    pipe = diffusers.StableDiffusionPipeline.from_pretrained(folder, torch_dtype=dtype, safety_checker=None, feature_extractor=None, requires_safety_checker=False).to(device)
    pipe.set_progress_bar_config(disable=True)
    few = part == "picture-4"
    if few:
        pipe.scheduler = diffusers.LCMScheduler.from_config(pipe.scheduler.config)
    latents = draw(1, 1, 4, 64, 64).to(device, dtype)
    generator = torch.Generator()
    call = lambda: pipe("a horse on the moon", num_inference_steps=4 if few else 20, guidance_scale=1 if few else 7.5, latents=latents, generator=generator.manual_seed(1), output_type="pt").images * 2 - 1
elif part == "pipeline":
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
        net = diffusers.UNet2DConditionModel.from_pretrained(folder, torch_dtype=torch.float32 if engine == "openvino" else dtype).eval()
        x, y, t = draw(1, 2, 4, 64, 64), draw(2, 2, 77, 768), torch.tensor([601, 601])
        if engine != "openvino":
            net.to(device)
            x, y, t = x.to(device, dtype), y.to(device, dtype), t.to(device)
            call = lambda: net(x, t, y).sample
        else:
            import openvino
            library = "OpenVINO " + openvino.__version__.split("-")[0]

            class Sample(torch.nn.Module):
                def __init__(self):
                    super().__init__()
                    self.net = net

                def forward(self, x, t, y):
                    return self.net(x, t, y, return_dict=False)[0]

            with torch.no_grad():
                graph = openvino.convert_model(Sample(), example_input=(x, t, y))
            del net
            hint = "f32" if dtype == torch.float32 else "bf16"
            compiled = openvino.Core().compile_model(graph, "CPU", {"INFERENCE_PRECISION_HINT": hint, "INFERENCE_NUM_THREADS": threads})
            call = lambda: torch.from_numpy(compiled([x.numpy(), t.numpy(), y.numpy()])[0])
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
            if engine == "cuda":
                torch.cuda.synchronize()
            wall.append((time.perf_counter() - a) * 1e3)
            cpu.append((time.process_time() - c) * 1e3)
        check = out.flatten()[:64].float().tolist() if out is not None else []
        print(json.dumps({"wall": wall, "cpu": cpu, "loss": 0, "check": check, "peak": status("VmHWM"), "rss": status("VmRSS")}), flush=True)
