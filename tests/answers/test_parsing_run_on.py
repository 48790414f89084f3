"""Completions that run on with an invented next row are read up to it, whatever heads that row."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from distill.answers.parsing import Parsed, parse_response

FIXED = settings(derandomize=True, deadline=None, max_examples=200)
LABELS = ("entailment", "neutral", "contradiction")
SENTENCES = ["A lamp gives light.", "Nobody stands in the yard.", "Wood floats on water.", "The two cannot both hold."]
COMMON = ["Premise", "Review", "Text", "Sentence", "Question", "Context", "Tweet", "Message", "Passage", "Sentence 1"]
STRANGE = ["Ledger line", "Meldung", "Beobachtung", "What she wrote", "Zeile"]
ROWS = [
    "{head}: {text}\n{answer}: {other}",
    "**{head}:** {text}\n{reason}: {text}\n{answer}: {other}",
    "### {head}: {text}\n\n{answer}: {other}",
    "{head} 2: {text}\nHypothesis: {text}\n{reason}: {text}\n{answer}: {other}\n\n{head} 3: {text}\n{answer}: {other}",
    "{head}: {text}\nSo the answer is {other}.\n{answer}: {other}",
    "{head}: {text}\n{answer}: {other}\n\n{head}: The",
]
FIRST = ["{reason}\n{answer}: {label}", "{reason} So the answer is {label}.\n{answer}: {label}"]

labels = st.permutations(LABELS).map(lambda names: names[:2])
rationales = st.lists(st.sampled_from(SENTENCES), min_size=1, max_size=3, unique=True).map(" ".join)


def parse(text, **more):
    return parse_response(text, kind="classes", choices=LABELS, **more)


def run_on(first, row, head, answer, pair, rationale, gap):
    label, other = pair
    text = first.format(reason=rationale, answer=answer, label=label)
    return (
        text
        + gap
        + row.format(head=head, answer=answer, reason="Reasoning", other=other, text="A cat sleeps on a mat.")
    )


@FIXED
@given(
    st.sampled_from(FIRST), st.sampled_from(ROWS), st.sampled_from(COMMON + STRANGE),
    st.sampled_from(["Answer", "Label"]), labels, rationales, st.sampled_from(["\n", "\n\n", "\n\n\n"]),
)  # fmt: skip
def test_an_invented_row_is_cut_where_a_usual_head_or_the_first_answers_head_comes_back(
    first, row, head, answer, pair, rationale, gap
):
    parsed = parse(run_on(first, row, head, answer, pair, rationale, gap))
    assert (parsed.label, parsed.notes) == (pair[0], ("run_on",))
    if first == FIRST[0]:
        assert parsed.rationale == rationale


@FIXED
@given(
    st.sampled_from(["{head}: {text}", "**{head}**\n{text}", "[{head}] {text}", "## {head}\n{text}\n\nneutral"]),
    st.sampled_from(STRANGE), labels, rationales,
)  # fmt: skip
def test_the_words_of_the_tasks_own_template_begin_a_row(row, head, pair, rationale):
    text = f"{rationale} So the answer is {pair[0]}.\n\n" + row.format(head=head, text="The answer is " + pair[1] + ".")
    if row.startswith("["):
        text = text.replace("] ", "]: ")
    parsed = parse(text, heads=("premise", head.lower()))
    assert (parsed, parsed.notes) == (Parsed(pair[0], rationale, "ok"), ("run_on",))


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("Premise: Wood floats.\nHypothesis: Wood sinks.\nWood does not sink.\nAnswer: contradiction", "contradiction"),
        ("Let us see.\n\nPremise: It is neutral.\nHypothesis: It is wet.\n\nThe answer is entailment.", "entailment"),
        ("Premise: The answer is neutral.\nHypothesis: It is wet.\nReasoning: Yes.\nAnswer: entailment", "entailment"),
        ("Answer: neutral\nReasoning: Wait, wood floats.\nAnswer: entailment", "entailment"),
        ("Label: neutral\nCorrection: wood floats.\nLabel: entailment", "entailment"),
    ],
)
def test_an_echo_an_analysis_and_a_correction_are_no_next_row(text, label):
    parsed = parse(text)
    assert (parsed.label, parsed.notes) == (label, ())


def test_an_echo_that_runs_on_is_cut_where_its_head_comes_again():
    row = "Premise: Wood floats.\nHypothesis: Wood sinks.\nAnswer: {}\n\n"
    parsed = parse(row.format("contradiction") + row.format("neutral") + row.format("entailment"))
    assert (parsed.label, parsed.notes) == ("contradiction", ("run_on",))


def test_an_invented_row_on_the_answers_own_line():
    text = "It floats. Answer: neutral. Premise: A man sings.\nHypothesis: He sleeps. Answer: contradiction"
    assert parse(text) == Parsed("neutral", "It floats.", "ok")
    assert parse("It floats. The premise is neutral. Claim: it is wet. Answer: entailment").label == "entailment"


@pytest.mark.parametrize("kind", ["number", "text"])
def test_run_ons_of_every_kind(kind):
    parsed = parse_response("3 + 4 = 7.\nAnswer: 7\n\nPassage: Ann has 2 pens.\nAnswer: 2", kind=kind)
    assert (parsed, parsed.notes) == (Parsed("7", "3 + 4 = 7.", "ok"), ("run_on",))


def test_steps_that_are_numbered_are_no_rows():
    assert parse_response("Step 1: 3 + 4 = 7\nStep 2: 7 * 2 = 14\nAnswer: 14", kind="number").label == "14"
    assert parse_response("Step 1: 3 + 4 = 7\nAnswer: 7\nStep 2: 7 * 2 = 14\nAnswer: 14", kind="number").label == "14"
