"""Rows of the one table that ``npm run bench`` prints; each bench tells its own, in either language."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

ROWS_FILE = "BENCH_ROWS"
"""Environment variable: the file that rows are added to, one JSON object a line. Unset: nobody collects."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table, as text; figures are medians with ranges."""

    id: str
    what: str
    baseline: str
    ours: str
    ratio: str
    goal: str
    verdict: str
    """``met``, ``MISSED``, or why there is neither."""


def tell(row: Row) -> None:
    """Add ``row`` to the file that collects, if one does."""
    path = os.environ.get(ROWS_FILE)
    if path:
        with Path(path).open("a") as file:
            file.write(json.dumps(asdict(row)) + "\n")
