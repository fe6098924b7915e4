"""The same pictures with diffusers and PyTorch, on request; see tiny-ours.ts.

Run: python tiny-peer.py STEPS PICTURES FOLDER LORA THREADS
"""
import json, os, sys, time, warnings
warnings.filterwarnings("ignore")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
import torch, diffusers

steps, pictures, folder, lora, threads = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4], int(sys.argv[5])
torch.set_num_threads(threads)
diffusers.utils.logging.disable_progress_bar()
pipe = diffusers.StableDiffusionPipeline.from_pretrained(folder, safety_checker=None, torch_dtype=torch.float32)
pipe.set_progress_bar_config(disable=True)
if lora:
    pipe.load_lora_weights(lora)
    pipe.fuse_lora()
    pipe.scheduler = diffusers.LCMScheduler.from_config(pipe.scheduler.config)

print(json.dumps({"torch": torch.__version__, "package": "diffusers " + diffusers.__version__, "parameters": 0}), flush=True)
for line in sys.stdin:
    wall, cpu, out = [], [], None
    for _ in range(int(line.split()[0])):
        a, c = time.perf_counter(), time.process_time()
        out = pipe(["a red seven in chalk, at night"] * pictures, num_inference_steps=steps, guidance_scale=1.0 if lora else 3.0,
                   generator=torch.Generator().manual_seed(1), output_type="pil").images
        wall.append((time.perf_counter() - a) * 1e3)
        cpu.append((time.process_time() - c) * 1e3)
    check = list(out[0].tobytes()[:192]) if out else []
    print(json.dumps({"wall": wall, "cpu": cpu, "loss": 0, "check": check, "peak": 0, "rss": 0}), flush=True)
