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
        ("The answer is (a) park, as a path is found there.", "a path is found there."),
        ("Given the list above, the best choice is a park. People walk there.", "People walk there."),
        ('People walk there. Still, out of these, "park" seems to be the most fitting choice.', "People walk there."),
        ("People walk there, making a park the best choice.", "People walk there"),
        ("While shops are near, the best choice is a park. People walk there.", "shops are near. People walk there."),
        ("If you want to walk, the best choice would be a park. People do so.", "People do so."),
        ("### Why\n1. People walk there.\n2. Dogs do too.\n\n### Answer\npark", "People walk there. Dogs do too."),
        ("The typical pick and best option is a park (option a). People walk there.", "People walk there."),
        ("People walk there. This makes it the best option.\nAnswer: park", "People walk there."),
        ("2 + 3 = 5\nAnswer: park\nDogs do too.", "2 + 3 = 5. Dogs do too."),
        ("b) garden center: dull. The answer is park.", "garden center: dull."),
    ],
)
def test_the_explanation_without_the_answer(text, rationale):
    assert parse(text) == Parsed("park", rationale, "ok")


@pytest.mark.parametrize(
    "text",
    [
        "Based on the options given, the best choice is a park.",
        "The best choice would be a park and a bench.",
        "The best choice for a long walk on a day without rain would be a park.",
        'The preferred option would be "park."',
        "The answer is a park, such as one in Rome.",
        "If you want to walk, the best choice would be a park.",
        "Sure! The answer is (a) park.",
    ],
)
def test_a_verdict_alone_is_no_rationale(text):
    assert parse(text) == Parsed("park", None, "no_rationale")


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
