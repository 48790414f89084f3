"""What a prompt asks for, read from its words: families of phrasings, not single phrases."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_NUMBER = r"(?:\d+|one|two|three|ten|fifteen|twenty|twenty-five|thirty|forty|fifty)"


def _family(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.IGNORECASE)


EXPLAIN = _family(
    r"\b(?:explain\w*|explanations?|justif\w+|reason(?:s|ing|ed)?|rationales?|why|because|elaborate)\b",
    r"\bstep[- ]by[- ]step\b",
    r"\bshow (?:me )?(?:your|the) (?:work|working|thinking|thoughts)\b",
    r"\bthink (?:aloud|out loud|it through|this through)\b",
)
NO_EXPLANATION = _family(
    r"\b(?:no|without|not|don't|never|skip|omit|leave out)\s+(?:\w+\s+){0,3}?"
    r"(?:explain\w*|explanations?|reasons?|reasoning|justif\w+|rationales?)\b"
)
_LABEL_ONLY = _family(
    r"\b(?:one|a single|single) word\b",
    r"\b(?:only|just|nothing but|solely)\s+(?:(?:with|give|write|say|output|return|the|your|a|one)\s+){0,3}"
    r"(?:label|answer|word|class|letter)\b",
    r"\b(?:label|answer|word|class)\s+(?:alone|only)\b",
    r"\band nothing else\b",
)
ALWAYS = _family(
    r"\balways (?:explain|give|state|include|write|add)\b",
    r"\bnever (?:leave out|skip|omit)\b",
    r"\beven (?:when|if|where) (?:it|the answer|this) (?:is|seems|looks)\b",
    r"\b(?:every|each) (?:time|answer) (?:needs|must|has)\b",
    r"\bmust (?:explain|include|contain|give)\b",
)
REASON_FIRST = _family(
    r"\bstep[- ]by[- ]step\b",
    r"\bbefore (?:you |your )?(?:answer|decid|conclud|giv|stat|compar|choos|commit)\w*",
    r"\bfirst,? (?:explain|reason|think|name|state|say|describe|consider|estimate|work|write|recall|give)\b",
    r"\b(?:explain|reason|think|describe|name|state|estimate|recall|write|start|begin|say|picture)\b"
    r"[^.!?\n]{0,120}\b(?:and then|then|after that|only then|finally|afterwards)\b",
    r"\b(?:then|finally|after that|only then|afterwards),? "
    r"(?:answer|give|conclude|decide|state|finish|end|compare|draw|write|say|choose)\b",
    r"\breason(?:ing)? first\b",
    r"\bthink (?:it|this|things)? ?(?:through|aloud|out loud)\b",
)
CARE = _family(
    r"\b(?:careful\w*|accura\w+|precis\w+|closely|attenti\w+|thorough\w*|conscientious\w*)\b",
    r"\b(?:take your time|take a (?:deep )?breath|think hard|do not rush|don't rush|do not guess|don't guess)\b",
)
CHECK = _family(
    r"\b(?:double[- ]check|verify|re-?read|re-?check|review)\b",
    r"\b(?:check (?:that|your|whether|it|the)|make sure)\b",
    r"\bask yourself\b",
)
ROLE = _family(
    r"\byou are (?:an?|the)\b",
    r"\bact as\b",
    r"\bas an? (?:expert|experienced|seasoned|patient)\b",
    r"\bpretend (?:to be|that you)\b",
)
COMMIT = _family(
    r"\b(?:always|must) (?:choose|pick|decide|commit|settle|answer)\b",
    r"\bcommit to\b",
    r"\b(?:never|do not|don't|without) (?:hedg\w+|evade|refuse|dodge)\b",
    r"\beven (?:if|when) (?:you are )?(?:unsure|uncertain|in doubt|not sure)\b",
    r"\b(?:decisive\w*|confiden\w+|best guess|definite\w*|certainty)\b",
)
DOUBTS = _family(r"\b(?:doubts?|uncertaint(?:y|ies)|caveats?|on the other hand|pros and cons)\b")
POSITION = _family(
    r"\bby position\b",
    r"\bthe first\b[^.!?\n]{0,40}\bthe second\b",
    r"\bwithout (?:repeating|naming|mentioning|using)\b",
    r"\b(?:do not|don't|never) (?:repeat|name|mention)\b",
)
NUMBERED_BRIEF = _family(
    rf"\b(?:at most|no more than|not more than|under|fewer than|less than|within|up to|below|about|around|"
    rf"roughly|maximum of|max\.?)\s+{_NUMBER}(?:\s+(?:short|plain|brief|clear))?\s+(?:words?|sentences?|lines?)\b",
    rf"\b{_NUMBER}\s*(?:to|-|\u2013|or)\s*{_NUMBER}\s+(?:words?|sentences?)\b",
    r"\b(?:in|with|as|use|write)\s+(?:one|a single|exactly one|just one)\s+"
    r"(?:short |plain |brief |clear |simple )*sentence\b",
)
SOFT_BRIEF = _family(
    r"\b(?:brief|briefly|concise|concisely|short|shortly|succinct|"
    r"succinctly|terse|compact|to the point|no rambling|not ramble)\b"
)
WORDY = _family(
    r"\b(?:in (?:great |as much )?detail|as much detail|at length|elaborate(?:ly)?|"
    r"comprehensive\w*|long answer|exhaustive\w*)\b"
)
STRICT_FORMAT = _family(
    r"\b(?:exactly|verbatim|word for word|literally)\b",
    r"\b(?:last|final) (?:line|sentence)\b",
    r"\bon (?:a|its|the) (?:line of its own|own line|last line|new line|separate line|final line)\b",
    r"\bnothing (?:after|follows|behind)\b",
    r"\bin (?:this|the following|the) (?:form|format)\b",
    r"\b(?:close|end) (?:your|the) (?:answer|reply|response|text) with\b",
)
FORCED_CHOICE = _family(
    r"\b(?:exactly )?one of\b",
    r"\bno other (?:word|answer|label)s?\b",
    r"\b(?:allowed|permitted|possible) (?:answer|label|word|choice|option)s?\b",
    r"[\"'“](?:\w+)[\"'”],",
)
TEACHES = _family(r"\b(?:teach\w*|tutor\w*|lessons?|pupils?|learners?|students?|classroom)\b")
AUDIENCE = _family(
    r"\b(?:small|smaller|weaker|another|other) (?:language )?models?\b",
    r"\b(?:will|to) (?:learn|be trained|train) (?:from|on)\b",
    r"\btraining (?:data|material)\b",
)

_RECALL = (
    r"\b(?:name|names|naming|state|stating|say|tell|estimate|estimating|describe|consider|identify|give|recall|note|"
    r"picture|think|decide|work out|list|determine|write)\b"
)
_EACH = r"\b(?:each|both|either|the two|one by one|them|(?:the )?first (?:one |thing )?and (?:of )?(?:the )?second)\b"
_VIVID = _family(
    r"\b(?:typical|typically|usual|usually|everyday|real|normally|separately|"
    r"on its own|by itself|one at a time|in turn)\b",
    r"\b(?:on a scale|metres?|meters?|centimetres?|centimeters?|before comparing|as precisely)\b",
)
_CLOSINGS = (
    (_family(r"\bso the answer is\b"), "So the answer is {label}."),
    (_family(r"\bfinal answer\s*:"), "Final answer: {label}"),
    (_family(r"\bthe answer is\b"), "The answer is {label}."),
    (_family(r"\banswer\s*:(?=\s*(?:[\"'“<\[(.,]|x\b|\{|$|\w+\b))"), "Answer: {label}"),
    (_family(r"\b(?:label|verdict|conclusion|class)\s*:(?=\s*(?:[\"'“<\[(.,]|x\b|\{|$|\w+\b))"), "Label: {label}"),
)
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n+")


@dataclass(frozen=True, slots=True)
class Traits:
    """What a prompt asks for. `facts` and `brief` are graded: 0 not at all, 1 a little, 2 plainly.

    closing: how the answer is to be put, with {label}. revealed_label: the label that the prompt gives away, and
    asks the reason of. words: length of the prompt without the row.
    """

    explain: bool
    label_only: bool
    always: bool
    reason_first: bool
    facts: int
    brief: int
    wordy: bool
    care: bool
    check: bool
    role: bool
    commit: bool
    doubts: bool
    position: bool
    closing: str | None
    strict_format: bool
    labels_listed: bool
    forced_choice: bool
    teaches: bool
    audience: bool
    revealed_label: str | None
    words: int


class Reader:
    """Reads prompts of one task: its labels, and the words by which its facts are asked for."""

    def __init__(self, labels: Sequence[str], fact_words: Sequence[str]):
        self.labels = tuple(labels)
        self._label = {label: re.compile(rf"(?<!\w){_loose(label)}(?!\w)", re.IGNORECASE) for label in labels}
        either = "|".join(map(_loose, sorted(labels, key=len, reverse=True)))
        self._revealed = re.compile(
            r"\b(?:answer|label|class|choice)\b[^.!?\n]{0,60}?(?:\bis|\bwas|:|=)\s*[\"'“*]*(" + either + r")(?!\w)",
            re.IGNORECASE,
        )
        words = "|".join(map(re.escape, fact_words)) or r"(?!)"
        self._fact = re.compile(rf"\b(?:{words})\b", re.IGNORECASE)
        self._known = re.compile(
            r"\b(?:right|correct|true) (?:answer|label) is known:\s*[\"'“*(]*(" + either + r")(?!\w)", re.IGNORECASE
        )
        self._recall, self._each = _family(_RECALL), _family(_EACH)

    def read(self, text: str) -> Traits:
        """The traits of a prompt from which the row was cut out."""
        plain = NO_EXPLANATION.sub(" ", text)
        explain = bool(EXPLAIN.search(plain))
        listed = [label for label in self.labels if self._label[label].search(text)]
        forbidden = plain != text
        return Traits(
            explain=explain,
            label_only=bool(_LABEL_ONLY.search(text) or forbidden) and not explain,
            always=bool(ALWAYS.search(text)),
            reason_first=bool(REASON_FIRST.search(text)),
            facts=self.facts(text),
            brief=_brief(text),
            wordy=bool(WORDY.search(text)),
            care=bool(CARE.search(text)),
            check=bool(CHECK.search(text)),
            role=bool(ROLE.search(text)),
            commit=bool(COMMIT.search(text)),
            doubts=bool(DOUBTS.search(text)) and not COMMIT.search(text),
            position=bool(POSITION.search(text)),
            closing=closing(text),
            strict_format=bool(STRICT_FORMAT.search(text)),
            labels_listed=len(listed) == len(self.labels),
            forced_choice=bool(FORCED_CHOICE.search(text)),
            teaches=bool(TEACHES.search(text)),
            audience=bool(AUDIENCE.search(text)),
            revealed_label=self._revealed_label(text, listed) if explain else None,
            words=len(text.split()),
        )

    def facts(self, text: str) -> int:
        """How plainly a text asks to recall the facts: 1 where a sentence does so, 2 where it does so with care."""
        asking = [
            s
            for s in _SENTENCE_END.split(text)
            if self._fact.search(s) and self._recall.search(s) and self._each.search(s)
        ]
        if any(_VIVID.search(sentence) for sentence in asking):
            return 2
        return 1 if asking else 0

    def lists_labels(self, text: str) -> bool:
        """Whether every label is in a text."""
        return all(label.search(text) for label in self._label.values())

    def _revealed_label(self, text: str, listed: Sequence[str]) -> str | None:
        match = self._known.search(text) or (self._revealed.search(text) if len(listed) == 1 else None)
        return next((label for label in self.labels if match and self._label[label].fullmatch(match[1])), None)


def closing(text: str) -> str | None:
    """The form in which a prompt wants the answer, with {label}; None where it asks for none."""
    return next((form for pattern, form in _CLOSINGS if pattern.search(text)), None)


def _brief(text: str) -> int:
    """How plainly a text asks to be brief: 1 in words, 2 with a number."""
    if NUMBERED_BRIEF.search(text):
        return 2
    return 1 if SOFT_BRIEF.search(text) else 0


def _loose(label: str) -> str:
    """A label's words, whatever stands between them."""
    return r"[\s_-]+".join(map(re.escape, re.split(r"[\s_-]+", label)))
