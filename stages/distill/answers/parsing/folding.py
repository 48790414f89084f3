"""Text made comparable without moving a character, and cut into sentences."""

from __future__ import annotations

import re

_SAME_WIDTH = str.maketrans(
    {
        "“": '"',
        "”": '"',
        "„": '"',
        "«": '"',
        "»": '"',
        "‘": "'",
        "’": "'",
        "‚": "'",
        "´": "'",
        "‐": "-",
        "‑": "-",
        "−": "-",
        "\u00a0": " ",
        "\u202f": " ",
        "\u2009": " ",
        "\t": " ",
        "（": "(",
        "）": ")",
        "：": ":",
    }
)
_STOP = re.compile(r"[.!?\n]")
# A sentence ends at a line's end, or at a stop before something that can begin
# the next one. A single letter before a full stop is a marker or an initial.
_SENTENCE_END = re.compile(
    r"\n|(?<![^\w][A-Za-z])(?<!\be\.g)(?<!\bi\.e)(?<!\bMr)(?<!\bDr)(?<!\bMrs)(?<!\bvs)"
    r"(?<![.!?])[.!?]++[\"'”’)\]*_]*+(?=\s+[^\sa-z]|\s*$)"
)


def fold(text: str) -> str:
    """`text` in lower case with plain quotes and spaces, each character at its place."""
    if text.isascii():
        return text.replace("\t", " ").lower()
    plain = text.translate(_SAME_WIDTH)
    lowered = plain.lower()
    if len(lowered) == len(plain):
        return lowered
    return "".join(low if len(low := char.lower()) == 1 else char for char in plain)


def squeeze(text: str) -> str:
    """`text` with every run of whitespace made one space, and none at the ends."""
    return " ".join(text.split())


def word_set(text: str) -> frozenset[str]:
    """The words of a list of words."""
    return frozenset(text.split())


def sentences(text: str) -> list[tuple[int, int]]:
    """The (start, end) of each sentence or line of `text` that is not blank."""
    spans, start = [], 0
    for stop in _STOP.finditer(text):
        if stop.start() >= start and (match := _SENTENCE_END.match(text, stop.start())):
            spans.append((start, match.end()))
            start = match.end()
    spans.append((start, len(text)))
    return [(begin, end) for begin, end in spans if text[begin:end].strip()]


def looks_cut(text: str) -> bool:
    """Whether a long text breaks off within a sentence, whatever the API said of it."""
    line = text.rstrip().rpartition("\n")[2]
    return len(text.split()) > 70 and len(line.split()) > 6 and not re.search(r"[.!?:;)\]}\"'*`$]\Z", line)
