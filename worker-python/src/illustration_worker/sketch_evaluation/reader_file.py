"""The reader's weights in a file, half precision."""

from pathlib import Path

from safetensors.torch import load_file, save_file

from illustration_worker.sketch_evaluation.reader import Reader


def save_reader(reader: Reader, path: Path) -> None:
    """Write ``path``, a .safetensors file. Counters stay whole numbers."""
    weights = {
        name: value.half() if value.is_floating_point() else value for name, value in reader.state_dict().items()
    }
    save_file(weights, path)


def load_reader(path: Path) -> Reader:
    """The reader of ``save_reader``, in float32, ready to read."""
    reader = Reader()
    reader.load_state_dict(load_file(path))
    return reader.eval()
