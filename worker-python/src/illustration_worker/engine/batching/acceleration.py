"""What makes the same UNet faster on a GPU without changing what it computes beyond rounding."""

import logging
from collections.abc import Callable
from typing import Any

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

from illustration_worker.engine.batching.options import AttentionBackend, BatchingOptions, Switch

_BACKENDS = {
    "flash": SDPBackend.FLASH_ATTENTION,
    "efficient": SDPBackend.EFFICIENT_ATTENTION,
    "cudnn": SDPBackend.CUDNN_ATTENTION,
    "math": SDPBackend.MATH,
}
_log = logging.getLogger(__name__)

Unet = Callable[..., tuple[torch.Tensor, ...]]


def accelerate(unet: Any, device: torch.device, options: BatchingOptions) -> Unet:
    """``unet`` as a function to call, after ``layers.install``. Compiling itself happens in the first calls."""
    if is_on(options.channels_last, device.type == "cuda"):
        unet.to(memory_format=torch.channels_last)
    call: Unet = unet
    if is_on(options.torch_compile, device.type == "cuda"):
        # one graph for each bucket, size and mixture of image counts; the default of 8 would soon fall back to eager
        torch._dynamo.config.cache_size_limit = 64
        call = torch.compile(unet)
        _log.info("the UNet is compiled")
    return _with_backend(call, options.attention_backend)


def is_on(switch: Switch, automatic: bool) -> bool:
    """The switch's position, ``auto`` resolved."""
    return automatic if switch == "auto" else switch == "on"


def _with_backend(call: Unet, backend: AttentionBackend) -> Unet:
    if backend == "auto":
        return call
    # Not unet.set_attention_backend(), which does nothing on SDXL's UNet. MATH takes what the other cannot.
    in_this_order = list(dict.fromkeys([_BACKENDS[backend], SDPBackend.MATH]))

    def with_backend(*args: Any, **kwargs: Any) -> tuple[torch.Tensor, ...]:
        with sdpa_kernel(in_this_order, set_priority=True):
            return call(*args, **kwargs)

    return with_backend
