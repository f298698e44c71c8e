"""Whose rows go into the next UNet call. Pure: no torch, no clock."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from illustration_worker.engine.batching.row_buckets import bucket_for
from illustration_worker.engine.loras.claim import Signature

Size = tuple[int, int]
"""Width and height, pixels."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A job that could take its next step."""

    size: Size
    """Only rows of one size fit into one call."""
    rows: int
    """2 with classifier-free guidance, else 1."""
    steps_left: int
    skipped_ticks: int
    """How often others were chosen since this job came."""

    signature: Signature | None = None
    """Only rows drawn by the same weights fit into one call; None: those without LoRA."""

    @property
    def urgency(self) -> int:
        """Smaller is sooner: shortest remaining first, made older by each tick that passed it by.

        A tick lowers it by one, whether the job was served or skipped. So a job is overtaken only by jobs that come
        within ``steps_left`` ticks after it: nobody starves, however many short jobs keep coming.
        """
        return self.steps_left - self.skipped_ticks


def choose(
    candidates: Sequence[Candidate],
    row_cap: Callable[[Size], int],
    seconds_by_bucket: Callable[[Size], Mapping[int, float]],
) -> list[int]:
    """Indices into ``candidates`` of those that share the next UNet call, the most urgent first.

    The most urgent one sets size and signature; others of both join as long as their rows fit ``row_cap``. The first is
    chosen even when it alone exceeds the cap: its rows are then split over several calls. With measured
    ``seconds_by_bucket`` the call is cut shorter where padding it to the next bucket would cost more than it brings.
    """
    if not candidates:
        return []
    order = sorted(range(len(candidates)), key=lambda index: candidates[index].urgency)
    first = candidates[order[0]]
    size = first.size
    chosen, rows = [order[0]], first.rows
    for index in order[1:]:
        candidate = candidates[index]
        is_alike = (candidate.size, candidate.signature) == (size, first.signature)
        if is_alike and rows + candidate.rows <= row_cap(size):
            chosen.append(index)
            rows += candidate.rows
    return chosen[: _most_productive([candidates[index].rows for index in chosen], seconds_by_bucket(size))]


def _most_productive(rows: Sequence[int], seconds: Mapping[int, float]) -> int:
    """How many of the first jobs to take: the prefix with the most useful rows a second; all when nothing is known."""
    best_count, best_rate, total = len(rows), 0.0, 0
    if sum(rows) > max(seconds, default=0):
        return best_count
    for count, own in enumerate(rows, start=1):
        total += own
        duration = seconds.get(bucket_for(total))
        if duration is None:
            return len(rows)
        if total / duration >= best_rate:
            best_count, best_rate = count, total / duration
    return best_count
