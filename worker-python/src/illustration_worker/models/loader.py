"""Loads the pipeline, for production, demo and tests alike: safetensors only, no remote code.

A local folder needs no network.
"""

import json
import logging
from dataclasses import dataclass
from pathlib import Path

import torch
from diffusers import StableDiffusionXLPipeline
from safetensors import SafetensorError

from illustration_worker.errors import ModelLoadError
from illustration_worker.images import ReferenceFit
from illustration_worker.job import IpAdapterMode
from illustration_worker.models.config import ModelConfig
from illustration_worker.models.demo.marker import read_marker
from illustration_worker.models.instant_style import supported_modes
from illustration_worker.models.ip_adapter import add_ip_adapter
from illustration_worker.models.precision import resolve_device, resolve_dtype
from illustration_worker.models.quiet import quiet_libraries
from illustration_worker.models.sources import base_model_folder, half_variant, relative_files

_SDXL_COMPONENTS = ("unet", "vae", "scheduler", "text_encoder", "text_encoder_2", "tokenizer", "tokenizer_2")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A pipeline on its device, ready to draw. Belongs to one thread: diffusers pipelines keep state between calls."""

    pipeline: StableDiffusionXLPipeline
    """UNet and encoders in ``dtype``, VAE in float32."""
    model: str
    is_demo_model: bool
    device: torch.device
    dtype: torch.dtype
    ip_adapter: str | None
    """File name of the adapter's weights; None when none is loaded."""
    default_image_size: int
    """Pixels of a side."""
    ip_adapter_modes: frozenset[IpAdapterMode]
    """Those that this UNet has the layers for."""
    reference_fit: ReferenceFit
    """How reference images become square."""

    @property
    def scheduler(self) -> str:
        """Class of the scheduler."""
        return type(self.pipeline.scheduler).__name__


def load_model(config: ModelConfig) -> LoadedModel:
    """Load what ``config`` names. Blocks: seconds from disk, minutes from the hub.

    Raises:
        ModelLoadError: with a sentence for the operator.
    """
    quiet_libraries()
    device = resolve_device(config.device)
    dtype = resolve_dtype(config.dtype, device)
    is_half = dtype != torch.float32
    folder = base_model_folder(config.model, prefer_half=is_half, local_files_only=config.local_files_only)
    _check_is_sdxl(folder, config.model)
    pipeline = _load_pipeline(folder, config.model, dtype)
    if config.enable_ip_adapter:
        add_ip_adapter(pipeline, config, dtype)
    _move(pipeline, device)
    return LoadedModel(
        pipeline=pipeline,
        model=config.model,
        is_demo_model=read_marker(folder) is not None,
        device=device,
        dtype=dtype,
        ip_adapter=config.ip_adapter_weights if config.enable_ip_adapter else None,
        default_image_size=pipeline.default_sample_size * pipeline.vae_scale_factor,
        ip_adapter_modes=supported_modes(pipeline.unet),
        reference_fit=config.reference_fit,
    )


def _check_is_sdxl(folder: Path, model: str) -> None:
    index = folder / "model_index.json"
    if not index.is_file():
        raise ModelLoadError(f"'{model}' is no model folder in diffusers' layout: it has no model_index.json.")
    try:
        content = json.loads(index.read_text())
    except ValueError as error:
        raise ModelLoadError(f"'{index}' is not JSON.") from error
    missing = [name for name in _SDXL_COMPONENTS if not (content.get(name) or [None])[0]]
    if missing:
        kind = content.get("_class_name", "unknown")
        raise ModelLoadError(f"'{model}' is not an SDXL base model ({kind}): it has no {', '.join(missing)}.")


def _load_pipeline(folder: Path, model: str, dtype: torch.dtype) -> StableDiffusionXLPipeline:
    variant = half_variant(relative_files(folder), prefer_half=dtype != torch.float32)
    _log.info("loading the model", extra={"model": model, "variant": variant, "dtype": str(dtype)})
    try:
        pipeline = StableDiffusionXLPipeline.from_pretrained(
            folder,
            dtype=dtype,
            variant=variant,
            use_safetensors=True,
            local_files_only=True,
            add_watermarker=False,  # True when a package for it happens to be installed: pictures would depend on that
        )
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
        raise ModelLoadError(f"The model in '{model}' is incomplete or damaged: {error}") from error
    if pipeline.unet.config.addition_embed_type != "text_time":
        raise ModelLoadError(f"'{model}' is not an SDXL base model: its UNet takes no image sizes.")
    pipeline.set_progress_bar_config(disable=True)
    # SDXL's VAE overflows in half precision and draws black; the stock call would cast it up and down for each picture.
    pipeline.vae.to(torch.float32)
    return pipeline


def _move(pipeline: StableDiffusionXLPipeline, device: torch.device) -> None:
    out_of_memory = False
    try:
        pipeline.to(device)
    except torch.OutOfMemoryError:
        out_of_memory = True
    if out_of_memory:
        raise ModelLoadError(f"The model does not fit into the memory of '{device}'.")
