"""Settings -> engine -> server.

Exit status: 0 after SIGTERM or SIGINT, 1 when it cannot work or its device is lost, 2 for bad settings.
"""

import asyncio
import logging
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import asdict, dataclass

from illustration_worker.engine.port import Engine
from illustration_worker.errors import ModelLoadError
from illustration_worker.load_progress import LoadProgress
from illustration_worker.logs import configure_logs, route_library_logs
from illustration_worker.rpc.address import AddressError, parse_address
from illustration_worker.rpc.server import WorkerServer
from illustration_worker.settings import Settings, SettingsError, load_settings
from illustration_worker.watching import watched
from illustration_worker.wiring import build_engine

EngineFactory = Callable[[Settings, LoadProgress], Awaitable[Engine]]

ENGINE_STOP_SECONDS = 5.0
"""For an engine nobody waits for any more to leave its current step and free the device."""
LAST_WORDS_SECONDS = 1.0
"""For jobs in flight to be told that the device is lost."""
_log = logging.getLogger("illustration_worker")


@dataclass(frozen=True, slots=True)
class Ending:
    """How the worker ended."""

    exit_status: int
    is_clean: bool
    """False: a thread may still load or draw; it cannot be interrupted, and must not be waited for."""


async def run(settings: Settings, engine_factory: EngineFactory = build_engine) -> Ending:
    """Serve until SIGTERM or SIGINT, or until the device is lost.

    Raises:
        AddressError: the worker cannot listen where the settings say.
    """
    stop_asked = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop_asked.set)
    progress = LoadProgress()
    server = WorkerServer(progress)
    async with watched(settings, server) as note_ready:
        await server.start(parse_address(settings.worker_address))

        async def start_engine() -> Engine | None:
            started_at = time.monotonic()
            engine = await _start_engine(settings, progress, engine_factory)
            if engine is not None:
                note_ready(engine.describe(), time.monotonic() - started_at)
            return engine

        return await _serve(server, start_engine, stop_asked, settings.shutdown_grace_seconds)


async def _serve(
    server: WorkerServer,
    start_engine: Callable[[], Coroutine[None, None, Engine | None]],
    stop_asked: asyncio.Event,
    grace_seconds: float,
) -> Ending:
    starting = asyncio.create_task(start_engine())
    stopping = asyncio.create_task(stop_asked.wait())
    await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
    if not starting.done():
        _log.info("stopped while loading")
        starting.cancel()
        await server.drain(0)
        await server.stop()
        return Ending(exit_status=0, is_clean=False)
    engine = starting.result()
    if engine is None:
        await server.stop()
        return Ending(exit_status=1, is_clean=False)
    server.open(engine)
    breaking = asyncio.create_task(engine.wait_until_broken())
    await asyncio.wait({stopping, breaking}, return_when=asyncio.FIRST_COMPLETED)
    if breaking.done():
        _log.critical("the device is lost: the worker ends")
        await server.drain(LAST_WORDS_SECONDS)
        await server.stop()
        return Ending(exit_status=1, is_clean=False)
    breaking.cancel()
    return Ending(exit_status=0, is_clean=await _shut_down(server, engine, grace_seconds))


async def _start_engine(settings: Settings, progress: LoadProgress, engine_factory: EngineFactory) -> Engine | None:
    """The started engine; None when it cannot start, and the log says why."""
    started_at = time.monotonic()
    try:
        engine = await engine_factory(settings, progress)
        route_library_logs()  # the libraries have just been imported
        await engine.start()
    except ModelLoadError as error:
        _log.error("the model cannot be loaded: %s", error)
        return None
    except Exception:
        _log.exception("the engine cannot start")
        return None
    route_library_logs()  # some parts of them are imported on first use
    seconds = round(time.monotonic() - started_at, 3)
    _log.info("ready", extra={**asdict(engine.describe()), "load_seconds": seconds})
    return engine


async def _shut_down(server: WorkerServer, engine: Engine, grace_seconds: float) -> bool:
    """Whether the engine has stopped."""
    _log.info("shutting down")
    if not await server.drain(grace_seconds):
        _log.warning("the grace is over: jobs in flight are cut", extra={"grace_seconds": grace_seconds})
    await server.stop()
    try:
        await asyncio.wait_for(engine.stop(), ENGINE_STOP_SECONDS)
    except TimeoutError:
        _log.warning("the engine did not stop in time", extra={"seconds": ENGINE_STOP_SECONDS})
        return False
    _log.info("stopped")
    return True


def main(engine_factory: EngineFactory = build_engine) -> int:
    """The process: its exit status."""
    try:
        settings = load_settings()
    except SettingsError as error:
        configure_logs("info")
        for problem in error.problems:
            _log.error("bad setting: %s", problem)
        return 2
    configure_logs(settings.log_level)
    with asyncio.Runner() as runner:
        try:
            ending = runner.run(run(settings, engine_factory))
        except AddressError as error:
            _log.error("%s", error)
            return 1
        except Exception:
            _log.exception("the worker failed")
            ending = Ending(exit_status=1, is_clean=False)
        if not ending.is_clean:
            logging.shutdown()
            os._exit(ending.exit_status)
    return ending.exit_status


if __name__ == "__main__":
    sys.exit(main())
