"""One JSON line an event on stdout, with the gateway's field names.

Fields: ``time`` (ISO 8601, UTC, milliseconds), ``level`` (pino's words), ``msg``, ``service``, ``logger``; in a call
``request_id``, ``job_id``, ``trace_id``, ``tenant`` and ``attempt``; whatever a log call adds by ``extra=``; ``error``
for an exception. The schema of both processes' lines is docs/schemas/log-line.schema.json.

Prompts are people's memories and never logged: nothing here is given one except ``bind_call``, which keeps them only to
take them out of exception texts that are not ours.
"""

import json
import logging
import os
import sys
import traceback
from collections.abc import Iterable
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TextIO

LIBRARIES_THAT_LOG_PROMPTS = ("diffusers", "transformers")
"""diffusers warns of a long prompt by printing what it cut off."""

LEVELS = {
    "trace": logging.DEBUG,
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warn": logging.WARNING,
    "warning": logging.WARNING,
    "error": logging.ERROR,
    "fatal": logging.CRITICAL,
    "critical": logging.CRITICAL,
    "silent": logging.CRITICAL + 1,
}
"""Words of ``LOG_LEVEL``: pino's and uvicorn's."""

_PINO_WORDS = {"WARNING": "warn", "CRITICAL": "fatal"}
_STANDARD_ATTRIBUTES = {*vars(logging.makeLogRecord({})), "message", "asctime", "taskName"}
_SHORTEST_REDACTED = 8
"""Characters. Taking shorter texts out would garble the log and hide nothing."""


@dataclass(frozen=True, slots=True)
class Call:
    """Whose work the current task does."""

    request_id: str
    job_id: str
    trace_id: str | None
    traceparent: str | None = None
    """W3C trace context of the call."""
    tenant: str | None = None
    attempt: int | None = None
    prompts: tuple[str, ...] = ()
    """Taken out of every text logged on behalf of the call."""


_call: ContextVar[Call | None] = ContextVar("call", default=None)


def bind_call(call: Call) -> None:
    """Put the call's ids on every line that the current task logs from now on."""
    _call.set(call)


def bound_call() -> Call | None:
    """The call that the current task works for, if any."""
    return _call.get()


class JsonLines(logging.Formatter):
    """Formats a record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        call = _call.get()
        line: dict[str, Any] = {
            "time": _iso_time(record.created),
            "level": _PINO_WORDS.get(record.levelname, record.levelname.lower()),
            "msg": _redact(record.getMessage(), call),
            "service": "worker",
            "logger": record.name,
        }
        if call is not None:
            ids = {
                "request_id": call.request_id,
                "job_id": call.job_id,
                "trace_id": call.trace_id,
                "tenant": call.tenant,
                "attempt": call.attempt,
            }
            line |= {name: value for name, value in ids.items() if value}
        line |= {name: value for name, value in vars(record).items() if name not in _STANDARD_ATTRIBUTES}
        if record.exc_info and record.exc_info[1] is not None:
            line["error"] = _describe(record.exc_info[1], call)
        return json.dumps(line, ensure_ascii=False, default=str)


def configure_logs(level: str, stream: TextIO | None = None) -> None:
    """Send every logger of the process to ``stream`` (default: stdout) as JSON lines.

    ``level`` is one of ``LEVELS`` and holds for our own loggers; libraries are heard from ``warning`` up, and those
    that log prompts from ``error`` up.
    """
    handler = logging.StreamHandler(stream or sys.stdout)
    handler.setFormatter(JsonLines())
    threshold = LEVELS[level]
    logging.basicConfig(handlers=[handler], level=max(threshold, logging.WARNING), force=True)
    logging.getLogger("illustration_worker").setLevel(threshold)
    logging.captureWarnings(True)
    for library in LIBRARIES_THAT_LOG_PROMPTS:
        os.environ[f"{library.upper()}_VERBOSITY"] = "error"  # read when the library is imported
    route_library_logs()


def route_library_logs() -> None:
    """Take away the handlers that libraries gave themselves when they were imported, so that they log through ours."""
    for library in LIBRARIES_THAT_LOG_PROMPTS:
        logger = logging.getLogger(library)
        logger.handlers.clear()
        logger.propagate = True
        logger.setLevel(logging.ERROR)


def _iso_time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _describe(error: BaseException, call: Call | None) -> dict[str, str]:
    return {
        "type": type(error).__name__,
        "message": _redact(str(error), call),
        "stack": _redact("".join(traceback.format_exception(error)), call),
    }


def _redact(text: str, call: Call | None) -> str:
    prompts: Iterable[str] = call.prompts if call is not None else ()
    for prompt in prompts:
        if len(prompt) >= _SHORTEST_REDACTED:
            text = text.replace(prompt, "[prompt]").replace(repr(prompt)[1:-1], "[prompt]")
    return text
