"""The same training steps as diffusers' scripts take them (textual_inversion.py, train_text_to_image_lora.py), timed on request; see
finetune-ours.ts.

Run: python finetune-peer.py finetune-ti|finetune-lora FOLDER THREADS
"""
import json, os, sys, time, warnings
warnings.filterwarnings("ignore")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
import diffusers, torch
import torch.nn.functional as F
from diffusers import AutoencoderKL, DDPMScheduler, UNet2DConditionModel
from peft import LoraConfig
from transformers import CLIPTextModel

kind, folder, threads = sys.argv[1], sys.argv[2], int(sys.argv[3])
torch.set_num_threads(threads)
diffusers.utils.logging.disable_progress_bar()
text = CLIPTextModel.from_pretrained(folder, subfolder="text_encoder")
unet = UNet2DConditionModel.from_pretrained(folder, subfolder="unet")
vae = AutoencoderKL.from_pretrained(folder, subfolder="vae")
noise_scheduler = DDPMScheduler(beta_schedule="scaled_linear", beta_start=0.00085, beta_end=0.012)
for m in (text, unet, vae):
    m.requires_grad_(False)
table = text.get_input_embeddings().weight
ids = torch.full((1, 77), len(table) - 1)
ids[0, :3] = torch.tensor([len(table) - 2, 7, 8])
if kind == "finetune-ti":
    text.resize_token_embeddings(len(table) + 1, mean_resizing=False)
    table = text.get_input_embeddings().weight
    table.requires_grad_(True)
    ids[0, 2] = len(table) - 1
    kept = table.detach().clone()
    params, clip = [table], None
    unet.train()
    text.train()
else:
    unet.add_adapter(LoraConfig(r=4, lora_alpha=4, init_lora_weights="gaussian", target_modules=["to_k", "to_q", "to_v", "to_out.0"]))
    params, clip = [p for p in unet.parameters() if p.requires_grad], 1.0
    unet.train()
opt = torch.optim.AdamW(params, lr=1e-4, weight_decay=1e-2)
pixels = torch.randint(0, 256, (1, 3, 256, 256), generator=torch.Generator().manual_seed(0)).float() / 127.5 - 1


def step():
    latents = vae.encode(pixels).latent_dist.sample().detach() * vae.config.scaling_factor
    noise = torch.randn_like(latents)
    t = torch.randint(0, 1000, (1,))
    pred = unet(noise_scheduler.add_noise(latents, noise, t), t, text(ids, return_dict=False)[0], return_dict=False)[0]
    loss = F.mse_loss(pred.float(), noise.float(), reduction="mean")
    loss.backward()
    if clip:
        torch.nn.utils.clip_grad_norm_(params, clip)
    opt.step()
    opt.zero_grad()
    if kind == "finetune-ti":
        with torch.no_grad():
            table[:-1] = kept[:-1]
    return loss.item()


def status(key):
    try:
        return next(int(line.split()[1]) / 1024 for line in open("/proc/self/status") if line.startswith(key))
    except OSError:
        import resource
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


own = table.shape[1] if kind == "finetune-ti" else sum(p.numel() for p in params)
print(json.dumps({"torch": torch.__version__, "package": "diffusers " + diffusers.__version__, "parameters": own}), flush=True)
for line in sys.stdin:
    wall, cpu, loss = [], [], 0.0
    for _ in range(int(line.split()[0])):
        a, c = time.perf_counter(), time.process_time()
        loss = step()
        wall.append((time.perf_counter() - a) * 1e3)
        cpu.append((time.process_time() - c) * 1e3)
    print(json.dumps({"wall": wall, "cpu": cpu, "loss": loss, "peak": status("VmHWM"), "rss": status("VmRSS")}), flush=True)
