"""How probable the teacher holds each label, from the probabilities of the tokens of its answer."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from distill.teacher.exchange import Token


def label_probabilities(label: str, candidates: Sequence[str], tokens: Sequence[Token]) -> dict[str, float]:
    """The probability of an answer's own label, and of every other candidate that its tokens say something about.

    The label is looked for where the answer names it last, word for word; its probability is the product of its
    tokens'. At the first of these tokens the server also names the likeliest others. Such a token counts for a
    candidate where it begins this one alone, and not the label. So an answer is judged given all that stands before
    the label, its own rationale too. Unknown candidates are left out; the result is empty where the answer does not
    name the label as it is written.
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
    probabilities = {label: math.prod(tokens[place].probability for place in places)}
    first = tokens[places[0]].text
    others = [candidate for candidate in candidates if candidate != label]
    for other, probability in tokens[places[0]].likeliest:
        begun = [candidate for candidate in (label, *others) if _begins(other, candidate)]
        if other != first and len(begun) == 1 and begun[0] != label:
            probabilities[begun[0]] = probabilities.get(begun[0], 0.0) + probability
    # Rounded probabilities may pass 1 together.
    total = max(sum(probabilities.values()), 1.0)
    return {name: round(probability / total, 6) for name, probability in probabilities.items()}


def _begins(token: str, candidate: str) -> bool:
    start, wanted = re.sub(r"^\W+", "", token).casefold(), candidate.casefold()
    return bool(start) and (wanted.startswith(start) or re.match(rf"{re.escape(wanted)}\W", start) is not None)
