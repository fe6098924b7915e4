"""LoRA of the small random Stable Diffusion of `tiny_sd.py`, saved by PEFT and diffusers in layouts whose scale stands beside the matrices, what each
adds to the weights when PEFT or diffusers has loaded it again, and the names of tensors that PEFT's other methods write, into lora-layouts.json.

    python lora-layouts.py      (torch 2.13.0, diffusers 0.42.1, transformers 5.23.0, peft 0.21.2)
"""
import base64, copy, io, json, pathlib, tempfile
import peft, safetensors, safetensors.torch, torch
from diffusers import DDIMScheduler, StableDiffusionPipeline
from peft import LoraConfig, PeftModel, get_peft_model, get_peft_model_state_dict
from tiny_sd import VERSIONS, pipe, text, unet

# With transformers 5 diffusers finds the layers of LoRA where this name is not.
text.__dict__.pop("text_model")
HERE = pathlib.Path(__file__).parent
drawn = torch.Generator().manual_seed(14)
PARTS = dict(unet=unet, text_encoder=text)
BLOCK = "attentions.0.transformer_blocks.0"
UNET = [f"down_blocks.0.{BLOCK}.attn1.to_q", f"down_blocks.0.{BLOCK}.attn2.to_q", f"down_blocks.0.{BLOCK}.attn2.to_v", f"mid_block.{BLOCK}.attn2.to_q", "down_blocks.0.attentions.0.proj_in", "up_blocks.1.attentions.0.proj_in", "up_blocks.1.resnets.1.time_emb_proj", "down_blocks.0.resnets.0.conv1"]
TEXT = ["layers.0.self_attn.q_proj", "layers.1.self_attn.q_proj", "layers.1.self_attn.k_proj", "layers.2.mlp.fc1"]
# PEFT sorts the patterns when it saves them, and the first that fits counts; "proj" is the end of no layer's name, "o_q" no whole part of one.
PATTERNS = dict(
    rank_pattern={"to_v": 3, r"down_blocks\.0\..*proj_in": 1},
    alpha_pattern={r"attn1\.to_q": 5, r"(down|up)_blocks\.\d+\..*\.to_q": 7, "to_q": 11, "to_v": 0.5, "proj": 99, "o_q": 99, r".*resnets\.(?P<n>[01])\.conv1": 3},
)
TEXT_PATTERNS = dict(rank_pattern={"k_proj": 3}, alpha_pattern={r"layers\.[02]\.self_attn\.q_proj": 9})


def redraw(model):
    for name, p in model.named_parameters():
        if "lora_" in name:
            p.data = torch.randn(p.shape, generator=drawn) * 0.5
    return model


def described(delta):
    """How many values, their sum, that of the values times cos(index), and the first three."""
    d = delta.detach().double().flatten()
    return [len(d), float(d.sum()), float((d * torch.cos(torch.arange(len(d)).double())).sum()), *d[:3].tolist()]


def deltas(model):
    """Of each change to a weight."""
    found = {}
    for name, m in model.named_modules():
        if hasattr(m, "get_delta_weight") and m.active_adapters and m.active_adapters[0] in m.lora_A:
            found[name.removeprefix("base_model.model.")] = described(m.get_delta_weight(m.active_adapters[0]))
    assert found
    return found


def inline(path):
    return base64.b64encode(pathlib.Path(path).read_bytes()).decode()


KEPT = ["peft_type", "r", "lora_alpha", "rank_pattern", "alpha_pattern", "use_rslora", "use_dora", "bias", "modules_to_save", "init_lora_weights", "target_modules", "lora_bias", "fan_in_fan_out"]


def peft_folder(part, **config):
    folder = tempfile.mkdtemp()
    redraw(get_peft_model(copy.deepcopy(PARTS[part]), LoraConfig(r=2, init_lora_weights=False, **config))).save_pretrained(folder)
    loaded = PeftModel.from_pretrained(copy.deepcopy(PARTS[part]), folder)
    return dict(files={n: inline(f"{folder}/{n}") for n in ("adapter_model.safetensors", "adapter_config.json")}, deltas={part: deltas(loaded)})


def diffusers_file(**configs):
    folder, options = tempfile.mkdtemp(), {}
    for part, config in configs.items():
        model = copy.deepcopy(PARTS[part])
        model.add_adapter(LoraConfig(r=2, init_lora_weights=False, **config))
        redraw(model)
        options[f"{part}_lora_layers"] = get_peft_model_state_dict(model)
        options[f"{part}_lora_adapter_metadata"] = model.peft_config["default"].to_dict()
    StableDiffusionPipeline.save_lora_weights(folder, **options)
    p = pipe(StableDiffusionPipeline, DDIMScheduler)
    p.load_lora_weights(folder)
    found = {part: deltas(getattr(p, part)) for part in configs}
    p.unload_lora_weights()
    return dict(files={"pytorch_lora_weights.safetensors": inline(f"{folder}/pytorch_lora_weights.safetensors")}, deltas=found)


def names_of(config, model=text):
    folder = tempfile.mkdtemp()
    torch.manual_seed(0)
    get_peft_model(copy.deepcopy(model), config).save_pretrained(folder)
    with safetensors.safe_open(f"{folder}/adapter_model.safetensors", "pt") as f:
        shapes = {k: list(f.get_slice(k).get_shape()) for k in sorted(f.keys())}
    settings = json.load(open(f"{folder}/adapter_config.json"))
    return dict(shapes=shapes, config={k: settings[k] for k in KEPT if k in settings})


layouts = {
    "peft": peft_folder("unet", lora_alpha=8, target_modules=UNET),
    "peft-patterns": peft_folder("unet", lora_alpha=8, target_modules=UNET, **PATTERNS),
    "peft-rslora": peft_folder("unet", lora_alpha=8, use_rslora=True, target_modules=UNET),
    "peft-rslora-patterns": peft_folder("unet", lora_alpha=8, use_rslora=True, target_modules=UNET, **PATTERNS),
    "peft-text": peft_folder("text_encoder", lora_alpha=6, use_rslora=True, target_modules=TEXT, **TEXT_PATTERNS),
    "diffusers-rslora": diffusers_file(unet=dict(lora_alpha=8, use_rslora=True, target_modules=UNET), text_encoder=dict(lora_alpha=5, target_modules=TEXT)),
    "diffusers-patterns": diffusers_file(unet=dict(lora_alpha=8, use_rslora=True, target_modules=UNET, **PATTERNS), text_encoder=dict(lora_alpha=5, use_rslora=True, target_modules=TEXT, **TEXT_PATTERNS)),
    "diffusers-text": diffusers_file(text_encoder=dict(lora_alpha=5, use_rslora=True, target_modules=TEXT)),
}
# kohya's file of a text encoder alone, from the matrices of PEFT's, with an alpha of its own for each layer.
few = safetensors.torch.load(base64.b64decode(layouts["peft-text"]["files"]["adapter_model.safetensors"]))
kohya, alphas = {}, iter(range(1, 100))
for key in sorted(few):
    layer, letter = key.removeprefix("base_model.model.").removesuffix(".weight").rsplit(".lora_", 1)
    flat = "lora_te_text_model_" + layer.replace(".", "_")
    kohya[f"{flat}.lora_{'down' if letter == 'A' else 'up'}.weight"] = few[key]
    if letter == "A":
        kohya[f"{flat}.alpha"] = torch.tensor(float(next(alphas)))
path = f"{tempfile.mkdtemp()}/kohya-text.safetensors"
safetensors.torch.save_file(kohya, path, {"ss_network_module": "networks.lora"})
# From the formula, alpha / rank: with transformers 5 diffusers passes over the projections of the attention in this file.
changed = {}
for name, up in kohya.items():
    if name.endswith(".lora_up.weight"):
        flat = name.removesuffix(".lora_up.weight")
        down = kohya[f"{flat}.lora_down.weight"]
        module = next(n for n, _ in text.named_modules() if flat == "lora_te_text_model_" + n.replace(".", "_"))
        changed[module] = described(kohya[f"{flat}.alpha"] / len(down) * (up @ down))
layouts["kohya-text"] = dict(files={"kohya-text.safetensors": inline(path)}, deltas=dict(text_encoder=changed))

two = ["encoder.layers.0.self_attn.q_proj", "encoder.layers.0.mlp.fc1"]
others = {
    "DoRA": names_of(LoraConfig(r=2, use_dora=True, target_modules=two)),
    "LoRA with biases": names_of(LoraConfig(r=2, lora_bias=True, target_modules=two)),
    "biases of the layers": names_of(LoraConfig(r=2, bias="lora_only", target_modules=two)),
    "modules_to_save": names_of(LoraConfig(r=2, target_modules=two, modules_to_save=["final_layer_norm"])),
    "embedding": names_of(LoraConfig(r=2, target_modules=["token_embedding", *two])),
    "LoHa": names_of(peft.LoHaConfig(r=2, target_modules=two)),
    "LoKr": names_of(peft.LoKrConfig(r=2, target_modules=two)),
    "AdaLoRA": names_of(peft.AdaLoraConfig(init_r=3, target_r=2, total_step=10, target_modules=two)),
    "OFT": names_of(peft.OFTConfig(r=0, oft_block_size=4, target_modules=two)),
    "BOFT": names_of(peft.BOFTConfig(boft_block_size=4, target_modules=two)),
    "VeRA": names_of(peft.VeraConfig(r=2, target_modules=two[:1])),
    "IA3": names_of(peft.IA3Config(target_modules=two, feedforward_modules=two[1:])),
}
# The first layout of cloneofsimo's lora_diffusion: a list of matrices, up and down by turns.
out = io.BytesIO()
torch.save([torch.ones(4, 1), torch.ones(1, 4), torch.ones(4, 1), torch.ones(1, 4)], out)
cloneofsimo = base64.b64encode(out.getvalue()).decode()
data = dict(versions=dict(**VERSIONS, peft=peft.__version__), layouts=layouts, others=others, cloneofsimo=cloneofsimo)
where = HERE / "lora-layouts.json"
where.write_text(json.dumps(data, separators=(",", ":")) + "\n")
print(where.stat().st_size, {k: {p: len(d) for p, d in v["deltas"].items()} for k, v in layouts.items()})
print({k: [list(v["shapes"])[:6], v["config"].get("peft_type")] for k, v in others.items()})
