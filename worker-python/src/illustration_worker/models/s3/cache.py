"""The folder with files from S3: bounded, the least recently used leave first, one download whoever asks."""

import fcntl
import hashlib
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from illustration_worker.errors import ModelLoadError
from illustration_worker.load_progress import LoadProgress
from illustration_worker.models.s3.download import download
from illustration_worker.models.s3.partial_file import PART_BYTES
from illustration_worker.models.s3.source import S3Address, S3Object, S3Source

_log = logging.getLogger(__name__)


class ModelCache:
    """Entries are folders named after address and ETag, so a replaced object never meets its old content."""

    def __init__(self, folder: Path, max_bytes: int, part_bytes: int = PART_BYTES) -> None:
        self._folder = folder.expanduser()
        self._max_bytes = max_bytes
        self._part_bytes = part_bytes
        self._held: list[int] = []

    def fetch(self, source: S3Source, address: S3Address, progress: LoadProgress) -> Path:
        """The object as a local file, which stays while this process lives.

        Raises:
            ModelLoadError: it cannot be had.
        """
        wanted = source.look_up(address)
        entry = self._folder / _entry_name(address, wanted)
        try:
            entry.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ModelLoadError(f"MODEL_CACHE_FOLDER '{self._folder}' cannot be used: {error.strerror}.") from error
        target = entry / address.file_name
        with _locked(self._folder / "cache.lock"):
            self._hold(entry)
            self._make_room(wanted.size_bytes, keep=entry)
        with _locked(entry / "download.lock"):
            if not target.is_file():
                download(source, address, wanted, target, progress, self._part_bytes)
        os.utime(entry)
        return target

    def close(self) -> None:
        """What was fetched is not used any more."""
        while self._held:
            os.close(self._held.pop())

    def _hold(self, entry: Path) -> None:
        """A shared lock for as long as the process lives: whoever evicts sees it, and it ends with us, however."""
        handle = os.open(entry / "in-use.lock", os.O_RDWR | os.O_CREAT, 0o644)
        fcntl.flock(handle, fcntl.LOCK_SH)
        self._held.append(handle)

    def _make_room(self, needed_bytes: int, keep: Path) -> None:
        entries = sorted(
            (e for e in self._folder.iterdir() if e.is_dir() and e != keep), key=lambda e: e.stat().st_mtime
        )
        sizes = {entry: sum(f.stat().st_blocks * 512 for f in entry.iterdir()) for entry in entries}
        excess = sum(sizes.values()) + needed_bytes - self._max_bytes
        for entry in entries:
            if excess <= 0:
                return
            if _evict(entry):
                excess -= sizes[entry]
        if excess > 0:
            _log.warning("the model cache is over its limit: what is left is in use", extra={"excess_bytes": excess})


def _entry_name(address: S3Address, wanted: S3Object) -> str:
    return hashlib.sha256(f"{address}\n{wanted.etag}\n{wanted.size_bytes}".encode()).hexdigest()[:32]


def _evict(entry: Path) -> bool:
    """Whether it was removed; not while a process uses it."""
    handle = os.open(entry / "in-use.lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        for file in entry.iterdir():
            file.unlink()
        entry.rmdir()
        _log.info("left the model cache", extra={"entry": entry.name})
        return True
    except BlockingIOError:
        return False
    finally:
        os.close(handle)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """One at a time, threads and processes; a killed process leaves no lock behind."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
