"""One file, or folder of files, that the loaded model is made of. No torch."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ModelFile:
    """Fields are those of ``worker.proto``'s ``ModelFile``."""

    role: str
    """``base``, ``vae``, ``lora``, ``ip_adapter`` or ``image_encoder``."""
    source: str
    """An ``s3://`` address, a file's name, a folder or a hub repository."""
    kind: str
    """In words: ``SDXL checkpoint``, ``LoRA (kohya)``."""
    sha256: str
    size_bytes: int
    scale: float = 1.0
    """How strongly a LoRA is fused."""


def model_digest(files: Iterable[ModelFile]) -> str:
    """SHA-256, hexadecimal, of what draws: role, content and scale of every file, wherever it came from."""
    lines = "".join(f"{file.role} {file.sha256} {file.scale!r}\n" for file in files)
    return hashlib.sha256(lines.encode()).hexdigest()
