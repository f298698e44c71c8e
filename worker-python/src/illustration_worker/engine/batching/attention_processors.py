"""Cross-attention over rows of different jobs: each row its own IP-Adapter scale and number of images.

Both processors subclass diffusers' and behave like them unless they are given ``RowInputs``, so that the stock
pipeline keeps working on the same UNet.
"""

from dataclasses import dataclass
from typing import Any

import torch
from diffusers.models.attention_processor import AttnProcessor2_0, IPAdapterAttnProcessor2_0

from illustration_worker.engine.batching.row_inputs import ImageRows, RegionRows, RowInputs

Attention = Any
"""diffusers' ``Attention``."""


@dataclass(frozen=True, slots=True)
class LayerPlace:
    """Which cross-attention this is."""

    layer: int
    """Its place in the lists of ``RowInputs``."""
    block_group: int
    """Its column of scales."""
    level: int
    """How often the picture is halved before it."""


class RowAttnProcessor(AttnProcessor2_0):  # type: ignore[misc]  # diffusers ships no types
    """For a UNet without IP-Adapter."""

    def __init__(self, place: LayerPlace) -> None:
        super().__init__()
        self.place = place

    def __call__(self, attn: Attention, hidden_states: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
        """(rows, positions, width) to the same shape."""
        inputs = _row_inputs(args, kwargs)
        if inputs is None:
            stock: torch.Tensor = super().__call__(attn, hidden_states, *args, **kwargs)
            return stock
        return attend(attn, hidden_states, inputs, self.place)


class RowIPAdapterAttnProcessor(IPAdapterAttnProcessor2_0):  # type: ignore[misc]
    """For a UNet with IP-Adapter; takes over the weights of the stock processor it replaces."""

    def __init__(self, stock: IPAdapterAttnProcessor2_0, place: LayerPlace) -> None:
        with torch.device("meta"):  # the base class makes weights of its own
            super().__init__(stock.hidden_size, stock.cross_attention_dim, stock.num_tokens, list(stock.scale))
        self.to_k_ip, self.to_v_ip = stock.to_k_ip, stock.to_v_ip
        self.place = place

    # the parameters are named as in the base class: diffusers looks at them to decide what to pass
    def __call__(
        self,
        attn: Attention,
        hidden_states: torch.Tensor,
        encoder_hidden_states: Any = None,
        attention_mask: torch.Tensor | None = None,
        temb: torch.Tensor | None = None,
        scale: float = 1.0,
        ip_adapter_masks: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """(rows, positions, width) to the same shape."""
        inputs = _row_inputs((encoder_hidden_states,), {})
        if inputs is None:
            stock: torch.Tensor = super().__call__(
                attn, hidden_states, encoder_hidden_states, attention_mask, temb, scale, ip_adapter_masks
            )
            return stock
        return attend(attn, hidden_states, inputs, self.place)


def attend(attn: Attention, hidden_states: torch.Tensor, inputs: RowInputs, place: LayerPlace) -> torch.Tensor:
    """Stock's cross-attention, bit for bit, without projecting keys and values again.

    Left out is what SDXL's layers do not have (``layers.require_plain`` checks it), and a division by 1.
    """
    rows = hidden_states.shape[0]
    query = attn.to_q(hidden_states)
    query = query.view(rows, -1, attn.heads, query.shape[-1] // attn.heads).transpose(1, 2)
    hidden_states = _attention(query, inputs.keys[place.layer], inputs.values[place.layer])
    if inputs.images:
        steered = [_with_image(hidden_states, query, image_rows, place) for image_rows in inputs.images]
        hidden_states = steered[0] if len(steered) == 1 else torch.cat(steered)
    hidden_states = attn.to_out[0](hidden_states)
    dropped_out: torch.Tensor = attn.to_out[1](hidden_states)
    return dropped_out


def _with_image(
    text: torch.Tensor, query: torch.Tensor, images: ImageRows | RegionRows, place: LayerPlace
) -> torch.Tensor:
    if images.stop - images.start < query.shape[0]:
        text, query = text[images.start : images.stop], query[images.start : images.stop]
    if isinstance(images, RegionRows):
        return _with_regions(text, query, images, place)
    image = _attention(query, images.keys[place.layer], images.values[place.layer])
    # wide scale times narrow tensor multiplies in the wide format, as stock's Python number does
    return text + (image * images.scales[place.block_group]).to(text.dtype)


def _with_regions(text: torch.Tensor, query: torch.Tensor, images: RegionRows, place: LayerPlace) -> torch.Tensor:
    masks, scales = images.masks[place.level], images.scales[place.block_group]
    keys = images.keys[place.layer].chunk(len(masks), dim=2)
    values = images.values[place.layer].chunk(len(masks), dim=2)
    for key, value, mask, scale in zip(keys, values, masks, scales, strict=True):
        image = _attention(query, key, value) * mask
        text = text + (image * scale).to(text.dtype)
    return text


def _attention(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
    output = torch.nn.functional.scaled_dot_product_attention(query, key, value)
    return output.transpose(1, 2).reshape(query.shape[0], -1, query.shape[1] * query.shape[3])


def _row_inputs(args: tuple[Any, ...], kwargs: dict[str, Any]) -> RowInputs | None:
    states = args[0] if args else kwargs.get("encoder_hidden_states")
    if isinstance(states, tuple) and isinstance(states[-1], RowInputs):
        return states[-1]
    return None
