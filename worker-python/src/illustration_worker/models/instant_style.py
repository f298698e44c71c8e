"""InstantStyle (arXiv:2404.02733): which of a UNet's block groups the reference images steer in each mode."""

from dataclasses import dataclass
from typing import Any

from diffusers import UNet2DConditionModel

from illustration_worker.job import IpAdapterMode


@dataclass(frozen=True, slots=True)
class BlockGroup:
    """The transformer blocks of one ``attentions`` entry."""

    side: str
    """``up`` or ``down``."""
    block: int
    attention: int

    @property
    def name(self) -> str:
        """As in the UNet."""
        return f"{self.side}_blocks.{self.block}.attentions.{self.attention}"


_STYLE, _LAYOUT = BlockGroup("up", 0, 1), BlockGroup("down", 2, 1)
_STEERED: dict[IpAdapterMode, tuple[BlockGroup, ...]] = {
    "style": (_STYLE,),
    "layout": (_LAYOUT,),
    "style_layout": (_LAYOUT, _STYLE),
}
"""Of ``full``: all."""


def is_steered(mode: IpAdapterMode, group: str) -> bool:
    """Whether the images count in the block group of that name."""
    return mode == "full" or group in [steered.name for steered in _STEERED[mode]]


def supported_modes(unet: UNet2DConditionModel) -> frozenset[IpAdapterMode]:
    """The modes whose block groups ``unet`` has. diffusers accepts names of others without a word."""
    there = {processor.partition(".transformer_blocks")[0] for processor in unet.attn_processors}
    named = {mode for mode, groups in _STEERED.items() if all(group.name in there for group in groups)}
    return frozenset({"full", *named})


def stock_scale(unet: UNet2DConditionModel, mode: IpAdapterMode, scale: Any) -> Any:
    """``scale`` (a number; with masks a list, one an image) as ``set_ip_adapter_scale`` takes it for one adapter."""
    if mode == "full":
        return scale
    counts = {"down": unet.config.layers_per_block, "up": unet.config.layers_per_block + 1}
    config: dict[str, dict[str, list[Any]]] = {}
    for group in _STEERED[mode]:
        by_attention = [scale if number == group.attention else 0.0 for number in range(counts[group.side])]
        config[group.side] = {f"block_{group.block}": by_attention}
    return config
