"""What went wrong with a job -> what its caller is told, and a line in the log."""

import logging

import torch

from illustration_worker.errors import (
    CanceledError,
    DeviceLostError,
    GenerationFailedError,
    OutOfMemoryError,
    WorkerError,
)
from illustration_worker.job import Job

_log = logging.getLogger(__name__)


def told_error(error: Exception, job: Job) -> WorkerError:
    """The error to tell. It holds no traceback: that would pin the tensors of every frame it names.

    Raises:
        torch.AcceleratorError: given one, raises it again: it is no matter of one job, the device is gone.
    """
    if isinstance(error, torch.AcceleratorError):
        raise error
    if isinstance(error, WorkerError):
        if not isinstance(error, CanceledError):
            _log.warning("illustration not drawn", extra={**ids_of(job), "reason": error.reason})
        return error.with_traceback(None)
    if isinstance(error, torch.OutOfMemoryError):
        _log.error("out of device memory", extra=ids_of(job), exc_info=error)
        return OutOfMemoryError(f"The device has too little memory for a {job.width} x {job.height} illustration.")
    _log.error("illustration failed", extra=ids_of(job), exc_info=error)
    return GenerationFailedError("The model could not draw this illustration.")


def device_lost() -> DeviceLostError:
    """What every job is told once the device is gone."""
    return DeviceLostError("The worker's device failed; the illustration can be tried again.")


def ids_of(job: Job) -> dict[str, str]:
    """For a line in the log."""
    return {"job_id": job.job_id, "request_id": job.request_id}
