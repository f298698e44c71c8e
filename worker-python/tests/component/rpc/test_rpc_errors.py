"""Every way a call can fail: its status, its reason, and that nothing else gets out."""

import json
import logging
from collections.abc import Callable
from io import StringIO
from typing import Any

import grpc
import grpc.aio
import pytest

from autobio.worker.v1 import model_pb2, worker_pb2
from illustration_worker.engine.fake import FakeScript
from illustration_worker.errors import WorkerError
from illustration_worker.logs import configure_logs
from illustration_worker.rpc.server import SERVICE
from illustration_worker.rpc.statuses import DOMAIN, INTERNAL_DETAIL, STATUS_OF_REASON

RequestWith = Callable[..., worker_pb2.GenerateRequest]


async def drain(call: Any) -> None:
    with pytest.raises(grpc.aio.AioRpcError):
        async for _ in call:
            pass


@pytest.fixture
def log_lines() -> Any:
    stream = StringIO()
    root = logging.getLogger()
    before = root.handlers[:], root.level
    configure_logs("info", stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.handlers[:], root.level = before


@pytest.mark.parametrize("error_type", WorkerError.__subclasses__(), ids=lambda t: t.reason)
async def test_each_worker_error_arrives_with_its_reason(
    start: Any, request_with: RequestWith, failure_of: Any, error_type: type[WorkerError]
) -> None:
    running = await start(FakeScript(failure=error_type("What the caller may read."), fail_at_step=2))
    call = running.stub.Generate(request_with())
    await drain(call)
    code = STATUS_OF_REASON[error_type.reason]
    assert await failure_of(call) == (code, error_type.reason, DOMAIN, "What the caller may read.")


async def test_an_unknown_exception_never_reaches_the_caller(
    start: Any, request_with: RequestWith, failure_of: Any, log_lines: Any
) -> None:
    prompt = "grandmother's house\nin 1962"
    running = await start(FakeScript(failure=RuntimeError(f"/secret/path {prompt} {prompt!r}")))
    call = running.stub.Generate(request_with(prompt=prompt))
    await drain(call)
    assert await failure_of(call) == (grpc.StatusCode.INTERNAL, "INTERNAL", DOMAIN, INTERNAL_DETAIL)
    metadata = repr(await call.trailing_metadata()) + repr(await call.initial_metadata())
    assert "secret" not in metadata
    (line,) = [line for line in log_lines() if line["msg"] == "call failed"]
    assert (line["level"], line["job_id"], line["request_id"]) == ("error", "job-1", "request-1")
    assert line["error"]["type"] == "RuntimeError"
    assert "/secret/path [prompt]" in line["error"]["stack"]
    assert "1962" not in json.dumps(line)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"job_id": ""}, "job_id"),
        ({"job_id": "x" * 129}, "job_id"),
        ({"num_inference_steps": 0}, "num_inference_steps"),
        ({"guidance_rescale": float("nan"), "width": 65}, "guidance_rescale must be 0 to 1; width"),
    ],
)
async def test_a_field_out_of_range_is_named(
    start: Any, request_with: RequestWith, failure_of: Any, changes: dict[str, Any], named: str
) -> None:
    running = await start()
    call = running.stub.Generate(request_with(**changes))
    await drain(call)
    code, reason, _, text = await failure_of(call)
    assert (code, reason) == (grpc.StatusCode.INVALID_ARGUMENT, "VALIDATION_FAILED")
    assert named in text
    assert running.engine.steps_done == {}


async def test_one_job_too_many_is_refused(start: Any, request_with: RequestWith, failure_of: Any) -> None:
    running = await start(FakeScript(hang_at_step=1), max_outstanding_jobs=1)
    first = running.stub.Generate(request_with())
    await first.read()
    call = running.stub.Generate(request_with(job_id="job-2"))
    await drain(call)
    assert (await failure_of(call))[:2] == (grpc.StatusCode.RESOURCE_EXHAUSTED, "QUEUE_FULL")
    first.cancel()


async def test_a_call_while_loading_is_told_so(start: Any, request_with: RequestWith, failure_of: Any) -> None:
    running = await start(is_open=False)
    generate = running.stub.Generate(request_with())
    await drain(generate)
    assert (await failure_of(generate))[:2] == (grpc.StatusCode.UNAVAILABLE, "STARTING")
    describe = running.stub.Describe(model_pb2.DescribeRequest())
    with pytest.raises(grpc.aio.AioRpcError):
        await describe
    assert (await failure_of(describe))[:2] == (grpc.StatusCode.UNAVAILABLE, "STARTING")


async def test_a_request_beyond_the_limit_is_refused_unread(start: Any, request_with: RequestWith) -> None:
    running = await start()
    call = running.stub.Generate(request_with(people=[worker_pb2.Person(reference_images=[bytes(65 * 1024 * 1024)])]))
    await drain(call)
    assert await call.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert running.engine.steps_done == {}


async def test_bytes_that_are_no_message_are_refused_in_our_words(start: Any, failure_of: Any) -> None:
    running = await start()
    call = running.channel.unary_stream(f"/{SERVICE}/Generate")(b"\xff\xff\xff")
    await drain(call)
    code, reason, _, text = await failure_of(call)
    assert (code, reason) == (grpc.StatusCode.INVALID_ARGUMENT, "MALFORMED_REQUEST")
    assert text == "The request is not the message that this method takes."


async def test_an_unknown_method_is_unimplemented(start: Any) -> None:
    running = await start()
    call = running.channel.unary_unary(f"/{SERVICE}/Draw")(b"")
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await call
    assert raised.value.code() == grpc.StatusCode.UNIMPLEMENTED
