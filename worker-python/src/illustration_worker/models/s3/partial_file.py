"""A file that is being fetched in parts, and the record beside it of the parts that are on the disk."""

import json
import os
import threading
from pathlib import Path

from illustration_worker.models.s3.source import S3Object

PART_BYTES = 16 * 1024 * 1024


class PartialFile:
    """``{target}.partial`` and ``{target}.parts``: what an earlier attempt at the same content fetched is kept.

    A part is recorded only after it was flushed to the disk, so the record is true after a power cut, too.
    """

    def __init__(self, target: Path, wanted: S3Object, part_bytes: int = PART_BYTES) -> None:
        self._target = target
        self._path = target.with_name(f"{target.name}.partial")
        self._record = target.with_name(f"{target.name}.parts")
        self._size_bytes, self._part_bytes = wanted.size_bytes, part_bytes
        self._content = {"etag": wanted.etag, "size_bytes": wanted.size_bytes, "part_bytes": part_bytes}
        self._lock = threading.Lock()
        self._done = self._parts_on_disk()
        flags = os.O_RDWR | os.O_CREAT | (0 if self._done else os.O_TRUNC)
        self._file = os.open(self._path, flags, 0o644)
        os.truncate(self._file, wanted.size_bytes)
        if not self._done:
            self._record.write_text(json.dumps(self._content) + "\n")
        self._log = self._record.open("a")

    @property
    def missing(self) -> list[tuple[int, int]]:
        """First and last byte of each part that is not there."""
        starts = range(0, self._size_bytes, self._part_bytes)
        return [
            (start, min(start + self._part_bytes, self._size_bytes) - 1)
            for number, start in enumerate(starts)
            if number not in self._done
        ]

    @property
    def done_bytes(self) -> int:
        """Bytes that are there."""
        return self._size_bytes - sum(last - first + 1 for first, last in self.missing)

    def write(self, offset: int, data: bytes) -> None:
        """From any thread."""
        view = memoryview(data)
        while view:
            written = os.pwrite(self._file, view, offset)
            offset, view = offset + written, view[written:]

    def note_done(self, first: int) -> None:
        """The part that begins at ``first`` is complete."""
        os.fdatasync(self._file)
        with self._lock:
            self._done.add(first // self._part_bytes)
            self._log.write(f"{first // self._part_bytes}\n")
            self._log.flush()

    def close(self) -> None:
        """Keep what is there for another attempt."""
        self._log.close()
        os.close(self._file)

    def discard(self) -> None:
        """It is wrong: nothing of it is kept. After ``close``."""
        self._path.unlink(missing_ok=True)
        self._record.unlink(missing_ok=True)

    def publish(self) -> None:
        """It is right: from now on it is the target. After ``close``."""
        self._path.replace(self._target)
        self._record.unlink(missing_ok=True)

    @property
    def path(self) -> Path:
        """Where the bytes are."""
        return self._path

    def _parts_on_disk(self) -> set[int]:
        try:
            lines = self._record.read_text().splitlines()
            is_same = json.loads(lines[0]) == self._content and self._path.stat().st_size == self._size_bytes
        except (OSError, ValueError, IndexError):
            return set()
        return {int(line) for line in lines[1:] if line.isdecimal()} if is_same else set()
