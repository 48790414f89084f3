"""What a reasoning model thinks is neither label nor rationale, whatever marks its family puts around it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from distill.answers.parsing import Parsed, parse_response
from distill.answers.parsing.thoughts import split_thoughts

FAMILIES = {
    "think": ("<think>", "</think>"),
    "think, unopened": ("", "</think>"),
    "think with a number": ('<think id="2">', "</think>"),
    "capitals": ("<THINK>", "</THINK>"),
    "thinking": ("<thinking>", "</thinking>"),
    "thought": ("<thought>", "</thought>"),
    "bars": ("<|think|>", "<|/think|>"),
    "escaped": ("&lt;think&gt;", "&lt;/think&gt;"),
    "brackets": ("[THINK]", "[/THINK]"),
    "lozenges": ("◁think▷", "◁/think▷"),
    "seed": ("<seed:think>", "</seed:think>"),
    "longcat": ("<longcat_think>", "</longcat_think>"),
    "of thought": ("<|begin_of_thought|>", "<|end_of_thought|>\n\n<|begin_of_solution|>"),
    "start": ("<|START_THINKING|>", "<|END_THINKING|><|START_RESPONSE|>"),
    "harmony": (
        "<|channel|>analysis<|message|>",
        "<|end|><|start|>assistant<|channel|>final<|message|>",
    ),
    "harmony, unopened": ("", "<|end|><|start|>assistant<|channel|>final<|message|>"),
    "harmony, two thoughts": (
        "<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>commentary<|message|>",
        "<|end|><|start|>assistant<|channel|>final <|constrain|>text<|message|>",
    ),
    "harmony without marks": ("analysis", "assistantfinal"),
    "unused": ("<unused94>thought\n", "<unused95>"),
    "channel": ("<|channel>thought\n", "<channel|>"),
    "inner": ("<|inner_prefix|>", "<|inner_suffix|>"),
    "analysis": ("<analysis>", "</analysis>"),
    "scratchpad": ("<scratchpad>", "</scratchpad>"),
    "reflection": ("<reflection>", "</reflection>"),
    "inner thoughts": ("<inner_thoughts>", "</inner_thoughts>"),
    "fence": ("```thinking\n", "\n```\n"),
    "sentences": ("Here is my thought process:\n", "\nHere is my response:\n"),
    "two": ("<think>Hm.</think><think>", "</think>"),
    "within": ("<think>Hm. <think>", "</think> So.</think>"),
}
CLASSES = ("praise", "blame", "neither")
WORDS = ["lid", "spout", "handle", "drips", "shines", "on", "the", "desk"]
SENTENCE = st.lists(st.sampled_from(WORDS), min_size=3, max_size=8).map(lambda words: f"The {' '.join(words)}.")
THOUGHT = st.lists(
    st.one_of(SENTENCE, st.sampled_from(CLASSES).map(lambda label: f"So the answer is {label}.\n\nAnswer: {label}")),
    min_size=1,
    max_size=4,
).map(" Wait, no. ".join)
FIXED = settings(derandomize=True, database=None, deadline=None)


@FIXED
@given(
    st.sampled_from(sorted(FAMILIES)),
    THOUGHT,
    SENTENCE,
    st.sampled_from(CLASSES),
    st.sampled_from(
        ["{rationale} So the answer is {label}.", "{rationale}\nAnswer: {label}", "{label}\n\n{rationale}"]
    ),
    st.sampled_from(["", "\n", "\n\n"]),
)
def test_any_family_around_any_answer(family, thought, rationale, label, template, space):
    opening, closing = FAMILIES[family]
    text = opening + thought + closing + space + template.format(rationale=rationale, label=label)
    assert parse_response(text, kind="classes", choices=CLASSES) == Parsed(label, rationale, "ok"), text


@FIXED
@given(st.sampled_from(sorted(FAMILIES)), THOUGHT)
def test_an_answer_that_ends_inside_a_thought_is_truncated(family, thought):
    opening, closing = FAMILIES[family]
    if opening:
        for reason in ("stop", "length", None):
            parsed = parse_response(opening + thought, kind="classes", choices=CLASSES, finish_reason=reason)
            assert parsed == Parsed(None, None, "truncated")
    assert parse_response(opening + thought + closing, kind="classes", choices=CLASSES).label is None


def test_a_clear_answer_before_a_thought_that_breaks_off_stands():
    text = "The spout drips.\nAnswer: blame\n<think>Or is it praise"
    assert parse_response(text, kind="classes", choices=CLASSES) == Parsed("blame", "The spout drips.", "ok")


@pytest.mark.parametrize("mark", ["`<think>`", "`</think>`", "`[THINK]`"])
def test_a_mark_that_is_spoken_of_marks_nothing(mark):
    text = f"The spout drips. So the answer is blame.\n(I used no {mark}.)"
    assert not split_thoughts(text).inside and split_thoughts(text).thought() is None
    assert parse_response(text, kind="classes", choices=CLASSES) == Parsed("blame", "The spout drips.", "ok")


def test_words_like_marks_are_words():
    text = "An analysis: 3 < 4 and <b>think</b> [thought] of it."
    assert split_thoughts(text).answer() == text


def test_the_thought_is_the_rationale_where_it_is_asked_for():
    def parse(text, **options):
        return parse_response(text, kind="classes", choices=CLASSES, rationale_from="thought", **options)

    said = "<think>The spout drips.</think>The lid shines. So the answer is blame."
    assert parse(said) == Parsed("blame", "The spout drips.", "ok")
    assert parse(said, thought="Beside it.") == Parsed("blame", "The spout drips.", "ok")
    assert parse("The answer is blame.", thought="The spout drips.") == Parsed("blame", "The spout drips.", "ok")
    assert parse("The lid shines. So the answer is blame.") == Parsed("blame", None, "no_rationale")
    assert parse("<think>The spout drips.") == Parsed(None, None, "truncated")
    plain = parse_response("Answer: blame", kind="classes", choices=CLASSES, thought="The spout drips.")
    assert plain == Parsed("blame", None, "no_rationale")


def test_the_reasoning_tag_holds_the_rationale_unless_another_explanation_follows():
    def parse(text):
        return parse_response(text, kind="classes", choices=CLASSES)

    tag = "<reasoning>The spout drips. Or is it praise?</reasoning>"
    assert parse(f"{tag}The lid shines. So the answer is blame.") == Parsed("blame", "The lid shines.", "ok")
    for answer in ("<answer>blame</answer>", "\nThe answer is blame.", "\nLabel: blame\nConfidence: rather high"):
        assert parse(tag + answer).rationale.startswith("The spout drips. Or is it praise?")
