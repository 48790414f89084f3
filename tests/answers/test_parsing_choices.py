"""Responses to classification and multiple-choice prompts."""

import pytest

from distill.answers.parsing import Parsed, parse_response

PLACES = ["park", "coloring book", "garden center", "math problem", "gravity"]
SIZES = ["larger", "smaller", "similar"]
TRUTH = ["true", "false", "inconclusive"]
VALIDITY = ["valid", "invalid"]


def choice(text, choices=PLACES, **more):
    return parse_response(text, kind="choices", choices=choices, **more)


def label(text, choices, kind="classes", **more):
    return parse_response(text, kind=kind, choices=choices, **more).label


def status(text, choices, kind="classes", **more):
    return parse_response(text, kind=kind, choices=choices, **more).status


@pytest.mark.parametrize(
    "text",
    [
        "So the answer is (d) math problem.",
        "The answer is (d).",
        "The correct answer is D",
        "Answer: D",
        "Answer: 4",
        "**Answer:** d)",
        "Answer:\n\nD. math problem",
        "(d)",
        "d",
        "D.",
        "d) math problem",
        "4) math problem",
        "math problem",
        "Math Problem.",
        "**Math problem**",
        "“math problem”",
        "The best option would be 4) math problem.",
        "The most suitable choice for what this is an example of would most likely be a math problem.",
        'What is the best choice for Where do they go? The best choice for Where do they go? would be "math problem."',
        "Option D is the correct answer.",
        "Math problem (d) is the best choice.",
        r"$\boxed{\text{D}}$",
        r"The final answer is \boxed{math problem}",
        "<answer>math problem</answer>",
        "I would choose option d.",
        "The answer is not (b) but (d).",
        "The answer is not a park but rather a math problem.",
        "A park comes to mind, but the answer is d) math problem.",
    ],
)
def test_every_usual_dressing_of_a_choice(text):
    assert choice(text).label == "math problem"


def test_the_choices_words_beat_a_wrong_letter():
    assert choice("The answer is (a) gravity.").label == "gravity"


def test_the_letter_stands_where_the_words_are_no_choice():
    assert choice("The answer is (e) the force of attraction.").label == "gravity"


def test_a_duplicated_choice_is_not_ambiguous():
    bridges = ["bus depot", "beach", "train station", "bridge", "bridge"]
    assert choice("So the answer is (e) bridge.", bridges) == Parsed("bridge", None, "no_rationale")
    assert choice("So the answer is (d).", bridges).label == "bridge"


def test_choices_that_differ_in_case_alone_are_told_apart():
    assert choice("Answer: March", ["march", "March"]).label == "March"
    assert choice("Answer: march", ["March", "march"]).label == "march"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The answer is park bench.", "park bench"),
        ("The answer is park.", "park"),
        ("Answer: park benches", "park bench"),
        ("Park bench. One sits there.", "park bench"),
    ],
)
def test_a_choice_that_is_a_prefix_of_another(text, expected):
    assert choice(text, ["park", "park bench", "street"]).label == expected


@pytest.mark.parametrize(
    "name", ["C++", "C", "a.b", "(x|y)+", "$5.00", "[a]", "what?", "\\d", "*", "^end$", "-1", "1", "50%"]
)
def test_metacharacters_in_choices_are_plain_characters(name):
    names = ["C", "C++", "a.b", "(x|y)+", "$5.00", "[a]", "what?", "\\d", "*", "^end$", "-1", "1", "50%"]
    assert label(f"It fits. Answer: {name}", names) == name


def test_a_dot_in_a_choice_matches_only_a_dot():
    assert label("The answer is axb", ["a.b", "other"]) is None


def test_invalid_is_not_valid():
    assert label("The argument is invalid.", VALIDITY) == "invalid"
    assert label("Answer: Invalid", VALIDITY) == "invalid"
    assert label("Answer: valid", VALIDITY) == "valid"
    assert label("Answer: non-valid", VALIDITY) is None


@pytest.mark.parametrize(
    "text",
    [
        "true, false or inconclusive?",
        "Is the hypothesis true, false, or inconclusive?",
        "Answer choices: true / false / inconclusive",
        "The answer is true, false or inconclusive.",
        "Options:\n- true\n- false\n- inconclusive",
        "I must say whether it is true or false or inconclusive.",
    ],
)
def test_an_echoed_list_of_options_is_not_an_answer(text):
    assert parse_response(text, kind="classes", choices=TRUTH).status == "no_label"


def test_an_answer_after_an_echoed_list_counts():
    parsed = parse_response(
        "true, false or inconclusive? The premise says so. Answer: false", kind="classes", choices=TRUTH
    )
    assert parsed.label == "false"
    echoed = (
        "Question: Where do they go?\nOptions: (a) park (b) coloring book (c) garden center (d) math problem (e) "
        "gravity\nAnswer: (c)"
    )
    assert choice(echoed).label == "garden center"


def test_the_final_answer_beats_an_early_mention():
    assert label("At first it seems the answer is larger. Wait, no. So the answer is smaller.", SIZES) == "smaller"
    assert label("It looks true at first. Final answer: false", TRUTH) == "false"


@pytest.mark.parametrize(
    "text",
    [
        "The answer is not larger.",
        "The answer isn't larger.",
        "Larger is not the answer.",
        "The correct label cannot be larger.",
        "larger is wrong",
    ],
)
def test_a_denied_label_is_no_label(text):
    assert label(text, SIZES) is None


@pytest.mark.parametrize(
    "text",
    [
        "The answer is either (a) park or (b) coloring book.",
        "The correct answers are (a) park and (b) coloring book.",
        "a) park\nb) coloring book\nc) garden center",
        "Park, perhaps. It could also be a coloring book.\n\ncoloring book or park",
    ],
)
def test_several_labels_without_a_decision_are_ambiguous(text):
    assert choice(text).status == "ambiguous"
    assert choice(text).label is None


def test_an_item_of_a_list_is_no_answer():
    assert (
        choice("The best choice would be:\n\na) park: one walks there.\n\nb) coloring book: one draws.").label is None
    )
    assert choice("The best options would be:\n\n1) Walk the dog\n2) Sing").label is None
    assert choice("The best choice would be:\n\na) Park\nOne walks there.").label == "park"


@pytest.mark.parametrize(
    "text",
    [
        "The first weighs more. Hence larger.",
        "The first weighs more.\nTherefore: **larger**",
        "The first weighs more. So, it is larger!",
    ],
)
def test_a_last_sentence_that_is_only_the_label(text):
    assert parse_response(text, kind="classes", choices=SIZES) == Parsed("larger", "The first weighs more.", "ok")


def test_not_this_but_that_as_a_sentence():
    assert label("It is not larger but smaller.", SIZES) == "smaller"


def test_what_the_other_options_are_is_not_the_answer():
    text = "The best option would be the park. The other options, such as the coloring book or gravity, are no places."
    assert choice(text).label == "park"


def test_a_class_named_in_passing_is_no_answer():
    assert status("Both have similar legs, and both eat grass, so I wonder.", SIZES) == "no_label"


@pytest.mark.parametrize("text", ["", " ", "\n\n", "...", "I do not know.", "It depends on the context."])
def test_nothing_said_is_no_label(text):
    assert choice(text).label is None
    assert choice(text).status == "no_label"


def test_an_article_is_not_the_letter_a():
    assert choice("The answer is a mystery to me.").label is None
    assert choice("A good question.").label is None


@pytest.mark.parametrize(
    "text",
    [
        "I'm sorry, but I can't assist with that.",
        "As an AI language model, I cannot provide an answer to this.",
        "I cannot answer that question.",
    ],
)
def test_refusals(text):
    assert choice(text) == Parsed(None, None, "refusal")


def test_a_disclaimer_before_an_answer_is_no_refusal():
    assert choice("As an AI, I have no home. The answer is (a) park.").label == "park"


def test_withheld_content_is_a_refusal():
    assert choice("The", finish_reason="content_filter").status == "refusal"


@pytest.mark.parametrize("reason", ["length", "max_tokens"])
def test_a_cut_text_without_an_answer_is_truncated(reason):
    cut = "The park is a place where people walk and"
    assert choice(cut, finish_reason=reason) == Parsed(None, None, "truncated")


def test_a_label_stated_before_the_cut_is_kept_without_the_broken_sentence():
    text = "The answer is (a) park. Children play there. The others are"
    assert choice(text, finish_reason="length") == Parsed("park", "Children play there.", "ok")


def test_a_label_at_the_cut_that_may_go_on_is_not_kept():
    places = ["park", "park bench"]
    assert choice("The answer is park", places, finish_reason="length").status == "truncated"
    assert choice("The answer is park bench", places, finish_reason="length").label == "park bench"
    assert choice("The answer is park", places, finish_reason="stop").label == "park"


def test_a_bare_label_is_enough_where_no_rationale_is_due():
    assert parse_response("larger", kind="classes", choices=SIZES, expect_rationale=False) == Parsed(
        "larger", None, "ok"
    )
    assert parse_response("larger", kind="classes", choices=SIZES) == Parsed("larger", None, "no_rationale")


def test_a_label_with_an_underscore():
    names = ["entailment", "not_entailment"]
    assert label("Answer: not_entailment", names) == "not_entailment"
    assert label("Answer: not entailment", names) == "not_entailment"
    assert label("Answer: entailment", names) == "entailment"


def test_arguments_are_checked():
    with pytest.raises(ValueError, match="kind is 'label'"):
        parse_response("x", kind="label")
    with pytest.raises(ValueError, match="needs choices"):
        parse_response("x", kind="classes")


@pytest.mark.parametrize("reason", ["as it is a big city", "because it is an old park", "since the park is a big city"])
@pytest.mark.parametrize("cue", ["is the correct answer", "would be the best option", "is my choice"])
def test_what_stands_left_of_the_cue_is_the_answer_and_not_what_its_reason_names(cue, reason):
    response = f"Chicago {cue}, {reason} with many cars."
    assert parse_response(response, kind="choices", choices=("chicago", "big city", "old park")).label == "chicago"
