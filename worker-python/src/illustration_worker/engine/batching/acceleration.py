"""What makes the same UNet faster on a GPU without changing what it computes beyond rounding."""

import logging
from collections.abc import Callable
from typing import Any

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

from illustration_worker.engine.batching.compiled_unet import CompiledUnet, Unet
from illustration_worker.engine.batching.options import AttentionBackend, BatchingOptions, Switch

_BACKENDS = {
    "flash": SDPBackend.FLASH_ATTENTION,
    "efficient": SDPBackend.EFFICIENT_ATTENTION,
    "cudnn": SDPBackend.CUDNN_ATTENTION,
    "math": SDPBackend.MATH,
}
_MAX_GRAPHS = 64
"""torch's own limit of 8 is for code that compiles by accident; beyond it everything would run uncompiled."""
_log = logging.getLogger(__name__)


def accelerate(unet: Any, device: torch.device, options: BatchingOptions) -> Unet:
    """``unet`` as a function to call, after ``layers.install``. What it compiles, it compiles when it is called."""
    if is_on(options.channels_last, device.type == "cuda"):
        unet.to(memory_format=torch.channels_last)
    chosen = _attention_choice(options.attention_backend)
    if not is_on(options.torch_compile, device.type == "cuda"):
        return chosen(unet)
    torch._dynamo.config.cache_size_limit = _MAX_GRAPHS
    _log.info("the UNet will be compiled")
    # a graph for each shape: one for all shapes would be slower, and there are few
    return CompiledUnet(chosen(torch.compile(unet, dynamic=False)), chosen(unet))


def uncompiled(unet: Any, options: BatchingOptions) -> Unet:
    """A copy of the accelerated ``unet`` as a function to call: never compiled, with the same attention kernel."""
    return _attention_choice(options.attention_backend)(unet)


def is_on(switch: Switch, automatic: bool) -> bool:
    """The switch's position, ``auto`` resolved."""
    return automatic if switch == "auto" else switch == "on"


def _attention_choice(backend: AttentionBackend) -> Callable[[Unet], Unet]:
    if backend == "auto":
        return lambda unet: unet
    # Not unet.set_attention_backend(), which does nothing on SDXL's UNet. MATH takes what the other cannot.
    in_this_order = list(dict.fromkeys([_BACKENDS[backend], SDPBackend.MATH]))

    def choose(unet: Unet) -> Unet:
        def call(*args: Any, **kwargs: Any) -> tuple[torch.Tensor, ...]:
            with sdpa_kernel(in_this_order, set_priority=True):
                return unet(*args, **kwargs)

        return call

    return choose
