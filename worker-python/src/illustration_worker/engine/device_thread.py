"""The one thread that owns the device. No torch."""

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

Result = TypeVar("Result")


class DeviceThread:
    """Runs functions one after another, always on the same thread.

    Not a ThreadPoolExecutor: at exit Python waits for those, and a device that hangs would keep the process alive.
    """

    def __init__(self) -> None:
        self._calls: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="device", daemon=True)
        self._thread.start()

    def submit(self, function: Callable[[], Result]) -> Future[Result]:
        """Run ``function`` after those submitted before."""
        future: Future[Result] = Future()

        def call() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                future.set_result(function())
            except BaseException as error:  # whoever holds the future gets it
                future.set_exception(error)

        self._calls.put(call)
        return future

    def stop(self) -> None:
        """End the thread, once what was submitted is done; idempotent. Nothing may be submitted afterwards.

        Waits for the end: a thread that is inside torch when Python exits aborts the process.
        """
        self._calls.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (call := self._calls.get()) is not None:
            call()
