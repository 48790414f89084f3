"""Models of words, on rows whose answers are known: what decides, what does not, and what none can be made of."""

from __future__ import annotations

import numpy as np
import pytest

from distill.answers.choices import with_choices
from distill.evaluation.text_models import NoWords, answers, nearest_choice, neighbours, regressions
from distill.rows.records import Example

COLOURS = {"grass": "green", "leaf": "green", "sky": "blue", "sea": "blue"}
VERBS = ("saw", "drew", "hung", "held")


def painted() -> tuple[list[Example], list[str]]:
    rows = [(f"I {verb} the {thing}", label) for thing, label in COLOURS.items() for verb in VERBS]
    return [Example(str(i), text, {}) for i, (text, _) in enumerate(rows)], [label for _, label in rows]


def question(text: str, *choices: str) -> Example:
    return Example(text, with_choices(text, choices), {}, choices)


def test_a_regression_learns_which_words_decide_and_is_surer_the_weaker_its_penalty():
    rows, labels = painted()
    weak, strong = regressions(rows, labels, (100.0, 0.1))
    unseen = [Example("a", "They photographed the SEA!", {}), Example("b", "one more leaf", {})]
    assert answers(weak(unseen)) == answers(strong(unseen)) == ["blue", "green"]
    assert weak(unseen)[0]["blue"] > strong(unseen)[0]["blue"] > 0.5
    assert sum(weak(unseen)[1].values()) == pytest.approx(1)


def test_the_order_of_two_words_is_seen_as_a_pair_of_neighbours():
    rows = [Example(str(i), text, {}) for i, text in enumerate(["dog bites man", "man bites dog"] * 4)]
    (model,) = regressions(rows, ["usual", "news"] * 4, (100.0,))
    assert answers(model([Example("x", "dog bites man", {}), Example("y", "man bites dog", {})])) == ["usual", "news"]


def test_characters_are_the_words_of_a_script_without_spaces():
    rows = [Example(str(i), text, {}) for i, text in enumerate(["我要退货", "我要付款", "请退货吧", "请付款吧"])]
    (model,) = regressions(rows, ["returns", "billing"] * 2, (100.0,))
    assert answers(model([Example("x", "退货多少天", {}), Example("y", "怎么付款", {})])) == ["returns", "billing"]


def test_one_label_alone_is_always_answered():
    rows, labels = painted()
    (model,) = regressions(rows[:8], labels[:8], (1.0,))
    assert model(rows[-1:]) == [{"green": 1.0}]


def test_neighbours_vote_nearer_ones_for_more_and_are_no_more_than_there_are():
    rows, labels = painted()
    nearest, every = neighbours(rows, labels, (1, 99))
    assert answers(nearest(rows)) == labels and nearest(rows[:1]) == [{"blue": 0.0, "green": 1.0}]
    assert answers(every([Example("x", "the leaf and grass", {})])) == ["green"]


def test_a_choice_is_learned_by_its_words_and_by_those_of_the_question_beside_them():
    training = [question(f"{verb} the {thing}?", "blue", "green") for thing in COLOURS for verb in VERBS]
    labels = [label for label in COLOURS.values() for _ in VERBS]
    (model,) = regressions(training, labels, (100.0,))
    assert answers(model([question("where is the sea?", "green", "blue"), question("a leaf", "green", "blue")])) == [
        "blue",
        "green",
    ]


def test_a_word_that_question_and_choice_share_speaks_for_the_choice_whatever_the_word():
    words = ("oak", "elm", "ash", "fir", "yew", "box", "bay", "fig")
    training = [
        question(f"which is {word}", word, other) for word, other in zip(words, words[1:] + words[:1], strict=True)
    ]
    (model,) = regressions(training, list(words), (100.0,))
    assert answers(model([question("which is plum", "pear", "plum")])) == ["plum"]


def test_labels_that_are_none_of_the_choices_teach_that_none_is_right():
    (model,) = regressions([question("a b", "c", "d")], ["e"], (1.0,))
    assert model([question("a b", "c", "d")]) == [{"c": 0.0, "d": 0.0}]


def test_the_nearest_choice_needs_no_label_and_leaves_the_listed_choices_out_of_the_question():
    rows = [question("a red apple pie", "apple tart", "fish soup"), question("soup of fish", "apple tart", "fish soup")]
    scored = nearest_choice(rows)(rows)
    assert answers(scored) == ["apple tart", "fish soup"] and scored[0]["fish soup"] == 0.0


def test_vectors_of_an_encoder_take_the_place_of_tf_idf():
    places = {"up": [2.0, 0.0], "down": [0.0, 3.0], "high": [1.0, 0.1], "low": [0.1, 1.0]}

    def embedding(texts):
        return np.array([places[text] for text in texts])

    rows = [Example(text, text, {}) for text in ("up", "down")]
    (model,) = regressions(rows, ["yes", "no"], (10.0,), embedding)
    assert answers(model([Example("x", "high", {}), Example("y", "low", {})])) == ["yes", "no"]
    asked = [question("up", "low", "high")]
    assert nearest_choice(asked, embedding)(asked)[0]["high"] == pytest.approx(2 / (2 * 1.01**0.5))


def test_rows_without_a_word_are_refused():
    for make in (
        lambda: next(regressions([Example("a", "?!", {})], ["x"], (1.0,))),
        lambda: next(neighbours([Example("a", "…", {})], ["x"], (1,))),
        lambda: nearest_choice([question("?", "!", "…")]),
    ):
        with pytest.raises(NoWords, match="no text of the training rows has a word"):
            make()
