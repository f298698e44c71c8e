"""Draws one job with the stock pipeline. Pipelines keep state between calls: ``draw`` is for the device thread only."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from diffusers.models.embeddings import ImageProjection

from illustration_worker.engine.decoding import decode_latents
from illustration_worker.engine.device import wait_for_stream
from illustration_worker.engine.loras.adapted_model import AdaptedModel
from illustration_worker.engine.loras.claim import Applied
from illustration_worker.engine.people import are_masked, is_steered_by_people, masked_scales_of, masks_of
from illustration_worker.engine.picture_warnings import warnings_of
from illustration_worker.engine.ticket import Ticket
from illustration_worker.images import Pixels, decode_reference_image
from illustration_worker.job import Job, Step
from illustration_worker.models.instant_style import stock_scale
from illustration_worker.models.loader import LoadedModel
from illustration_worker.signals import StepMade, step_made


class StockTicket(Ticket):
    """A ticket with what is prepared for the device while the job waits."""

    lora: Applied[AdaptedModel] | None
    references: torch.Tensor | None = None
    """Reference images as the image encoder takes them: (images, 3, side, side), float32, on the CPU."""
    reference_seconds: float = 0.0
    """What preparing them took."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """A drawn job; durations in seconds."""

    pixels: Pixels
    encode: float
    denoise: float
    decode: float


def prepare_references(model: LoadedModel, images: Sequence[bytes]) -> torch.Tensor | None:
    """``images`` as the image encoder takes them; None when there are none, or no adapter to use them. Any thread.

    Raises:
        ReferenceImageError: one of them is no usable picture, whether it would be used or not.
    """
    pictures = [decode_reference_image(data, model.reference_fit) for data in images]
    if not pictures or model.ip_adapter is None:
        return None
    pixel_values: torch.Tensor = model.pipeline.feature_extractor(pictures, return_tensors="pt").pixel_values
    return pixel_values


@torch.no_grad()
def draw(model: LoadedModel, ticket: StockTicket) -> Drawing:
    """The picture ``StableDiffusionXLPipeline.__call__`` gives for the job, bit for bit.

    Encoding and decoding are called apart from denoising: to time them, to stop in between, to decode in float32, and
    to see numbers that are not finite instead of the black picture they would become.

    Raises:
        CanceledError, DeadlineExceededError: noticed between two steps; nothing is decoded then.
        GenerationFailedError: the model's numbers overflowed.
        torch.OutOfMemoryError: and whatever else torch raises.
    """
    began = time.perf_counter()
    ticket.warnings = warnings_of(model, ticket.job)
    conditioning = _encode(model, ticket.job, ticket.references)
    wait_for_stream(model.device)
    encoded = time.perf_counter()
    ticket.raise_if_over()
    latents = _denoise(model, ticket, conditioning)
    denoised = time.perf_counter()
    pixels = decode_latents(model.pipeline.vae, model.pipeline.image_processor, latents)
    return Drawing(pixels, encoded - began, denoised - encoded, time.perf_counter() - denoised)


def _encode(model: LoadedModel, job: Job, references: torch.Tensor | None) -> dict[str, Any]:
    """Prompts and references as arguments of the pipeline's call; sets the adapter's scale, a state of the UNet."""
    pipeline = model.pipeline
    # as the pipeline decides it
    is_guided = job.guidance_scale > 1 and pipeline.unet.config.time_cond_proj_dim is None
    prompt, negative, pooled, negative_pooled = pipeline.encode_prompt(
        prompt=job.prompt,
        prompt_2=job.prompt_2,
        negative_prompt=job.negative_prompt,
        device=model.device,
        do_classifier_free_guidance=is_guided,
    )
    arguments: dict[str, Any] = {
        "prompt_embeds": prompt,
        "negative_prompt_embeds": negative,
        "pooled_prompt_embeds": pooled,
        "negative_pooled_prompt_embeds": negative_pooled,
    }
    if model.ip_adapter is None:
        return arguments
    if references is None or not is_steered_by_people(job):
        # an adapter once loaded insists on images; at scale 0 it skips them, which is equal to having no adapter
        pipeline.set_ip_adapter_scale(0.0)
        return {**arguments, "ip_adapter_image_embeds": [no_reference(model, rows=2 if is_guided else 1)]}
    arguments |= _people_arguments(model, job)
    embeds = pipeline.prepare_ip_adapter_image_embeds([references], None, model.device, 1, is_guided)
    return {**arguments, "ip_adapter_image_embeds": embeds}


def _people_arguments(model: LoadedModel, job: Job) -> dict[str, Any]:
    """Sets the adapter's scale; the masks as an argument of the pipeline's call, if there are any."""
    pipeline, is_masked = model.pipeline, are_masked(job)
    scale = masked_scales_of(job) if is_masked else job.people[0].ip_adapter_scale
    pipeline.set_ip_adapter_scale([stock_scale(pipeline.unet, job.ip_adapter_mode, scale)])
    return {"cross_attention_kwargs": {"ip_adapter_masks": [masks_of(job)[None]]}} if is_masked else {}


def no_reference(model: LoadedModel, rows: int) -> torch.Tensor:
    """Zeros in the shape of one encoded image: (rows, 1, width), or (rows, 1, patches, width) for a Plus adapter."""
    encoder = model.pipeline.image_encoder.config
    projection = model.pipeline.unet.encoder_hid_proj.image_projection_layers[0]
    if isinstance(projection, ImageProjection):
        shape = [rows, 1, encoder.projection_dim]
    else:
        shape = [rows, 1, (encoder.image_size // encoder.patch_size) ** 2 + 1, encoder.hidden_size]
    return torch.zeros(shape, dtype=model.dtype, device=model.device)


def _denoise(model: LoadedModel, ticket: StockTicket, conditioning: dict[str, Any]) -> torch.Tensor:
    """Latents, (1, 4, height / 8, width / 8)."""
    job = ticket.job
    is_guided = job.guidance_scale > 1 and model.pipeline.unet.config.time_cond_proj_dim is None
    began = time.perf_counter()

    def after_step(pipeline: Any, index: int, timestep: Any, tensors: dict[str, Any]) -> dict[str, Any]:
        # Without waiting, steps would be reported and cancelled as they are launched, not as they are done. A UNet call
        # is launched faster than it runs, so the device idles for microseconds only.
        nonlocal began
        wait_for_stream(model.device)
        ticket.raise_if_over()
        ended = time.perf_counter()
        step_made.send(StepMade(ended - began, jobs=1, rows=2 if is_guided else 1))
        began = ended
        # a second-order scheduler calls the UNet more often than num_inference_steps
        ticket.emit(Step(index=index + 1, total=pipeline.num_timesteps))
        return {}

    latents: torch.Tensor = model.pipeline(
        **conditioning,
        num_inference_steps=job.num_inference_steps,
        guidance_scale=job.guidance_scale,
        guidance_rescale=job.guidance_rescale,
        width=job.width,
        height=job.height,
        generator=torch.Generator("cpu").manual_seed(job.seed),  # noise of the CPU and of a GPU differ
        output_type="latent",
        callback_on_step_end=after_step,
    ).images
    return latents
