"""The one place where a failure becomes a gRPC status, and a line in the log."""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from typing import Any, cast

import grpc
import grpc.aio
from google.protobuf.message import DecodeError
from grpc_status import rpc_status  # type: ignore[import-untyped]

from illustration_worker.errors import CanceledError, DeadlineExceededError, MalformedRequestError, WorkerError
from illustration_worker.logs import bound_call
from illustration_worker.rpc.call_log import steps_done
from illustration_worker.rpc.grpc_types import Context, MaybeHandler
from illustration_worker.rpc.statuses import STATUS_OF_REASON, reason_of, status_of
from illustration_worker.signals import CallEnded, call_ended

Stream = Callable[[Any, Context], AsyncIterator[Any]]
Unary = Callable[[Any, Context], Awaitable[Any]]
Upload = Callable[[AsyncIterator[Any], Context], Awaitable[Any]]
Parse = Callable[[bytes], Any]

_LEVEL_OF_STATUS = {
    grpc.StatusCode.INTERNAL: logging.ERROR,
    grpc.StatusCode.RESOURCE_EXHAUSTED: logging.WARNING,
}
_log = logging.getLogger(__name__)


class ErrorInterceptor(grpc.aio.ServerInterceptor):
    """Turns what a servicer raises into status + ``ErrorInfo``; texts that are not ours go to the log only.

    Without it gRPC sends the text of any exception to the caller. It also closes a servicer's generator when the call
    ends early: gRPC leaves that to the garbage collector, and the GPU would draw on.
    """

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[MaybeHandler]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> MaybeHandler:
        """Wrap the handlers of our services; what streams both ways (reflection) is the standard package's."""
        handler = await continuation(handler_call_details)
        method = handler_call_details.method.rpartition("/")[2]
        if handler is not None and handler.unary_stream is not None:
            return grpc.unary_stream_rpc_method_handler(
                cast(Any, _guard_stream(method, cast(Stream, handler.unary_stream), handler.request_deserializer)),
                response_serializer=handler.response_serializer,
            )
        if handler is not None and handler.stream_unary is not None:
            return grpc.stream_unary_rpc_method_handler(
                cast(Any, _guard_uploads(method, cast(Upload, handler.stream_unary), handler.request_deserializer)),
                response_serializer=handler.response_serializer,
            )
        if handler is not None and handler.unary_unary is not None:
            return grpc.unary_unary_rpc_method_handler(
                cast(Any, _guard_unary(method, cast(Unary, handler.unary_unary), handler.request_deserializer)),
                response_serializer=handler.response_serializer,
            )
        return handler


def _guard_stream(method: str, respond: Stream, parse: Parse | None) -> Callable[[bytes, Context], Awaitable[None]]:
    async def guarded(request: bytes, context: Context) -> None:
        async with (
            _failures_told(method, context),
            aclosing(cast("AsyncGenerator[Any, None]", respond(_parsed(parse, request), context))) as responses,
        ):
            async for response in responses:
                await context.write(response)

    return guarded


def _guard_unary(method: str, respond: Unary, parse: Parse | None) -> Unary:
    async def guarded(request: bytes, context: Context) -> Any:
        async with _failures_told(method, context):
            return await respond(_parsed(parse, request), context)

    return guarded


def _guard_uploads(method: str, respond: Upload, parse: Parse | None) -> Upload:
    async def guarded(requests: AsyncIterator[bytes], context: Context) -> Any:
        async with _failures_told(method, context):
            return await respond((_parsed(parse, request) async for request in requests), context)

    return guarded


def _parsed(parse: Parse | None, request: bytes) -> Any:
    """The message in ``request``. Not left to gRPC, which answers a bad one with the parser's own text."""
    try:
        return parse(request) if parse is not None else request
    except DecodeError as error:
        raise MalformedRequestError("The request is not the message that this method takes.") from error


@asynccontextmanager
async def _failures_told(method: str, context: Context) -> AsyncGenerator[None, None]:
    """Tell the caller and the log of what the body raises."""
    started_at = time.monotonic()
    outcome = "ok"
    try:
        yield
    except grpc.aio.AbortError:
        outcome = "aborted"
        raise
    except asyncio.CancelledError:
        # gRPC cancels the task when the caller leaves and when the call's deadline passes; nobody is there to be told
        is_late = context.time_remaining() == 0
        outcome = reason = DeadlineExceededError.reason if is_late else CanceledError.reason
        if bound_call() is not None:  # ended watches of the health service are no news
            _log.info("call ended early", extra={**_fields(method, reason, started_at), "steps_done": steps_done()})
        raise
    except Exception as error:
        outcome = reason = reason_of(error)
        level = _LEVEL_OF_STATUS.get(STATUS_OF_REASON[reason], logging.INFO)
        fields = _fields(method, reason, started_at)
        if isinstance(error, WorkerError) and error.__cause__ is None:  # foreseen: a stack would say nothing
            _log.log(level, "call failed: %s", error.detail, extra=fields)
        else:
            _log.log(level, "call failed", extra=fields, exc_info=error)
        await context.abort_with_status(rpc_status.to_status(status_of(error)))
    finally:
        call_ended.send(CallEnded(method, outcome, time.monotonic() - started_at))


def _fields(method: str, reason: str, started_at: float) -> dict[str, Any]:
    return {"method": method, "reason": reason, "total_seconds": round(time.monotonic() - started_at, 3)}
