from __future__ import annotations

import pytest

from distill.search.proposals import (
    REJECTIONS,
    Rejected,
    fingerprint,
    longest_candidate,
    proposal_request,
    proposal_tokens,
    proposed_template,
)
from distill.teacher.tokens import estimate_prompt
from distill.templates import Template


def check(text, seen=(), max_words=10):
    return proposed_template(text, system="S", needed=["q"], fields=["q", "extra"], max_words=max_words, seen=seen)


def test_the_last_tagged_text_is_the_prompt():
    text = "I would not write <PROMPT>old {q}</PROMPT> but\n<PROMPT>\nAnswer {q}\nwell.\n</PROMPT> as it is clear."
    assert check(text) == Template("S", "Answer {q}\nwell.")


@pytest.mark.parametrize(
    "text",
    [
        "<think>Say <PROMPT>draft {q}</PROMPT>?</think><PROMPT>Answer {q}</PROMPT>",
        "Say <PROMPT>draft {q}</PROMPT>?</think><PROMPT>Answer {q}</PROMPT>",
        "<PROMPT>Answer {q}</PROMPT>\n<think>Or <PROMPT>draft {q}</PROMPT>?</think>",
        "<|channel|>analysis<|message|><PROMPT>draft {q}</PROMPT><|end|><|start|>assistant<|channel|>final<|message|>"
        "<PROMPT>Answer {q}</PROMPT>",
        "[THINK]<PROMPT>draft {q}[/THINK]<PROMPT>Answer {q}</PROMPT>",
        "The tags are <PROMPT> and its end: <PROMPT>Answer {q}</PROMPT>",
        "<PROMPT>old {q}</PROMPT> becomes <PROMPT>Answer {q}</PROMPT>, and <PROMPT>draft",
    ],
)
def test_a_draft_in_a_thought_is_no_prompt(text):
    assert check(text) == Template("S", "Answer {q}")


def test_a_prompt_may_ask_for_thoughts_by_their_marks():
    asks = "Think in <think> and </think>. {q}"
    assert check(f"<think>Hm.</think><PROMPT>{asks}</PROMPT>") == Template("S", asks)


@pytest.mark.parametrize("text", ["<think><PROMPT>draft {q}</PROMPT>", "<PROMPT>draft {q}</PROMPT></think>Sorry."])
def test_a_proposal_that_is_all_thought_has_no_prompt(text):
    with pytest.raises(Rejected, match="no_tags"):
        check(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (None, "no_answer"),
        ("", "no_answer"),
        ("Answer {q}", "no_tags"),
        ("<PROMPT> </PROMPT>", "no_tags"),
        ("<PROMPT>Answer.</PROMPT>", "placeholders"),
        ("<PROMPT>Answer {extra}.</PROMPT>", "placeholders"),
        ("<PROMPT>Answer {q} {unknown}.</PROMPT>", "placeholders"),
        ("<PROMPT>Answer {q} {.</PROMPT>", "placeholders"),
        ("<PROMPT>{q} one two three four five six seven eight nine ten</PROMPT>", "too_long"),
        ("<PROMPT>ANSWER, {q}!</PROMPT>", "repeated"),
    ],
)
def test_what_is_not_worth_a_call_is_rejected_with_its_reason(text, reason):
    assert reason in REJECTIONS
    with pytest.raises(Rejected) as rejection:
        check(text, seen={fingerprint(Template("", "Answer {q}."))})
    assert rejection.value.reason == reason


def test_a_proposal_may_have_two_tokens_a_word_and_200_around_and_comes_from_the_model_that_proposes(make_settings):
    settings = make_settings(**{"prompt.max_words": 30, "prompt.seed": 3, "prompt.temperature": 0.5})
    request = proposal_request("Write one.", "proposal-2-1", number=2001, sample=1, settings=settings)
    assert request.max_tokens == 2 * 30 + 200
    assert (request.model, request.temperature, request.seed, request.sample) == ("simulated-1", 0.5, 3_002_001, 1)
    assert request.messages == ({"role": "user", "content": "Write one."},) and request.purpose == "propose"
    other = make_settings(**{"prompt.model": "another"})
    assert proposal_request("", "", number=0, sample=0, settings=other).model == "another"


def test_a_proposal_goes_without_what_the_teacher_goes_without(make_settings):
    nulls = {"teacher.top_p": None, "teacher.seed": None, "prompt.temperature": None}
    kind = {"teacher.reasoning_effort": "low", "teacher.extra": {"provider": {"data_collection": "deny"}}}
    settings = make_settings(**nulls, **kind)
    first, later = (proposal_request("", "", number=n, sample=1, settings=settings) for n in (1001, 2001))
    assert (first.temperature, first.top_p, first.seed, first.reasoning_effort) == (None, None, None, "low")
    assert first.extra == {"provider": {"data_collection": "deny"}}
    assert (first.sample, later.sample) == (1001, 2001), "the same question in a later round is another draw"
    other = make_settings(**kind, **{"prompt.model": "another"})
    request = proposal_request("", "", number=1, sample=1, settings=other)
    assert request.reasoning_effort is None and request.extra == first.extra and request.top_p == 1.0


def test_the_longest_candidate_is_longer_than_any_that_is_taken():
    start = Template("S", "Answer {q}.")
    longest = longest_candidate(start, 10)
    taken = check("<PROMPT>{q} " + "unbelievably" + " be" * 8 + "</PROMPT>")
    assert longest.system == "S" and longest.placeholders() == {"q"}
    assert estimate_prompt(longest.messages({"q": "x"})) > estimate_prompt(taken.messages({"q": "x"}))
    # Two tokens a word, as a proposal may have.
    assert estimate_prompt(longest.messages({"q": "x"})) - estimate_prompt(start.messages({"q": "x"})) >= 2 * 10


def test_a_proposal_has_as_many_tokens_as_its_words_or_an_answer_take(make_settings):
    assert proposal_tokens(make_settings()) == 500
    assert proposal_tokens(make_settings(**{"teacher.max_tokens": 2000})) == 2000
    assert proposal_tokens(make_settings(**{"teacher.max_tokens": 2000, "prompt.proposal_tokens": 900})) == 900
