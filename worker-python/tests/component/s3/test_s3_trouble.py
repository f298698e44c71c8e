"""Downloads that meet a full disk, missing permission, or another process that wants the same file."""

import multiprocessing
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from illustration_worker.errors import ModelLoadError
from illustration_worker.load_progress import LoadProgress
from illustration_worker.models.s3.cache import ModelCache
from illustration_worker.models.s3.source import S3Address, S3Source

BUCKET = "models"
PART = 256 * 1024
SIZE = 40 * PART
SECONDS = 60.0
"""After which a test fails, not the time anything takes."""


@pytest.fixture
def address(s3: S3Source) -> S3Address:
    """A file of 10 MiB."""
    s3.client.put_object(Bucket=BUCKET, Key="trouble.safetensors", Body=random.Random(9).randbytes(SIZE))
    return S3Address(BUCKET, "trouble.safetensors")


FETCH = """
import sys
from pathlib import Path
from illustration_worker.errors import ModelLoadError
from illustration_worker.load_progress import LoadProgress
from illustration_worker.models.s3.cache import ModelCache
from illustration_worker.models.s3.source import S3Address, S3Source

url, folder, bucket, key, part = sys.argv[1:]
try:
    ModelCache(Path(folder), 10**9, int(part)).fetch(S3Source(url), S3Address(bucket, key), LoadProgress())
    print("fetched")
except ModelLoadError as error:
    print(error)
"""


def test_a_full_disk_is_told_as_such(s3: S3Source, address: S3Address, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    small = ["unshare", "--map-root-user", "--mount", "sh", "-c"]
    mount = f"mount -t tmpfs -o size=4m tmpfs '{disk}'"
    try:
        may_mount = subprocess.run([*small, mount], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        may_mount = False
    if not may_mount:
        pytest.skip("this machine lets nobody mount a small disk (unshare, tmpfs)")
    url = s3.client.meta.endpoint_url
    arguments = [url, str(disk), address.bucket, address.key, str(PART)]
    fetch = [sys.executable, "-c", FETCH, *arguments]
    told = subprocess.run(
        [*small, f'{mount} && exec "$@"', "sh", *fetch], capture_output=True, text=True, timeout=SECONDS, check=True
    )
    assert told.stdout == f"The disk is full: '{address}' does not fit into MODEL_CACHE_FOLDER.\n"


def fetch_and_count(url: str, folder: Path, address: S3Address, together: Any, counts: Any) -> None:
    """In a process of its own: tells how many parts it has asked for."""
    source = S3Source(url)
    ranges: list[str] = []
    source.client.meta.events.register(
        "before-call.s3.GetObject", lambda params, **_: ranges.append(params["headers"].get("Range", ""))
    )
    together.wait(SECONDS)
    path = ModelCache(folder, 10**9, PART).fetch(source, address, LoadProgress())
    counts.put((len([r for r in ranges if r != "bytes=0-255"]), path.stat().st_ino))


def test_processes_that_want_one_file_share_one_download(s3: S3Source, address: S3Address, tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    together, counts = spawn.Barrier(2), spawn.Queue()
    arguments = (s3.client.meta.endpoint_url, tmp_path, address, together, counts)
    processes = [spawn.Process(target=fetch_and_count, args=arguments) for _ in range(2)]
    for process in processes:
        process.start()
    try:
        told = [counts.get(timeout=SECONDS) for _ in processes]
    finally:
        for process in processes:
            process.join(SECONDS)
            process.kill()
    assert sorted(parts for parts, _ in told) == [0, SIZE // PART]
    assert len({inode for _, inode in told}) == 1


def test_missing_permission_is_named(stranger: S3Source, address: S3Address, tmp_path: Path) -> None:
    with pytest.raises(ModelLoadError, match=r"does not let us read 's3://models/.*': s3:GetObject is not permitted"):
        ModelCache(tmp_path, 10**9, PART).fetch(stranger, address, LoadProgress())
    assert not list(tmp_path.rglob("*.partial"))


def test_permission_that_is_taken_away_in_between_is_named(
    s3: S3Source, stranger: S3Source, address: S3Address, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = s3.look_up(address)
    monkeypatch.setattr(stranger, "look_up", lambda _: found)
    with pytest.raises(ModelLoadError, match="s3:GetObject is not permitted"):
        ModelCache(tmp_path, 10**9, PART).fetch(stranger, address, LoadProgress())
