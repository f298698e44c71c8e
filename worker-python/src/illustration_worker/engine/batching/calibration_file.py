"""Calibrations kept on disk, so that a restart does not measure again. One file for each device, build and model."""

import hashlib
import json
import logging
import os
from dataclasses import asdict
from pathlib import Path

from illustration_worker.engine.port import RowThroughput

_log = logging.getLogger(__name__)


class CalibrationFile:
    """What was measured under ``key``, a text that names everything the figures depend on."""

    def __init__(self, folder: Path, key: str) -> None:
        self._path = folder / f"calibration-{hashlib.sha256(key.encode()).hexdigest()[:16]}.json"

    def read(self) -> tuple[RowThroughput, ...] | None:
        """What was measured before; None when nothing usable is there."""
        try:
            rows = json.loads(self._path.read_text())
            measured = tuple(RowThroughput(**row) for row in rows)
            return measured if measured and all(one.seconds > 0 for one in measured) else None
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError):
            _log.warning("the calibration file cannot be used: measuring anew", extra={"path": str(self._path)})
            return None

    def write(self, measured: tuple[RowThroughput, ...]) -> None:
        """Keep ``measured``. That it cannot be written is no reason not to work."""
        unfinished = self._path.with_suffix(f".{os.getpid()}")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            unfinished.write_text(json.dumps([asdict(one) for one in measured], indent=2) + "\n")
            unfinished.rename(self._path)
        except OSError as error:
            _log.warning("the calibration is not kept: %s", error.strerror, extra={"path": str(self._path)})
