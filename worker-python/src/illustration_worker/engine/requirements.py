"""What a job asks for that an engine may be unable to give: refused before it waits, never drawn without it."""

from illustration_worker.errors import InvalidRequestError
from illustration_worker.job import Job
from illustration_worker.models.loader import LoadedModel


def require_drawable(model: LoadedModel, job: Job) -> None:
    """Let pass what ``model`` can draw.

    Raises:
        InvalidRequestError: says what it cannot.
    """
    if job.people and job.ip_adapter_mode not in model.ip_adapter_modes:
        raise InvalidRequestError(
            f"ip_adapter_mode '{job.ip_adapter_mode}' cannot be drawn with this model: its UNet has other layers."
        )
