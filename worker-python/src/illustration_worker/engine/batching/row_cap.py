"""How many rows a UNet call may have now: what was measured, halved where memory ran out. Pure."""

from collections.abc import Mapping

from illustration_worker.engine.batching.row_buckets import largest_bucket_within
from illustration_worker.engine.batching.selection import Size

CLEAN_STEPS_TO_GROW = 256
"""Steps without a shortage before the cap is doubled again: a shortage may have been another job's decoding."""


class RowCap:
    """Rows per UNet call, by size of the picture."""

    def __init__(
        self, rows: int, default_size: Size, *, is_fixed: bool, rows_by_size: Mapping[Size, int] | None = None
    ) -> None:
        """``rows`` is right for ``default_size``; ``is_fixed``: the same for every size (reproducible mode).

        ``rows_by_size``: of the sizes that were measured.
        """
        self._rows = rows
        self._rows_by_size = rows_by_size or {}
        self._default_pixels = default_size[0] * default_size[1]
        self._is_fixed = is_fixed
        self._halvings = 0
        self._clean_steps = 0

    def rows_for(self, size: Size) -> int:
        """The cap for pictures of ``size``; where it was not measured, by the area, with which work and memory grow."""
        rows: float = self._rows_by_size.get(size, self._rows)
        if not self._is_fixed and size not in self._rows_by_size:
            rows *= min(1.0, self._default_pixels / (size[0] * size[1]))
        return max(1, largest_bucket_within(rows) >> self._halvings)

    def halve(self, size: Size) -> bool:
        """Memory ran out at ``size``. False: it was one row already, so that there is nothing left to try."""
        self._clean_steps = 0
        if self.rows_for(size) == 1:
            return False
        self._halvings += 1
        return True

    def note_clean_step(self) -> None:
        """A step was done without a shortage."""
        if self._halvings == 0:
            return
        self._clean_steps += 1
        if self._clean_steps >= CLEAN_STEPS_TO_GROW:
            self._halvings -= 1
            self._clean_steps = 0
