"""What surrounds a response and is not part of it: thoughts and tags."""

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
# Nothing that a person writes has such a run, and every later pattern is bounded by it.
_LONG_RUN = re.compile(r"(\W{32})\W+(\W{32})")
_ANNOTATION = re.compile(r"<<[^<>\n]{0,200}>>")
_LITERAL_NEWLINE = re.compile(r"\\n(?![a-z])")


def clean(text: str) -> str:
    """The response itself: no thoughts, tags as headings."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", " ")
    text = _LONG_RUN.sub(r"\1\2", _without_thoughts(text))
    stop = _STOP_TOKEN.search(text)
    if stop and text[: stop.start()].strip():
        text = text[: stop.start()]
    text = _LITERAL_NEWLINE.sub("\n", text)
    if len(text) > LONGEST_RESPONSE:
        text = text[: LONGEST_RESPONSE // 2] + "\n\n" + text[-LONGEST_RESPONSE // 2 :]
    text = _ANSWER_TAG.sub("\nAnswer: ", text)
    text = _RATIONALE_TAG.sub("\nRationale: ", text)
    return _ANNOTATION.sub("", _CLOSING_TAG.sub("\n", text))


def _without_thoughts(text: str) -> str:
    """`text` after its last closed thought; an unclosed thought leaves nothing behind it."""
    closes = list(_THOUGHT_CLOSE.finditer(text))
    if closes:
        text = text[closes[-1].end() :]
    opened = _THOUGHT_OPEN.search(text)
    return text[: opened.start()] if opened else text
