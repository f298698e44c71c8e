"""The IP-Adapter in a UNet: image projection, keys and values of the image tokens, in h94's names."""

import torch
from diffusers import UNet2DConditionModel
from torch import nn

IMAGE_TOKENS = 4

Weights = dict[str, torch.Tensor]


def fresh_adapter(unet: UNet2DConditionModel, image_width: int) -> Weights:
    """An adapter in h94's names that has learnt nothing: keys and values are those of the text."""
    width = unet.config.cross_attention_dim
    parts = {"proj": nn.Linear(image_width, IMAGE_TOKENS * width), "norm": nn.LayerNorm(width)}
    weights = {
        f"image_proj.{part}.{name}": weight.detach().clone()
        for part, layer in parts.items()
        for name, weight in layer.named_parameters()
    }
    for number, name in enumerate(_cross_attentions(unet)):
        attention = unet.get_submodule(name)
        weights[f"ip_adapter.{2 * number + 1}.to_k_ip.weight"] = attention.to_k.weight.detach().clone()
        weights[f"ip_adapter.{2 * number + 1}.to_v_ip.weight"] = attention.to_v.weight.detach().clone()
    return weights


def install(unet: UNet2DConditionModel, weights: Weights) -> None:
    """Load an adapter in h94's names with diffusers' own loader."""
    nested: dict[str, Weights] = {"image_proj": {}, "ip_adapter": {}}
    for name, weight in weights.items():
        part, rest = name.split(".", 1)
        nested[part][rest] = weight
    unet._load_ip_adapter_weights([nested], low_cpu_mem_usage=False)


def learnt_adapter(unet: UNet2DConditionModel) -> Weights:
    """The adapter installed in ``unet``, back in h94's names."""
    projection = unet.encoder_hid_proj.image_projection_layers[0]
    weights = {f"image_proj.proj.{name}": value for name, value in projection.image_embeds.named_parameters()}
    weights |= {f"image_proj.norm.{name}": value for name, value in projection.norm.named_parameters()}
    for number, name in enumerate(_cross_attentions(unet)):
        processor = unet.attn_processors[f"{name}.processor"]
        weights[f"ip_adapter.{2 * number + 1}.to_k_ip.weight"] = processor.to_k_ip[0].weight
        weights[f"ip_adapter.{2 * number + 1}.to_v_ip.weight"] = processor.to_v_ip[0].weight
    return {name: weight.detach().cpu().contiguous() for name, weight in weights.items()}


def _cross_attentions(unet: UNet2DConditionModel) -> list[str]:
    names = (name.removesuffix(".processor") for name in unet.attn_processors)
    return [name for name in names if name.endswith("attn2")]


def set_scale(unet: UNet2DConditionModel, scale: float) -> None:
    """How much the image tokens count; at 0 they are not looked at."""
    for processor in unet.attn_processors.values():
        if hasattr(processor, "to_k_ip"):
            processor.scale = [scale]


def is_adapter_weight(name: str) -> bool:
    """Whether a parameter of the UNet belongs to an installed adapter."""
    return "_ip." in name or name.startswith("encoder_hid_proj.")
