"""Messages made from the proto, sent to every RPC of the worker.

Oracle: an answer, or a refusal with a reason of the catalogue under that reason's status, never INTERNAL or UNKNOWN;
and the worker goes on. ``FUZZ_SECONDS`` sets how long each RPC's part goes on, ``FUZZ_SEED`` repeats a run.
"""

import os
import random
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc
import grpc.aio
import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from autobio.worker.v1 import model_pb2, worker_pb2
from illustration_worker.rpc.statuses import DOMAIN, STATUS_OF_REASON

SECONDS = float(os.environ.get("FUZZ_SECONDS", "1"))
SEED = int(os.environ.get("FUZZ_SEED", "20261125"))
LONGEST_CALL_SECONDS = 10.0
DEEPEST = 3
SERVICE = worker_pb2.DESCRIPTOR.services_by_name["WorkerService"]

_TEXTS = ["", "x", "job-1", "x" * 128, "x" * 129, "x" * 4001, "\0", "\u202e", "\U0001f3a8", "../../etc"]
_REALS = [0.0, -0.0, 0.5, 1.0, -1.0, 31.0, 1e308, -1e308, 5e-324, float("nan"), float("inf"), float("-inf")]
_BYTES = [b"", b"\0", b"\xff" * 40, b"\x89PNG\r\n\x1a\n", bytes(5000)]
_RANGES = {
    FieldDescriptor.CPPTYPE_INT32: (-(2**31), 2**31 - 1),
    FieldDescriptor.CPPTYPE_UINT32: (0, 2**32 - 1),
    FieldDescriptor.CPPTYPE_INT64: (-(2**63), 2**63 - 1),
    FieldDescriptor.CPPTYPE_UINT64: (0, 2**64 - 1),
}


def scribble(message: Message, chance: random.Random, likelihood: float, depth: int = 0) -> None:
    """Put any value, legal or not, into some fields of ``message``."""
    for field in message.DESCRIPTOR.fields:
        if chance.random() >= likelihood:
            continue
        if field.is_repeated:
            for _ in range(chance.choice([1, 1, 2, 6])):
                _add(message, field, chance, depth)
        elif field.message_type is not None:
            if depth < DEEPEST:
                child = getattr(message, field.name)
                child.SetInParent()
                scribble(child, chance, 0.7, depth + 1)
        else:
            setattr(message, field.name, _scalar(field, chance))


def _add(message: Message, field: Any, chance: random.Random, depth: int) -> None:
    values = getattr(message, field.name)
    if field.message_type is None:
        values.append(_scalar(field, chance))
    elif depth < DEEPEST:
        scribble(values.add(), chance, 0.7, depth + 1)


def _scalar(field: Any, chance: random.Random) -> Any:
    match field.cpp_type:
        case FieldDescriptor.CPPTYPE_STRING:
            return chance.choice(_BYTES if field.type == FieldDescriptor.TYPE_BYTES else _TEXTS)
        case FieldDescriptor.CPPTYPE_BOOL:
            return chance.random() < 0.5
        case FieldDescriptor.CPPTYPE_DOUBLE | FieldDescriptor.CPPTYPE_FLOAT:
            return chance.choice(_REALS)
        case FieldDescriptor.CPPTYPE_ENUM:
            return chance.choice([*field.enum_type.values_by_number, 99])
        case kind:
            least, most = _RANGES[kind]
            return chance.choice([least, most, max(least, -1), 0, 1, 2, 64, 1024, chance.randint(least, most)])


def damaged(data: bytes, chance: random.Random) -> bytes:
    """One in four: cut, or with bytes changed or put in."""
    at = chance.randrange(len(data) + 1)
    odd = bytes(chance.randrange(256) for _ in range(chance.choice([1, 2, 4])))
    match chance.randrange(12):
        case 0:
            return data[:at]
        case 1:
            return data[:at] + odd + data[at + len(odd) :]
        case 2:
            return data[:at] + odd + data[at:]
        case _:
            return data


class Caller:
    """Calls one method with messages of any content."""

    def __init__(self, channel: grpc.aio.Channel, method: MethodDescriptor, good: list[Message], seed: int) -> None:
        self.answered = 0
        self.refused = 0
        self._chance = random.Random(seed)
        self._good = good
        self._type: Descriptor = method.input_type
        self._method = method
        kind = ("stream" if method.client_streaming else "unary", "stream" if method.server_streaming else "unary")
        self._callable = getattr(channel, "_".join(kind))(f"/{SERVICE.full_name}/{method.name}")

    async def call_once(self) -> None:
        """Raises AssertionError when the answer is none of those that may be."""
        requests = self._requests()
        call = self._callable(
            self._stream(requests) if self._method.client_streaming else requests[0], timeout=LONGEST_CALL_SECONDS
        )
        try:
            if self._method.server_streaming:
                await self._read(call)
            else:
                await call
            self.answered += 1
        except grpc.aio.AioRpcError as error:
            self.refused += 1
            _check(error)

    def _requests(self) -> list[bytes]:
        messages = [self._message(one) for one in self._good] or [self._message(None)]
        if self._method.client_streaming:
            messages = messages[: self._chance.randint(0, len(messages))] + [
                self._message(None)
            ] * self._chance.randrange(2)
        return [damaged(message.SerializeToString(), self._chance) for message in messages]

    def _message(self, good: Message | None) -> Message:
        message = GetMessageClass(self._type)()
        if good is not None and self._chance.random() < 0.7:
            message.CopyFrom(good)
            scribble(message, self._chance, 0.05)
        else:
            scribble(message, self._chance, 0.5)
        return message

    async def _stream(self, requests: list[bytes]) -> AsyncIterator[bytes]:
        for request in requests:
            yield request

    async def _read(self, call: Any) -> None:
        async for data in call:
            response = worker_pb2.GenerateResponse.FromString(data)
            if response.WhichOneof("event") == "lora_needed":  # it would wait for one until its deadline
                call.cancel()
                return


def _check(error: grpc.aio.AioRpcError) -> None:
    from google.rpc import error_details_pb2, status_pb2  # type: ignore[import-untyped]

    details = dict(error.trailing_metadata() or ()).get("grpc-status-details-bin")
    assert isinstance(details, bytes), f"no reason: {error.code()} {error.details()}"
    info = error_details_pb2.ErrorInfo()
    assert status_pb2.Status.FromString(details).details[0].Unpack(info)
    assert info.domain == DOMAIN
    assert error.code() == STATUS_OF_REASON[info.reason]
    assert error.code() not in (grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN), info.reason


def _good_messages(request_with: Callable[..., worker_pb2.GenerateRequest]) -> dict[str, list[Message]]:
    header = model_pb2.LoraHeader(lora_id="ink", version="etag-1", size_bytes=10)
    return {
        "Generate": [request_with(num_inference_steps=2)],
        "PutLora": [
            model_pb2.PutLoraRequest(header=header),
            model_pb2.PutLoraRequest(chunk=b"\2\0\0\0\0\0\0\0{}"),
        ],
    }


@pytest.mark.parametrize("method", list(SERVICE.methods), ids=lambda method: method.name)
async def test_any_message_is_answered_or_refused_with_a_reason(
    method: MethodDescriptor,
    start: Any,
    request_with: Callable[..., worker_pb2.GenerateRequest],
    capsys: pytest.CaptureFixture[str],
) -> None:
    running = await start()
    caller = Caller(running.channel, method, _good_messages(request_with).get(method.name, []), SEED)
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        await caller.call_once()
    with capsys.disabled():
        print(f"\n  {method.name}: {caller.answered} answered, {caller.refused} refused (FUZZ_SEED={SEED})")
    assert caller.answered > 0
    assert caller.refused > 0
    assert (await running.stub.Describe(model_pb2.DescribeRequest(), timeout=5)).engine == "fake"
