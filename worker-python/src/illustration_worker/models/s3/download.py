"""Fetches one object in parallel ranges. A break costs the parts in flight, not the file."""

import errno
import hashlib
import logging
import random
import sys
import threading
import time
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError
from tqdm import tqdm

from illustration_worker.errors import ModelLoadError
from illustration_worker.load_progress import LoadProgress
from illustration_worker.models.s3.partial_file import PART_BYTES, PartialFile
from illustration_worker.models.s3.source import MAX_CONNECTIONS, S3Address, S3Object, S3Source, s3_failure

ATTEMPTS = 6
_FIRST_PAUSE_SECONDS = 0.2
_READ_BYTES = 1024 * 1024
_LOG_SECONDS = 10.0
_log = logging.getLogger(__name__)


def download(
    source: S3Source,
    address: S3Address,
    wanted: S3Object,
    target: Path,
    progress: LoadProgress,
    part_bytes: int = PART_BYTES,
) -> None:
    """Make ``target`` the object's content; goes on where an earlier attempt was broken off.

    Raises:
        ModelLoadError: it cannot be fetched, the disk is full, or the content is not what the bucket promised.
    """
    try:
        partial = PartialFile(target, wanted, part_bytes)
    except OSError as error:
        raise _disk_failure(address, error) from error
    progress.begin_download(str(address), partial.done_bytes, wanted.size_bytes)
    try:
        with _Reporter(progress, address):
            _fetch_missing(source, address, wanted, partial, progress)
    except OSError as error:
        raise _disk_failure(address, error) from error
    finally:
        partial.close()
    progress.enter(f"verifying {address}")
    _verify(address, wanted, partial)
    partial.publish()


def _fetch_missing(
    source: S3Source, address: S3Address, wanted: S3Object, partial: PartialFile, progress: LoadProgress
) -> None:
    stop = threading.Event()
    with ThreadPoolExecutor(MAX_CONNECTIONS, thread_name_prefix="s3") as threads:
        parts = [
            threads.submit(_fetch_part, source, address, wanted.etag, partial, part, progress, stop)
            for part in partial.missing
        ]
        finished, rest = wait(parts, return_when=FIRST_EXCEPTION)
        stop.set()  # after a failure the others need not finish
        for part in rest:
            part.cancel()
    for part in finished:
        part.result()


def _fetch_part(
    source: S3Source,
    address: S3Address,
    etag: str,
    partial: PartialFile,
    part: tuple[int, int],
    progress: LoadProgress,
    stop: threading.Event,
) -> None:
    first, last = part
    offset = first  # a retry goes on where the connection broke
    failures = 0
    while offset <= last:
        try:
            wanted_range = f"bytes={offset}-{last}"
            answer = source.client.get_object(Bucket=address.bucket, Key=address.key, Range=wanted_range, IfMatch=etag)
            for data in answer["Body"].iter_chunks(_READ_BYTES):
                if stop.is_set():
                    return
                partial.write(offset, data)
                offset += len(data)
                progress.add_bytes(len(data))
        except (ClientError, BotoCoreError) as error:
            failures += 1
            if failures >= ATTEMPTS or _is_final(error):
                raise s3_failure(address, error) from error
            pause = _FIRST_PAUSE_SECONDS * 2**failures * random.uniform(0.5, 1.0)
            _log.info("S3 broke off; trying again", extra={"source": str(address), "error": type(error).__name__})
            if stop.wait(pause):
                return
    partial.note_done(first)


def _is_final(error: Exception) -> bool:
    if not isinstance(error, ClientError):
        return False
    return error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500) in (400, 401, 403, 404, 412, 416)


def _verify(address: S3Address, wanted: S3Object, partial: PartialFile) -> None:
    size = partial.path.stat().st_size
    promised = wanted.sha256 or wanted.etag.strip('"')
    algorithm = "sha256" if wanted.sha256 else "md5"
    is_digest = wanted.sha256 is not None or (len(promised) == 32 and promised.isalnum())
    with partial.path.open("rb") as file:
        is_right = not is_digest or hashlib.file_digest(file, algorithm).hexdigest() == promised
    if wanted.sha256 is None and not is_right:
        # an ETag is the MD5 only of an object put in one piece and not encrypted with KMS: no proof of a mistake
        _log.warning("the object has no sha256, and its ETag is no MD5: only its size was verified")
    elif size != wanted.size_bytes or not is_right:
        partial.discard()
        raise ModelLoadError(f"What was fetched from '{address}' is not what its SHA-256 promises; it was thrown away.")


def _disk_failure(address: S3Address, error: OSError) -> ModelLoadError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return ModelLoadError(f"The disk is full: '{address}' does not fit into MODEL_CACHE_FOLDER.")
    return ModelLoadError(f"'{address}' cannot be written into MODEL_CACHE_FOLDER: {error.strerror}.")


class _Reporter:
    """Tells of the download: a bar on a terminal, else a line in the log every ten seconds."""

    def __init__(self, progress: LoadProgress, address: S3Address) -> None:
        self._progress, self._address = progress, address
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="download-report", daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        is_terminal = sys.stderr.isatty()
        total, began = self._progress.state().total_bytes, time.monotonic()
        with tqdm(total=total, unit="B", unit_scale=True, desc=self._address.file_name, disable=not is_terminal) as bar:
            while not self._stop.wait(0.5 if is_terminal else _LOG_SECONDS):
                bar.update((self._progress.state().done_bytes or 0) - bar.n)
                if not is_terminal:
                    self._log_line()
        _log.info("fetched", extra={"source": str(self._address), "seconds": round(time.monotonic() - began, 1)})

    def _log_line(self) -> None:
        state = self._progress.state()
        done, total, left = state.done_bytes or 0, state.total_bytes or 1, state.seconds_left
        _log.info(
            "fetching the model",
            extra={
                "source": str(self._address),
                "percent": round(100 * done / total, 1),
                "done_bytes": done,
                "total_bytes": total,
                "bytes_per_second": round(state.bytes_per_second or 0),
                "seconds_left": None if left is None else round(left),
            },
        )
