"""The numbers of rows that a UNet call may have. Pure."""

ROW_BUCKETS = (1, 2, 4, 8, 16)
"""Few, so that each can be measured, and compiled, once."""
MAX_ROWS = ROW_BUCKETS[-1]


def bucket_for(rows: int) -> int:
    """The smallest bucket that holds ``rows``, 1 to ``MAX_ROWS``."""
    return next(bucket for bucket in ROW_BUCKETS if bucket >= rows)


def largest_bucket_within(rows: float) -> int:
    """The largest bucket of at most ``rows``; never less than 1."""
    return max((bucket for bucket in ROW_BUCKETS if bucket <= rows), default=1)
