"""What is kept as the rationale, and what is cut from a response."""

import pytest

from distill.answers.parsing import Parsed, parse_response

PLACES = ["park", "coloring book", "garden center", "math problem", "gravity"]


def parse(text, **more):
    return parse_response(text, kind="choices", choices=PLACES, **more)


@pytest.mark.parametrize(
    ("text", "rationale"),
    [
        ("People walk there. So the answer is (a) park.", "People walk there."),
        ("People walk there, so the answer is (a) park.", "People walk there"),
        ("People walk there.\n\nAnswer: (a)", "People walk there."),
        ("Rationale: People walk there.\nAnswer: park", "People walk there."),
        ("Let's think step by step. People walk there. The answer is park.", "People walk there."),
        ("Sure! Here is my reasoning:\nPeople walk\nthere.\n\n**Final Answer:** park", "People walk there."),
        ("Answer: park\nRationale: People walk there.", "People walk there."),
        ("Answer: park\n\n**Explanation:** People walk there.", "People walk there."),
        ("The answer is (a) park because people walk there.", "people walk there."),
        ("The correct answer is (a) park, since people walk there.", "people walk there."),
        ("The answer is park. This is because people walk there.", "people walk there."),
        ("(a) park - people walk there.", "people walk there."),
        ("park\n\nPeople walk there.", "People walk there."),
        ("People walk there. \\boxed{A}", "People walk there."),
        ("<rationale>People walk there.</rationale><answer>park</answer>", "People walk there."),
    ],
)
def test_the_explanation_without_the_answer(text, rationale):
    assert parse(text) == Parsed("park", rationale, "ok")


def test_an_answer_inside_the_explanation_leaves_it_whole():
    text = "You would walk in the park. People meet there."
    assert parse(text) == Parsed("park", text, "ok")


def test_an_answer_as_a_bare_sentence_explains_nothing():
    assert parse("You would walk in the park.") == Parsed("park", None, "no_rationale")


@pytest.mark.parametrize(
    "tail",
    [
        "\n\nQ: What is red?\nA: The answer is (e) gravity.",
        "\n\nQuestion: What is red?\nAnswer: gravity",
        "\n\nExample 2:\nAnswer: gravity",
        "\n\nQ",
        "\nHuman: and now?\nAnswer: gravity",
        "<|im_end|>\nAnswer: gravity",
        "</s> Answer: gravity",
    ],
)
def test_run_ons_are_cut(tail):
    assert parse("People walk there. So the answer is (a) park." + tail) == Parsed("park", "People walk there.", "ok")


def test_thoughts_are_not_the_response():
    text = "<think>Is the answer gravity? Or (b)?</think>\nPeople walk there. The answer is park."
    assert parse(text) == Parsed("park", "People walk there.", "ok")
    assert parse("so it is gravity\n</think>\n\nAnswer: park").label == "park"


def test_a_thought_without_end_answers_nothing():
    assert parse("<think>The answer is gravity. Wait", finish_reason="length") == Parsed(None, None, "truncated")
    assert parse("<think>The answer is gravity.").status == "truncated"


def test_a_missing_rationale_is_none():
    for text in ("(a)", "Answer: park\nRationale:", "Rationale: \n\nAnswer: park", "**park**", "Answer: park\n\n---"):
        assert parse(text) == Parsed("park", None, "no_rationale"), text


def test_blank_rationales_and_unknown_statuses_are_rejected():
    with pytest.raises(ValueError, match="not blank"):
        Parsed("park", " ", "ok")
    with pytest.raises(ValueError, match="status is 'fine'"):
        Parsed("park", None, "fine")
    with pytest.raises(ValueError, match="does not go with"):
        Parsed("park", None, "ambiguous")
