"""SHA-256 of model files, computed in threads while the model loads, and remembered by path, size and time."""

import hashlib
import json
import logging
import re
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from illustration_worker.errors import ModelLoadError

_FILE = "digests.json"
_THREADS = 2
_log = logging.getLogger(__name__)


class Digests:
    """For one start of the worker."""

    def __init__(self, folder: Path) -> None:
        self._path = folder.expanduser() / _FILE
        self._known = self._read()
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="digests")
        self._pending: dict[Path, Future[str]] = {}

    def begin(self, files: list[Path]) -> None:
        """Compute theirs, beside whatever else is being done."""
        for file in files:
            if file not in self._pending:
                self._pending[file] = self._threads.submit(self._digest, file)

    def of(self, files: list[Path]) -> str:
        """Of one file its SHA-256; of several, that of theirs in the order given.

        Raises:
            ModelLoadError: one cannot be read.
        """
        self.begin(files)
        try:
            each = [self._pending[file].result() for file in files]
        except OSError as error:
            raise ModelLoadError(f"The model file '{error.filename}' cannot be read: {error.strerror}.") from error
        return each[0] if len(each) == 1 else hashlib.sha256("".join(f"{d}\n" for d in each).encode()).hexdigest()

    def close(self) -> None:
        """Remember them, for the next start."""
        self._threads.shutdown(cancel_futures=True)
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            unfinished = self._path.with_suffix(".new")
            unfinished.write_text(json.dumps(self._known, indent=1))
            unfinished.replace(self._path)
        except OSError as error:
            _log.warning("digests cannot be kept; they are computed at each start", extra={"reason": error.strerror})

    def _digest(self, file: Path) -> str:
        real = file.resolve(strict=True)
        if re.fullmatch(r"[0-9a-f]{64}", real.name) and real.parent.name == "blobs":
            return real.name  # the hub's cache names large files by their SHA-256
        status = real.stat()
        key = f"{real}|{status.st_size}|{status.st_mtime_ns}"
        if key not in self._known:
            with real.open("rb") as content:
                self._known[key] = hashlib.file_digest(content, "sha256").hexdigest()
        return self._known[key]

    def _read(self) -> dict[str, str]:
        try:
            content = json.loads(self._path.read_text())
        except (OSError, ValueError):
            return {}
        return {str(key): str(value) for key, value in content.items()} if isinstance(content, dict) else {}
