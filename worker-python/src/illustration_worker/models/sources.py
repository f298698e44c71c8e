"""Finds model files: a local folder as it is, a hub repository through the hub's cache.

Either way ends in a local folder, so that loading itself never needs the network.
"""

import logging
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import httpx
from diffusers import StableDiffusionXLPipeline
from huggingface_hub import list_repo_files, snapshot_download
from huggingface_hub.errors import (
    GatedRepoError,
    HFValidationError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
)

from illustration_worker.errors import ModelLoadError

HALF_VARIANT = "fp16"

_HUB_REPOSITORY = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*")
_log = logging.getLogger(__name__)


def base_model_folder(source: str, *, prefer_half: bool, local_files_only: bool) -> Path:
    """A folder with the whole base model of ``source``, fetched from the hub if it must be.

    Raises:
        ModelLoadError: no such folder or repository, or the hub cannot be reached.
    """
    folder = _local_folder(source)
    if folder is not None:
        return folder
    try:
        return _fetch_base_model(source, prefer_half=prefer_half, local_files_only=local_files_only)
    except (OSError, ValueError, httpx.HTTPError) as error:
        raise _unreachable(source, error) from error


def config_folder(source: str, *, local_files_only: bool) -> Path:
    """A folder with the configuration, scheduler and tokenizers of ``source``, but not its weights.

    Raises:
        ModelLoadError: no such folder or repository, or the hub cannot be reached.
    """
    patterns = ["model_index.json", "*/*.json", "tokenizer*/*"]
    return repository_folder(source, patterns, local_files_only=local_files_only)


def repository_folder(source: str, patterns: Sequence[str], *, local_files_only: bool) -> Path:
    """A folder with the files of ``source`` that match ``patterns``; a local folder is taken as it is.

    Raises:
        ModelLoadError: no such folder or repository, or the hub cannot be reached.
    """
    folder = _local_folder(source)
    if folder is not None:
        return folder
    try:
        return Path(snapshot_download(source, allow_patterns=list(patterns), local_files_only=local_files_only))
    except (OSError, ValueError, httpx.HTTPError) as error:
        raise _unreachable(source, error) from error


def half_variant(files: Iterable[str], *, prefer_half: bool) -> str | None:
    """``fp16`` when the UNet's weights in ``files`` come in that variant and it is wanted or the only one.

    diffusers does not look for itself: it fails when told of an absent variant, and when not told of the only one.
    """
    weights = [name for name in files if name.startswith("unet/") and name.endswith(".safetensors")]
    half = [name for name in weights if f".{HALF_VARIANT}." in name]
    if half and (prefer_half or len(half) == len(weights)):
        return HALF_VARIANT
    return None


def relative_files(folder: Path) -> list[str]:
    """The files in ``folder`` as a hub repository would list them."""
    return [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]


def _fetch_base_model(source: str, *, prefer_half: bool, local_files_only: bool) -> Path:
    _log.info("looking for the model in the hub or its cache", extra={"model": source})
    if not local_files_only:
        try:
            variant = half_variant(list_repo_files(source), prefer_half=prefer_half)
        except (httpx.TransportError, OfflineModeIsEnabled):
            _log.warning("the hub cannot be reached; its local cache may do", extra={"model": source})
            local_files_only = True
    if local_files_only:
        cached = Path(snapshot_download(source, local_files_only=True))
        variant = half_variant(relative_files(cached), prefer_half=prefer_half)
    # the pipeline's own download leaves out the formats and variants that its loader would not read
    path = StableDiffusionXLPipeline.download(
        source, variant=variant, use_safetensors=True, local_files_only=local_files_only
    )
    return Path(path)


def _local_folder(source: str) -> Path | None:
    """The folder ``source`` names; None when it names a hub repository."""
    path = Path(source).expanduser()
    if path.is_dir():
        return path
    if path.exists():
        raise ModelLoadError(f"'{source}' is a file; a model folder or a hub repository is needed.")
    if not _HUB_REPOSITORY.fullmatch(source):
        raise ModelLoadError(f"There is no folder '{source}', and it is no hub repository (owner/name) either.")
    return None


def _unreachable(source: str, error: Exception) -> ModelLoadError:
    if isinstance(error, GatedRepoError):
        return ModelLoadError(f"The hub gives '{source}' only to accounts that accepted its terms; set HF_TOKEN.")
    if isinstance(error, RepositoryNotFoundError | HFValidationError):
        return ModelLoadError(f"There is no folder '{source}' here and no such repository on the hub.")
    if isinstance(error, LocalEntryNotFoundError):
        return ModelLoadError(
            f"'{source}' is no local folder, the hub's cache does not hold it, and the hub was not reached."
        )
    return ModelLoadError(f"'{source}' could not be fetched from the hub: {type(error).__name__}.")
