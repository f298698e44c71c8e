"""The tiny model's weights under the names of Stability's SDXL checkpoints: the way back of diffusers' conversion."""

import re
from collections.abc import Callable

import pytest
import torch
from diffusers import StableDiffusionXLPipeline

Tensors = dict[str, torch.Tensor]
_LAYERS = 2

_RESNET = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "time_emb_proj": "emb_layers.1",
    "conv_shortcut": "skip_connection",
}
_UNET_ENDS = {
    "time_embedding.linear_1.": "time_embed.0.",
    "time_embedding.linear_2.": "time_embed.2.",
    "add_embedding.linear_1.": "label_emb.0.0.",
    "add_embedding.linear_2.": "label_emb.0.2.",
    "conv_in.": "input_blocks.0.0.",
    "conv_norm_out.": "out.0.",
    "conv_out.": "out.2.",
}
_VAE_ATTENTION = {"group_norm": "norm", "to_q": "q", "to_k": "k", "to_v": "v", "to_out.0": "proj_out"}
_TEXT_2 = {
    "self_attn.out_proj": "attn.out_proj",
    "layer_norm1": "ln_1",
    "layer_norm2": "ln_2",
    "mlp.fc1": "mlp.c_fc",
    "mlp.fc2": "mlp.c_proj",
}


@pytest.fixture
def checkpoint_of() -> Callable[[StableDiffusionXLPipeline], Tensors]:
    """Turns a pipeline into a checkpoint's tensors."""
    return _checkpoint_of


def _checkpoint_of(pipeline: StableDiffusionXLPipeline) -> Tensors:
    """All four networks in one mapping."""
    tensors = {f"model.diffusion_model.{_unet_name(n)}": t for n, t in pipeline.unet.state_dict().items()}
    for name, tensor in pipeline.vae.state_dict().items():
        is_attention_weight = re.search(r"attentions.*\.(to_q|to_k|to_v|to_out\.0)\.weight$", name)
        tensors[f"first_stage_model.{_vae_name(name)}"] = tensor[:, :, None, None] if is_attention_weight else tensor
    for name, tensor in pipeline.text_encoder.state_dict().items():
        bare = name.removeprefix("text_model.")
        tensors[f"conditioner.embedders.0.transformer.text_model.{bare}"] = tensor
    tensors |= _text_encoder_2(pipeline.text_encoder_2.state_dict())
    return {name: tensor.detach().clone().contiguous() for name, tensor in tensors.items()}


def _unet_name(name: str) -> str:
    for ours, theirs in _UNET_ENDS.items():
        if name.startswith(ours):
            return theirs + name.removeprefix(ours)
    if match := re.fullmatch(r"down_blocks\.(\d)\.(resnets|attentions)\.(\d)\.(.*)", name):
        block = int(match[1]) * (_LAYERS + 1) + int(match[3]) + 1
        return f"input_blocks.{block}.{_part(match[2], match[4])}"
    if match := re.fullmatch(r"up_blocks\.(\d)\.(resnets|attentions)\.(\d)\.(.*)", name):
        return f"output_blocks.{int(match[1]) * (_LAYERS + 1) + int(match[3])}.{_part(match[2], match[4])}"
    if match := re.fullmatch(r"down_blocks\.(\d)\.downsamplers\.0\.conv\.(.*)", name):
        return f"input_blocks.{(int(match[1]) + 1) * (_LAYERS + 1)}.0.op.{match[2]}"
    if match := re.fullmatch(r"up_blocks\.(\d)\.upsamplers\.0\.(.*)", name):
        return f"output_blocks.{int(match[1]) * (_LAYERS + 1) + _LAYERS}.2.{match[2]}"
    match = re.fullmatch(r"mid_block\.(resnets|attentions)\.(\d)\.(.*)", name)
    assert match is not None, name
    if match[1] == "attentions":
        return f"middle_block.1.{match[3]}"
    return f"middle_block.{2 * int(match[2])}.{_part('resnets', match[3]).removeprefix('0.')}"


def _part(kind: str, rest: str) -> str:
    if kind == "attentions":
        return f"1.{rest}"
    layer, end = rest.rsplit(".", 1)
    return f"0.{_RESNET[layer]}.{end}"


def _vae_name(name: str) -> str:
    name = re.sub(r"conv_norm_out", "norm_out", name).replace("conv_shortcut", "nin_shortcut")
    name = re.sub(r"down_blocks\.(\d)\.resnets\.(\d)", r"down.\1.block.\2", name)
    name = re.sub(r"down_blocks\.(\d)\.downsamplers\.0\.", r"down.\1.downsample.", name)
    name = re.sub(r"up_blocks\.(\d)\.resnets\.(\d)", lambda m: f"up.{3 - int(m[1])}.block.{m[2]}", name)
    name = re.sub(r"up_blocks\.(\d)\.upsamplers\.0\.", lambda m: f"up.{3 - int(m[1])}.upsample.", name)
    name = re.sub(r"mid_block\.resnets\.(\d)", lambda m: f"mid.block_{int(m[1]) + 1}", name)
    for ours, theirs in _VAE_ATTENTION.items():
        name = re.sub(rf"mid_block\.attentions\.0\.{re.escape(ours)}\.", f"mid.attn_1.{theirs}.", name)
    return name


def _text_encoder_2(state: Tensors) -> Tensors:
    """OpenCLIP's names; it keeps queries, keys and values in one matrix."""
    prefix, tensors = "conditioner.embedders.1.model.", Tensors()
    ends = {
        "text_model.embeddings.token_embedding.weight": "token_embedding.weight",
        "text_model.embeddings.position_embedding.weight": "positional_embedding",
        "text_model.final_layer_norm.weight": "ln_final.weight",
        "text_model.final_layer_norm.bias": "ln_final.bias",
    }
    tensors |= {prefix + theirs: state[ours] for ours, theirs in ends.items()}
    tensors[f"{prefix}text_projection"] = state["text_projection.weight"].T
    layers = {int(m[1]) for name in state if (m := re.match(r"text_model\.encoder\.layers\.(\d+)\.", name))}
    for number in layers:
        ours, theirs = f"text_model.encoder.layers.{number}.", f"{prefix}transformer.resblocks.{number}."
        for end in ("weight", "bias"):
            parts = [state[f"{ours}self_attn.{part}_proj.{end}"] for part in "qkv"]
            tensors[f"{theirs}attn.in_proj_{end}"] = torch.cat(parts)
            tensors |= {f"{theirs}{new}.{end}": state[f"{ours}{old}.{end}"] for old, new in _TEXT_2.items()}
    return tensors
