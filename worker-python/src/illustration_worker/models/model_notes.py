"""What a small model of ours says of itself, in a file beside its weights. No torch.

Published models have no such file: nothing is then known of their words, and they draw more sizes than one.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from illustration_worker.errors import ModelLoadError

NOTES_FILE = "model-notes.json"


@dataclass(frozen=True, slots=True)
class ModelNotes:
    """For whoever meets the model through its pictures."""

    about: str
    """What it is and what it draws, in a sentence or two."""
    draws_one_size_only: bool = False
    """It knows squares of its default size, and draws nothing sensible at any other."""
    known_words: frozenset[str] | None = None
    """Lower case; every word it was trained on. None: no such list."""

    def save(self, folder: Path) -> None:
        """Write the file that ``read_notes`` reads."""
        words = None if self.known_words is None else sorted(self.known_words)
        content = {"about": self.about, "draws_one_size_only": self.draws_one_size_only, "known_words": words}
        (folder / NOTES_FILE).write_text(json.dumps(content, indent=1) + "\n")


def read_notes(folder: Path) -> ModelNotes | None:
    """The notes in ``folder``; None when there are none.

    Raises:
        ModelLoadError: the file is there and cannot be read.
    """
    path = folder / NOTES_FILE
    if not path.is_file():
        return None
    try:
        content = json.loads(path.read_text())
        words = content["known_words"]
        return ModelNotes(
            about=str(content["about"]),
            draws_one_size_only=bool(content["draws_one_size_only"]),
            known_words=None if words is None else frozenset(map(str, words)),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelLoadError(f"'{path}' does not hold what a model tells of itself.") from error
