"""Reads what a .safetensors file says it holds: names and shapes, no weights. Formats that can run code are refused.

Format: 8 bytes with the header's length (little endian), the header (JSON), the weights
(https://github.com/huggingface/safetensors#format).
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

from illustration_worker.errors import ModelLoadError, WeightsRefusedError

Shapes = Mapping[str, tuple[int, ...]]
"""Name of a tensor -> its shape."""

MAX_HEADER_BYTES = 10_000_000
"""A checkpoint of SDXL has 0.4 MB of it. The library itself takes ten times as much, which as JSON is a gigabyte."""
_LENGTH_BYTES = 8
_PICKLE_SUFFIXES = (".ckpt", ".pt", ".pth", ".bin", ".pkl", ".pickle")
_RUNS_CODE = "it is a pickle file, which can run code when it is loaded; only .safetensors files are taken"
_OTHER_FORMATS: tuple[tuple[bytes, str], ...] = (
    (b"PK\x03\x04", _RUNS_CODE),  # torch.save since 1.6: a zip with a pickle
    *((bytes([0x80, protocol]), _RUNS_CODE) for protocol in range(2, 6)),
    (b"GGUF", "it is a GGUF file; only .safetensors files are taken"),
    (b"version https://git-lfs", "it is a Git LFS pointer, not the file itself: fetch it with git lfs pull"),
    (b"<", "it seems to be a web page, not the file itself: was the download refused?"),
)


def read_shapes(path: Path) -> Shapes:
    """The names and shapes in the file at ``path``.

    Raises:
        ModelLoadError: there is no such file, or it cannot be read.
        WeightsRefusedError: it is no complete safetensors file.
    """
    if path.suffix.lower() in _PICKLE_SUFFIXES:
        raise WeightsRefusedError(_RUNS_CODE)
    if path.suffix.lower() != ".safetensors":
        raise WeightsRefusedError("its name does not end in .safetensors, and no other format is taken")
    try:
        with path.open("rb") as file:
            return shapes_in(file)
    except OSError as error:
        raise ModelLoadError(f"The file '{path}' cannot be read: {error.strerror}.") from error


def shapes_in(file: BinaryIO) -> Shapes:
    """The names and shapes in ``file``, which is read from its start; also for bytes in memory (``io.BytesIO``).

    Raises:
        WeightsRefusedError: it is no complete safetensors file.
    """
    size_bytes = file.seek(0, os.SEEK_END)
    file.seek(0)
    start = file.read(64)
    if not start:
        raise WeightsRefusedError("it is empty")
    header_bytes = int.from_bytes(start[:_LENGTH_BYTES], "little")
    weights_bytes = size_bytes - _LENGTH_BYTES - header_bytes
    is_plausible = len(start) > _LENGTH_BYTES and start[_LENGTH_BYTES : _LENGTH_BYTES + 1] == b"{"
    if not is_plausible or header_bytes > MAX_HEADER_BYTES:
        raise WeightsRefusedError(_what_else(start))
    if weights_bytes < 0:
        raise WeightsRefusedError("it is cut off: it ends within its header")
    file.seek(_LENGTH_BYTES)
    tensors = _parse(file.read(header_bytes))
    end = max((stop for _, stop in tensors.values()), default=0)
    if end != weights_bytes:
        known = "cut off" if end > weights_bytes else "damaged"
        raise WeightsRefusedError(f"it is {known}: its header tells of {end} bytes of weights, it has {weights_bytes}")
    return {name: shape for name, (shape, _) in tensors.items()}


def metadata_in(file: BinaryIO) -> dict[str, str]:
    """What the writer of a file that ``shapes_in`` has accepted noted in its header."""
    file.seek(0)
    header_bytes = int.from_bytes(file.read(_LENGTH_BYTES), "little")
    metadata = json.loads(file.read(header_bytes)).get("__metadata__", {})
    return {str(key): str(value) for key, value in metadata.items()} if isinstance(metadata, dict) else {}


def _what_else(start: bytes) -> str:
    for magic, sentence in _OTHER_FORMATS:
        if start.startswith(magic):
            return sentence
    return "it is damaged, or no safetensors file at all: it does not begin with a header"


def _parse(header: bytes) -> dict[str, tuple[tuple[int, ...], int]]:
    """Name -> shape and where the tensor ends."""
    try:
        content = json.loads(header)
        content.pop("__metadata__", None)
        return {
            str(name): (tuple(int(side) for side in entry["shape"]), int(entry["data_offsets"][1]))
            for name, entry in content.items()
        }
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError) as error:
        raise WeightsRefusedError("it is damaged: its header cannot be read") from error
