"""Text made comparable without moving a character, and cut into sentences."""

from __future__ import annotations

import re
import unicodedata

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
        "。": ".",
        "、": ",",
        "【": "[",
        "】": "]",
        **dict.fromkeys("「」『』《》‹›", '"'),
        # The full-width forms of ASCII.
        **{chr(0xFEE0 + code): chr(code) for code in range(0x21, 0x7F)},
    }
)
# Scripts that put no space between words (Thai, kana, Han), or particles at their ends (Hangul).
UNSPACED = "\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
_QUOTED = re.compile(r"\"[^\"\n]{2,400}\"|“[^“”\n]{2,400}”|«[^«»\n]{2,400}»|„[^„“”\n]{2,400}[“”]|「[^「」\n]{2,400}」")
_STOP = re.compile(r"[.!?。！？\n]")
# A sentence ends at a line's end, or at a stop before something that can begin
# the next one. A single letter before a full stop is a marker or an initial.
_SENTENCE_END = re.compile(
    r"\n|(?<![^\w][A-Za-z])(?<!\be\.g)(?<!\bi\.e)(?<!\bMr)(?<!\bDr)(?<!\bMrs)(?<!\bvs)"
    r"(?<![.!?])[.!?]++[\"'”’)\]*_]*+(?=\s+[^\sa-z]|\s*$)|[。！？]++[」』”)）]*+"
)


def straighten(text: str) -> str:
    """`text` with plain quotes, brackets and spaces, each character at its place."""
    return text.replace("\t", " ") if text.isascii() else text.translate(_SAME_WIDTH)


def fold(text: str) -> str:
    """`text` straightened and in lower case, each character at its place."""
    plain = straighten(text)
    if plain.isascii():
        return plain.lower()
    lowered = plain.lower()
    if len(lowered) == len(plain):
        return lowered
    return "".join(low if len(low := char.lower()) == 1 else char for char in plain)


def narrow(text: str) -> str:
    """`text` with plain quotes, spaces and digits, each character at its place."""
    if text.isascii():
        return text
    plain = text.translate(_SAME_WIDTH)
    return "".join(str(unicodedata.decimal(char)) if char.isdecimal() else char for char in plain)


def squeeze(text: str) -> str:
    """`text` with every run of whitespace made one space, and none at the ends."""
    return " ".join(text.split())


def word_set(text: str) -> frozenset[str]:
    """The words of a list of words."""
    return frozenset(text.split())


def quoted(text: str) -> list[tuple[int, int]]:
    """The (start, end) between the marks of each quotation within a line, but of none that is the whole line."""
    return [
        (match.start() + 1, match.end() - 1)
        for match in _QUOTED.finditer(text)
        if text[text.rfind("\n", 0, match.start()) + 1 : match.start()].strip()
        or text[match.end() : match.end() + 400].partition("\n")[0].strip()
    ]


def sentences(text: str) -> list[tuple[int, int]]:
    """The (start, end) of each sentence or line of `text` that is not blank. What is quoted within one ends none."""
    spans, start = [], 0
    quotes = quoted(text)
    for stop in _STOP.finditer(text):
        while quotes and quotes[0][1] <= stop.start():
            quotes.pop(0)
        if quotes and quotes[0][0] <= stop.start() < quotes[0][1] - 1 and text[stop.end() : quotes[0][1]].strip():
            continue
        if stop.start() >= start and (match := _SENTENCE_END.match(text, stop.start())):
            spans.append((start, match.end()))
            start = match.end()
    spans.append((start, len(text)))
    return [(begin, end) for begin, end in spans if text[begin:end].strip()]


def looks_cut(text: str) -> bool:
    """Whether a long text breaks off within a sentence, whatever the API said of it."""
    line = text.rstrip().rpartition("\n")[2]
    return len(text.split()) > 70 and len(line.split()) > 6 and not re.search(r"[.!?:;)\]}\"'*`$]\Z", line)
