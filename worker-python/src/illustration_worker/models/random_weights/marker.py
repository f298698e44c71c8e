"""The file by which this program knows a folder that it made. No torch."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

MARKER_FILE = "random-model.json"

_VERSION = 2
"""Raise it when the same seed gives other weights, so that folders made before are made anew."""


class FolderNotOursError(Exception):
    """The folder to build in holds something that this program did not make."""


@dataclass(frozen=True, slots=True)
class Marker:
    """What the random model in a folder was made from."""

    seed: int
    version: int = _VERSION

    def as_json(self) -> dict[str, int]:
        """The file's content."""
        return asdict(self)


def read_marker(folder: Path) -> Marker | None:
    """The random model's marker in ``folder``; None when it holds another model, or none."""
    try:
        content = json.loads((folder / MARKER_FILE).read_text())
        return Marker(seed=int(content["seed"]), version=int(content["version"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
