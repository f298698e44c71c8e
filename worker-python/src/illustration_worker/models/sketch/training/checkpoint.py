"""Training state on disk: a file is there whole, or not at all."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch


def save_state(state: dict[str, Any], path: Path) -> None:
    """Write ``state`` beside ``path``, flush it to the disk, rename it into place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".unfinished")
    with unfinished.open("wb") as file:
        torch.save(state, file)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)


def load_state(path: Path) -> dict[str, Any] | None:
    """What was saved last; None when nothing was. Tensors and plain values only: no code is run."""
    if not path.is_file():
        return None
    state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    return state


def save_array(array: npt.NDArray[Any], path: Path) -> None:
    """As ``save_state``, for an array."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".unfinished")
    with unfinished.open("wb") as file:
        np.save(file, array)
    unfinished.replace(path)
