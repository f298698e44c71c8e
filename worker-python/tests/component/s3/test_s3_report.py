"""What an operator sees of a download: lines in the log, or a bar on a terminal."""

import logging
import os
import random
import sys
import termios
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import pytest

from illustration_worker.load_progress import LoadProgress
from illustration_worker.models.s3 import download
from illustration_worker.models.s3.cache import ModelCache
from illustration_worker.models.s3.source import S3Address, S3Source

PART = 64 * 1024
BODY = random.Random(8).randbytes(128 * PART)
"""So many parts that when half of the bytes have come, some parts are whole, however the connections share them."""
SECONDS = 30.0
"""After which a test fails, not the time anything takes."""


class Proxy(Protocol):
    """conftest's HoldingProxy, as far as it is used here."""

    url: str

    def release(self) -> None: ...


@pytest.fixture
def held(
    s3: S3Source, holding_proxy: Callable[[int], Proxy], tmp_path: Path
) -> Iterator[tuple[Proxy, Callable[[], threading.Thread]]]:
    """A proxy that holds back the second half of a file, and what begins to fetch the file through it."""
    s3.client.put_object(Bucket="models", Key="held/model.safetensors", Body=BODY)
    proxy = holding_proxy(len(BODY) // 2)
    threads: list[threading.Thread] = []

    def begin() -> threading.Thread:
        source, cache = S3Source(proxy.url), ModelCache(tmp_path, 10**9, PART)
        address = S3Address("models", "held/model.safetensors")
        threads.append(threading.Thread(target=cache.fetch, args=(source, address, LoadProgress())))
        threads[-1].start()
        return threads[-1]

    yield proxy, begin
    proxy.release()
    for thread in threads:
        thread.join(SECONDS)


def until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not is_so():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)


def test_the_log_tells_every_ten_seconds_how_far_it_is(
    held: tuple[Proxy, Callable[[], threading.Thread]],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert download._LOG_SECONDS == 10.0
    monkeypatch.setattr(download, "_LOG_SECONDS", 0.05)
    caplog.set_level(logging.INFO, "illustration_worker")
    proxy, begin = held
    thread = begin()

    def lines(message: str) -> list[dict[str, object]]:
        return [vars(record) for record in caplog.records if record.getMessage() == message]

    until(lambda: any(line["percent"] not in (0.0, None) for line in lines("fetching the model")))
    line = lines("fetching the model")[-1]
    assert line["source"] == "s3://models/held/model.safetensors"
    assert line["total_bytes"] == len(BODY)
    assert line["percent"] == round(100 * int(str(line["done_bytes"])) / len(BODY), 1)
    assert int(str(line["bytes_per_second"])) > 0
    assert int(str(line["seconds_left"])) >= 0
    assert not lines("fetched")
    proxy.release()
    thread.join(SECONDS)
    assert len(lines("fetched")) == 1


def test_a_terminal_shows_a_bar_and_no_lines(
    held: tuple[Proxy, Callable[[], threading.Thread]],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    master, slave = os.openpty()
    termios.tcsetwinsize(slave, (24, 100))
    shown = bytearray()

    def read() -> None:
        while data := _read(master):
            shown.extend(data)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    proxy, begin = held
    with open(slave, "w") as terminal:
        monkeypatch.setattr(sys, "stderr", terminal)
        caplog.set_level(logging.INFO, "illustration_worker")
        thread = begin()
        until(lambda: b"model.safetensors:" in shown and any(f" {n}%".encode() in shown for n in range(1, 100)))
        proxy.release()
        thread.join(SECONDS)
        monkeypatch.undo()
    reader.join(SECONDS)
    os.close(master)
    assert b"B/s" in shown
    assert not [record for record in caplog.records if record.getMessage() == "fetching the model"]


def _read(terminal: int) -> bytes:
    """Nothing once the other side is closed, which Linux tells as an error."""
    try:
        return os.read(terminal, 4096)
    except OSError:
        return b""
