"""What the teacher gave each label, from the probabilities of the tokens with which it said its own."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from distill.teacher.exchange import Token


def label_probabilities(label: str, candidates: Sequence[str], tokens: Sequence[Token]) -> dict[str, float]:
    """The probability of the label that an answer gave, and of every other candidate that its tokens tell of.

    The label is looked for where the answer names it last, word for word; its probability is the product of its
    tokens'. At the first of these the server tells the likeliest other tokens: one that begins a single candidate, and
    not the label, counts for it. So an answer is judged given all that it says before, its own rationale too. What is
    not known is left out: nothing is known where the answer does not name the label as it is written.
    """
    text, starts = "", []
    for token in tokens:
        starts.append(len(text))
        text += token.text
    named = list(re.finditer(rf"(?<!\w){re.escape(label)}(?!\w)", text, re.IGNORECASE)) if label else []
    if not named:
        return {}
    start, end = named[-1].span()
    places = [place for place, begin in enumerate(starts) if begin + len(tokens[place].text) > start and begin < end]
    found = {label: math.prod(tokens[place].probability for place in places)}
    said = tokens[places[0]].text
    others = [candidate for candidate in candidates if candidate != label]
    for other, probability in tokens[places[0]].likeliest:
        begun = [candidate for candidate in (label, *others) if _begins(other, candidate)]
        if other != said and len(begun) == 1 and begun[0] != label:
            found[begun[0]] = found.get(begun[0], 0.0) + probability
    # Of an answer's first token and of all of the label's: together they may pass 1 by what rounding does.
    total = max(sum(found.values()), 1.0)
    return {name: round(probability / total, 6) for name, probability in found.items()}


def _begins(token: str, candidate: str) -> bool:
    said, wanted = re.sub(r"^\W+", "", token).casefold(), candidate.casefold()
    return bool(said) and (wanted.startswith(said) or re.match(rf"{re.escape(wanted)}\W", said) is not None)
