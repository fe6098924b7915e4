"""Records where the small random U-Net of `tiny_sd.py` looks at each word, as DAAM has it: cross-attention probabilities by diffusers'
own `get_attention_scores`, brought to the latents' size by PyTorch, averaged over heads, layers and steps.

    python attention.py      (torch 2.13.0, diffusers 0.42.1, transformers 5.23.0)
"""
import json, os
import torch
import torch.nn.functional as F
from diffusers import DDIMScheduler, StableDiffusionPipeline
from tiny_sd import VERSIONS, gen, pipe, tok, unet

HERE = os.path.dirname(os.path.abspath(__file__))
PROMPT = "the cats, and the moon"
SIZE = (64, 96)  # width, height: not square, so that rows and columns cannot be exchanged unnoticed
seen = []


class Recording:
    def __call__(self, attn, hidden_states, encoder_hidden_states=None, attention_mask=None, temb=None, **_):
        context = hidden_states if encoder_hidden_states is None else encoder_hidden_states
        query = attn.head_to_batch_dim(attn.to_q(hidden_states))
        key = attn.head_to_batch_dim(attn.to_k(context))
        value = attn.head_to_batch_dim(attn.to_v(context))
        probs = attn.get_attention_scores(query, key, attention_mask)
        if encoder_hidden_states is not None:
            seen.append(probs.reshape(hidden_states.shape[0], attn.heads, *probs.shape[1:]))
        out = attn.batch_to_head_dim(torch.bmm(probs, value))
        return attn.to_out[1](attn.to_out[0](out))


def on_step_end(p, i, t, kwargs):
    h, w = SIZE[1] // 8, SIZE[0] // 8
    maps = []
    for probs in seen:
        own = probs[-1].mean(0)  # the prompt's half, over heads: [HW, tokens]
        factor = 1 if own.shape[0] == h * w else 2
        own = own.T.reshape(1, -1, h // factor, w // factor)
        maps.append(F.interpolate(own, size=(h, w), mode="bilinear", align_corners=False)[0])
    steps.append(torch.stack(maps).mean(0))
    seen.clear()
    return {}


steps = []
with torch.no_grad():
    unet.set_attn_processor(Recording())
    p = pipe(StableDiffusionPipeline, DDIMScheduler)
    p(PROMPT, num_inference_steps=3, guidance_scale=2.5, generator=gen(42), width=SIZE[0], height=SIZE[1], callback_on_step_end=on_step_end)
maps = torch.stack(steps)
tokens = tok.convert_ids_to_tokens(tok(PROMPT, padding="max_length")["input_ids"])
last = tokens.index("<|endoftext|>")
out = dict(versions=VERSIONS, prompt=PROMPT, size=SIZE, tokens=tokens, shape=list(maps.shape), layers=2 + 1,
           steps=[[round(v, 7) for v in s[: last + 1].flatten().tolist()] for s in maps])
path = os.path.join(HERE, "attention.json")
json.dump(out, open(path, "w"), separators=(",", ":"))
print(os.path.getsize(path), tokens, maps.shape, maps.sum(1).min(), maps.sum(1).max())
