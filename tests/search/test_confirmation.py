"""Which finalist is taken and how good it is said to be, with prompts whose truth is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from distill.intervals import holm
from distill.rows.records import Annotation, Example
from distill.search.confirmation import FOLDS, choose, cross_fitted
from distill.search.scoring import Score, difference, label_p_value

ROWS = [Example(f"r{i:03}", "", {}, label="yes") for i in range(200)]


def prompt_score(right, whole) -> Score:
    """The score of a prompt by what of each row is so: (accuracy + 0.5 labels and rationales) / 1.5."""
    right, whole = np.asarray(right, bool), np.asarray(whole, bool)
    by_row = {row.id: (a + 0.5 * b) / 1.5 for row, a, b in zip(ROWS, right.tolist(), whole.tolist(), strict=False)}
    ids = np.array(list(by_row))
    share = float(whole.mean())
    return Score(
        len(ids),
        int(right.sum()),
        share,
        share,
        share,
        100.0,
        float(np.mean(list(by_row.values()))),
        by_row,
        frozenset(ids[right].tolist()),
        frozenset(ids[whole].tolist()),
    )


def equal_prompts(random, rows: int, prompts: int, accuracy: float, whole: float) -> list[Score]:
    """Prompts that are equally good, and agree on half of the rows."""

    def drawn(share):
        own = random.random((prompts, rows))
        return np.where(random.random((prompts, rows)) < 0.5, random.random((1, rows)), own) < share

    explained = drawn(whole)
    return [prompt_score(*one) for one in zip(drawn(accuracy) & explained, explained, strict=True)]


@pytest.mark.parametrize(("whole", "seed"), [(1.0, 1), (0.95, 2)])
def test_among_equal_prompts_the_hand_written_one_is_replaced_no_more_often_than_is_said(make_settings, whole, seed):
    prompt, random = make_settings().prompt, np.random.default_rng(seed)
    searches, replaced, each = 200, 0, 0
    for _ in range(searches):
        scores = equal_prompts(random, 60, 5, 0.85, whole)
        replaced += choose(scores, prompt).place > 0
        each += difference(max(scores[1:], key=lambda score: score.total), scores[0], prompt.confidence).low > 0
    # 5 % is the nominal share at confidence 0.9; of 200 draws 9.6 % is three standard errors above it.
    assert replaced / searches < 0.05 + 3 * (0.05 * 0.95 / searches) ** 0.5 < each / searches


def test_a_better_prompt_is_taken_and_its_p_value_counts_the_finalists(make_settings):
    prompt = make_settings().prompt
    places = np.arange(200)
    hand, same, better = (prompt_score(places % 20 < right, places >= 0) for right in (14, 14, 18))
    choice = choose([hand, same, better, same], prompt)
    assert choice.place == 2 and choice.lead.mean == pytest.approx(0.2 / 1.5)
    alone = choose([hand, better], prompt).lead
    assert 0 < choice.lead.low == pytest.approx(alone.low), "prompts that differ nowhere widen no interval"
    assert choice.lead.p_value == pytest.approx(3 * label_p_value(better, hand))


def test_the_intervals_of_more_finalists_are_wider(make_settings):
    prompt, random = make_settings().prompt, np.random.default_rng(3)
    hand, better, *others = equal_prompts(random, 200, 7, 0.7, 1.0)
    better = prompt_score([True] * 200, [True] * 200)
    few, many = (choose([hand, better, *some], prompt).lead for some in ([], others))
    assert few.mean == many.mean and many.high - many.low > 1.2 * (few.high - few.low)


def test_a_prompt_that_seldom_explains_gives_way_to_one_that_does_only_beyond_chance(make_settings):
    prompt = make_settings().prompt
    places = np.arange(200)

    def answered(right, whole):
        return prompt_score(places < right, places < whole)

    # As good in all, one right more seldom and one explaining more often: its score alone would not do.
    hand, explains = answered(150, 100), answered(110, 200)
    assert explains.total < hand.total + 0.04
    assert choose([hand, explains], prompt).place == 1
    assert choose([answered(180, 189), answered(180, 191)], prompt).place == 0, "two rows more are chance"
    seldom = choose([answered(150, 100), answered(150, 120)], prompt)
    assert not seldom.some_fit and seldom.place == 1, "where none explains enough, the score alone tells"


def test_nothing_replaces_the_hand_written_prompt_on_one_row(make_settings):
    one = [prompt_score([right], [True]) for right in (False, True)]
    assert choose(one, make_settings().prompt).place == 0


def said(right) -> list[Annotation]:
    return [
        Annotation(row.id, "explain", "yes" if a else "no", "why", "ok", "", "", "m")
        for row, a in zip(ROWS, right, strict=False)
    ]


def most_right(answers):
    return max(answers, key=lambda name: sum(answer.label == "yes" for answer in answers[name]))


def test_each_row_is_judged_by_the_prompt_that_the_others_choose():
    # "even" is right on even rows and one more: without that row, and its part, "odd" is the better one.
    places = range(40)
    answers = {"even": said([i % 2 == 0 or i == 1 for i in places]), "odd": said([i % 2 == 1 for i in places])}
    taken, judged = cross_fitted(answers, ROWS[:40], most_right)
    assert judged == {"even": 20, "odd": 20} and [answer.id for answer in taken] == [row.id for row in ROWS[:40]]
    # The other parts of an even row choose "odd", which is wrong on it, and the other way round; but for row 1.
    assert [place for place, answer in zip(places, taken, strict=True) if answer.label == "yes"] == [1]
    assert cross_fitted({"a": said([True]), "b": said([True])}, ROWS[:1], most_right)[1] == {"a": 1}


def test_the_winner_of_equal_prompts_is_quoted_without_its_luck():
    random, flattered, quoted = np.random.default_rng(5), [], []
    for _ in range(200):
        answers = {str(name): said(right) for name, right in enumerate(random.random((6, 50)) < 0.8)}
        best = max(sum(answer.label == "yes" for answer in own) for own in answers.values())
        flattered.append(best / 50)
        taken, _ = cross_fitted(answers, ROWS[:50], most_right)
        quoted.append(sum(answer.label == "yes" for answer in taken) / 50)
    error = np.std(quoted) / len(quoted) ** 0.5
    assert np.mean(flattered) > 0.86 and abs(np.mean(quoted) - 0.8) < 3 * error < 0.03


def test_holm_corrects_for_the_number_and_keeps_the_order():
    # Worked by hand: 4 * 0.005, 3 * 0.01, 2 * 0.03, then 0.04, which may not fall below the one before.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.7]) == [0.7] and holm([0.6, 0.9]) == [1.0, 1.0] and holm([]) == []


def test_parts_are_as_many_as_the_page_says():
    sizes = []

    def chosen(answers):
        sizes.append(len(answers["a"]))
        return "a"

    taken, judged = cross_fitted({"a": said([True] * 200)}, ROWS, chosen)
    assert sizes == [180] * FOLDS == [180] * 10 and judged == {"a": 200} and len(taken) == 200


def test_a_finalist_short_of_labels_never_wins(make_settings):
    prompt = replace(make_settings().prompt, least_parsed=0.95)
    places = np.arange(200)
    hand, mute = prompt_score(places < 120, places >= 0), prompt_score(places < 188, places < 188)
    assert mute.total > hand.total + 0.2 and choose([hand, mute], prompt).place == 0
