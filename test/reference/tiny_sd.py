"""A small random Stable Diffusion, whose weights `models.fill` draws: what the pictures of `pipelines.py` and `adapted.py` are painted with.
"""
import base64, json, os, tempfile
import diffusers, numpy as np, torch, transformers
from diffusers import AutoencoderKL, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer
from models import fill

torch.set_num_threads(1)


def vocabulary():
    """Every byte, with and without the end of a word, then a few joined pairs."""
    printable = list(range(33, 127)) + list(range(161, 173)) + list(range(174, 256))
    extra = [b for b in range(256) if b not in printable]
    letters = [chr(b) for b in printable] + [chr(256 + i) for i in range(len(extra))]
    merges = ["h o", "r s", "ho rs", "hors e</w>", "m o", "o n</w>", "mo on</w>", "t h", "th e</w>", "c a", "ca t</w>", "a n", "an d</w>"]
    tokens = letters + [l + "</w>" for l in letters] + [m.replace(" ", "") for m in merges] + ["<|startoftext|>", "<|endoftext|>"]
    return {t: i for i, t in enumerate(tokens)}, merges


vocab, merges = vocabulary()
N = len(vocab)
LENGTH = 16
text_config = dict(vocab_size=N, hidden_size=12, intermediate_size=24, num_hidden_layers=3, num_attention_heads=2, max_position_embeddings=LENGTH, bos_token_id=N - 2, eos_token_id=N - 1, pad_token_id=N - 1, projection_dim=12)
unet_config = dict(block_out_channels=[8, 16], down_block_types=["CrossAttnDownBlock2D", "DownBlock2D"], up_block_types=["UpBlock2D", "CrossAttnUpBlock2D"], layers_per_block=1, cross_attention_dim=12, attention_head_dim=2, norm_num_groups=4, sample_size=8)
vae_config = dict(block_out_channels=[8, 8, 8, 16], down_block_types=["DownEncoderBlock2D"] * 4, up_block_types=["UpDecoderBlock2D"] * 4, layers_per_block=1, norm_num_groups=4, latent_channels=4, sample_size=64)
scheduler_config = dict(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", num_train_timesteps=1000, set_alpha_to_one=False, steps_offset=1, clip_sample=False)


def tokenizer():
    d = tempfile.mkdtemp()
    json.dump(vocab, open(f"{d}/vocab.json", "w"))
    open(f"{d}/merges.txt", "w").write("#version: 0.2\n" + "\n".join(merges))
    return CLIPTokenizer.from_pretrained(d, model_max_length=LENGTH)


text = fill(CLIPTextModel(CLIPTextConfig(**text_config)))
# diffusers 0.42 looks for the name that transformers 5 has given up.
text.__dict__["text_model"] = text
vae = fill(AutoencoderKL(**vae_config))
unet = fill(UNet2DConditionModel(**unet_config))
unet9 = fill(UNet2DConditionModel(**unet_config, in_channels=9))
unet_lcm = fill(UNet2DConditionModel(**unet_config, time_cond_proj_dim=8))
tok = tokenizer()


def pipe(kind, scheduler, net=unet, **more):
    p = kind(vae=vae, text_encoder=text, tokenizer=tok, unet=net, scheduler=scheduler.from_config({**scheduler_config, **more}), safety_checker=None, feature_extractor=None, requires_safety_checker=False)
    p.set_progress_bar_config(disable=True)
    return p


def gen(seed):
    return torch.Generator().manual_seed(seed)


def shown(images):
    a = np.stack([np.array(i) for i in images])
    return dict(shape=list(a.shape), data=base64.b64encode(a.tobytes()).decode())


PROMPT = "the horse and the moon"
VERSIONS = dict(torch=torch.__version__, diffusers=diffusers.__version__, transformers=transformers.__version__)
