"""Loads the pipeline, for production, the built-in model and tests alike: safetensors only, no remote code.

A local folder needs no network.
"""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from diffusers import AutoencoderKL, StableDiffusionXLPipeline
from safetensors import SafetensorError

from illustration_worker.errors import ModelLoadError, WeightsRefusedError
from illustration_worker.job import IpAdapterMode, ReferenceFit
from illustration_worker.load_progress import LoadProgress
from illustration_worker.model_file import ModelFile
from illustration_worker.models.config import ModelConfig
from illustration_worker.models.digests import Digests
from illustration_worker.models.instant_style import supported_modes
from illustration_worker.models.inventory import adapter_files, base_files, lora_file, vae_file
from illustration_worker.models.ip_adapter import add_ip_adapter
from illustration_worker.models.lora_file import read_lora_file
from illustration_worker.models.lora_weights import fuse
from illustration_worker.models.model_notes import ModelNotes, read_notes
from illustration_worker.models.model_source import WeightsFile, find_always_on_lora, find_model_file, find_vae
from illustration_worker.models.precision import resolve_device, resolve_dtype
from illustration_worker.models.quiet import quiet_libraries
from illustration_worker.models.sources import base_model_folder, config_folder, half_variant, relative_files
from illustration_worker.models.vae import load_vae

_SDXL_COMPONENTS = ("unet", "vae", "scheduler", "text_encoder", "text_encoder_2", "tokenizer", "tokenizer_2")
MIN_IMAGE_SIZE = 64
"""Pixels. Below it SDXL's UNet has nothing left to halve."""
_MAX_IMAGE_FACTOR = 2
"""Largest side as a multiple of the default: beyond it SDXL repeats itself, and memory grows with the area."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A pipeline on its device, ready to draw. Belongs to one thread: diffusers pipelines keep state between calls."""

    pipeline: StableDiffusionXLPipeline
    """UNet and encoders in ``dtype``, VAE in float32."""
    model: str
    notes: ModelNotes | None
    """What a small model of ours says of itself; None for any other."""
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
    files: tuple[ModelFile, ...]
    """What the model is made of."""

    @property
    def min_image_size(self) -> int:
        """Pixels of a side."""
        return self.default_image_size if self._draws_one_size_only else MIN_IMAGE_SIZE

    @property
    def max_image_size(self) -> int:
        """Pixels of a side."""
        return self.default_image_size * (1 if self._draws_one_size_only else _MAX_IMAGE_FACTOR)

    @property
    def _draws_one_size_only(self) -> bool:
        return self.notes is not None and self.notes.draws_one_size_only

    @property
    def scheduler(self) -> str:
        """Class of the scheduler."""
        return type(self.pipeline.scheduler).__name__


def load_model(config: ModelConfig, progress: LoadProgress | None = None) -> LoadedModel:
    """Load what ``config`` names. Blocks: seconds from disk, minutes from S3 or the hub.

    Raises:
        ModelLoadError: with a sentence for the operator.
    """
    quiet_libraries()
    progress = progress or LoadProgress()
    digests = Digests(config.cache_folder)
    try:
        return _load(config, progress, digests)
    finally:
        digests.close()


def _load(config: ModelConfig, progress: LoadProgress, digests: Digests) -> LoadedModel:
    device = resolve_device(config.device)
    dtype = resolve_dtype(config.dtype, device)
    progress.enter("looking for the model")
    model_file, lora, vae = find_model_file(config, progress), find_always_on_lora(config), find_vae(config)
    checkpoint = model_file if model_file is not None and not model_file.kind.is_lora else None
    loras = [file for file in (model_file, lora) if file is not None and file is not checkpoint]
    folder = _base_folder(config, checkpoint, is_half=dtype != torch.float32)
    base = base_files(config.model, folder, checkpoint, prefer_half=dtype != torch.float32, has_vae=vae is None)
    parts = [base, *([vae_file(vae)] if vae else []), *(lora_file(file, config.lora_scale) for file in loras)]
    digests.begin([path for part in parts for path in part.paths])
    progress.enter("loading")
    own = {"vae": load_vae(vae, folder)} if vae else {}
    pipeline = (
        _load_checkpoint(folder, checkpoint, dtype, own)
        if checkpoint
        else _load_pipeline(folder, config.model, dtype, own)
    )
    _prepare(pipeline, checkpoint.source if checkpoint else config.model)
    for file in loras:
        _fuse(pipeline, file, config.lora_scale)
    if config.enable_ip_adapter:
        parts += adapter_files(config, add_ip_adapter(pipeline, config, dtype))
    _move(pipeline, device)
    progress.enter("computing digests")
    return LoadedModel(
        pipeline=pipeline,
        model=checkpoint.source if checkpoint else config.model,
        notes=read_notes(folder) if checkpoint is None else None,
        device=device,
        dtype=dtype,
        ip_adapter=config.ip_adapter_weights if config.enable_ip_adapter else None,
        default_image_size=pipeline.default_sample_size * pipeline.vae_scale_factor,
        ip_adapter_modes=supported_modes(pipeline.unet),
        reference_fit=config.reference_fit,
        files=tuple(part.described(digests) for part in parts),
    )


def _base_folder(config: ModelConfig, checkpoint: WeightsFile | None, *, is_half: bool) -> Path:
    """The whole base model, or only its configuration when the weights come from ``checkpoint``."""
    if checkpoint is not None:
        folder = config_folder(config.model, local_files_only=config.local_files_only)
    else:
        folder = base_model_folder(config.model, prefer_half=is_half, local_files_only=config.local_files_only)
    _check_is_sdxl(folder, config.model)
    return folder


def _fuse(pipeline: StableDiffusionXLPipeline, file: WeightsFile, scale: float) -> None:
    try:
        fuse(pipeline, read_lora_file(pipeline, file.path), scale)
    except WeightsRefusedError as error:
        raise ModelLoadError(f"The LoRA '{file.source}' cannot be used: {error}.") from error
    _log.info("LoRA fused", extra={"source": file.source, "kind": str(file.kind), "scale": scale})


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


def _load_pipeline(
    folder: Path, model: str, dtype: torch.dtype, own: Mapping[str, AutoencoderKL]
) -> StableDiffusionXLPipeline:
    """The model in ``folder``, with the components in ``own`` in place of its."""
    variant = half_variant(relative_files(folder), prefer_half=dtype != torch.float32)
    _log.info("loading the model", extra={"model": model, "variant": variant, "dtype": str(dtype)})
    try:
        pipeline = StableDiffusionXLPipeline.from_pretrained(
            folder,
            dtype=dtype,
            variant=variant,
            use_safetensors=True,
            local_files_only=True,
            **own,
            add_watermarker=False,  # True when a package for it happens to be installed: pictures would depend on that
        )
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
        raise ModelLoadError(f"The model in '{model}' is incomplete or damaged: {error}") from error
    return pipeline


def _load_checkpoint(
    folder: Path, checkpoint: WeightsFile, dtype: torch.dtype, own: Mapping[str, AutoencoderKL]
) -> StableDiffusionXLPipeline:
    """The weights of ``checkpoint`` with the configuration and tokenizers in ``folder``: nothing is fetched."""
    _log.info("loading the checkpoint", extra={"model": checkpoint.source, "dtype": str(dtype)})
    try:
        return StableDiffusionXLPipeline.from_single_file(
            str(checkpoint.path), config=str(folder), dtype=dtype, local_files_only=True, add_watermarker=False, **own
        )
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
        raise ModelLoadError(
            f"The checkpoint '{checkpoint.source}' is incomplete, or does not fit the configuration in MODEL_PATH."
        ) from error


def _prepare(pipeline: StableDiffusionXLPipeline, model: str) -> None:
    if pipeline.unet.config.addition_embed_type != "text_time":
        raise ModelLoadError(f"'{model}' is not an SDXL base model: its UNet takes no image sizes.")
    pipeline.set_progress_bar_config(disable=True)
    # SDXL's own VAE overflows in half precision and draws black; the stock call would cast it up and down each time.
    pipeline.vae.to(torch.float32)


def _move(pipeline: StableDiffusionXLPipeline, device: torch.device) -> None:
    out_of_memory = False
    try:
        pipeline.to(device)
    except torch.OutOfMemoryError:
        out_of_memory = True
    if out_of_memory:
        raise ModelLoadError(f"The model does not fit into the memory of '{device}'.")
