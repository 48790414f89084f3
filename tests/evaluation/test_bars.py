"""The bars beside a student: what they are trained and chosen on, and the paired test against the best of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from distill.answers.choices import with_choices
from distill.evaluation import bars
from distill.evaluation.bars import BarRows, measure_bars
from distill.rows.records import Example, TaskCard, TrainingRow
from distill.settings import SettingsError

CARD = TaskCard("toy", "classes", "", (), {}, ("blue", "green"))
CHOICES = TaskCard("toy", "choices", "", (), {})
THINGS = {"grass": "green", "leaf": "green", "sky": "blue", "sea": "blue"}
VERBS = ("saw", "drew", "hung", "held", "sold", "lost", "kept", "made")


def examples(verbs: tuple[str, ...]) -> list[Example]:
    return [
        Example(f"{verb}-{thing}", f"they {verb} the {thing}", {}, (), label)
        for verb in verbs
        for thing, label in THINGS.items()
    ]


def training(rows: list[Example], mistaken: tuple[str, ...] = ()) -> list[TrainingRow]:
    """Rows as a teacher labels them who takes the `mistaken` things for the other colour."""
    other = {"green": "blue", "blue": "green"}
    return [
        TrainingRow(row.id, row.input, other[row.label] if row.id.split("-")[1] in mistaken else row.label)
        for row in rows
    ]


def rows(mistaken: tuple[str, ...] = (), gold: int = 0) -> BarRows:
    train = examples(VERBS[:4])
    known = {row.id: row.label for row in train[:gold]}
    return BarRows(training(train, mistaken), known, examples(VERBS[4:6]), examples(VERBS[6:]))


def measured(bar_rows: BarRows, right: bool = True, card: TaskCard = CARD):
    return measure_bars(bar_rows, [right] * len(bar_rows.test), card, 0.95)


def test_bars_are_trained_on_the_students_rows_and_labels_mistakes_and_all():
    metrics = measured(rows(mistaken=("grass",)))["bars"]
    assert metrics["logistic_regression"]["label"]["accuracy"] == 0.75
    assert metrics["logistic_regression"]["training_rows"] == 16
    assert metrics["logistic_regression"]["label"]["class"]["green"]["recall"] == 0.5
    assert metrics["nearest_neighbours"]["label"]["accuracy"] == 0.75
    assert "logistic_regression_gold" not in metrics and "encoder" not in metrics


def test_gold_labels_alone_are_a_bar_of_their_own_of_as_many_rows_as_there_are():
    metrics = measured(rows(mistaken=("grass",), gold=8))["bars"]
    alone = metrics["logistic_regression_gold"]
    assert alone["training_rows"] == 8 and alone["label"]["accuracy"] == 1.0
    # Chosen by the validation rows, though another bar stands first.
    assert metrics["best"] == "logistic_regression_gold"


def test_where_the_student_learned_from_gold_labels_there_is_no_second_bar_of_them():
    assert "logistic_regression_gold" not in measured(rows(gold=16))["bars"]


def test_the_best_bar_is_chosen_on_validation_rows_and_not_on_test_rows(monkeypatch):
    """Neighbours that are right about every test row lose to a regression that validation prefers."""
    made = rows(mistaken=("grass",))
    validation = [replace(row, label="blue") if "grass" in row.id else row for row in made.validation]
    truth = {row.input: {row.label: 1.0} for row in made.test} | {row.input: {"green": 1.0} for row in validation}
    monkeypatch.setattr(bars, "neighbours", lambda *_: [lambda asked: [truth[row.input] for row in asked]] * 3)
    metrics = measured(replace(made, validation=validation))
    assert metrics["bars"]["nearest_neighbours"]["label"]["accuracy"] == 1.0
    assert metrics["bars"]["best"] == "logistic_regression"
    assert metrics["student_less_bar"]["difference"] == 0.25


def test_its_setting_is_chosen_on_validation_rows_by_accuracy_and_among_equals_by_loss():
    # Every strength is right about all; the weakest penalty is surest, and so it has the least loss.
    assert measured(rows())["bars"]["logistic_regression"]["c"] == 100.0
    # Where half of the validation rows are mistaken, none is better than chance, and least sure loses least.
    made = rows()
    noise = [replace(row, label=("blue", "green")[i // 4 % 2]) for i, row in enumerate(made.validation)]
    assert measured(replace(made, validation=noise))["bars"]["logistic_regression"]["c"] == 0.1


@pytest.mark.parametrize(
    ("mistaken", "right", "verdict", "first_only"),
    [(("grass", "sky", "leaf", "sea"), True, "beats", 8), ((), False, "beaten", 0), ((), True, "not_told_apart", 0)],
)
def test_student_and_best_bar_are_compared_row_by_row(mistaken, right, verdict, first_only):
    pair = measured(rows(mistaken), right)["student_less_bar"]
    assert (pair["verdict"], pair["rows"], pair["first_only"]) == (verdict, 8, first_only)
    assert pair["p_value"] == (1.0 if verdict == "not_told_apart" else 2 * 0.5**8)


def offered(found: list[Example]) -> list[Example]:
    return [replace(row, input=with_choices(row.input, ("green", "blue")), choices=("green", "blue")) for row in found]


def test_where_rows_have_choices_pairs_are_scored_and_the_nearest_choice_stands_beside_it():
    train, validation, test = (offered(examples(VERBS[a:b])) for a, b in ((0, 4), (4, 6), (6, 8)))
    labelled = [TrainingRow(row.id, row.input, row.label, None, row.choices) for row in train]
    metrics = measured(BarRows(labelled, {}, validation, test), card=CHOICES)["bars"]
    assert metrics["logistic_regression"]["label"]["accuracy"] == 1.0 and metrics["best"] == "logistic_regression"
    # No word of these questions stands in a choice: the first choice is taken, which is right in half of them.
    assert metrics["nearest_choice"]["label"]["accuracy"] == 0.5 and "nearest_neighbours" not in metrics


def test_the_encoder_before_its_training_is_a_bar_or_says_why_not():
    def embedding(texts):
        return np.array([[1.0 if "sky" in text or "sea" in text else -1.0] for text in texts])

    def gone(texts):
        raise SettingsError("student.name: 'x' cannot be loaded")

    assert measured(replace(rows(), embedding=embedding))["bars"]["encoder"]["label"]["accuracy"] == 1.0
    metrics = measured(replace(rows(), embedding=gone))["bars"]
    assert metrics["encoder"] == {"label": None, "reason": "student.name: 'x' cannot be loaded"}
    assert metrics["best"] == "logistic_regression"


def test_numbers_texts_and_inputs_without_words_have_no_bar_and_the_reason():
    number = measured(rows(), card=replace(CARD, kind="number", classes=()))
    assert number == {"bars": {"best": None, "reason": "no bar gives answers of the kind number"}}
    signs = replace(rows(), training=[TrainingRow("a", "?!", "blue")])
    metrics = measured(signs)
    assert metrics["bars"]["best"] is None and "student_less_bar" not in metrics
    assert metrics["bars"]["logistic_regression"]["reason"] == "no text of the training rows has a word"


def test_the_same_rows_give_the_same_figures():
    assert measured(rows(("grass",), 8)) == measured(rows(("grass",), 8))
