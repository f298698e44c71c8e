"""Model files from a real S3 server: complete, verified, resumed, cached, and a sentence for everything else."""

import hashlib
import multiprocessing
import os
import random
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol

import pytest

from illustration_worker.errors import ModelLoadError
from illustration_worker.load_progress import LoadProgress
from illustration_worker.models.s3.cache import ModelCache
from illustration_worker.models.s3.source import S3Address, S3Source, parse_s3_address

BUCKET = "models"
"""As conftest makes it."""
PART = 256 * 1024
SIZE = 12 * PART + 1234


class Proxy(Protocol):
    """conftest's, as far as it is used here."""

    url: str
    cuts_left: int


def content(seed: int, size: int = SIZE) -> bytes:
    return random.Random(seed).randbytes(size)


def put(s3: S3Source, key: str, body: bytes, **extra: object) -> S3Address:
    s3.client.put_object(Bucket=BUCKET, Key=key, Body=body, **extra)
    return S3Address(BUCKET, key)


def cache_in(folder: Path, max_bytes: int = 10**9) -> ModelCache:
    return ModelCache(folder, max_bytes, PART)


def test_a_file_arrives_whole_and_the_second_time_from_the_cache(s3: S3Source, tmp_path: Path) -> None:
    body = content(1)
    address = put(s3, "a/whole.safetensors", body, Metadata={"sha256": hashlib.sha256(body).hexdigest()})
    progress = LoadProgress()
    path = cache_in(tmp_path).fetch(s3, address, progress)
    assert path.read_bytes() == body
    assert path.name == "whole.safetensors"
    inode = path.stat().st_ino
    assert cache_in(tmp_path).fetch(s3, address, progress).stat().st_ino == inode


def test_a_connection_cut_twice_costs_nothing_but_time(
    s3: S3Source, cutting_proxy: Callable[[int, int], Proxy], tmp_path: Path
) -> None:
    body = content(2)
    address = put(s3, "cut.safetensors", body, Metadata={"sha256": hashlib.sha256(body).hexdigest()})
    proxy = cutting_proxy(SIZE // 3, 2)
    path = cache_in(tmp_path).fetch(S3Source(proxy.url), address, LoadProgress())
    assert path.read_bytes() == body
    assert proxy.cuts_left == 0


def fetch_and_hang(url: str, folder: Path, address: S3Address, enough: int, ready: object) -> None:
    """In a process of its own: says when enough parts are recorded, and goes on."""
    source = S3Source(url)
    threading.Thread(target=cache_in(folder).fetch, args=(source, address, LoadProgress()), daemon=True).start()
    while not any(len(record.read_text().splitlines()) > enough for record in folder.rglob("*.parts")):
        time.sleep(0.001)
    ready.set()  # type: ignore[attr-defined]
    signal.pause()


def test_a_killed_process_leaves_its_parts_to_the_next(
    s3: S3Source, s3_address: tuple[str, int], tmp_path: Path
) -> None:
    body = content(3, 300 * PART)
    address = put(s3, "killed.safetensors", body)
    spawn = multiprocessing.get_context("spawn")
    ready = spawn.Event()
    url = f"http://{s3_address[0]}:{s3_address[1]}"
    process = spawn.Process(target=fetch_and_hang, args=(url, tmp_path, address, 3, ready))
    process.start()
    try:
        assert ready.wait(60)
    finally:
        os.kill(process.pid or 0, signal.SIGKILL)
        process.join()
    records = list(tmp_path.rglob("*.parts"))
    if not records:
        pytest.fail("the download had ended before the process was killed")
    kept = len(records[0].read_text().splitlines()) - 1
    fetched: list[str] = []
    s3.client.meta.events.register(
        "before-call.s3.GetObject", lambda params, **_: fetched.append(params["headers"].get("Range", ""))
    )
    path = cache_in(tmp_path).fetch(s3, address, LoadProgress())
    assert path.read_bytes() == body
    assert kept >= 3
    assert len([r for r in fetched if r != "bytes=0-255"]) == 300 - kept


def test_many_callers_share_one_download(s3: S3Source, tmp_path: Path) -> None:
    body = content(4)
    address = put(s3, "shared.safetensors", body)
    fetched: list[str] = []
    s3.client.meta.events.register(
        "before-call.s3.GetObject", lambda params, **_: fetched.append(params["headers"].get("Range", ""))
    )
    with ThreadPoolExecutor(4) as threads:
        paths = list(threads.map(lambda _: cache_in(tmp_path).fetch(s3, address, LoadProgress()), range(4)))
    assert {path.read_bytes() for path in paths} == {body}
    assert len([r for r in fetched if r != "bytes=0-255"]) == 13


@pytest.mark.parametrize("where", ["metadata", "sidecar"])
def test_a_content_other_than_promised_is_thrown_away(s3: S3Source, tmp_path: Path, where: str) -> None:
    promise = hashlib.sha256(b"other").hexdigest()
    extra = {"Metadata": {"sha256": promise}} if where == "metadata" else {}
    address = put(s3, f"wrong-{where}.safetensors", content(5), **extra)
    if where == "sidecar":
        put(s3, f"{address.key}.sha256", f"{promise}  wrong.safetensors\n".encode())
    with pytest.raises(ModelLoadError, match="not what its SHA-256 promises"):
        cache_in(tmp_path).fetch(s3, address, LoadProgress())
    assert not [path for path in tmp_path.rglob("*wrong*") if path.is_file()]


def test_a_replaced_object_is_fetched_anew(s3: S3Source, tmp_path: Path) -> None:
    address = put(s3, "replaced.safetensors", content(6))
    cache_in(tmp_path).fetch(s3, address, LoadProgress())
    put(s3, "replaced.safetensors", content(7))
    assert cache_in(tmp_path).fetch(s3, address, LoadProgress()).read_bytes() == content(7)


def test_the_least_recently_used_leaves_and_what_is_in_use_stays(s3: S3Source, tmp_path: Path) -> None:
    addresses = [put(s3, f"lru-{n}.safetensors", content(n)) for n in range(3)]
    in_use = cache_in(tmp_path, max_bytes=2 * SIZE + 10**5)
    first = in_use.fetch(s3, addresses[0], LoadProgress())
    released = cache_in(tmp_path, max_bytes=2 * SIZE + 10**5)
    second = released.fetch(s3, addresses[1], LoadProgress())
    released.close()
    third = cache_in(tmp_path, max_bytes=2 * SIZE + 10**5).fetch(s3, addresses[2], LoadProgress())
    assert [path.is_file() for path in (first, second, third)] == [True, False, True]


@pytest.mark.parametrize(
    ("bucket", "key", "sentence"),
    [(BUCKET, "nothing.safetensors", "There is no object"), ("no-such-bucket", "a", "There is no (object|bucket)")],
)
def test_what_is_not_there_is_named(s3: S3Source, tmp_path: Path, bucket: str, key: str, sentence: str) -> None:
    with pytest.raises(ModelLoadError, match=sentence):
        cache_in(tmp_path).fetch(s3, S3Address(bucket, key), LoadProgress())


def test_wrong_credentials_and_an_unreachable_server(
    s3_address: tuple[str, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    wrong = S3Source(f"http://{s3_address[0]}:{s3_address[1]}")
    with pytest.raises(ModelLoadError, match="credentials are wrong"):
        cache_in(tmp_path).fetch(wrong, S3Address(BUCKET, "a"), LoadProgress())
    with pytest.raises(ModelLoadError, match="was not reached"):
        cache_in(tmp_path).fetch(S3Source("http://127.0.0.1:9"), S3Address(BUCKET, "a"), LoadProgress())


@pytest.mark.parametrize("text", ["bucket/key", "s3://bucket", "s3://bucket/", "s3://Bucket/key", "http://a/b"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ModelLoadError, match="s3://bucket/key is needed"):
        parse_s3_address(text)
