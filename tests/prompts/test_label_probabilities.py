from __future__ import annotations

from dataclasses import replace

import pytest

from distill.annotation.voting import voted
from distill.prompts.asking import Ask, Asker
from distill.prompts.label_probabilities import label_probabilities
from distill.prompts.prompt_file import hand_written
from distill.rows.records import Annotation
from distill.tasks.registry import get_task
from distill.teacher import open_teacher
from distill.teacher.exchange import Token

CLASSES = ("larger", "smaller", "similar")


def said(*tokens):
    """Tokens of probability 1, but where one is a (text, probability, likeliest)."""
    return [
        Token(token, 1.0) if isinstance(token, str) else Token(token[0], token[1], tuple(token[2])) for token in tokens
    ]


@pytest.mark.parametrize(
    ("tokens", "found"),
    [
        # Where it is named last, and the others by what begins them alone.
        (
            [("larger", 0.2, []), " or", ("\n larger", 0.7, [("\n larger", 0.7), (" small", 0.2), ("sim", 0.05)]), "."],
            {"larger": 0.7, "smaller": 0.2, "similar": 0.05},
        ),
        # A product of several tokens; the first place alone tells of others.
        (
            [" so", (" lar", 0.5, [(" lar", 0.5), (" smaller", 0.4)]), ("ger", 0.9, [("smaller", 0.1)])],
            {"larger": 0.45, "smaller": 0.4},
        ),
        # A token that begins two candidates, the label among them or not, says nothing of either.
        ([("larger", 0.6, [("s", 0.2), ("l", 0.1), ("", 0.1), ("?!", 0.1)])], {"larger": 0.6}),
        # A token that goes beyond the candidate; in quotes, in capitals.
        (['"', ("Larger", 0.5, [('"similar"', 0.3), ("smallerish", 0.1)]), '"'], {"larger": 0.5, "similar": 0.3}),
        # Part of another word is not the label.
        (["enlarger", " ", ("larger-than", 0.5, [])], {"larger": 0.5}),
        (["bigger"], {}),
        ([], {}),
    ],
)
def test_what_the_tokens_tell_of_each_label(tokens, found):
    assert label_probabilities("larger", CLASSES, said(*tokens)) == found


def test_more_than_one_in_all_is_brought_down_to_one():
    found = label_probabilities("larger", CLASSES, said(("larger", 0.9, [("similar", 0.3)])))
    assert found == {"larger": 0.75, "similar": 0.25}


def test_the_mean_over_several_answers_each_with_what_it_tells():
    def answer(label, **given):
        return Annotation("r", "explain", label, "why", "ok", "", "stop", "m", label_probabilities=given)

    found = voted([answer("yes", yes=0.7, no=0.2), answer("no", no=0.9), answer("yes")], "classes")
    assert found.label_probabilities == {"yes": round(1.7 / 3, 6), "no": round(1.1 / 3, 6)}


def test_the_simulated_teachers_doubt_is_told_and_is_about_right(make_settings):
    made = make_settings(**{"teacher.logprobs": True, "teacher.temperature": 1.0, "task.train_rows": 120})
    task = get_task(made.task)
    rows, card = task.splits()["train"], task.card()
    templates = hand_written(card, made.prompt)
    with open_teacher(made, "test") as teacher:
        asker, asks = Asker(teacher, card, made.teacher), [Ask(row, "explain") for row in rows]
        found, again = ([answer for _, answer in asker.answers(asks, templates)] for _ in range(2))
    by_id = {one.id: one.label_probabilities for one in found}
    assert {one.id: one.label_probabilities for one in again} == by_id
    told = [one for one in found if one.label_probabilities]
    assert len(told) > 0.8 * sum(one.label is not None for one in found)
    # Of a label of two tokens the second takes some more from it.
    assert all(
        set(one.label_probabilities) == set(CLASSES) and 0.92 < sum(one.label_probabilities.values()) < 1.0001
        for one in told
    )
    gold = {row.id: row.label for row in rows}
    sure = sum(one.label_probabilities[one.label] for one in told) / len(told)
    assert sure == pytest.approx(sum(one.label == gold[one.id] for one in told) / len(told), abs=0.1)
    plain = replace(made, teacher=replace(made.teacher, logprobs=False))
    with open_teacher(plain, "test") as teacher:
        assert all(
            one.label_probabilities == {} for _, one in Asker(teacher, card, plain.teacher).answers(asks[:5], templates)
        )
