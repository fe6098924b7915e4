"""Records what diffusers' and transformers' networks compute, small and with weights drawn by torch's own generator,
so that only inputs' seeds and outputs need to be stored.

    python models.py      (torch 2.13.0, diffusers 0.42.1, transformers 5.23.0)

Weight number i of a model, in the order of its sorted names, is drawn after torch.manual_seed(i); see `fill`.
"""
import inspect, json, math, os, sys
import diffusers, torch, transformers
from diffusers import AutoencoderKL, UNet2DConditionModel, UNet2DModel
from transformers import CLIPConfig, CLIPModel, CLIPTextConfig, CLIPTextModel, CLIPVisionConfig, CLIPVisionModel

torch.set_num_threads(1)


def fill(model):
    """Norms around one, biases small, the rest scaled by its inputs."""
    state = model.state_dict()
    for i, name in enumerate(sorted(state)):
        w = state[name]
        torch.manual_seed(i)
        r = torch.randn(w.shape)
        if w.ndim == 0:
            r = torch.tensor(2.6592)
        elif w.ndim == 1:
            r = 1 + 0.1 * r if name.endswith("weight") else 0.1 * r
        else:
            r = r * (1 / math.sqrt(math.prod(w.shape[1:])))
        state[name] = r
    model.load_state_dict(state)
    return model.eval()


def draw(seed, *shape):
    torch.manual_seed(seed)
    return torch.randn(shape)


def shown(x):
    return dict(shape=list(x.shape), data=[float(f"{v:.8g}") for v in x.detach().flatten().tolist()])


def keys(model):
    return {k: list(v.shape) for k, v in model.state_dict().items()}


unets = {
    "sd1": (UNet2DConditionModel, dict(block_out_channels=[8, 16, 16], down_block_types=["CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"], up_block_types=["UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"], layers_per_block=2, cross_attention_dim=12, attention_head_dim=2, norm_num_groups=4, sample_size=8), {}),
    "sd2": (UNet2DConditionModel, dict(block_out_channels=[8, 16], down_block_types=["CrossAttnDownBlock2D", "DownBlock2D"], up_block_types=["UpBlock2D", "CrossAttnUpBlock2D"], layers_per_block=1, cross_attention_dim=12, attention_head_dim=[2, 4], use_linear_projection=True, norm_num_groups=4, upcast_attention=True, sample_size=8, transformer_layers_per_block=2), {}),
    "unclip": (UNet2DConditionModel, dict(block_out_channels=[8, 16], down_block_types=["CrossAttnDownBlock2D", "AttnDownBlock2D"], up_block_types=["AttnUpBlock2D", "CrossAttnUpBlock2D"], layers_per_block=1, cross_attention_dim=12, attention_head_dim=4, norm_num_groups=4, class_embed_type="projection", projection_class_embeddings_input_dim=6, only_cross_attention=[True, False], resnet_time_scale_shift="scale_shift", act_fn="gelu", in_channels=9, time_cond_proj_dim=5), dict(label=("randn", [2, 6]), cond=[2, 5])),
    "simple-concat": (UNet2DConditionModel, dict(block_out_channels=[8, 16], down_block_types=["CrossAttnDownBlock2D", "DownBlock2D"], up_block_types=["UpBlock2D", "CrossAttnUpBlock2D"], layers_per_block=1, cross_attention_dim=12, attention_head_dim=2, norm_num_groups=4, class_embed_type="simple_projection", projection_class_embeddings_input_dim=6, class_embeddings_concat=True, downsample_padding=0, freq_shift=1, flip_sin_to_cos=False, mid_block_scale_factor=2.0), dict(label=("randn", [2, 6]))),
    "classes": (UNet2DConditionModel, dict(block_out_channels=[8, 16], down_block_types=["CrossAttnDownBlock2D", "DownBlock2D"], mid_block_type="UNetMidBlock2D", up_block_types=["UpBlock2D", "CrossAttnUpBlock2D"], layers_per_block=[1, 2], cross_attention_dim=[12, 12], attention_head_dim=2, norm_num_groups=4, num_class_embeds=5, norm_eps=1e-4, act_fn="mish"), dict(label=("int", [3, 1]))),
    "timestep-class": (UNet2DConditionModel, dict(block_out_channels=[8, 16], down_block_types=["CrossAttnDownBlock2D", "DownBlock2D"], up_block_types=["UpBlock2D", "CrossAttnUpBlock2D"], layers_per_block=1, cross_attention_dim=12, attention_head_dim=2, norm_num_groups=4, class_embed_type="timestep", conv_in_kernel=5, conv_out_kernel=1, time_embedding_act_fn="silu", timestep_post_act="silu"), dict(label=("int", [30, 500]))),
    "identity-class": (UNet2DConditionModel, dict(block_out_channels=[8, 16], down_block_types=["CrossAttnDownBlock2D", "DownBlock2D"], up_block_types=["UpBlock2D", "CrossAttnUpBlock2D"], layers_per_block=1, cross_attention_dim=12, attention_head_dim=2, norm_num_groups=4, class_embed_type="identity"), dict(label=("randn", [2, 32]))),
    "ddpm": (UNet2DModel, dict(block_out_channels=[8, 16], down_block_types=["DownBlock2D", "AttnDownBlock2D"], up_block_types=["AttnUpBlock2D", "UpBlock2D"], layers_per_block=2, attention_head_dim=None, norm_num_groups=4, freq_shift=1, flip_sin_to_cos=False, downsample_padding=0, norm_eps=1e-6, sample_size=8), {}),
    "class-2d": (UNet2DModel, dict(block_out_channels=[8, 16], down_block_types=["DownBlock2D", "AttnDownBlock2D"], up_block_types=["AttnUpBlock2D", "UpBlock2D"], layers_per_block=1, attention_head_dim=4, norm_num_groups=4, num_class_embeds=10, resnet_time_scale_shift="scale_shift", center_input_sample=True, in_channels=1, out_channels=1, mid_block_scale_factor=1.5), dict(label=("int", [3, 7]))),
}
vaes = {
    "kl": dict(block_out_channels=[8, 16], down_block_types=["DownEncoderBlock2D"] * 2, up_block_types=["UpDecoderBlock2D"] * 2, layers_per_block=1, norm_num_groups=4, latent_channels=4, sample_size=16),
    "bare": dict(block_out_channels=[8, 8, 16], down_block_types=["DownEncoderBlock2D"] * 3, up_block_types=["UpDecoderBlock2D"] * 3, layers_per_block=2, norm_num_groups=2, latent_channels=3, in_channels=1, out_channels=1, use_quant_conv=False, use_post_quant_conv=False, mid_block_add_attention=False, sample_size=16),
}
text = dict(vocab_size=60, hidden_size=16, intermediate_size=24, num_hidden_layers=3, num_attention_heads=4, max_position_embeddings=11, projection_dim=10, bos_token_id=57, eos_token_id=58)
vision = dict(hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=2, image_size=12, patch_size=4, projection_dim=10)
ids = [[57, 4, 7, 58, 58, 58], [57, 33, 59, 2, 58, 0]]


def unet_case(name):
    cls, config, extra = unets[name]
    m = fill(cls(**config))
    size = (7, 10) if name == "sd1" else (8, 8)
    x = draw(1001, 2, m.config.in_channels, *size)
    t = torch.tensor([601, 7])
    kw = {}
    if "label" in extra:
        kind, v = extra["label"]
        kw["class_labels"] = draw(1003, *v) if kind == "randn" else torch.tensor(v)
    if "cond" in extra:
        kw["timestep_cond"] = draw(1004, *extra["cond"])
    args = (x, t) + ((draw(1002, 2, 5, 12),) if cls is UNet2DConditionModel else ())
    y = m(*args, **kw).sample
    return dict(type=cls.__name__, config=dict(config), size=size, extra=extra, keys=keys(m), output=shown(y))


def vae_case(config):
    m = fill(AutoencoderKL(**config))
    x = draw(1001, 1, m.config.in_channels, 24, 20)
    dist = m.encode(x).latent_dist
    z = draw(1002, 1, m.config.latent_channels, 6, 5)
    out = dict(config=config, keys=keys(m), mean=shown(dist.mean), logvar=shown(dist.logvar), kl=shown(dist.kl()), nll=shown(dist.nll(draw(1003, *dist.mean.shape))), decoded=shown(m.decode(z).sample))
    torch.manual_seed(5)
    out["sampled"] = shown(dist.sample())
    m.enable_tiling()
    out["tile"] = [m.tile_sample_min_size, m.tile_latent_min_size]
    big = draw(1004, 1, m.config.in_channels, 40, 28)
    out["tiledMean"] = shown(m.encode(big).latent_dist.mean)
    up = 2 ** (len(config["block_out_channels"]) - 1)
    out["tiledDecoded"] = shown(m.decode(draw(1005, 1, m.config.latent_channels, 40 // up, 28 // up)).sample[:, :, ::3, ::3])
    return out


def text_case(config):
    m = fill(CLIPTextModel(CLIPTextConfig(**config)))
    y = m(torch.tensor(ids), output_hidden_states=True)
    return dict(config=config, ids=ids, keys=keys(m), last=shown(y.last_hidden_state), pooled=shown(y.pooler_output), hidden=[shown(h) for h in y.hidden_states][:-1])


def main():
    with torch.no_grad():
        out = dict(versions=dict(torch=torch.__version__, diffusers=diffusers.__version__, transformers=transformers.__version__))
        out["unets"] = {name: unet_case(name) for name in unets}
        out["vaes"] = {name: vae_case(config) for name, config in vaes.items()}
        out["texts"] = {
            "quick": text_case(dict(text)),
            "gelu": text_case(dict(text, hidden_act="gelu", layer_norm_eps=1e-4, eos_token_id=2)),
        }
        m = fill(CLIPVisionModel(CLIPVisionConfig(**vision)))
        y = m(draw(1001, 2, 3, 12, 12))
        out["vision"] = dict(config=vision, keys=keys(m), last=shown(y.last_hidden_state), pooled=shown(y.pooler_output))
        m = fill(CLIPModel(CLIPConfig(text_config=text, vision_config=vision, projection_dim=10)))
        y = m(torch.tensor(ids), draw(1001, 2, 3, 12, 12), return_loss=True)
        out["clip"] = dict(config=dict(text_config=text, vision_config=vision, projection_dim=10), ids=ids, keys=keys(m), loss=float(y.loss), perImage=shown(y.logits_per_image), text=shown(y.text_embeds), image=shown(y.image_embeds))
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "models.json")
    json.dump(out, open(path, "w"), separators=(",", ":"))
    print(os.path.getsize(path))
    return out


if __name__ == "__main__":
    main()
