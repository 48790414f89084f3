from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from distill.rows.permutation import seeded_order, share
from distill.rows.records import Prediction


def rows(*ids):
    return [Prediction(i, "x") for i in ids]


def test_the_order_depends_on_ids_and_seed_alone():
    assert [r.id for r in seeded_order(rows(*"abcde"), 1)] == [r.id for r in seeded_order(rows(*"edcba"), 1)]
    assert [r.id for r in seeded_order(rows(*"abcdefgh"), 1)] != [r.id for r in seeded_order(rows(*"abcdefgh"), 2)]
    # Written out, so that a change of the order, which would ask the teacher anew, does not pass unseen.
    assert [r.id for r in seeded_order(rows(*"abcde"), 1)] == ["a", "e", "b", "c", "d"]


@settings(derandomize=True)
@given(st.sets(st.text(max_size=4), min_size=1), st.text(max_size=5), st.integers(0, 9))
def test_a_row_more_moves_no_other(ids, new, seed):
    before = [r.id for r in seeded_order(rows(*ids), seed)]
    after = [r.id for r in seeded_order(rows(*ids, *({new} - ids)), seed)]
    assert [i for i in after if i in ids] == before


def test_shares_are_exact():
    assert [share(10, rate) for rate in (0, 0.05, 0.15, 0.25, 0.5, 0.75, 1)] == [0, 0, 2, 2, 5, 8, 10]
    assert share(1500, 0.15) == 225
