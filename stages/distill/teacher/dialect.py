"""What a server's dialect of the chat API changes in a request on its way. Its key in the store stays as it is."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Literal

from distill.teacher.failures import Symptom
from distill.teacher.keys import canonical_json

_OTHER_FIELD = "max_completion_tokens"
_WANTS_OTHER_FIELD = re.compile(
    r"max_tokens\b[^.]{0,60}(?:unsupported|not supported|not compatible|not allowed|deprecated|n't support)"
    rf"|\b(?:use|instead|favou?r)\b[^.]{{0,30}}{_OTHER_FIELD}"
)


class OutputLimit:
    """The field that carries the most tokens of an answer: with "auto" max_tokens, until a server wants the other.

    Such a server refuses the call and says so. `say` then tells the user, once.
    """

    def __init__(self, field: Literal["auto", "max_tokens", "max_completion_tokens"], say: Callable[[str], None]):
        self._auto, self._renames, self._say = field == "auto", False, say

    def fitted(self, body: bytes) -> bytes:
        """The body with the field that the server wants, as far as that is known."""
        if not self._renames:
            return body
        sent = json.loads(body)
        return canonical_json({_OTHER_FIELD: sent.pop("max_tokens"), **sent})

    def learns(self, symptom: Symptom | None, *, renamed: bool) -> bool:
        """Whether a refused call is to be sent again with the other field; never where it was `renamed` already."""
        if symptom is None or renamed or not self._auto or symptom.status not in (400, 422):
            return False
        words = f"{symptom.code} {symptom.message}".lower()
        if _OTHER_FIELD not in words or not _WANTS_OTHER_FIELD.search(words):
            return False
        if not self._renames:
            self._renames = True
            self._say(f"this model wants {_OTHER_FIELD} in place of max_tokens, and gets it from here on")
        return True
