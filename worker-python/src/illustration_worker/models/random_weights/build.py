"""Builds the random model's folder: complete or not at all."""

import contextlib
import json
import tempfile
from pathlib import Path

import torch

from illustration_worker.models.model_notes import ModelNotes
from illustration_worker.models.quiet import quiet_libraries
from illustration_worker.models.random_weights.adapters import save_adapters
from illustration_worker.models.random_weights.marker import MARKER_FILE, FolderNotOursError, Marker, read_marker
from illustration_worker.models.random_weights.networks import build_pipeline

_NOTES = ModelNotes("A model with SDXL's topology and random weights: it draws texture, not pictures.")


def build_random_model(folder: Path, seed: int = 0) -> bool:
    """Make ``folder`` hold the random model of ``seed``; the same seed gives the same bytes with the same packages.

    The model is made beside ``folder`` and renamed into place, so that a reader never meets half of it.

    Returns:
        False when the folder held this very model already, and nothing was done.

    Raises:
        FolderNotOursError: the folder holds something else; it is left as it is.
    """
    wanted = Marker(seed=seed)
    if folder.exists() and any(folder.iterdir()):
        present = read_marker(folder)
        if present is None:
            raise FolderNotOursError(
                f"{folder} is not empty and holds no model of random weights: choose another folder"
            )
        if present == wanted:
            return False
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as workshop:
        made = Path(workshop) / "made"
        _write_model(made, seed)
        _NOTES.save(made)
        (made / MARKER_FILE).write_text(json.dumps(wanted.as_json(), indent=2) + "\n")
        _make_readable(made)
        with contextlib.suppress(FileNotFoundError):
            folder.rename(Path(workshop) / "replaced")
        made.rename(folder)
    return True


def _write_model(folder: Path, seed: int) -> None:
    quiet_libraries()
    with torch.random.fork_rng(devices=[]):  # whoever calls keeps their random state
        torch.manual_seed(seed)
        pipeline = build_pipeline()
        save_adapters(pipeline.unet, folder)
        pipeline.to(dtype=torch.float16)
        pipeline.save_pretrained(folder, safe_serialization=True)


def _make_readable(folder: Path) -> None:
    """As safetensors writes files, only their owner could read them; a container runs as somebody else."""
    for path in folder.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    folder.chmod(0o755)


def folder_bytes(folder: Path) -> int:
    """Size of all files in ``folder``."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
