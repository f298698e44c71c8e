"""What can go wrong, as types.

    WorkerError
    ├── MalformedRequestError      MALFORMED_REQUEST     the bytes are no request
    ├── InvalidRequestError        VALIDATION_FAILED     a field is out of range
    ├── ReferenceImageError        AVATAR_INVALID        the reference image is not a usable picture
    ├── LoraInvalidError           LORA_INVALID          the file is no LoRA for the loaded model
    ├── QueueFullError             QUEUE_FULL            too many jobs wait already
    ├── StartingError              STARTING              the model is still loading
    ├── DrainingError              DRAINING              the worker is shutting down
    ├── DeadlineExceededError      DEADLINE_EXCEEDED     the job's time ran out
    ├── CanceledError              CANCELED              the caller left
    ├── OutOfMemoryError           GPU_OUT_OF_MEMORY     the device has too little memory for the job
    ├── DeviceLostError            WORKER_UNAVAILABLE    the device failed for good; another worker may do it
    └── GenerationFailedError      GENERATION_FAILED     the model could not draw the job

A ``WorkerError``'s text is written for the caller: it never holds prompts, paths or an exception's own text.
``ModelLoadError`` is apart: it ends the start-up and reaches the operator's log, never a caller. So is
``WeightsRefusedError``: it holds no path, and whoever looked at the file decides who is told.
"""

from typing import ClassVar


class WorkerError(Exception):
    """A failure that the caller is told of: a stable reason and a helpful sentence."""

    reason: ClassVar[str] = "INTERNAL"
    """Name in ``autobio.errors.v1.Reason`` without the prefix ``REASON_``."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class MalformedRequestError(WorkerError):
    """The bytes received are not the message they should be."""

    reason = "MALFORMED_REQUEST"


class InvalidRequestError(WorkerError):
    """A field of the request is missing or out of range."""

    reason = "VALIDATION_FAILED"


class ReferenceImageError(WorkerError):
    """A reference image is not a usable picture."""

    reason = "AVATAR_INVALID"


class LoraInvalidError(WorkerError):
    """A file that was put is no LoRA for the loaded model."""

    reason = "LORA_INVALID"


class QueueFullError(WorkerError):
    """Too many jobs wait already."""

    reason = "QUEUE_FULL"


class StartingError(WorkerError):
    """The model is still loading."""

    reason = "STARTING"


class DrainingError(WorkerError):
    """The worker is shutting down."""

    reason = "DRAINING"


class DeadlineExceededError(WorkerError):
    """The job's time ran out; what was drawn so far is dropped."""

    reason = "DEADLINE_EXCEEDED"


class CanceledError(WorkerError):
    """The caller left; what was drawn so far is dropped."""

    reason = "CANCELED"


class OutOfMemoryError(WorkerError):
    """The device has too little memory for the job."""

    reason = "GPU_OUT_OF_MEMORY"


class DeviceLostError(WorkerError):
    """The device failed for good, and with it this process; the job itself is fine and may be tried elsewhere."""

    reason = "WORKER_UNAVAILABLE"


class GenerationFailedError(WorkerError):
    """The model could not draw the job."""

    reason = "GENERATION_FAILED"


class ModelLoadError(Exception):
    """The model or its adapter cannot be loaded as configured. The text is for the operator."""


class WeightsRefusedError(Exception):
    """A file of weights cannot be used here. The text is a clause that names what the file seems to be, and no path:
    "it seems to be a Stable Diffusion 1.x checkpoint; SDXL is needed"."""
