"""B7: a model file from S3 into an empty cache, seconds: the worker's download / single-stream boto3.

Scaled: a model has 7 to 11 GB in parts of 16 MiB. Two settings: loopback as it is, where client and server share the
processors and only they are measured; and each connection limited to a rate, as S3 limits each of its connections,
where it shows what parallel connections are for. Ours also verifies the SHA-256 and flushes each part to the disk; the
baseline does neither.
"""

import asyncio
import hashlib
import random
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench.rounds import Arm, Goal, compare
from bench.s3_server import BUCKET, limited, s3_server
from illustration_worker.load_progress import LoadProgress
from illustration_worker.models.s3.cache import ModelCache
from illustration_worker.models.s3.source import S3Address, S3Source

GOAL = 1 / 3
MIB = 1024 * 1024
LOOPBACK_BYTES, LOOPBACK_PART_BYTES = 256 * MIB, 16 * MIB
LIMITED_BYTES, LIMITED_PART_BYTES = 64 * MIB, MIB
LIMIT_BYTES_PER_SECOND = 8 * MIB
ADDRESS = S3Address(BUCKET, "model.safetensors")


def ours(url: str, part_bytes: int) -> Callable[[Path], Path]:
    """The worker's download."""

    def fetch(folder: Path) -> Path:
        cache = ModelCache(folder, 10**12, part_bytes)
        try:
            return cache.fetch(S3Source(url), ADDRESS, LoadProgress())
        finally:
            cache.close()

    return fetch


def single_stream(url: str, _part_bytes: int) -> Callable[[Path], Path]:
    """One GET, written as it comes."""

    def fetch(folder: Path) -> Path:
        body = S3Source(url).client.get_object(Bucket=ADDRESS.bucket, Key=ADDRESS.key)["Body"]
        with (folder / "model").open("wb") as file:
            shutil.copyfileobj(body, file, MIB)
        return folder / "model"

    return fetch


def boto3_transfer(url: str, _part_bytes: int) -> Callable[[Path], Path]:
    """``download_file``: ten ranged GETs at a time, by its defaults."""

    def fetch(folder: Path) -> Path:
        S3Source(url).client.download_file(ADDRESS.bucket, ADDRESS.key, str(folder / "model"))
        return folder / "model"

    return fetch


async def seconds_of(fetch: Callable[[Path], Path], sha256: str) -> float:
    """Into an empty folder. What came is compared afterwards, outside the time."""
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        path = fetch(Path(folder))
        seconds = time.perf_counter() - began
        with path.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != sha256:
                raise SystemExit("What came is not what was put.")
        return seconds


async def measure(title: str, url: str, part_bytes: int, sha256: str) -> None:
    """Print the table of one setting."""

    def arm(name: str, make: Callable[[str, int], Callable[[Path], Path]]) -> Arm:
        return Arm(name, lambda: seconds_of(make(url, part_bytes), sha256))

    goals = [
        Goal(arm("boto3, single stream", single_stream), GOAL),
        Goal(arm("boto3's download_file", boto3_transfer)),
    ]
    await compare(title, "seconds", arm("worker", ours), goals)


def put(url: str, size: int) -> str:
    """Put a file of ``size`` bytes with its digest beside it. Its SHA-256."""
    dice = random.Random(size)
    body = b"".join(dice.randbytes(MIB) for _ in range(size // MIB))
    sha256 = hashlib.sha256(body).hexdigest()
    S3Source(url).client.put_object(Bucket=BUCKET, Key=ADDRESS.key, Body=body, Metadata={"sha256": sha256})
    return sha256


async def main() -> None:
    """Print both tables."""
    with s3_server() as url:
        sha256 = put(url, LOOPBACK_BYTES)
        await measure(
            f"B7: {LOOPBACK_BYTES // MIB} MiB over loopback, parts of {LOOPBACK_PART_BYTES // MIB} MiB",
            url,
            LOOPBACK_PART_BYTES,
            sha256,
        )
        sha256 = put(url, LIMITED_BYTES)
        rate = LIMIT_BYTES_PER_SECOND // MIB
        with limited(url, LIMIT_BYTES_PER_SECOND) as slow_url:
            await measure(
                f"B7: {LIMITED_BYTES // MIB} MiB, {rate} MiB/s a connection, parts of {LIMITED_PART_BYTES // MIB} MiB",
                slow_url,
                LIMITED_PART_BYTES,
                sha256,
            )


if __name__ == "__main__":
    asyncio.run(main())
