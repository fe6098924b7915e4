"""Records trainings as diffusers' scripts do them (textual_inversion.py, train_dreambooth.py, train_text_to_image_lora.py,
train_text_to_image.py), on the small random Stable Diffusion of `tiny_sd.py`: losses and gradients, and what is painted then with
the files that diffusers wrote.

    python finetune.py      (torch 2.13.0, diffusers 0.42.1, transformers 5.24.0, peft 0.21.2)
"""
import copy, json, math, os, tempfile
import numpy as np, peft, safetensors.torch, torch
import torch.nn.functional as F
from diffusers import DDIMScheduler, DDPMScheduler, StableDiffusionPipeline
from diffusers.optimization import get_scheduler
from diffusers.training_utils import EMAModel, compute_snr
from diffusers.utils import convert_state_dict_to_diffusers
from peft import LoraConfig
from peft.utils import get_peft_model_state_dict
import tiny_sd
from tiny_sd import VERSIONS, gen, scheduler_config, shown

HERE = os.path.dirname(os.path.abspath(__file__))
STEPS, BATCH, SEED = 10, 4, 3
folder = tempfile.mkdtemp()


def pictures(seed):
    raw = torch.randint(0, 256, (BATCH, 64, 64, 3), generator=gen(seed))
    return (raw.permute(0, 3, 1, 2).float() / 127.5 - 1).contiguous()


def orders():
    """Each epoch is one batch, in an order of its own."""
    return [torch.randperm(BATCH, generator=gen(SEED * 1_000_003 + epoch)) for epoch in range(STEPS)]


def fresh(prediction="epsilon"):
    unet, text, vae = (copy.deepcopy(m) for m in (tiny_sd.unet, tiny_sd.text, tiny_sd.vae))
    for m in (unet, text, vae):
        m.requires_grad_(False)
    noise = DDPMScheduler(**{k: v for k, v in scheduler_config.items() if k.startswith("beta")}, prediction_type=prediction)
    return unet, text, vae, noise


def ids(tok, prompt):
    return tok([prompt] * BATCH, padding="max_length", truncation=True, max_length=tok.model_max_length, return_tensors="pt").input_ids


def errors(unet, text, vae, noise_scheduler, x, tokens, offset=0.0):
    latents = vae.encode(x).latent_dist.sample().detach() * vae.config.scaling_factor
    # Not randn_like: the latents' memory may lie channels last, which draws other numbers.
    noise = torch.randn(latents.shape)
    if offset:
        noise = noise + offset * torch.randn(latents.shape[0], latents.shape[1], 1, 1)
    t = torch.randint(0, noise_scheduler.config.num_train_timesteps, (latents.shape[0],)).long()
    noisy = noise_scheduler.add_noise(latents, noise, t)
    pred = unet(noisy, t, text(tokens)[0]).sample
    target = noise if noise_scheduler.config.prediction_type == "epsilon" else noise_scheduler.get_velocity(latents, noise, t)
    return pred, target, t


def train(params, loss_of, lr, clip=None, name="constant", warmup=0, parts=1, ema=None):
    """The loop of all four scripts. Returns the losses and the first step's gradients."""
    opt = torch.optim.AdamW(params, lr=lr, betas=(0.9, 0.999), weight_decay=1e-2, eps=1e-8)
    sched = get_scheduler(name, opt, num_warmup_steps=warmup, num_training_steps=STEPS)
    losses, first = [], None
    torch.manual_seed(SEED)
    for order in orders():
        total = 0.0
        for part in order.chunk(parts):
            loss = loss_of(part)
            (loss / parts).backward()
            total += loss.item() / parts
        if first is None:
            first = [p.grad.clone() for p in params]
        if clip:
            torch.nn.utils.clip_grad_norm_(params, clip)
        opt.step()
        sched.step()
        opt.zero_grad()
        if ema:
            ema.step(params)
        losses.append(total)
    return losses, first


def numbers(x):
    return [float(f"{v:.7g}") for v in x.detach().flatten().tolist()]


def size(x):
    return float(f"{x.detach().double().norm().item():.8g}")


def paint(p, prompt):
    p.scheduler = DDIMScheduler(**scheduler_config)
    p.set_progress_bar_config(disable=True)
    with torch.no_grad():
        return shown(p(prompt, num_inference_steps=3, guidance_scale=3.0, generator=gen(42)).images)


def pipe(unet, text, vae, tok):
    return StableDiffusionPipeline(vae=vae, text_encoder=text, tokenizer=tok, unet=unet, scheduler=DDIMScheduler(**scheduler_config), safety_checker=None, feature_extractor=None, requires_safety_checker=False)


def layout(path):
    with safetensors.safe_open(path, "pt") as f:
        return dict(metadata=f.metadata(), tensors={k: list(f.get_tensor(k).shape) for k in f.keys()})


def textual_inversion():
    unet, text, vae, noise = fresh()
    tok = tiny_sd.tokenizer()
    tok.add_tokens(["<toy>"])
    new, start = tok.convert_tokens_to_ids("<toy>"), tok.encode("moon", add_special_tokens=False)
    assert len(start) == 1
    text.resize_token_embeddings(len(tok))
    table = text.get_input_embeddings().weight
    with torch.no_grad():
        table[new] = table[start[0]].clone()
    table.requires_grad_(True)
    kept, x, tokens = table.detach().clone(), pictures(5), ids(tok, "the <toy>")
    opt = torch.optim.AdamW([table], lr=5e-2, betas=(0.9, 0.999), weight_decay=1e-2, eps=1e-8)
    losses, first = [], None
    torch.manual_seed(SEED)
    for order in orders():
        pred, target, _ = errors(unet, text, vae, noise, x[order], tokens[order])
        loss = F.mse_loss(pred.float(), target.float(), reduction="mean")
        loss.backward()
        first = table.grad[new].clone() if first is None else first
        opt.step()
        opt.zero_grad()
        with torch.no_grad():
            others = torch.arange(len(table)) != new
            table[others] = kept[others]
        losses.append(loss.item())
    path = os.path.join(folder, "learned_embeds.safetensors")
    safetensors.torch.save_file({"<toy>": table[new:new + 1].detach().clone()}, path, metadata={"format": "pt"})
    p = pipe(copy.deepcopy(tiny_sd.unet), copy.deepcopy(tiny_sd.text), vae, tiny_sd.tokenizer())
    before = paint(p, "the horse and the moon")
    p.load_textual_inversion(path)
    return dict(losses=losses, gradient=numbers(first), learnt=numbers(table[new]), file=layout(path), painted=paint(p, "the <toy>")), before


def lora():
    unet, text, vae, noise = fresh()
    unet.add_adapter(LoraConfig(r=2, lora_alpha=2, init_lora_weights="gaussian", target_modules=["to_k", "to_q", "to_v", "to_out.0"]))
    own = {n: p for n, p in unet.named_parameters() if p.requires_grad}
    # As ours are drawn: from the seed, in the order in which a picture passes the layers.
    own = dict(sorted(own.items(), key=lambda item: ["down_blocks", "mid_block", "up_blocks"].index(item[0].split(".")[0])))
    torch.manual_seed(SEED)
    for name, p in own.items():
        if "lora_A" in name:
            p.data = torch.randn(p.shape) / 2
    x, tokens = pictures(5), ids(tiny_sd.tok, "the horse")

    def loss_of(order):
        pred, target, _ = errors(unet, text, vae, noise, x[order], tokens[order])
        return F.mse_loss(pred.float(), target.float(), reduction="mean")
    losses, first = train(list(own.values()), loss_of, lr=1e-2, clip=1.0, name="cosine", warmup=2)
    state = convert_state_dict_to_diffusers(get_peft_model_state_dict(unet))
    StableDiffusionPipeline.save_lora_weights(save_directory=folder, unet_lora_layers=state, safe_serialization=True)
    path = os.path.join(folder, "pytorch_lora_weights.safetensors")
    p = pipe(copy.deepcopy(tiny_sd.unet), copy.deepcopy(tiny_sd.text), vae, tiny_sd.tokenizer())
    p.load_lora_weights(path)
    saved = safetensors.torch.load_file(path)
    return dict(losses=losses, names=[n.replace(".default", "") for n in own], gradients=[size(g) for g in first], learnt={k: size(v) for k, v in saved.items()}, file=layout(path), painted=paint(p, "the horse"))


def whole(unet, text, vae, prompt):
    """Written and read again as a pipeline's folder."""
    where = os.path.join(folder, "pipeline")
    pipe(unet, text, vae, tiny_sd.tokenizer()).save_pretrained(where)
    return paint(StableDiffusionPipeline.from_pretrained(where), prompt)


def dreambooth():
    unet, text, vae, noise = fresh()
    unet.requires_grad_(True)
    x, y, tokens, others = pictures(5), pictures(6), ids(tiny_sd.tok, "the horse"), ids(tiny_sd.tok, "the cat")

    def loss_of(order):
        both = errors(unet, text, vae, noise, torch.cat([x[order], y[order]]), torch.cat([tokens[order], others[order]]))
        pred, prior = both[0].chunk(2)
        target, prior_target = both[1].chunk(2)
        return F.mse_loss(pred, target) + 0.5 * F.mse_loss(prior, prior_target)
    losses, first = train(list(unet.parameters()), loss_of, lr=2e-3, clip=1.0, name="linear", warmup=2)
    own = [n for n, _ in unet.named_parameters()]
    return dict(losses=losses, gradients=dict(zip(own, map(size, first))), learnt={n: size(p) for n, p in unet.named_parameters()}, painted=whole(unet, text, vae, "the horse"))


def finetune():
    unet, text, vae, noise = fresh("v_prediction")
    unet.requires_grad_(True)
    x, tokens = pictures(5), ids(tiny_sd.tok, "the horse")

    def loss_of(order):
        pred, target, t = errors(unet, text, vae, noise, x[order], tokens[order], offset=0.1)
        snr = compute_snr(noise, t)
        weights = torch.stack([snr, 5.0 * torch.ones_like(t)], dim=1).min(dim=1)[0] / (snr + 1)
        loss = F.mse_loss(pred.float(), target.float(), reduction="none").mean(dim=[1, 2, 3]) * weights
        return loss.mean()
    ema = EMAModel(unet.parameters(), decay=0.9999)
    losses, _ = train(list(unet.parameters()), loss_of, lr=2e-3, clip=1.0, parts=2, ema=ema)
    ema.copy_to(unet.parameters())
    return dict(losses=losses, learnt={n: size(p) for n, p in unet.named_parameters()})


def courses():
    opt = lambda: torch.optim.AdamW([torch.nn.Parameter(torch.zeros(1))], lr=0.01)
    made = {}
    for name, more in (("constant", {}), ("constant_with_warmup", {}), ("linear", {}), ("cosine", {}), ("cosine_with_restarts", dict(num_cycles=3)), ("polynomial", dict(power=2.0))):
        o = opt()
        s = get_scheduler(name, o, num_warmup_steps=4, num_training_steps=20, **more)
        rates = []
        for _ in range(22):
            rates.append(float(f"{o.param_groups[0]['lr']:.8g}"))
            o.step()
            s.step()
        made[json.dumps([name, more])] = rates
    return made


inversion, before = textual_inversion()
out = dict(versions=dict(**VERSIONS, peft=peft.__version__), steps=STEPS, seed=SEED, textual_inversion=inversion, lora=lora(), dreambooth=dreambooth(), finetune=finetune(), before=before, courses=courses())
path = os.path.join(HERE, "finetune.json")
json.dump(out, open(path, "w"), separators=(",", ":"))
print(os.path.getsize(path), {k: [round(v, 4) for v in out[k]["losses"]] for k in ("textual_inversion", "lora", "dreambooth", "finetune")})
