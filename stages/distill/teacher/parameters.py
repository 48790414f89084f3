"""Servers that refuse a parameter of the request, in words of their own: which setting mends it.

tests/teacher/test_teacher_parameters.py has an example of each server's words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_NULL = "to null, which sends none, or to a value that the server takes"
# The names of a parameter in servers' words, and what to do where it is refused.
_SETTINGS = (
    (r"top_?logprobs|log_?probs|response_?logprobs", "set teacher.logprobs to false"),
    (r"response_?format|response_?schema|json_schema|structured outputs?", "set teacher.structured to false"),
    (r"temperature", f"set teacher.temperature (for proposed prompts prompt.temperature) {_NULL}"),
    (r"top_?p", f"set teacher.top_p {_NULL}"),
    (r"seed|random_seed", f"set teacher.seed {_NULL}"),
    (r"reasoning(?:_?effort)?|thinking(?:_?(?:budget|level))?", f"set teacher.reasoning_effort {_NULL}"),
)
# What of a request is no setting of that name; a server that refuses it has another fault.
_ALWAYS_SENT = frozenset(("messages", "model", "input", "prompt", "body", "content", "role", "value"))
_MARK = r"[\"'`“”‘’]?"
# A parameter that is not known, by its name.
_UNKNOWN = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"(?:unknown|unrecogni[sz]ed|unsupported|unexpected)\s+(?:request\s+|keyword\s+)?"
        rf"(?:argument|parameter|param|name|field|property|key)s?(?:\s+supplied)?\s*:?\s*{_MARK}([a-z]\w*)",
        r"\bloc['\"]?\s*:\s*[\[(]\s*['\"]body['\"]\s*,\s*['\"](\w+)",
        rf"{_MARK}\b(\w++)[\w.]*+{_MARK}\s*:\s*extra inputs are not permitted",
        rf"(?:property|parameter|field|argument)\s+{_MARK}(\w++)[\w.]*+{_MARK}\s+is\s+(?:unsupported|not\s+\w+)",
    )
)
_REFUSED = re.compile(
    r"unsupported|not support|n't support|not enabled|not allowed|not permitted|not available|unavailable|unknown|"
    r"unrecogni[sz]ed|deprecated|\binvalid\b|not compatible|cannot both|can't both|must be|should be|greater than|"
    r"less than|out of range|valid range|no endpoints|enabled only|only the default|at least|at most|"
    r"too (?:large|small|high|low)",
    re.IGNORECASE,
)
_LIMIT = re.compile(r"max_(?:completion_|output_|new_)?tokens", re.IGNORECASE)
_OUT_OF_RANGE = re.compile(
    r"range|too (?:large|small|high|low|big)|at least|at most|minimum|maximum|greater|less than|exceed|larger|above|"
    r"below|[<>]=?\s*\d",
    re.IGNORECASE,
)


def parameter_advice(words: str) -> str | None:
    """What to do about a refusal in these `words`, code and message; None where they name no parameter."""
    name = next((match[1].lower() for pattern in _UNKNOWN if (match := pattern.search(words))), None)
    if name and name not in _ALWAYS_SENT:
        return next(_advice(name, words), None) or (
            f"the server knows no {name}: take it out of teacher.extra; if it is not there, compare the teacher "
            "settings with what the server supports"
        )
    if not _REFUSED.search(words):
        return None
    advice = list(_advice(words, words))
    if len(advice) == 2 and re.search(r"\bboth\b", words):
        return f"{advice[0]}; or {advice[1]}"
    if not advice and re.search(r"requested parameters", words, re.IGNORECASE):
        return (
            "no server behind this address takes all of the request: set teacher.seed, top_p, temperature, "
            "reasoning_effort and logprobs to null or false one by one"
        )
    return advice[0] if advice else None


def _advice(text: str, words: str) -> Iterator[str]:
    """What to do about each parameter that is named in `text`, a part of a server's `words`."""
    if limit := _LIMIT.search(text):
        other = "max_tokens" if limit[0].lower() == "max_completion_tokens" else "max_completion_tokens"
        if _OUT_OF_RANGE.search(words):
            yield "set teacher.max_tokens to a number that the server takes"
        else:
            yield f"set teacher.max_tokens_field to {other}"
    for pattern, advice in _SETTINGS:
        if re.search(rf"(?<!\w)(?:{pattern})(?!\w)", text, re.IGNORECASE):
            yield advice
