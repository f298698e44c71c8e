"""Which file the settings name as the model, in the order S3, local file, none; and what it was found to be."""

import logging
import re
from dataclasses import dataclass
from pathlib import Path

from illustration_worker.errors import ModelLoadError, WeightsRefusedError
from illustration_worker.load_progress import LoadProgress
from illustration_worker.models.config import ModelConfig
from illustration_worker.models.s3.cache import ModelCache
from illustration_worker.models.s3.source import S3Source, parse_s3_address
from illustration_worker.models.sources import repository_folder
from illustration_worker.models.weights_kind import WeightsKind, kind_of_file

_VAE_FILE = "diffusion_pytorch_model.safetensors"
_FILE_NAME = re.compile(r"\.(safetensors|ckpt|pt|pth|bin|pkl)$", re.IGNORECASE)
"""A file that is not there is told of as a file, and a pickle as a pickle."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class WeightsFile:
    """A file on the disk, known for what it is."""

    path: Path
    source: str
    """For people: an ``s3://`` address, a file's name, or a folder and a file's name."""
    kind: WeightsKind


def find_model_file(config: ModelConfig, progress: LoadProgress) -> WeightsFile | None:
    """The LoRA or checkpoint that ``MODEL_S3_PATH`` or else ``MODEL_FILE`` names; None when neither is set.

    Raises:
        ModelLoadError: it cannot be had, or is neither, or not the one that ``MODEL_KIND`` says.
    """
    if config.model_s3_path is not None:
        if config.model_file is not None:
            _log.warning("MODEL_S3_PATH is set, so MODEL_FILE is not used")
        source = S3Source(config.s3_endpoint_url, config.aws_region)
        cache = ModelCache(config.cache_folder, config.cache_max_bytes)
        address = parse_s3_address(config.model_s3_path)
        found = known_file(cache.fetch(source, address, progress), str(address))
    elif config.model_file is not None:
        path = Path(config.model_file).expanduser()
        found = known_file(path, path.name)
    else:
        return None
    is_checkpoint = found.kind is WeightsKind.CHECKPOINT
    if not (is_checkpoint or found.kind.is_lora):
        raise ModelLoadError(f"'{found.source}' cannot be the model: it is a file of the kind '{found.kind}'.")
    if config.model_kind not in ("auto", "checkpoint" if is_checkpoint else "lora"):
        raise ModelLoadError(f"MODEL_KIND is {config.model_kind}, but '{found.source}' is a {found.kind}.")
    use = "it is the base" if is_checkpoint else f"it is fused onto {config.model}"
    _log.info("the model file is a %s: %s", found.kind, use, extra={"source": found.source})
    return found


def find_always_on_lora(config: ModelConfig) -> WeightsFile | None:
    """The LoRA of ``LORA_WEIGHTS``; None when ``ENABLE_LORA`` is off.

    Raises:
        ModelLoadError: it cannot be had, or is no LoRA.
    """
    if config.lora_weights is None:
        return None
    name = config.lora_weights_name
    folder = repository_folder(config.lora_weights, [name], local_files_only=config.local_files_only)
    found = known_file(folder / name, f"{config.lora_weights}/{name}")
    if not found.kind.is_lora:
        raise ModelLoadError(f"'{found.source}' is no LoRA: it is a file of the kind '{found.kind}'.")
    return found


def find_vae(config: ModelConfig) -> WeightsFile | None:
    """The file of ``VAE_PATH``, under diffusers' names or Stability's; None when it is not set.

    Raises:
        ModelLoadError: it cannot be had, or is no VAE for SDXL.
    """
    if config.vae is None:
        return None
    path = Path(config.vae).expanduser()
    if path.is_file() or _FILE_NAME.search(path.name):
        found = known_file(path, path.name)
    else:
        folder = repository_folder(config.vae, [_VAE_FILE], local_files_only=config.local_files_only)
        found = known_file(folder / _VAE_FILE, f"{config.vae}/{_VAE_FILE}")
    if found.kind is not WeightsKind.VAE:
        raise ModelLoadError(f"'{found.source}' cannot be the VAE: it is a file of the kind '{found.kind}'.")
    return found


def known_file(path: Path, source: str) -> WeightsFile:
    """The file at ``path``, with its kind.

    Raises:
        ModelLoadError: it cannot be read, or it is nothing that can be used here.
    """
    try:
        return WeightsFile(path, source, kind_of_file(path))
    except WeightsRefusedError as error:
        raise ModelLoadError(f"'{source}' cannot be used: {error}.") from error
