"""The cross-attentions of a UNet: found, numbered, given our processors, and their keys and values projected once."""

from dataclasses import dataclass, replace
from typing import Any

import torch
from diffusers import UNet2DConditionModel
from diffusers.models.attention_processor import IPAdapterAttnProcessor2_0
from diffusers.models.embeddings import MultiIPAdapterImageProjection

from illustration_worker.engine.batching.attention_processors import (
    LayerPlace,
    RowAttnProcessor,
    RowIPAdapterAttnProcessor,
)
from illustration_worker.engine.batching.row_inputs import RowInputs
from illustration_worker.errors import ModelLoadError

_PROCESSOR = ".processor"


@dataclass(frozen=True, slots=True)
class Projected:
    """Keys and values of one job's rows for the cross-attentions that have one shape.

    Stacked, because rows of several jobs are joined with one operation a shape (SDXL: 2) in place of one a layer (70).
    """

    keys: torch.Tensor
    """(layers, rows, tokens, heads, head width)."""
    values: torch.Tensor


@dataclass(frozen=True, slots=True)
class Layers:
    """The cross-attentions of a UNet, in its own order."""

    attentions: tuple[Any, ...]
    shapes: tuple[tuple[int, ...], ...]
    """Layers of one shape (heads and width), together."""
    block_groups: tuple[str, ...]
    """Names such as ``up_blocks.0.attentions.1``: the granularity of InstantStyle's scales."""
    levels: int
    """Sizes that the picture has in the UNet: each half of the one before."""

    def project_text(self, embeddings: torch.Tensor) -> list[Projected]:
        """Prompt embeddings, (rows, 77, 2048), for every layer."""
        return [self._project(shape, embeddings, _text_projections) for shape in self.shapes]

    def project_images(self, tokens: torch.Tensor) -> list[Projected]:
        """Image tokens, (rows, ..., tokens, 2048), for every layer; images of a row make one long list of keys."""
        return [self._project(shape, tokens, _image_projections) for shape in self.shapes]

    def unstack(self, by_shape: list[torch.Tensor]) -> list[torch.Tensor]:
        """What is stacked in ``Projected``, one tensor a shape, to (rows, heads, tokens, head width), one a layer.

        A transposed view, as stock makes it: attention then runs the same kernel.
        """
        by_layer: dict[int, torch.Tensor] = {}
        for shape, stacked in zip(self.shapes, by_shape, strict=True):
            by_layer.update(zip(shape, stacked.transpose(2, 3).unbind(0), strict=True))
        return [by_layer[layer] for layer in range(len(self.attentions))]

    def _project(self, shape: tuple[int, ...], states: torch.Tensor, projections: Any) -> Projected:
        keys, values = [], []
        for layer in shape:
            attention = self.attentions[layer]
            to_key, to_value = projections(attention)
            keys.append(_by_head(to_key(states), attention.heads))
            values.append(_by_head(to_value(states), attention.heads))
        return Projected(torch.stack(keys), torch.stack(values))


class ProjectOnce(MultiIPAdapterImageProjection):  # type: ignore[misc]  # diffusers ships no types
    """The adapter's image projection, skipped for rows whose image tokens were projected when their job began."""

    def forward(self, image_embeds: Any) -> Any:
        """Image embeddings to tokens, as stock; ``RowInputs`` as they are."""
        return image_embeds if isinstance(image_embeds, RowInputs) else super().forward(image_embeds)


def install(unet: UNet2DConditionModel) -> Layers:
    """Give ``unet`` our processors and say what its cross-attentions are. Once for a UNet.

    Raises:
        ModelLoadError: its cross-attentions are not SDXL's.
    """
    names = _cross_attention_names(unet)
    attentions = tuple(unet.get_submodule(name) for name in names)
    group_of = [name.partition(".transformer_blocks")[0] for name in names]
    groups = tuple(dict.fromkeys(group_of))
    for number, (attention, group) in enumerate(zip(attentions, group_of, strict=True)):
        require_plain(attention)
        place = LayerPlace(number, groups.index(group), _level(group, len(unet.down_blocks)))
        stock = attention.processor
        is_adapted = isinstance(stock, IPAdapterAttnProcessor2_0)
        attention.set_processor(RowIPAdapterAttnProcessor(stock, place) if is_adapted else RowAttnProcessor(place))
    if unet.encoder_hid_proj is not None:
        unet.encoder_hid_proj = ProjectOnce(unet.encoder_hid_proj.image_projection_layers)
    shapes: dict[tuple[int, int], list[int]] = {}
    for number, attention in enumerate(attentions):
        shapes.setdefault((attention.heads, attention.to_k.out_features), []).append(number)
    return Layers(attentions, tuple(tuple(shape) for shape in shapes.values()), groups, len(unet.down_blocks))


def layers_of_copy(layers: Layers, unet: UNet2DConditionModel) -> Layers:
    """Those of ``unet``, a copy of the one that ``layers`` are of."""
    return replace(layers, attentions=tuple(unet.get_submodule(name) for name in _cross_attention_names(unet)))


def _cross_attention_names(unet: UNet2DConditionModel) -> list[str]:
    return [name.removesuffix(_PROCESSOR) for name in unet.attn_processors if name.endswith(f"attn2{_PROCESSOR}")]


def require_plain(attention: Any) -> None:
    """Raise ModelLoadError if ``attention`` does anything that ``attend`` leaves out."""
    extras = (attention.spatial_norm, attention.group_norm, attention.norm_cross, attention.norm_q, attention.norm_k)
    if any(extras) or attention.residual_connection or attention.rescale_output_factor != 1:
        raise ModelLoadError("The model's cross-attention is not SDXL's; it can only be drawn with ENGINE=stock.")


def _level(group: str, levels: int) -> int:
    """The picture is halved after each block on the way down but the last, and doubled likewise on the way up."""
    side, number, *_ = group.split(".")
    if side == "mid_block":
        return levels - 1
    return int(number) if side == "down_blocks" else levels - 1 - int(number)


def _text_projections(attention: Any) -> tuple[Any, Any]:
    return attention.to_k, attention.to_v


def _image_projections(attention: Any) -> tuple[Any, Any]:
    return attention.processor.to_k_ip[0], attention.processor.to_v_ip[0]


def _by_head(states: torch.Tensor, heads: int) -> torch.Tensor:
    """(rows, ..., width) to (rows, tokens, heads, head width)."""
    return states.view(states.shape[0], -1, heads, states.shape[-1] // heads)
