"""What a job asks for that an engine may be unable to give: refused before it waits, never drawn without it."""

from illustration_worker.errors import InvalidRequestError
from illustration_worker.job import Job


def require_drawable(job: Job) -> None:
    """Let pass what can be drawn.

    Raises:
        InvalidRequestError: says what cannot.
    """
    if job.lora is not None:
        raise InvalidRequestError("This worker cannot draw with a LoRA.")
    if job.ip_adapter_mode != "full":
        raise InvalidRequestError("This worker draws with ip_adapter_mode 'full' only.")
    if any(person.region is not None for person in job.people):
        raise InvalidRequestError("This worker cannot draw people in regions.")
