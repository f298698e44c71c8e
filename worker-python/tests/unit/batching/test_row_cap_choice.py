"""The width that calibration chooses."""

import pytest

from illustration_worker.engine.batching.calibration import choose_row_cap
from illustration_worker.engine.port import RowThroughput


@pytest.mark.parametrize(
    ("milliseconds", "rows"),
    [
        ([10, 20, 40, 80, 160], 1),  # full with one row already
        ([10, 11, 22, 44, 88], 2),
        ([10, 11, 13, 26, 52], 4),
        ([10, 11, 13, 19, 30], 16),
        ([10, 11, 21.5, 25, 30], 2),  # stops where it first no longer pays: what comes after was not asked for
        ([10], 1),
    ],
)
def test_as_wide_as_it_pays(milliseconds: list[float], rows: int) -> None:
    throughput = [
        RowThroughput(rows=bucket, seconds=duration / 1000, width=1024, height=1024)
        for bucket, duration in zip((1, 2, 4, 8, 16), milliseconds, strict=False)
    ]
    assert choose_row_cap(throughput) == rows
