"""A ticket with what is prepared off the device while the job waits."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from illustration_worker.engine.loras.claim import Applied
from illustration_worker.engine.ticket import Ticket
from illustration_worker.job import ReferenceFit

if TYPE_CHECKING:  # it draws with what is made of tickets
    from illustration_worker.engine.batching.lora_model import LoraModel


@dataclass(frozen=True, slots=True)
class References:
    """A job's reference images."""

    pixels: torch.Tensor | None = None
    """As the image encoder takes them: (images, 3, side, side), float32, on the CPU; None: there are none."""
    key: str = ""
    """Names them together, by bytes and fit: encoded once, they are known again."""


class BatchTicket(Ticket):
    """See ``engine.ticket.Ticket``."""

    lora: "Applied[LoraModel] | None"
    references = References()
    reference_seconds: float = 0.0
    """What preparing them took."""


def key_of_references(images: Sequence[bytes], fit: ReferenceFit) -> str:
    """The same for the same files in the same order, made square in the same way, and for nothing else."""
    digests = b"".join(hashlib.sha256(image).digest() for image in images)
    return hashlib.sha256(fit.encode() + digests).hexdigest()
