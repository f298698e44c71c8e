"""The committed weights: of the sketch model, of its LoRA, and of the reader. Where they are missing, tests fail."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from illustration_worker.sketch_evaluation.artist import LORA_WEIGHTS, Artist, artist_at_work
from illustration_worker.sketch_evaluation.reader import Reader
from illustration_worker.sketch_evaluation.reader_file import load_reader

_MODELS = Path(__file__).parents[3] / "models"


@pytest.fixture(scope="session")
def artist() -> Iterator[Artist]:
    """Draws with the committed model as the service does; has the committed LoRA for whoever asks."""
    model, lora = _committed("sketch/model_index.json"), _committed(f"sketch-lora/{LORA_WEIGHTS}")
    with artist_at_work(model.parent, lora.parent) as at_work:
        yield at_work


@pytest.fixture(scope="session")
def reader() -> Reader:
    """The committed reader."""
    return load_reader(_committed("sketch-reader.safetensors"))


def _committed(name: str) -> Path:
    path = _MODELS / name
    if not path.is_file():
        pytest.fail(f"worker-python/models/{name} is missing: trained weights are part of the repository", False)
    return path
