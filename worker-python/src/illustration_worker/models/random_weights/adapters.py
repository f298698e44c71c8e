"""The random model's IP-Adapters, in the layout and with the key names of the hub's h94/IP-Adapter."""

from pathlib import Path

import torch
from diffusers import UNet2DConditionModel
from diffusers.models.embeddings import IPAdapterPlusImageProjection
from safetensors.torch import save_file
from torch import nn
from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

SUBFOLDER = "sdxl_models"
BASE_WEIGHTS = "ip-adapter_sdxl.safetensors"
"""For the encoder in ``sdxl_models/image_encoder`` (ViT-bigG's place)."""
VIT_H_WEIGHTS = "ip-adapter_sdxl_vit-h.safetensors"
"""For the encoder in ``models/image_encoder`` (ViT-H's place), as the next."""
PLUS_VIT_H_WEIGHTS = "ip-adapter-plus_sdxl_vit-h.safetensors"

_BIG_G_WIDTHS = (48, 40)
_VIT_H_WIDTHS = (64, 32)
"""Hidden and projected width. The two encoders differ in both, so that a mix-up fails here as with the real files."""
_IMAGE_TOKENS = 4
_PLUS_QUERIES = 16
_HEAD_WIDTH = 64  # fixed in diffusers' conversion of these files

# As in networks.py: found by looking.
_IMAGE_GAIN = 3.0
_KEY_GAIN = 2.0
_VALUE_GAIN = 8.0

Weights = dict[str, torch.Tensor]


def save_adapters(unet: UNet2DConditionModel, folder: Path) -> None:
    """Write three adapters for ``unet`` and their two image encoders into ``folder``: float16, random weights."""
    weights_folder = folder / SUBFOLDER
    _save_image_encoder(_BIG_G_WIDTHS, weights_folder / "image_encoder")
    _save_image_encoder(_VIT_H_WIDTHS, folder / "models" / "image_encoder")
    _save(_base_projection(unet, _BIG_G_WIDTHS[1]), _attention(unet), weights_folder / BASE_WEIGHTS)
    _save(_base_projection(unet, _VIT_H_WIDTHS[1]), _attention(unet), weights_folder / VIT_H_WEIGHTS)
    _save(_plus_projection(unet, _VIT_H_WIDTHS[0]), _attention(unet), weights_folder / PLUS_VIT_H_WEIGHTS)


def _save_image_encoder(widths: tuple[int, int], folder: Path) -> None:
    hidden, projected = widths
    config = CLIPVisionConfig(
        hidden_size=hidden,
        intermediate_size=2 * hidden,
        projection_dim=projected,
        num_hidden_layers=3,
        num_attention_heads=4,
        image_size=112,
        patch_size=14,
        initializer_factor=_IMAGE_GAIN,
    )
    CLIPVisionModelWithProjection(config).half().save_pretrained(folder)  # type: ignore[no-untyped-call]


def _save(projection: Weights, attention: Weights, path: Path) -> None:
    tensors = {f"image_proj.{name}": weight for name, weight in projection.items()}
    tensors |= {f"ip_adapter.{name}": weight for name, weight in attention.items()}
    save_file({name: weight.detach().half().contiguous() for name, weight in tensors.items()}, path)


def _base_projection(unet: UNet2DConditionModel, image_width: int) -> Weights:
    """One image embedding to four tokens."""
    width = unet.config.cross_attention_dim
    return {
        **_named("proj", nn.Linear(image_width, _IMAGE_TOKENS * width)),
        **_named("norm", nn.LayerNorm(width)),
    }


def _plus_projection(unet: UNet2DConditionModel, image_width: int) -> Weights:
    """The resampler: an image's patch embeddings to sixteen tokens. Written under the names of the published file."""
    width = unet.config.cross_attention_dim
    resampler = IPAdapterPlusImageProjection(
        embed_dims=image_width,
        output_dims=width,
        hidden_dims=width // 2,
        heads=width // _HEAD_WIDTH,
        num_queries=_PLUS_QUERIES,
    )
    weights = {"latents": resampler.latents}
    for name in ("proj_in", "proj_out", "norm_out"):
        weights |= _named(name, getattr(resampler, name))
    for number, block in enumerate(resampler.layers):
        attention, feed_forward = f"layers.{number}.0", f"layers.{number}.1"
        weights |= _named(f"{attention}.norm1", block.ln0) | _named(f"{attention}.norm2", block.ln1)
        weights[f"{attention}.to_q.weight"] = block.attn.to_q.weight
        weights[f"{attention}.to_kv.weight"] = torch.cat([block.attn.to_k.weight, block.attn.to_v.weight])
        weights[f"{attention}.to_out.weight"] = block.attn.to_out[0].weight
        norm, network = block.ff
        weights |= _named(f"{feed_forward}.0", norm)
        weights[f"{feed_forward}.1.weight"] = network.net[0].proj.weight
        weights[f"{feed_forward}.3.weight"] = network.net[2].weight
    return weights


def _attention(unet: UNet2DConditionModel) -> Weights:
    """Keys and values of the image tokens for each cross-attention, numbered 1, 3, 5, ... in the UNet's own order."""
    weights: Weights = {}
    cross_attentions = [name for name in unet.attn_processors if name.endswith("attn2.processor")]
    for number, name in enumerate(cross_attentions):
        text_keys = unet.get_submodule(name.removesuffix(".processor")).to_k
        for part, gain in (("to_k_ip", _KEY_GAIN), ("to_v_ip", _VALUE_GAIN)):
            layer = nn.Linear(text_keys.in_features, text_keys.out_features, bias=False)
            weights[f"{2 * number + 1}.{part}.weight"] = layer.weight * gain
    return weights


def _named(prefix: str, module: nn.Module) -> Weights:
    return {f"{prefix}.{name}": weight for name, weight in module.named_parameters()}
