"""The gRPC server: its limits, its services, and the order in which it opens and ends."""

import asyncio
import logging

import grpc.aio
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from autobio.worker.v1 import worker_pb2, worker_pb2_grpc
from illustration_worker.engine.port import Engine
from illustration_worker.load_progress import LoadProgress
from illustration_worker.rpc.address import Address, TcpAddress, listen
from illustration_worker.rpc.error_interceptor import ErrorInterceptor
from illustration_worker.rpc.health import Health
from illustration_worker.rpc.lifecycle import Lifecycle
from illustration_worker.rpc.servicer import WorkerServicer

SERVICE = worker_pb2.DESCRIPTOR.services_by_name["WorkerService"].full_name
HEALTH_SERVICE = health_pb2.DESCRIPTOR.services_by_name["Health"].full_name

MAX_REQUEST_BYTES = 64 * 1024 * 1024
"""Five reference images of 10 MiB each, and the prompts."""
OPTIONS = (
    ("grpc.max_receive_message_length", MAX_REQUEST_BYTES),
    # two workers on one port would share its calls in silence
    ("grpc.so_reuseport", 0),
    # a caller whose machine vanished is noticed, and its job cancelled
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    # the gateway's own pings, on a connection that only watches the health, are no flood
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
)
_LAST_WORDS_SECONDS = 1.0
"""What calls get to send their last message, once the grace is over or nobody is inside."""
_log = logging.getLogger(__name__)


class WorkerServer:
    """Answers from ``start`` on; draws between ``open`` and ``drain``."""

    def __init__(self, progress: LoadProgress | None = None) -> None:
        self.progress = progress or LoadProgress()
        """Written by whoever loads the model."""
        self._lifecycle = Lifecycle()
        self._health = Health(("", SERVICE))
        self._server = grpc.aio.server(interceptors=[ErrorInterceptor()], options=OPTIONS)
        worker_pb2_grpc.add_WorkerServiceServicer_to_server(
            WorkerServicer(self._lifecycle, self.progress), self._server
        )
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        reflection.enable_server_reflection((SERVICE, HEALTH_SERVICE, reflection.SERVICE_NAME), self._server)

    async def start(self, address: Address) -> Address:
        """Listen, NOT_SERVING; returns the address with the port that was picked.

        Raises:
            AddressError: the address is taken or cannot be used.
        """
        bound = listen(self._server, address)
        await self._server.start()
        _log.info("listening", extra={"address": str(bound)})
        if isinstance(bound, TcpAddress) and not bound.is_loopback:
            _log.warning("whoever reaches this port can draw: keep it private, or listen on a unix socket")
        return bound

    def open(self, engine: Engine) -> None:
        """``engine`` has started: SERVING."""
        self._lifecycle.open(engine)
        self.progress.enter("ready")
        self._health.set_serving(True)

    @property
    def jobs_outstanding(self) -> int:
        """Drawings that are inside, waiting or drawn. Any thread."""
        return self._lifecycle.callers

    @property
    def is_serving(self) -> bool:
        """Whether a drawing could start now. Any thread."""
        return self._lifecycle.is_serving

    async def drain(self, grace_seconds: float) -> bool:
        """NOT_SERVING, then wait for the jobs in flight; false when the grace ran out before they did."""
        self._lifecycle.drain()
        self._health.set_serving(False)
        try:
            await asyncio.wait_for(self._lifecycle.wait_until_idle(), grace_seconds)
        except TimeoutError:
            return False
        return True

    async def stop(self) -> None:
        """End every call that is still open, and stop listening."""
        self._health.close()
        # a call that was cut gets no time: it would only draw on
        await self._server.stop(_LAST_WORDS_SECONDS if self._lifecycle.is_idle else None)
