"""PyTorch pickles, textual-inversion and LoRA files of every layout that people share, and what they hold, into adapters.json.

python test/reference/adapters.py (torch 2.13.0, diffusers 0.42.1, transformers 5.23.0, peft 0.21.2, safetensors 0.8.0)
"""
import base64
import io
import json
import pathlib
import tempfile
from collections import OrderedDict

import diffusers
import peft
import safetensors.torch
import torch
import transformers
from diffusers import StableDiffusionPipeline, UNet2DConditionModel
from diffusers.loaders.lora_conversion_utils import _convert_non_diffusers_lora_to_diffusers
from diffusers.utils import convert_state_dict_to_peft, convert_unet_state_dict_to_peft
from peft import LoraConfig, get_peft_model_state_dict

g = torch.Generator().manual_seed(3)
r = lambda *shape: torch.randn(shape, generator=g)


def pickled(value, **options):
    out = io.BytesIO()
    torch.save(value, out, **options)
    return base64.b64encode(out.getvalue()).decode()


def described(tensors):
    return {k: {"dtype": str(t.dtype).removeprefix("torch."), "shape": list(t.shape), "float32": t.detach().float().flatten().tolist()} for k, t in tensors.items()}


base = r(4, 6)
tensors = OrderedDict(
    plain=r(2, 3), half=r(3).half(), bf=r(3).bfloat16(), double=r(2).double(), long=torch.tensor([-1, 2**40]),
    int=torch.tensor([7, -8], dtype=torch.int32), short=torch.tensor([-300], dtype=torch.int16), byte=torch.tensor([0, 255], dtype=torch.uint8),
    char=torch.tensor([-3], dtype=torch.int8), flag=torch.tensor([True, False]), scalar=torch.tensor(1.5), empty=torch.zeros(0, 3),
    base=base, turned=base.t(), column=base[:, 2], part=base[1:3, 1:4], parameter=torch.nn.Parameter(r(2)),
)
module = torch.nn.Linear(2, 2)
state = module.state_dict()  # an OrderedDict with an attribute
for name, p in zip(("weight", "bias"), (r(2, 2), r(2))):
    state[name].copy_(p)

vector, vectors = r(8), r(3, 8)
# As AUTOMATIC1111's web interface saves it.
a1111 = {"string_to_token": {"*": 265}, "string_to_param": {"*": vectors.clone().requires_grad_()}, "name": "my-style", "step": 500, "sd_checkpoint": None, "sd_checkpoint_name": "x"}
# As the first textual-inversion code saved it.
first = {"string_to_token": {"*": torch.tensor(265)}, "string_to_param": torch.nn.ParameterDict({"*": torch.nn.Parameter(vectors.clone())})}
safe = lambda t, meta=None: base64.b64encode(safetensors.torch.save(t, meta)).decode()

out = {
    "versions": {"torch": torch.__version__, "diffusers": diffusers.__version__, "transformers": transformers.__version__, "peft": peft.__version__},
    "tensors": {"file": pickled(tensors), "expected": described(tensors)},
    "protocol4": {"file": pickled(tensors, pickle_protocol=4)},
    "stateDict": {"file": pickled(state), "expected": described(state)},
    "legacy": {"file": pickled({"a": r(2)}, _use_new_zipfile_serialization=False)},
    "wholeModule": {"file": pickled(module)},
    "inversion": {
        "vector": vector.tolist(), "vectors": vectors.tolist(),
        "diffusersBin": pickled({"<cat-toy>": vector}), "diffusersSafe": safe({"<cat-toy>": vector}), "severalBin": pickled({"<cat-toy>": vectors}),
        "a1111": pickled(a1111), "first": pickled(first), "embParams": safe({"emb_params": vectors}), "bare": pickled(vectors), "sdxl": safe({"clip_l": vectors, "clip_g": r(3, 10)}),
    },
}

unet = UNet2DConditionModel(
    sample_size=8, block_out_channels=(8, 16), layers_per_block=1, cross_attention_dim=8, attention_head_dim=4, norm_num_groups=4,
    down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"), up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
)
text = transformers.CLIPTextModel(transformers.CLIPTextConfig(vocab_size=20, hidden_size=8, intermediate_size=12, num_hidden_layers=1, num_attention_heads=2, max_position_embeddings=7))
layer_types = (torch.nn.Linear, torch.nn.Conv2d)
out["modules"] = {"unet": [n for n, m in unet.named_modules() if isinstance(m, layer_types)],
                  "text_encoder": [n for n, m in text.named_modules() if isinstance(m, layer_types)]}
unet.add_adapter(LoraConfig(r=2, lora_alpha=3, init_lora_weights=False, target_modules=["to_q", "to_k", "to_v", "to_out.0", "proj_in", "ff.net.0.proj", "conv1", "time_emb_proj"]))
text.add_adapter(LoraConfig(r=2, lora_alpha=2, init_lora_weights=False, target_modules=["q_proj", "out_proj", "fc1"]))
for model in (unet, text):
    for name, p in model.named_parameters():
        if "lora_" in name:
            p.data = r(*p.shape)


def deltas(model):
    """Of each change to a weight: how many values, their sum, and the first three."""
    found = {}
    for name, m in model.named_modules():
        if hasattr(m, "get_delta_weight"):
            delta = m.get_delta_weight("default").flatten()
            found[name] = [len(delta), float(delta.double().sum()), *delta[:3].tolist()]
    return found


def metadata(model):
    return model.peft_config["default"].to_dict()


unet_lora, text_lora = get_peft_model_state_dict(unet), get_peft_model_state_dict(text)
folder = tempfile.mkdtemp()
StableDiffusionPipeline.save_lora_weights(folder, unet_lora_layers=unet_lora, text_encoder_lora_layers=text_lora,
                                          unet_lora_adapter_metadata=metadata(unet), text_encoder_lora_adapter_metadata=metadata(text))
path = pathlib.Path(folder) / "pytorch_lora_weights.safetensors"
out["lora"] = {"deltas": {"unet": deltas(unet), "text_encoder": deltas(text)}, "diffusers": base64.b64encode(path.read_bytes()).decode()}

kohya = {}
for prefix, lora, alpha in (("lora_unet_", unet_lora, 3.0), ("lora_te_", text_lora, 2.0)):
    for key, t in lora.items():
        module, kind = key.rsplit(".lora_", 1)
        flat = prefix + module.replace(".", "_")
        kohya[f"{flat}.lora_{'down' if kind.startswith('A') else 'up'}.weight"] = t.contiguous()
        kohya[f"{flat}.alpha"] = torch.tensor(alpha)
out["lora"]["kohya"] = safe(kohya, {"ss_network_module": "networks.lora"})
# diffusers understands it so:
converted, alphas = _convert_non_diffusers_lora_to_diffusers(dict(kohya))
names = convert_unet_state_dict_to_peft({k.removeprefix("unet."): v for k, v in converted.items() if k.startswith("unet.")})
out["lora"]["kohyaModules"] = sorted({k.replace(".processor.", ".").rsplit(".lora_", 1)[0] for k in names})
# The first layout of diffusers: attention processors, without a prefix.
old = {}
for key, t in unet_lora.items():
    module, kind = key.rsplit(".lora_", 1)
    attention, _, projection = module.rpartition(".to_")
    if "attn" in attention and projection:
        which = "down" if kind.startswith("A") else "up"
        old[f"{attention}.processor.to_{projection.removesuffix('.0')}_lora.{which}.weight"] = t.contiguous()
out["lora"]["oldBin"] = pickled(old)
out["lora"]["oldModules"] = sorted({k.replace(".processor.", ".").rsplit(".lora_", 1)[0] for k in convert_unet_state_dict_to_peft(dict(old))})
# PEFT's own file.
out["lora"]["peft"] = safe({f"base_model.model.{k}": v.contiguous() for k, v in unet_lora.items()})
pathlib.Path(__file__).with_name("adapters.json").write_text(json.dumps(out) + "\n")
