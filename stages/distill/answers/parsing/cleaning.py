"""What surrounds a response and is not part of it: thoughts, tags, run-ons."""

from __future__ import annotations

import re

# An answer stands at an end of a text: of one longer than this, the middle is dropped.
LONGEST_RESPONSE = 40_000

_THOUGHT_OPEN = re.compile(r"<\|?(?:think|thinking|thought|thoughts)\|?>", re.I)
_THOUGHT_CLOSE = re.compile(r"<\|?/(?:think|thinking|thought|thoughts)\|?>", re.I)
_STOP_TOKEN = re.compile(r"</s>|<\|(?:endoftext|im_end|eot_id|end|eos)\|>|<(?:eos|end_of_turn)>")
_ANSWER_TAG = re.compile(r"<(?:final_?)?(?:answer|label)>", re.I)
_RATIONALE_TAG = re.compile(r"<(?:rationale|reasoning|explanation|reason|justification)>", re.I)
_CLOSING_TAG = re.compile(
    r"</(?:(?:final_?)?(?:answer|label)|rationale|reasoning|explanation|reason|justification)>", re.I
)
_RUN_ON = re.compile(
    r"\n[ \t]*(?:[#*]{1,3}[ \t]*)?(?:"
    r"(?:Q|Question|Example|Problem|Input|Human|User|Instruction)[ \t]*\d{0,3}[ \t]*\**:"
    r"|\[?(?:Question|Example|Problem)[ \t]\d{1,3}\b"
    r"|Q[ \t]*\d{0,3}\Z)",
)
# Nothing that a person writes has such a run, and every later pattern is bounded by it.
_LONG_RUN = re.compile(r"(\W{32})\W+(\W{32})")
_ANSWERED = re.compile(r"^[\s*#]*(?:a|answer|final answer|the answer)\b[\s*]*(?::|\bis\b)", re.I | re.M)
_PREAMBLE = re.compile(r"[^\n]{0,80}[:!]\s*\Z")
_ANNOTATION = re.compile(r"<<[^<>\n]{0,200}>>")
_LITERAL_NEWLINE = re.compile(r"\\n(?![a-z])")


def clean(text: str) -> str:
    """The response itself: no thoughts, no invented next question, tags as headings."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", " ")
    text = _LONG_RUN.sub(r"\1\2", _without_thoughts(text))
    stop = _STOP_TOKEN.search(text)
    if stop and text[: stop.start()].strip():
        text = text[: stop.start()]
    text = cut_run_on(_LITERAL_NEWLINE.sub("\n", text))
    if len(text) > LONGEST_RESPONSE:
        text = text[: LONGEST_RESPONSE // 2] + "\n\n" + text[-LONGEST_RESPONSE // 2 :]
    text = _ANSWER_TAG.sub("\nAnswer: ", text)
    text = _RATIONALE_TAG.sub("\nRationale: ", text)
    return _ANNOTATION.sub("", _CLOSING_TAG.sub("\n", text))


def cut_run_on(text: str) -> str:
    """`text` up to the first further question that the model put to itself.

    A question at the very start, or after one line that announces it, is an echo
    of the one that was asked: the answer comes after it.
    """
    echoed = bool(_RUN_ON.match("\n" + text.lstrip()[:80]))
    answered = _ANSWERED.search(text) if echoed else None
    for match in _RUN_ON.finditer(text):
        start = match.start()
        if not text[:start].strip():
            continue
        if echoed and (not answered or answered.start() > start):
            continue
        if not echoed and _PREAMBLE.fullmatch(text[max(0, start - 90) : start].strip()) and start < 90:
            echoed, answered = True, _ANSWERED.search(text, start)
            continue
        return text[:start]
    return text


def _without_thoughts(text: str) -> str:
    """`text` after its last closed thought; an unclosed thought leaves nothing behind it."""
    closes = list(_THOUGHT_CLOSE.finditer(text))
    if closes:
        text = text[closes[-1].end() :]
    opened = _THOUGHT_OPEN.search(text)
    return text[: opened.start()] if opened else text
