"""The device and the networks beside the UNet, each alone: matrix products, encoders, VAE, PNG. On one thread."""

import time
from collections.abc import Callable
from functools import partial

import torch

from bench.gpu.report import Figures
from bench.rounds import ROUNDS
from illustration_worker.engine.decoding import decode_latents
from illustration_worker.engine.device import free_device_memory, wait_for_stream
from illustration_worker.engine.drawing import prepare_references
from illustration_worker.engine.warm_up import warm_up_job
from illustration_worker.images import encode_png
from illustration_worker.models.loader import LoadedModel

_PRODUCTS = 50
"""In a row, so that launching them does not count."""


@torch.no_grad()
def matmul_rate(device: torch.device, dtype: torch.dtype, side: int) -> list[float]:
    """TFLOP/s of ``side`` x ``side`` matrix products of random numbers: a product of zeros would be faster."""
    left, right = (torch.randn(side, side, device=device, dtype=dtype) for _ in range(2))

    def multiply() -> None:
        for _ in range(_PRODUCTS):
            torch.mm(left, right)

    return [_PRODUCTS * 2 * side**3 / seconds / 1e12 for seconds in _seconds(device, multiply)]


@torch.no_grad()
def encoding_seconds(model: LoadedModel) -> Figures:
    """Of one prompt by both text encoders, of one reference by the image encoder; nothing cached."""
    job, pipeline, device = warm_up_job(model.default_image_size), model.pipeline, model.device
    pixels = prepare_references(model, job.all_reference_images)
    encode_text = partial(pipeline.encode_prompt, prompt=job.prompt, device=device, do_classifier_free_guidance=False)
    encode_image = partial(pipeline.prepare_ip_adapter_image_embeds, [pixels], None, device, 1, True)
    return {
        "prompt, both encoders": _seconds(device, encode_text),
        "reference": _seconds(device, encode_image),
    }


@torch.no_grad()
def decoding_seconds(model: LoadedModel) -> Figures:
    """Of one picture of the default size: latents to pixels in the VAE's float32, and pixels to PNG."""
    pipeline, device = model.pipeline, model.device
    side = model.default_image_size // pipeline.vae_scale_factor
    latents = torch.randn(1, pipeline.unet.config.in_channels, side, side, device=device)
    decode = partial(decode_latents, pipeline.vae, pipeline.image_processor, latents)
    return {
        "VAE, float32": _seconds(device, decode),
        "PNG": _seconds(device, partial(encode_png, decode())),
    }


def _seconds(device: torch.device, run: Callable[[], object]) -> list[float]:
    run()  # chooses kernels, asks for memory
    wait_for_stream(device)
    durations = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        run()
        wait_for_stream(device)
        durations.append(time.perf_counter() - began)
    free_device_memory()
    return durations
