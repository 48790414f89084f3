from __future__ import annotations

import pytest

from distill.search.candidates import REJECTIONS, Rejected, candidate, fingerprint
from distill.templates import Template


def check(text, seen=(), max_words=10):
    return candidate(text, system="S", needed=["q"], fields=["q", "extra"], max_words=max_words, seen=seen)


def test_the_last_tagged_text_is_the_prompt():
    text = "I would not write <PROMPT>old {q}</PROMPT> but\n<PROMPT>\nAnswer {q}\nwell.\n</PROMPT> as it is clear."
    assert check(text) == Template("S", "Answer {q}\nwell.")


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
