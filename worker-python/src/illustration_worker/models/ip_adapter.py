"""IP-Adapter files: what one is, read from its header, and how it joins the pipeline."""

import json
import logging
import re
from dataclasses import dataclass
from pathlib import Path

import torch
from diffusers import StableDiffusionXLPipeline
from safetensors import SafetensorError
from transformers import CLIPImageProcessorPil, CLIPVisionModelWithProjection

from illustration_worker.errors import ModelLoadError, WeightsRefusedError
from illustration_worker.models.config import ModelConfig
from illustration_worker.models.safetensors_header import read_shapes
from illustration_worker.models.sources import repository_folder
from illustration_worker.models.weights_kind import WeightsKind, kind_of

_VIT_H_FOLDER = "models/image_encoder"
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class AdapterHeader:
    """What an IP-Adapter file says of itself."""

    is_plus: bool
    """True: it reads the encoder's hidden states (a resampler); False: its projected embedding."""
    image_width: int
    """Width of what it reads from the image encoder."""
    attention_layers: int
    """Cross-attentions it has weights for: 70 in SDXL."""


@dataclass(frozen=True, slots=True)
class AdapterFiles:
    """What was loaded."""

    weights: Path
    encoder_folder: Path
    is_plus: bool


def add_ip_adapter(pipeline: StableDiffusionXLPipeline, config: ModelConfig, dtype: torch.dtype) -> AdapterFiles:
    """Load the configured adapter and the image encoder it was trained with into ``pipeline``.

    Raises:
        ModelLoadError: the adapter or its encoder is missing, damaged, or made for another model.
    """
    weights = f"{config.ip_adapter_subfolder}/{config.ip_adapter_weights}"
    own_folder = f"{config.ip_adapter_subfolder}/image_encoder"
    candidates = (own_folder, _VIT_H_FOLDER)
    small_files = [weights, *(f"{folder}/config.json" for folder in candidates)]
    root = repository_folder(config.ip_adapter, small_files, local_files_only=config.local_files_only)
    header = read_adapter_header(root / weights, pipeline.unet.config.cross_attention_dim)
    _check_made_for(pipeline, header, config.ip_adapter_weights)
    encoder_folder = _matching_encoder(root, candidates, header)
    encoder_files = [*small_files, f"{encoder_folder}/*.safetensors"]
    root = repository_folder(config.ip_adapter, encoder_files, local_files_only=config.local_files_only)
    try:
        _register_encoder(pipeline, root / encoder_folder, dtype)
        pipeline.load_ip_adapter(
            str(root),
            subfolder=config.ip_adapter_subfolder,
            weight_name=config.ip_adapter_weights,
            image_encoder_folder=None,  # ours is registered already: diffusers would accept pickled weights
            local_files_only=True,
        )
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        raise ModelLoadError(
            f"The IP-Adapter '{weights}' in '{config.ip_adapter}' is damaged or incomplete."
        ) from error
    _log.info("IP-Adapter loaded", extra={"weights": weights, "image_encoder": encoder_folder})
    return AdapterFiles(weights=root / weights, encoder_folder=root / encoder_folder, is_plus=header.is_plus)


def read_adapter_header(path: Path, text_width: int | None = None) -> AdapterHeader:
    """What the file at ``path`` is, from its safetensors header; no weights are read.

    ``text_width``: of the loaded model's cross-attention, when it is known; an adapter for another is refused.

    Raises:
        ModelLoadError: no such file, or no IP-Adapter that can be used here; the sentence names what it seems to be.
    """
    if not path.is_file():
        raise ModelLoadError(f"There is no IP-Adapter file '{path.name}' in '{path.parent}'.")
    try:
        shapes = read_shapes(path)
        kind = kind_of(shapes, text_width)
    except WeightsRefusedError as error:
        raise ModelLoadError(f"'{path.name}' cannot be the IP-Adapter: {error}.") from error
    if kind not in (WeightsKind.IP_ADAPTER, WeightsKind.IP_ADAPTER_PLUS):
        raise ModelLoadError(f"'{path.name}' cannot be the IP-Adapter: it is a file of the kind '{kind}'.")
    is_plus = kind is WeightsKind.IP_ADAPTER_PLUS
    return AdapterHeader(
        is_plus=is_plus,
        image_width=shapes["image_proj.proj_in.weight" if is_plus else "image_proj.proj.weight"][1],
        attention_layers=sum(1 for name in shapes if re.fullmatch(r"ip_adapter\..*\.to_k_ip\.weight", name)),
    )


def _check_made_for(pipeline: StableDiffusionXLPipeline, header: AdapterHeader, name: str) -> None:
    layers = sum(processor.endswith("attn2.processor") for processor in pipeline.unet.attn_processors)
    if header.attention_layers != layers:
        raise ModelLoadError(
            f"The IP-Adapter '{name}' is made for another model: it has weights for {header.attention_layers}"
            f" cross-attentions, this model has {layers}."
        )


def _matching_encoder(root: Path, candidates: tuple[str, str], header: AdapterHeader) -> str:
    """The folder whose encoder gives what the adapter reads.

    The hub's repository keeps two encoders, and diffusers' default loads the wrong one for the ViT-H adapters without a
    word: the first request would fail. The file name is only a convention, so widths decide.
    """
    field = "hidden_size" if header.is_plus else "projection_dim"
    for folder in candidates:
        path = root / folder / "config.json"
        if path.is_file() and _read_json(path).get(field) == header.image_width:
            return folder
    raise ModelLoadError(
        f"None of the image encoders {' and '.join(candidates)} fits the IP-Adapter: it needs one with {field}"
        f" {header.image_width}."
    )


def _read_json(path: Path) -> dict[str, object]:
    try:
        content = json.loads(path.read_text())
    except ValueError as error:
        raise ModelLoadError(f"'{path}' is not JSON.") from error
    return content if isinstance(content, dict) else {}


def _register_encoder(pipeline: StableDiffusionXLPipeline, folder: Path, dtype: torch.dtype) -> None:
    encoder = CLIPVisionModelWithProjection.from_pretrained(
        folder, dtype=dtype, use_safetensors=True, local_files_only=True
    )
    side = encoder.config.image_size
    processor = CLIPImageProcessorPil(size={"shortest_edge": side}, crop_size={"height": side, "width": side})
    pipeline.register_modules(image_encoder=encoder, feature_extractor=processor)
