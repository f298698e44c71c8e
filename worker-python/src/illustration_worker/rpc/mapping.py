"""``GenerateRequest`` -> ``Job``: a job is valid by construction, so every range is checked here."""

import time
from collections.abc import Iterator
from typing import Any, Literal, get_args

from autobio.worker.v1 import worker_pb2
from illustration_worker.engine.port import EngineDescription
from illustration_worker.errors import InvalidRequestError
from illustration_worker.job import Job
from illustration_worker.rpc.people import lora_problems, people_problems, to_lora, to_mode, to_people

OptionalField = Literal["prompt_2", "negative_prompt", "guidance_scale", "guidance_rescale", "width", "height"]
OPTIONAL_FIELDS: tuple[OptionalField, ...] = get_args(OptionalField)
MAX_ID_CHARACTERS = 128
MAX_PROMPT_CHARACTERS = 4_000
MAX_STEPS = 150
MAX_GUIDANCE_SCALE = 30.0
MAX_CHECKPOINT_BYTES = 8 * 1024 * 1024
IMAGE_SIZE_MULTIPLE = 8
"""Pixels that one latent covers."""
LONGEST_DEADLINE_SECONDS = 86_400.0
"""gRPC reports "no deadline" as one in the far future."""


def to_job(request: worker_pb2.GenerateRequest, limits: EngineDescription, time_remaining: float | None) -> Job:
    """The job that ``request`` asks for. ``time_remaining`` is the call's, seconds; None: no deadline.

    Raises:
        InvalidRequestError: names every field that is out of range.
    """
    size = {"width": limits.default_image_size, "height": limits.default_image_size}
    given: dict[str, Any] = {name: getattr(request, name) for name in OPTIONAL_FIELDS if request.HasField(name)}
    mode = to_mode(request.ip_adapter_mode)
    job = Job(
        job_id=request.job_id,
        request_id=request.request_id,
        prompt=request.prompt,
        num_inference_steps=request.num_inference_steps,
        seed=request.seed,
        people=to_people(request.people),
        ip_adapter_mode=mode or "full",
        lora=to_lora(request),
        deadline=_deadline(time_remaining),
        preview_every=request.preview_every,
        wants_checkpoints=request.wants_checkpoints,
        checkpoint=request.checkpoint if request.HasField("checkpoint") else None,
        **(size | given),
    )
    problems = [*_problems(job), *_size_problems(job, limits), *people_problems(job)]
    if job.lora is not None:
        problems += lora_problems(job.lora)
        if limits.max_lora_bytes == 0:
            problems.append("lora must be absent: this worker takes none (LORA_CACHE_MB is 0)")
    if mode is None:
        problems.append("ip_adapter_mode must be one that this worker knows")
    if problems:
        raise InvalidRequestError("; ".join(problems) + ".")
    return job


def _deadline(time_remaining: float | None) -> float | None:
    if time_remaining is None or time_remaining > LONGEST_DEADLINE_SECONDS:
        return None
    return time.monotonic() + time_remaining


def _problems(job: Job) -> Iterator[str]:
    if not 1 <= len(job.job_id) <= MAX_ID_CHARACTERS:
        yield f"job_id must have 1 to {MAX_ID_CHARACTERS} characters"
    if len(job.request_id) > MAX_ID_CHARACTERS:
        yield f"request_id must have at most {MAX_ID_CHARACTERS} characters"
    for name in ("prompt", "prompt_2", "negative_prompt"):
        if len(getattr(job, name) or "") > MAX_PROMPT_CHARACTERS:
            yield f"{name} must have at most {MAX_PROMPT_CHARACTERS} characters"
    if not 1 <= job.num_inference_steps <= MAX_STEPS:
        yield f"num_inference_steps must be 1 to {MAX_STEPS}"
    for name, largest in (("guidance_scale", MAX_GUIDANCE_SCALE), ("guidance_rescale", 1.0)):
        if not 0 <= getattr(job, name) <= largest:  # false for NaN too
            yield f"{name} must be 0 to {largest:g}"
    if job.preview_every < 0:
        yield "preview_every must not be negative"
    if len(job.checkpoint or b"") > MAX_CHECKPOINT_BYTES:
        yield f"checkpoint must be at most {MAX_CHECKPOINT_BYTES} bytes"


def _size_problems(job: Job, limits: EngineDescription) -> Iterator[str]:
    least, most = limits.min_image_size, limits.max_image_size
    for name in ("width", "height"):
        size = getattr(job, name)
        if least == most != size:
            yield f"{name} must be {most}: this model draws one size only"
        elif not least <= size <= most or size % IMAGE_SIZE_MULTIPLE:
            yield f"{name} must be {least} to {most} and a multiple of {IMAGE_SIZE_MULTIPLE}"
