from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from distill.prompts.asking import Ask
from distill.prompts.early_stop import _CAUSES, IN_A_ROW, UnusableAnswers, cause_of, stopping_early
from distill.rows.records import Annotation, Example

ROW = Example("r", "x", {}, label="yes")


def answer(status: str = "ok", label: str | None = "yes", finish: str | None = "stop", response: str | None = "raw"):
    return Ask(ROW, "explain"), Annotation("r", "explain", label, None, status, response, finish, "m")


GOOD = answer()
BAD = {
    "cut": answer("truncated", None, "length"),
    "no label": answer("no_label", None),
    "empty": answer("empty", None, response=None),
    "refused": answer("refusal", None),
    "too long": answer("too_long", None, None, None),
    "row error": answer("row_error", None, None, None),
    "failed": answer("failed", None, None, None),
}


def came(answers, **how):
    """How many answers came before the stop, and what it said; an empty text where there was none."""
    received = []
    try:
        for pair in stopping_early(iter(answers), **how):
            received.append(pair)
    except UnusableAnswers as stop:
        return len(received), str(stop)
    return len(received), ""


@pytest.mark.parametrize("cause", BAD)
def test_every_cause_has_its_advice(cause):
    assert cause_of(BAD[cause][1]) == cause
    count, text = came([BAD[cause]] * 200)
    assert count == IN_A_ROW and text.startswith(f"{IN_A_ROW} answers in a row cannot be used")
    assert "runtime.stop_early" in text and f": {IN_A_ROW} {_CAUSES[cause]}" in text


def test_a_label_is_a_usable_answer_also_where_the_rest_was_cut():
    assert cause_of(answer(finish="length")[1]) is None and came([GOOD] * 500) == (500, "")


def test_one_usable_answer_ends_the_row():
    answers = ([BAD["no label"]] * (IN_A_ROW - 1) + [GOOD]) * 2
    assert came(answers) == (len(answers), "")


def test_the_share_of_the_first_hundred_is_judged_by_its_interval():
    # Wilson's lower end at 95 % is 0.502 for 60 of 100, and 0.492 for 59.
    mixed = [BAD["cut"], BAD["no label"], GOOD] * 19 + [BAD["empty"]] * 21 + [GOOD] * 21
    assert sum(pair is not GOOD for pair in mixed[:100]) == 59 and came(mixed)[1] == ""
    worse = [*mixed[:2], BAD["empty"], *mixed[3:]]
    assert sum(pair is not GOOD for pair in worse[:100]) == 60
    count, text = came(worse + [GOOD] * 50)
    assert count == 100 and text.startswith("60 of the first 100 answers cannot be used")
    assert "teacher.max_tokens" in text and "One of them is 'raw'." in text


def test_a_search_is_stopped_by_its_opening_alone():
    assert came([BAD["cut"]] * 200, opening=True)[0] == IN_A_ROW
    count, text = came([BAD["cut"]] * 11, opening=True)
    assert (
        count == 11 and text.startswith("all of the first 11 answers cannot be used") and "teacher.max_tokens" in text
    )
    assert came([BAD["cut"]] * 9, opening=True) == (9, "") and came([BAD["cut"]] * 11) == (11, "")
    assert came([GOOD] + [BAD["cut"]] * 200, opening=True) == (201, "")


@given(st.lists(st.booleans(), max_size=300))
def test_nothing_is_lost_or_added_whatever_comes(usable):
    answers = [GOOD if good else BAD["no label"] for good in usable]
    count, text = came(answers)
    assert count == len(answers) if not text else count <= len(answers)
    assert bool(text) is (
        any(not any(usable[i : i + IN_A_ROW]) for i in range(len(usable) - IN_A_ROW + 1))
        or (len(usable) >= 100 and sum(not good for good in usable[:100]) >= 60)
    )
