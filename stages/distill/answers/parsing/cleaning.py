"""What surrounds an answer and is not part of it: tags, tokens that end a text, the marks of a calculator."""

from __future__ import annotations

import re

# An answer stands at an end of a text: of one longer than this, in characters, the middle is dropped.
LONGEST_RESPONSE = 40_000

_STOP_TOKEN = re.compile(
    r"</s>|<\|(?:endoftext|im_end|eot_id|eom_id|end|eos|return|end_of_turn_token)\|>|<(?:eos|end_of_turn)>"
    r"|<｜end▁of▁sentence｜>",
    re.I,
)
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
    """An answer without what surrounds it, its tags as headings.

    What follows a token that ends a text goes, and of a text longer than LONGEST_RESPONSE its middle.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", " ")
    text = _LONG_RUN.sub(r"\1\2", text)
    stop = _STOP_TOKEN.search(text)
    if stop and text[: stop.start()].strip():
        text = text[: stop.start()]
    text = _LITERAL_NEWLINE.sub("\n", text)
    if len(text) > LONGEST_RESPONSE:
        text = text[: LONGEST_RESPONSE // 2] + "\n\n" + text[-LONGEST_RESPONSE // 2 :]
    text = _ANSWER_TAG.sub("\nAnswer: ", text)
    text = _RATIONALE_TAG.sub("\nRationale: ", text)
    return _ANNOTATION.sub("", _CLOSING_TAG.sub("\n", text))
