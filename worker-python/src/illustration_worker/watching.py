"""How the worker lets itself be watched: ``/metrics`` on its own port, traces to a collector. Both off by default."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from functools import partial
from typing import TYPE_CHECKING

from illustration_worker import __version__
from illustration_worker.engine.port import EngineDescription
from illustration_worker.rpc.server import WorkerServer
from illustration_worker.settings import Settings
from illustration_worker.tracing import start_tracing, stop_tracing

if TYPE_CHECKING:
    from illustration_worker.metrics.worker_metrics import WorkerMetrics

_log = logging.getLogger(__name__)


NoteReady = Callable[[EngineDescription, float], None]
"""To be called with what was loaded and the seconds it took."""


@asynccontextmanager
async def watched(settings: Settings, server: WorkerServer) -> AsyncGenerator[NoteReady, None]:
    """Let the worker be watched as the settings ask, as long as the context lasts: from before the first call on.

    Raises:
        OSError: the port of the metrics is taken or cannot be used.
    """
    async with AsyncExitStack() as endings:
        if settings.is_tracing:
            start_tracing(__version__)
            # blocks on a socket
            endings.push_async_callback(asyncio.to_thread, stop_tracing)
        if settings.worker_metrics_port is None:
            yield _note_nothing
        else:
            metrics = endings.enter_context(_served(settings, settings.worker_metrics_port, server))
            yield partial(_note_ready, metrics)


def _note_nothing(description: EngineDescription, load_seconds: float) -> None:
    """There are no metrics."""


def _note_ready(metrics: "WorkerMetrics", description: EngineDescription, load_seconds: float) -> None:
    metrics.load_seconds.set(load_seconds)
    metrics.build_info.labels(__version__, description.engine, description.device).set(1)


@contextmanager
def _served(settings: Settings, port: int, server: WorkerServer) -> Iterator["WorkerMetrics"]:
    from prometheus_client import start_http_server

    from illustration_worker.metrics.worker_metrics import WorkerMetrics

    metrics = WorkerMetrics()
    metrics.jobs_outstanding.set_function(lambda: server.jobs_outstanding)
    metrics.serving.set_function(lambda: server.is_serving)
    httpd, thread = start_http_server(port, addr=settings.worker_metrics_host, registry=metrics.registry)
    _log.info("metrics", extra={"address": f"http://{settings.worker_metrics_host}:{httpd.server_port}/metrics"})
    stop_watching = metrics.watch()
    try:
        yield metrics
    finally:
        stop_watching()
        httpd.shutdown()
        httpd.server_close()
        thread.join()
