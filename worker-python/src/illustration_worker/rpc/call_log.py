"""Who a call is for, and how it ended, in the log."""

import dataclasses
import logging
import re
from collections.abc import Iterable
from contextvars import ContextVar

from autobio.worker.v1 import worker_pb2
from illustration_worker.job import Finished, JobEvent, Started, Step
from illustration_worker.logs import Call, bind_call
from illustration_worker.rpc.mapping import MAX_ID_CHARACTERS
from illustration_worker.signals import job_finished

Metadata = Iterable[tuple[str, str | bytes]]

_TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
"""https://www.w3.org/TR/trace-context/"""
_steps_done: ContextVar[int] = ContextVar("steps_done", default=0)
_steps_made: ContextVar[int] = ContextVar("steps_made", default=0)
_log = logging.getLogger(__name__)


def bind_request(request: worker_pb2.GenerateRequest, metadata: Metadata | None) -> None:
    """Put the request's ids on every line that this call logs."""
    sent = {name: str(value) for name, value in metadata or ()}
    match = _TRACEPARENT.fullmatch(sent.get("traceparent", ""))
    attempt = sent.get("x-attempt", "")
    bind_call(
        Call(
            request_id=request.request_id[:MAX_ID_CHARACTERS],
            job_id=request.job_id[:MAX_ID_CHARACTERS],
            trace_id=match[1] if match else None,
            traceparent=match[0] if match else None,
            tenant=sent.get("x-tenant"),
            attempt=int(attempt) if attempt.isascii() and attempt.isdigit() else None,
            prompts=(request.prompt, request.prompt_2, request.negative_prompt),
        )
    )


def log_event(event: JobEvent) -> None:
    """One line when the device takes a job, one when it is drawn; steps are counted for both."""
    match event:
        case Started():
            _log.info("job started")
        case Step(index=index):
            _steps_done.set(index)
            _steps_made.set(_steps_made.get() + 1)
        case Finished(png=png, timings=timings):
            job_finished.send(event)
            seconds = {f"{name}_seconds": round(value, 3) for name, value in dataclasses.asdict(timings).items()}
            _log.info("job finished", extra={**seconds, "steps_made": _steps_made.get(), "size_bytes": len(png)})


def steps_done() -> int:
    """Denoising steps of the current call's job so far: what it cost when it ends early."""
    return _steps_done.get()
