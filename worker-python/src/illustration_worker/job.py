"""One illustration to draw, and what happens to it on the way. Plain values: no torch, no protobuf."""

from dataclasses import dataclass


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
    ip_adapter_scale: float
    """0 to 1."""
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
    reference_images: tuple[bytes, ...] = ()
    """Untrusted PNG, JPEG or WebP files of the person to draw."""
    deadline: float | None = None
    """On the clock of ``time.monotonic``, seconds; None: no deadline."""
    preview_every: int = 0
    """Steps from one ``Preview`` to the next; 0: none."""
    wants_checkpoints: bool = False
    """Tell of ``Checkpoint``s on the way."""
    checkpoint: bytes | None = None
    """Where an earlier attempt at this very job stopped; one that does not fit is ignored."""


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


JobEvent = Queued | Started | Step | Preview | Checkpoint | Finished
"""In order: ``Queued*``, ``Started``, ``(Step | Preview | Checkpoint)*``, ``Finished``."""
