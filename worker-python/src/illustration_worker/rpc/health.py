"""``grpc.health.v1``: whether a generation could start now."""

import asyncio
from collections.abc import AsyncIterator

import grpc
import grpc.aio
from grpc_health.v1 import health_pb2, health_pb2_grpc

from illustration_worker.rpc.grpc_types import Context


class Health(health_pb2_grpc.HealthServicer):  # type: ignore[misc]  # grpc_health ships no types
    """One status for the whole worker, under each of ``services``; NOT_SERVING at first.

    The messages and the registration are grpc-health-checking's. Its own ``aio.HealthServicer`` is not used: when one
    of several watchers of a service leaves, it forgets the others, and a gateway that has just reconnected would never
    hear of a change again.
    """

    def __init__(self, services: tuple[str, ...]) -> None:
        self._services = services
        self._status = health_pb2.HealthCheckResponse.NOT_SERVING
        self._is_closed = False
        self._changed = asyncio.Event()

    def set_serving(self, is_serving: bool) -> None:
        """Tell watchers, and who asks from now on."""
        statuses = health_pb2.HealthCheckResponse
        self._status = statuses.SERVING if is_serving else statuses.NOT_SERVING
        self._tell_watchers()

    def close(self) -> None:
        """Let watchers go; a server does not end while one of its calls is open."""
        self._is_closed = True
        self._tell_watchers()

    async def Check(  # noqa: N802  # gRPC's name
        self, request: health_pb2.HealthCheckRequest, context: Context
    ) -> health_pb2.HealthCheckResponse:
        """The status now; NOT_FOUND for an unknown service."""
        if request.service not in self._services:
            await context.abort(grpc.StatusCode.NOT_FOUND, "No such service.")
        return health_pb2.HealthCheckResponse(status=self._status)

    async def Watch(  # noqa: N802  # gRPC's name
        self, request: health_pb2.HealthCheckRequest, context: Context
    ) -> AsyncIterator[health_pb2.HealthCheckResponse]:
        """The status now and whenever it changes; SERVICE_UNKNOWN for an unknown service."""
        is_known = request.service in self._services
        sent = None
        while not self._is_closed:
            changed = self._changed  # taken before the status is read: a change while sending is not missed
            status = self._status if is_known else health_pb2.HealthCheckResponse.SERVICE_UNKNOWN
            if status != sent:
                yield health_pb2.HealthCheckResponse(status=status)
                sent = status
            await changed.wait()

    def _tell_watchers(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
