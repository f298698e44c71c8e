"""Who a call is for, and how it ended, in the log."""

import dataclasses
import logging
import re
from collections.abc import Iterable

from autobio.worker.v1 import worker_pb2
from illustration_worker.job import Timings
from illustration_worker.logs import Call, bind_call
from illustration_worker.rpc.mapping import MAX_ID_CHARACTERS

Metadata = Iterable[tuple[str, str | bytes]]

_TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
"""https://www.w3.org/TR/trace-context/"""
_log = logging.getLogger(__name__)


def bind_request(request: worker_pb2.GenerateRequest, metadata: Metadata | None) -> None:
    """Put the request's ids on every line that this call logs."""
    traceparent = str(dict(metadata or ()).get("traceparent", ""))
    match = _TRACEPARENT.fullmatch(traceparent)
    bind_call(
        Call(
            request_id=request.request_id[:MAX_ID_CHARACTERS],
            job_id=request.job_id[:MAX_ID_CHARACTERS],
            trace_id=match[1] if match else None,
            prompts=(request.prompt, request.prompt_2, request.negative_prompt),
        )
    )


def log_finished(timings: Timings, size_bytes: int) -> None:
    """One line for a job that was drawn and sent."""
    seconds = {f"{name}_seconds": round(value, 3) for name, value in dataclasses.asdict(timings).items()}
    _log.info("job finished", extra={**seconds, "size_bytes": size_bytes})
