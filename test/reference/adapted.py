"""Records pictures that diffusers paints with LoRA weights and learned words in the small random Stable Diffusion of `tiny_sd.py`, and the files.

    python adapted.py      (torch 2.13.0, diffusers 0.42.1, transformers 5.23.0, peft 0.21.2)
"""
import base64, json, os, tempfile
import peft, safetensors.torch, torch
from diffusers import DDIMScheduler, StableDiffusionPipeline
from tiny_sd import PROMPT, VERSIONS, gen, pipe, shown, text, tok, unet

# With transformers 5 diffusers finds the layers of LoRA where this name is not.
text.__dict__.pop("text_model")
HERE = os.path.dirname(os.path.abspath(__file__))
RANK = 2
drawn = torch.Generator().manual_seed(11)
TEXT_TARGETS = ["q_proj", "k_proj", "v_proj", "out_proj", "fc1"]
ATTENTION = ["to_q", "to_k", "to_v", "to_out.0"]
CONVOLUTIONS = ["proj_in", "conv1", "conv_shortcut", "downsamplers.0.conv", "ff.net.2", "time_emb_proj"]


def layers(model, names):
    """The matrices of a LoRA for the layers whose names end so: module, down, up."""
    for name, m in model.named_modules():
        if not any(name == n or name.endswith("." + n) for n in names) or name == "":
            continue
        w = m.weight
        if w.ndim == 4:
            yield name, torch.randn(RANK, *w.shape[1:], generator=drawn), torch.randn(w.shape[0], RANK, 1, 1, generator=drawn) * 0.2
        else:
            yield name, torch.randn(RANK, w.shape[1], generator=drawn), torch.randn(w.shape[0], RANK, generator=drawn) * 0.2


def save(name, tensors, metadata=None):
    path = os.path.join(folder, name)
    safetensors.torch.save_file({k: v.contiguous() for k, v in tensors.items()}, path, metadata)
    return path


def peft_layout(found, prefix):
    return {f"{prefix}.{name}.lora_{letter}.weight": t for name, down, up in found for letter, t in (("A", down), ("B", up))}


def kohya_layout(found, prefix, alpha):
    out = {}
    for name, down, up in found:
        flat = prefix + name.replace(".", "_")
        out.update({f"{flat}.lora_down.weight": down, f"{flat}.lora_up.weight": up, f"{flat}.alpha": torch.tensor(alpha)})
    return out


folder = tempfile.mkdtemp()
# What the layers of the text encoder are called in files, whatever the version of transformers calls them.
te = lambda found: [("text_model." + n.removeprefix("text_model."), d, u) for n, d, u in found]
files = {
    "diffusers": save("diffusers.safetensors", {**peft_layout(list(layers(unet, ATTENTION)), "unet"), **peft_layout(te(layers(text, TEXT_TARGETS)), "text_encoder")}),
    "convolutions": save("convolutions.safetensors", peft_layout(list(layers(unet, CONVOLUTIONS)), "unet")),
    "kohya": save("kohya.safetensors", {**kohya_layout(list(layers(unet, ATTENTION + ["proj_in", "ff.net.2"])), "lora_unet_", 1.0), **kohya_layout(te(layers(text, TEXT_TARGETS)), "lora_te_", 3.0)}, {"ss_network_module": "networks.lora"}),
}
cases, run = {}, dict(num_inference_steps=3, guidance_scale=3.0)


def paint(name, setup, **options):
    p = pipe(StableDiffusionPipeline, DDIMScheduler)
    setup(p)
    cases[name] = shown(p(options.pop("prompt", PROMPT), generator=gen(42), **run, **options).images)
    p.unload_lora_weights()


with torch.no_grad():
    paint("plain", lambda p: None)
    for name, path in files.items():
        paint(name, lambda p: p.load_lora_weights(path))
    paint("half", lambda p: p.load_lora_weights(files["diffusers"]), cross_attention_kwargs=dict(scale=0.5))

    def two(p):
        p.load_lora_weights(files["diffusers"], adapter_name="one")
        p.load_lora_weights(files["kohya"], adapter_name="other")
        # transformers 5.23 draws the first adapter's matrices anew when it loads the second: put them back.
        here = dict(text.named_parameters())
        for key, value in safetensors.torch.load_file(files["diffusers"]).items():
            if key.startswith("text_encoder."):
                here[key.removeprefix("text_encoder.text_model.").replace(".weight", ".one.weight")].copy_(value)
        p.set_adapters(["one", "other"], [0.75, -0.5])
    paint("two", two)

    files["word"] = save("word.safetensors", {"<toy>": torch.randn(12, generator=drawn)})
    files["words"] = save("words.safetensors", {"emb_params": torch.randn(3, 12, generator=drawn)})

    def learn(p):
        p.load_textual_inversion(files["word"])
        p.load_textual_inversion(files["words"], token="<style>")
    paint("learned", learn, prompt="the <toy> and <style> moon", negative_prompt="<style>")

out = dict(versions=dict(**VERSIONS, peft=peft.__version__), files={k: base64.b64encode(open(p, "rb").read()).decode() for k, p in files.items()}, cases=cases)
path = os.path.join(HERE, "adapted.json")
json.dump(out, open(path, "w"), separators=(",", ":"))
import numpy as np
raw = {k: np.frombuffer(base64.b64decode(v["data"]), np.uint8).astype(int) for k, v in cases.items()}
print(os.path.getsize(path), {k: int(abs(v - raw["plain"]).mean()) for k, v in raw.items()})
