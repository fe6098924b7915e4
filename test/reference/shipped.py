"""Records pictures that diffusers paints, and embeddings that transformers makes, with the models that ship in `data/`.

    python shipped.py      (torch 2.13.0, diffusers 0.42.1, transformers 5.23.0)
"""
import base64, hashlib, json, os
import diffusers, numpy as np, torch, transformers
from diffusers import StableDiffusionPipeline
from transformers import CLIPModel, CLIPTokenizer

HERE = os.path.dirname(os.path.abspath(__file__))
DATA = os.path.join(HERE, "..", "..", "data")
PROMPTS = ["a red seven in chalk, at night", "a blue house on paper"]


def at(name):
    return os.path.join(DATA, name)


def sha256(path):
    return hashlib.sha256(open(path, "rb").read()).hexdigest()


def shown(images):
    a = (np.stack(images) * 255).round().astype(np.uint8)
    return dict(shape=list(a.shape), data=base64.b64encode(a.tobytes()).decode())


def tensor(x):
    return dict(shape=list(x.shape), data=[round(v, 6) for v in x.flatten().tolist()])


def gen(seed):
    return torch.Generator().manual_seed(seed)


with torch.no_grad():
    pipe = StableDiffusionPipeline.from_pretrained(at("tiny-sd"), safety_checker=None, torch_dtype=torch.float32)
    pipe.set_progress_bar_config(disable=True)
    common = dict(prompt=PROMPTS, generator=[gen(1), gen(2)], output_type="np")
    sixteen = pipe(**common, num_inference_steps=16, guidance_scale=3.0).images

    clip = CLIPModel.from_pretrained(at("tiny-clip"), torch_dtype=torch.float32).eval()
    tokenizer = CLIPTokenizer.from_pretrained(at("tiny-clip"))
    tokens = tokenizer(PROMPTS + ["Labrador in the style of Vermeer"], padding="max_length", max_length=32, return_tensors="pt")
    torch.manual_seed(4)
    out = clip(input_ids=tokens.input_ids, pixel_values=torch.randn(2, 3, 64, 64))

weights = [f"{n}/{f}" for n in ("tiny-sd", "tiny-clip") for f in json.load(open(os.path.join(at(n), "checksums.json")))]
result = dict(
    versions=dict(torch=torch.__version__, diffusers=diffusers.__version__, transformers=transformers.__version__),
    weights={w: sha256(at(w)) for w in weights},
    prompts=PROMPTS, pndm=shown(sixteen),
    clip=dict(ids=tokens.input_ids.tolist(), text=tensor(out.text_embeds), image=tensor(out.image_embeds)),
)
json.dump(result, open(os.path.join(HERE, "shipped.json"), "w"), separators=(",", ":"))
