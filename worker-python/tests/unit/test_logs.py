"""Every line is JSON with the gateway's names, and none holds a prompt."""

import json
import logging
import warnings
from collections.abc import Callable, Iterator
from contextvars import copy_context
from datetime import datetime
from io import StringIO
from typing import Any

import pytest

from illustration_worker.logs import Call, bind_call, configure_logs, route_library_logs

Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def stream() -> Iterator[StringIO]:
    root = logging.getLogger()
    before = root.handlers[:], root.level
    stream = StringIO()
    configure_logs("info", stream)
    yield stream
    logging.captureWarnings(False)
    root.handlers[:], root.level = before


@pytest.fixture
def lines(stream: StringIO) -> Lines:
    return lambda: [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_has_the_common_fields(lines: Lines) -> None:
    logging.getLogger("illustration_worker.x").info("hello %s", "you", extra={"device": "cpu"})
    (line,) = lines()
    assert line["time"].endswith("Z")
    assert len(line["time"]) == len("2026-11-23T01:02:03.456Z")
    datetime.fromisoformat(line["time"])
    del line["time"]
    assert line == {
        "level": "info",
        "msg": "hello you",
        "service": "worker",
        "logger": "illustration_worker.x",
        "device": "cpu",
    }


@pytest.mark.parametrize(
    ("level", "word"),
    [(logging.INFO, "info"), (logging.WARNING, "warn"), (logging.ERROR, "error"), (logging.CRITICAL, "fatal")],
)
def test_levels_are_the_gateways_words(lines: Lines, level: int, word: str) -> None:
    logging.getLogger("illustration_worker").log(level, "x")
    assert lines()[0]["level"] == word


def test_a_bound_call_is_on_every_line_of_its_context_only(lines: Lines) -> None:
    log = logging.getLogger("illustration_worker")

    def in_call() -> None:
        bind_call(Call(request_id="r1", job_id="j1", trace_id="t1", prompts=()))
        log.info("inside")

    copy_context().run(in_call)
    log.info("outside")
    inside, outside = lines()
    assert (inside["request_id"], inside["job_id"], inside["trace_id"]) == ("r1", "j1", "t1")
    assert not {"request_id", "job_id", "trace_id"} & set(outside)


def test_an_exception_is_told_with_its_stack_on_one_line(lines: Lines) -> None:
    try:
        raise ValueError("line 1\nline 2")
    except ValueError:
        logging.getLogger("illustration_worker").exception("failed")
    (line,) = lines()
    assert (line["error"]["type"], line["error"]["message"]) == ("ValueError", "line 1\nline 2")
    assert "test_an_exception_is_told" in line["error"]["stack"]


def test_a_prompt_inside_a_foreign_text_is_taken_out(stream: StringIO) -> None:
    prompt = 'grandmother\'s "house"\nby the sea'

    def in_call() -> None:
        bind_call(Call(request_id="r", job_id="j", trace_id=None, prompts=(prompt, "")))
        try:
            raise KeyError(prompt)
        except KeyError:
            logging.getLogger("illustration_worker").exception("cannot encode %s", prompt)

    copy_context().run(in_call)
    assert "[prompt]" in stream.getvalue()
    assert "by the sea" not in stream.getvalue()


def test_libraries_log_through_us_from_warning_up(lines: Lines) -> None:
    logging.getLogger("urllib3").info("chatter")
    logging.getLogger("urllib3").warning("news")
    assert [line["msg"] for line in lines()] == ["news"]


@pytest.mark.parametrize("library", ["diffusers", "transformers"])
def test_the_libraries_that_log_prompts_are_heard_from_error_up(lines: Lines, library: str) -> None:
    own = logging.StreamHandler(StringIO())
    logger = logging.getLogger(library)
    logger.addHandler(own)
    logger.propagate = False
    route_library_logs()
    part = logging.getLogger(f"{library}.pipelines.x")
    part.warning("The following part of your input was truncated: a memory")
    part.error("broken")
    assert [line["msg"] for line in lines()] == ["broken"]
    assert own not in logger.handlers


def test_python_warnings_are_lines_too(lines: Lines) -> None:
    warnings.warn("old", UserWarning, stacklevel=1)
    (line,) = lines()
    assert (line["level"], line["logger"]) == ("warn", "py.warnings")


def test_our_own_level_follows_the_setting(stream: StringIO, lines: Lines) -> None:
    configure_logs("silent", stream)
    logging.getLogger("illustration_worker").critical("x")
    configure_logs("trace", stream)
    logging.getLogger("illustration_worker").debug("y")
    logging.getLogger("urllib3").debug("z")
    assert [line["msg"] for line in lines()] == ["y"]
