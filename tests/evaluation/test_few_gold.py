"""Few gold labels and many rows without: values by hand, stated coverage by simulation, and which rows may count."""

from __future__ import annotations

import sys
from dataclasses import replace
from statistics import fmean

import numpy as np
import pytest

from distill.evaluation import few_gold
from distill.evaluation.few_gold import GUESS_FOLDS, cross_fitted_guesses, few_gold_metrics, powered_share
from distill.evaluation.text_models import answers, regressions
from distill.intervals import wilson
from distill.rows.records import Annotation, Example

WORDS = {"up": ("kite", "lark", "moon", "peak"), "down": ("cave", "mole", "root", "well")}


def drawn(draws: np.random.Generator, rows: int, right: float = 0.85) -> list[tuple[Example, Annotation]]:
    """Rows of which half of the words speak for the gold label, and a teacher who errs at random."""
    pairs = []
    for number in range(rows):
        gold, other = draws.permutation(list(WORDS))
        words = [str(draws.choice(WORDS[gold])), str(draws.choice(WORDS[gold if draws.random() < 0.7 else other]))]
        text = " ".join([*words, *(f"w{draws.integers(1000)}" for _ in range(3)), f"n{number}"])
        label = str(gold if draws.random() < right else other)
        answer = Annotation(f"r{number}", "explain", label, "so", "ok", "", "stop", "m", prompt="explain")
        pairs.append((Example(f"r{number}", text, {}, (), str(gold)), answer))
    return pairs


def unlabelled(pairs):
    return [(replace(row, label=None, id=f"u-{row.id}"), replace(answer, id=f"u-{row.id}")) for row, answer in pairs]


def test_by_hand():
    """20 rows, 10 right; the guess is 1 of the 8 right and 2 wrong, and of 60 in 100 unlabelled ones."""
    right, guesses = [True] * 10 + [False] * 10, [1.0] * 8 + [0.0] * 2 + [1.0] * 2 + [0.0] * 8
    far = [1.0] * 60 + [0.0] * 40
    covariance, classical = 3 / 19, 5 / 19
    spread = (70 - 70**2 / 120) / 119
    weight = covariance / (1.2 * spread)
    variance = classical - 2 * weight * covariance + weight**2 * 5 / 19 + weight**2 * spread * 20 / 100
    powered = powered_share(right, guesses, far, 0.95)
    assert powered.weight == pytest.approx(weight) and powered.accuracy == pytest.approx(0.5 + weight * 0.1)
    assert powered.worth == pytest.approx(20 * classical / variance * 18 / 19)
    low, high = wilson(powered.accuracy * powered.worth, powered.worth, 0.95)
    assert (powered.accuracy_ci_low, powered.accuracy_ci_high) == pytest.approx((low, high))


@pytest.mark.parametrize(
    "guesses", [[0.5] * 25, [0.2] * 20 + [0.9] * 5], ids=["says nothing", "is worse where it is surer"]
)
def test_a_guess_that_is_no_help_leaves_the_classical_estimate(guesses):
    powered = powered_share([True] * 20 + [False] * 5, guesses, guesses * 4, 0.9)
    assert (powered.accuracy, powered.weight, powered.worth) == (0.8, 0.0, 25.0)
    assert (powered.accuracy_ci_low, powered.accuracy_ci_high) == wilson(20, 25, 0.9)


def test_where_all_are_right_the_interval_has_the_width_of_the_labelled_rows():
    powered = powered_share([True] * 40, list(np.linspace(0.5, 1, 40)), [0.7] * 400, 0.95)
    assert (powered.accuracy, powered.accuracy_ci_low, powered.accuracy_ci_high) == (1.0, *wilson(40, 40, 0.95))


def test_too_few_labelled_rows_are_refused():
    with pytest.raises(ValueError, match="19 labelled and 5 unlabelled"):
        powered_share([True] * 19, [0.5] * 19, [0.5] * 5, 0.95)


@pytest.mark.parametrize(("rows", "accuracy"), [(20, 0.8), (30, 0.95), (200, 0.9)])
@pytest.mark.parametrize(("noise", "narrower"), [(0.0, 0.85), (50.0, 1.005)])
def test_it_covers_the_truth_as_often_as_stated_and_is_narrower_where_the_guess_is_good(
    rows, accuracy, noise, narrower
):
    """1,000 worlds each: a row is right with a probability of its own, which the guess knows but for noise."""
    draws, worlds, many = np.random.default_rng(7), 1000, 500
    ease = draws.normal(size=400_000) * 3
    levels = np.linspace(-10, 10, 2001)
    level = levels[np.argmin([abs(sigmoid(ease[:20_000] + shift).mean() - accuracy) for shift in levels])]
    truth = sigmoid(ease + level).mean()
    covered, widths, classical = 0, [], []
    for _ in range(worlds):
        own = level + draws.normal(size=rows + many) * 3
        right = draws.random(rows) < sigmoid(own[:rows])
        guesses = sigmoid(own + draws.normal(size=rows + many) * noise)
        powered = powered_share(right, guesses[:rows], guesses[rows:], 0.95)
        covered += powered.accuracy_ci_low <= truth <= powered.accuracy_ci_high
        widths.append(powered.accuracy_ci_high - powered.accuracy_ci_low)
        low, high = wilson(int(right.sum()), rows)
        classical.append(high - low)
    assert 0.93 <= covered / worlds <= 0.975
    assert fmean(widths) <= narrower * fmean(classical)


def sigmoid(values):
    return 1 / (1 + np.exp(-values))


def test_the_guess_of_unlabelled_rows_is_as_that_of_labelled_ones_though_the_student_was_trained_on_them():
    """Over 12 worlds the means agree, which they do not where rows are judged by a model that learned them."""
    draws, gaps, naive = np.random.default_rng(3), [], []
    for _ in range(12):
        far_rows, near_rows = unlabelled(drawn(draws, 150)), drawn(draws, 150)
        near, far = cross_fitted_guesses(far_rows, near_rows, 10.0)
        gaps.append(fmean(far) - fmean(near))
        rows, labels = [row for row, _ in far_rows], [answer.label for _, answer in far_rows]
        (model,) = regressions(rows, labels, [10.0])
        own = [score[label] for score, label in zip(model(rows), labels, strict=True)]
        naive.append(fmean(own) - fmean(near))
    error = np.std(gaps, ddof=1) / 12**0.5
    assert abs(fmean(gaps)) < 2.5 * error and error < 0.02
    assert fmean(naive) > 0.15


def test_near_duplicates_stand_in_one_fold_and_do_not_vouch_for_each_other():
    draws = np.random.default_rng(5)
    pairs = unlabelled(drawn(draws, 60, right=0.5))
    twins = [
        (replace(row, id=f"t-{row.id}", input=f"{row.input}!"), replace(answer, id=f"t-{row.id}"))
        for row, answer in pairs
    ]
    near = drawn(draws, 60, right=0.5)
    alone, beside = (fmean(cross_fitted_guesses(rows, near, 10.0)[1]) for rows in (pairs, [*pairs, *twins]))
    # With its twin in another fold a row's label, a coin's, would be found again.
    assert beside == pytest.approx(alone, abs=0.06) and beside < 0.6


def test_a_row_without_an_answer_has_a_guess_of_0_and_teaches_nothing():
    draws = np.random.default_rng(1)
    far, near = unlabelled(drawn(draws, 40)), drawn(draws, 5)
    far[3] = (far[3][0], replace(far[3][1], label=None))
    near[0] = (near[0][0], replace(near[0][1], label=None))
    near_guesses, far_guesses = cross_fitted_guesses(far, near, 1.0)
    assert near_guesses[0] == far_guesses[3] == 0.0 and min(near_guesses[1:]) > 0


def measured(train, test, right=None, strength=10.0):
    right = right or {row.id: (True, place % 4 > 0) for place, (row, _) in enumerate(test)}
    return few_gold_metrics(train, test, right, strength, 0.95)


def test_student_and_teacher_are_estimated_and_the_guess_compared():
    draws = np.random.default_rng(2)
    train, test = unlabelled(drawn(draws, 300)), drawn(draws, 40)
    right = {row.id: (place % 10 > 0, row.label == answer.label) for place, (row, answer) in enumerate(test)}
    found = measured(train, test, right)
    assert (found["rows"], found["unlabelled_rows"], found["most_unlabelled"]) == (40, 300, True)
    near, far = cross_fitted_guesses([train[i] for i in range(300)], test, 10.0)
    assert found["guess"]["labelled"] == pytest.approx(fmean(near), abs=0.02) and len(far) == 300
    assert found["teacher"]["worth_rows"] > 45 and found["teacher"]["weight"] > 0.3
    assert 40 <= found["student"]["worth_rows"] < 45
    assert found["guess"]["p_value"] > 0.01
    assert found == measured(list(reversed(train)), test, right)


def test_labelled_rows_that_are_unlike_the_unlabelled_are_told():
    draws = np.random.default_rng(4)
    harder = [(replace(row, input=f"w1 w2 {row.id}"), answer) for row, answer in drawn(draws, 60)]
    assert measured(unlabelled(drawn(draws, 300)), harder)["guess"]["p_value"] < 1e-4


def test_no_p_value_is_0():
    assert few_gold._difference([0.0] * 30, [1.0] * 300)["p_value"] == sys.float_info.min
    assert few_gold._difference([0.1, 0.100001] * 30, [0.9, 0.900001] * 300)["p_value"] == sys.float_info.min
    assert few_gold._difference([0.5] * 30, [0.5] * 300)["p_value"] == 1


def test_only_unlabelled_rows_that_were_asked_as_the_test_rows_were_are_counted():
    draws = np.random.default_rng(6)
    train, test = unlabelled(drawn(draws, 200)), drawn(draws, 30)
    otherwise = [(row, replace(answer, prompt="label")) for row, answer in train[:60]]
    voted = [(row, replace(answer, calls=3)) for row, answer in train[60:80]]
    assert measured([*otherwise, *voted, *train[80:]], test)["unlabelled_rows"] == 120
    none = measured([*otherwise, *voted], test)
    assert none["reason"] == "0 unlabelled train rows were asked as the 30 test rows were, and it takes more"


def test_where_nothing_is_estimated_it_says_why():
    draws = np.random.default_rng(8)
    gold, train, test = drawn(draws, 100), unlabelled(drawn(draws, 100)), drawn(draws, 30)
    assert measured([*gold, *train], test) == {
        "most_unlabelled": False,
        "reason": "100 of 200 train rows have no gold label",
    }
    assert measured(train, test[:19])["reason"] == "the teacher answered 19 labelled test rows, and it takes 20"
    assert measured(train, test, strength=None)["reason"].startswith("the guess is that of a bar")
    same = [(replace(row, input="the same words again and again"), answer) for row, answer in train]
    assert measured(same, test)["reason"] == "no text of the training rows has a word"


def test_there_are_as_many_folds_as_stated_and_each_judges_its_own():
    """A fold whose rows alone have a label leaves the others without a word of it."""
    rows = [(Example(str(i), f"word{i} {'x' * i}", {}), Annotation(str(i), "explain", "a", None, "ok", "", "", "m"))
            for i in range(GUESS_FOLDS * 2)]  # fmt: skip
    near, far = cross_fitted_guesses(rows, rows[:1], 1.0)
    assert far == [1.0] * 10 and near == [pytest.approx(1.0)]
    assert answers([{"a": 1.0}]) == ["a"]
