"""How wide a call may be."""

import pytest

from illustration_worker.engine.batching.row_buckets import bucket_for, largest_bucket_within
from illustration_worker.engine.batching.row_cap import CLEAN_STEPS_TO_GROW, RowCap

SIZE = (1024, 1024)


def test_buckets() -> None:
    assert [bucket_for(rows) for rows in (1, 2, 3, 5, 8, 9, 16)] == [1, 2, 4, 8, 8, 16, 16]
    assert [largest_bucket_within(rows) for rows in (0.3, 1, 3, 7.9, 8, 100)] == [1, 1, 2, 4, 8, 16]


def test_larger_pictures_get_fewer_rows_and_smaller_ones_no_more() -> None:
    cap = RowCap(8, SIZE, is_fixed=False)
    assert [cap.rows_for(size) for size in (SIZE, (512, 512), (1024, 2048), (2048, 2048), (1216, 832))] == [
        8,
        8,
        4,
        2,
        8,
    ]


def test_a_size_that_was_measured_has_its_own_cap() -> None:
    cap = RowCap(8, SIZE, is_fixed=False, rows_by_size={SIZE: 8, (2048, 2048): 4})
    assert [cap.rows_for(size) for size in (SIZE, (2048, 2048), (1024, 2048))] == [8, 4, 4]
    assert cap.halve((2048, 2048))
    assert [cap.rows_for(size) for size in (SIZE, (2048, 2048))] == [4, 2]


def test_a_fixed_cap_is_the_same_for_every_size() -> None:
    cap = RowCap(8, SIZE, is_fixed=True)
    assert [cap.rows_for(size) for size in (SIZE, (512, 512), (2048, 2048))] == [8, 8, 8]


def test_shortage_halves_down_to_one_row() -> None:
    cap = RowCap(8, SIZE, is_fixed=False)
    rows = [cap.rows_for(SIZE)]
    while cap.halve(SIZE):
        rows.append(cap.rows_for(SIZE))
    assert rows == [8, 4, 2, 1]


@pytest.mark.parametrize(("clean", "rows"), [(CLEAN_STEPS_TO_GROW - 1, 4), (CLEAN_STEPS_TO_GROW, 8), (10_000, 8)])
def test_it_grows_again_but_never_beyond(clean: int, rows: int) -> None:
    cap = RowCap(8, SIZE, is_fixed=False)
    assert cap.halve(SIZE)
    for _ in range(clean):
        cap.note_clean_step()
    assert cap.rows_for(SIZE) == rows


def test_a_shortage_starts_the_count_anew() -> None:
    cap = RowCap(8, SIZE, is_fixed=False)
    cap.halve(SIZE)
    for _ in range(CLEAN_STEPS_TO_GROW - 1):
        cap.note_clean_step()
    cap.halve(SIZE)
    cap.note_clean_step()
    assert cap.rows_for(SIZE) == 2
