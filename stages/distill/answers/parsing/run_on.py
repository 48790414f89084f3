"""Completions that run on: after its answer, a model invents a next row and answers that too.

An invented row is known by its structure: its head is one of the task's own (the template's words come back), or one
that usually heads an input, or the heads of the first answer come again behind it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from distill.answers.parsing.folding import fold, word_set
from distill.answers.parsing.record import Finding

_NAME = r"(?P<name>[^\W\d_][\w'’/]*(?:[ _-][\w'’/]+){0,3}?)[ \t]*#?\d{0,3}"
# Directly behind the answer, on its line: "Answer: neutral Premise: A dog runs."
_INLINE = re.compile(r"(?<=[^\s:])[ \t]+(?=(?P<name>[A-Z][\w'’]*(?:[ _][\w'’]+){0,2}?)[ \t]?\d{0,3}:\s)")
# "Premise:", "**Text 2:** …", "- Review: …", and headings without a colon: "### Review", "**Text**", "<input>".
_HEAD = re.compile(rf"(?m)^[ \t>*_#\[(\-]*{_NAME}[*_\])]*[ \t]*[:：]")
_MARKED_HEAD = re.compile(rf"(?m)^[ \t]*(?:#{{1,6}}[ \t]*\**|\*\*|\[|<){_NAME}(?:\*\*|[\]>])?[ \t]*$")
INPUT_HEADS = word_set(
    "premise hypothesis review text sentence question q input example problem context passage paragraph document"
    " article tweet comment message email mail utterance query dialogue dialog conversation headline title post story"
    " instruction instructions human user claim statement options choices case ticket complaint abstract snippet task"
    " transcript description caption product customer request source body subject fact evidence narrative next"
) | {"answer choices", "next row", "next example", "new example", "next question"}
# What heads an answer comes again where a model repeats or corrects itself.
_ANSWER_HEADS = word_set(
    "answer label a verdict conclusion prediction result classification class category sentiment emotion topic intent"
    " tag rating score stance polarity type decision judgment judgement relation relationship output response"
) | {"final answer", "the answer", "correct answer", "final label"}
_REASON_HEADS = word_set(
    "rationale rationales explanation explanations reasoning reasonings reason reasons analysis justification thought"
    " thoughts solution summary"
)
# Heads of the parts of one explanation.
_PARTS = word_set("step part point stage argument method item aspect")
# These head a next row even where no answer came before.
_QUESTION = re.compile(
    r"\n[ \t]*(?:[#*]{1,3}[ \t]*)?(?:"
    r"(?:Q|Question|Example|Problem|Input|Human|User|Instruction)[ \t]*\d{0,3}[ \t]*\**:"
    r"|\[?(?:Question|Example|Problem)[ \t]\d{1,3}\b"
    r"|Q[ \t]*\d{0,3}\Z)",
)
_ANSWERED = re.compile(r"^[\s*#]*(?:a|answer|final answer|the answer)\b[\s*]*(?::|\bis\b)", re.I | re.M)
_PREAMBLE = re.compile(r"[^\n]{0,80}[:!]\s*\Z")
_CORRECTS = re.compile(
    r"\b(?:wait|hold on|correction|corrected|on second thought|let me|mistake|scratch that|revis)", re.I
)
# Among so many heads behind an answer the first that begins a row is sought.
_TRIES = 12


def cut_run_on(text: str, heads: Sequence[str], find: Callable[[str], Finding]) -> tuple[str, bool]:
    """`text` up to the first row that the model invented, and whether one was cut off.

    `heads` are the words that head a row's fields in the task's own template. `find` says what a part of the text
    answers: only behind an outright answer does such a head begin a new row. A head at the very start, or after one
    line that announces it, is an echo of what was asked: the answer comes after it.
    """
    own = {_name(head) for head in heads} - {""}
    kept = text[: _next_row(text, own, find)]
    kept = _cut_question(kept[: _next_inline(kept, own, find)])
    return kept, len(kept) < len(text)


def _next_row(text: str, own: set[str], find: Callable[[str], Finding]) -> int | None:
    """Where the first invented row begins."""
    places = _heads(text)
    last: dict[str, int] = {name: at for at, (_, name) in enumerate(places)}
    earlier: set[str] = set()
    echoed = bool(places) and not text[: places[0][0]].strip() and _heads_input(places[0][1], own)
    tries = 0
    for at, (start, name) in enumerate(places):
        again = name in earlier
        if _heads_input(name, own):
            begins = again or not echoed or bool(earlier & _ANSWER_HEADS)
        elif name in _REASON_HEADS:
            begins = again and name == places[0][1]
        elif name in _ANSWER_HEADS or name in _PARTS:
            begins = False
        else:
            answers = earlier & _ANSWER_HEADS
            begins = bool(answers) and (again or any(last[head] > at for head in answers))
        earlier.add(name)
        if not begins or not text[:start].strip() or _CORRECTS.search(text, max(0, start - 80), start + 40):
            continue
        if tries == _TRIES:
            return None
        tries += 1
        if find(text[:start]).clear:
            return start
    return None


def _next_inline(text: str, own: set[str], find: Callable[[str], Finding]) -> int | None:
    """Where an input's head stands right behind the words that state the answer."""
    for match in _INLINE.finditer(text):
        if _heads_input(_name(match["name"]), own):
            finding = find(text[: match.start()])
            if finding.clear and finding.statement and finding.statement[1] >= match.start():
                return match.start()
            return None
    return None


def _heads_input(name: str, own: set[str]) -> bool:
    return name in own or name in INPUT_HEADS


def _heads(text: str) -> list[tuple[int, str]]:
    """(where its line begins, its name) of each heading, in order."""
    places = {match.start(): _name(match["name"]) for match in _HEAD.finditer(text)}
    places |= {match.start(): _name(match["name"]) for match in _MARKED_HEAD.finditer(text)}
    return sorted(places.items())


def _name(head: str) -> str:
    return re.sub(r"[\s_\-]+", " ", fold(head)).strip(" :*#.")


def _cut_question(text: str) -> str:
    """`text` up to the first further question that the model put to itself."""
    echoed = bool(_QUESTION.match("\n" + text.lstrip()[:80]))
    answered = _ANSWERED.search(text) if echoed else None
    for match in _QUESTION.finditer(text):
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
