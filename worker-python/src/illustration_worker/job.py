"""One illustration to draw, and what happens to it on the way. Plain values: no torch, no protobuf."""

from dataclasses import dataclass
from typing import Literal

IpAdapterMode = Literal["full", "style", "layout", "style_layout"]
"""Which layers of the UNet the reference images steer: InstantStyle, arXiv:2404.02733. ``full``: all."""

ReferenceFit = Literal["crop", "pad"]
"""How a reference image becomes square: cut, or with a white border."""


@dataclass(frozen=True, slots=True)
class Region:
    """A rectangle of the picture, as fractions of its width and height, from its left and top edge.

    0 <= left < right <= 1 and 0 <= top < bottom <= 1.
    """

    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True, slots=True)
class Person:
    """One person to draw."""

    reference_images: tuple[bytes, ...]
    """1 to 5 untrusted PNG, JPEG or WebP files, from several angles."""
    ip_adapter_scale: float
    """0 to 1: how strongly the images steer the picture."""
    region: Region | None = None
    """Where in the picture the images count; None: everywhere, for a single person only."""


@dataclass(frozen=True, slots=True)
class Lora:
    """A LoRA to draw with. Id and version together name one content."""

    lora_id: str
    """1 to 128 characters."""
    version: str
    """1 to 256 characters."""
    scale: float
    """0 to 2; 1 is as trained."""


@dataclass(frozen=True, slots=True)
class Job:
    """One illustration to draw; every field is final and within its range.

    Ranges are checked where a job is made from a request (``rpc.mapping``).
    """

    job_id: str
    request_id: str
    prompt: str
    num_inference_steps: int
    """1 to 150."""
    seed: int
    """0 to 2**32 - 1; the initial noise is drawn on the CPU from it."""
    width: int
    """Pixels, a multiple of 8."""
    height: int
    """Pixels, a multiple of 8."""
    guidance_scale: float = 5.0
    """0 to 30; 1 or less draws without classifier-free guidance."""
    guidance_rescale: float = 0.0
    """0 to 1; section 3.4 of arXiv:2305.08891."""
    prompt_2: str | None = None
    """For the second text encoder; None: ``prompt`` serves both."""
    negative_prompt: str | None = None
    """None and "" differ: see diffusers' ``force_zeros_for_empty_prompt``."""
    people: tuple[Person, ...] = ()
    """At most 4; of several, each has a region."""
    ip_adapter_mode: IpAdapterMode = "full"
    lora: Lora | None = None
    deadline: float | None = None
    """On the clock of ``time.monotonic``, seconds; None: no deadline."""
    preview_every: int = 0
    """Steps from one ``Preview`` to the next; 0: none."""
    wants_checkpoints: bool = False
    """Tell of ``Checkpoint``s on the way."""
    checkpoint: bytes | None = None
    """Where an earlier attempt at this very job stopped; one that does not fit is ignored."""

    @property
    def all_reference_images(self) -> tuple[bytes, ...]:
        """Those of all people, one person after another."""
        return tuple(image for person in self.people for image in person.reference_images)


@dataclass(frozen=True, slots=True)
class LoraNeeded:
    """The worker does not hold the job's LoRA: the job waits until it is put, or the deadline ends."""


@dataclass(frozen=True, slots=True)
class Queued:
    """The job waits; ``position`` jobs are in front of it."""

    position: int


@dataclass(frozen=True, slots=True)
class Started:
    """The device works on the job."""


@dataclass(frozen=True, slots=True)
class Step:
    """Denoising step ``index`` (1 to ``total``) is done."""

    index: int
    total: int


@dataclass(frozen=True, slots=True)
class Preview:
    """What the picture looks like after step ``index``, roughly: an eighth of its width and height."""

    index: int
    png: bytes


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """From ``state`` the job can be continued after step ``index``, to the very same picture."""

    index: int
    state: bytes


@dataclass(frozen=True, slots=True)
class Timings:
    """Where a job's time went, seconds. ``queue`` is the wait before the device took it."""

    queue: float
    encode: float
    denoise: float
    decode: float
    png: float


@dataclass(frozen=True, slots=True)
class Finished:
    """The picture is drawn."""

    png: bytes
    width: int
    height: int
    timings: Timings
    device_seconds: float = 0.0
    """The device's time for this job; of steps shared with other jobs, its share by rows."""
    lora_sha256: str | None = None
    """Of the LoRA file that was applied, hexadecimal; None without a LoRA."""
    warnings: tuple[str, ...] = ()
    """What the caller should know of the picture, a sentence each."""


JobEvent = LoraNeeded | Queued | Started | Step | Preview | Checkpoint | Finished
"""In order: ``LoraNeeded?``, ``Queued*``, ``Started``, ``(Step | Preview | Checkpoint)*``, ``Finished``."""
