"""Thoughts: what a reasoning model writes for itself, told from its answer by the marks of every family.

Marks come in pairs, as `<think>` and `</think>`. Many servers cut the opening mark off, and a text that breaks off
lacks the closing one. A mark between backticks is only spoken of.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from distill.answers.parsing.folding import sentences

# Tags whose name speaks of thinking: <think>, <Thinking>, <seed:think>, <longcat_think>, <inner_thoughts>.
_NAME = (
    r"[\w:.-]{0,24}?(?:think|thought|scratch_?pad|reflection|reflect|monologue|deliberation|chain[-_]of[-_]thought)"
    r"(?:s|ing|_?process)?|analysis|cot"
)
_TAG = rf"(?:<|&lt;)(?P<slash> ?/)? ?\|?(?P<bar_slash>/)?(?:{_NAME})\|?(?:[ \t][^<>\n]{{0,80}})?(?:>|&gt;)"
_OPEN = (
    r"\[think(?:ing)?\]|◁think▷|<\|(?:begin|start)[-_](?:of[-_])?(?:thought|think)s?(?:ing)?\|>"
    r"|<unused94>(?:thought)?|<\|channel>\s*thought|<\|inner_prefix\|>"
    r"|^[ \t]*here is my thought process:"
)
_CLOSE = (
    r"\[/think(?:ing)?\]|◁/think▷|<\|end[-_](?:of[-_])?(?:thought|think)s?(?:ing)?\|>"
    r"|<unused95>|<channel\|>|<\|inner_suffix\|>"
    r"|^[ \t]*here is my response:"
)
_MARK = re.compile(rf"(?<!`)(?:{_OPEN}|(?P<closes>{_CLOSE})|{_TAG})(?!`)", re.I | re.M)
_FENCE = re.compile(
    r"(?ims)^[ \t]*```[ \t]*(?:think|thinking|thoughts?|reasoning|scratchpad)[ \t]*\n(?P<thought>.*?)(?:^[ \t]*```|\Z)"
)
# The tag that prompts ask a rationale in as well: a thought only where an explanation of its own comes behind it.
_REASONING = re.compile(r"(?is)<reasoning>(?P<thought>.{0,20000}?)</reasoning>(?P<rest>.*)")
_ANSWER_ELEMENT = re.compile(r"(?is)<(answer|label|final_answer)>.{0,2000}?</\1>")
# Harmony writes in channels: <|channel|>analysis<|message|>…<|end|><|start|>assistant<|channel|>final<|message|>…
_HEADER = re.compile(
    r"(?:<\|start\|>[^<>\n]{0,80}|\bassistant)?(?:<\|channel\|>)?[ \t]{0,3}(?P<channel>analysis|commentary|final)\b"
    r"[^<>\n]{0,80}(?:<\|constrain\|>[^<>\n]{0,40})?<\|message\|>",
    re.I,
)
_MESSAGE_END = re.compile(r"<\|(?:end|return|call|start)\|>")
# The same with the marks dropped: "analysisWe look at … assistantfinalThe answer is …".
_BARE_CHANNELS = re.compile(r"\A\s*analysis(?=[A-Z])(?P<thought>.*?)(?:assistant\s*final(?P<answer>.*))?\Z", re.S)
# Marks around the answer itself.
_ANSWER_MARK = re.compile(
    r"</?(?:response|output)>|<think(?:ing)?[ \t]*/>"
    r"|<\|/?(?:START|END|begin|end)[-_](?:of[-_])?(?:RESPONSE|solution|answer|TEXT)\|>",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Thoughts:
    """A response apart: the (start, end) of the pieces of its `answer` and of its `thoughts`, and whether it ends
    `inside` a thought.
    """

    text: str
    answers: tuple[tuple[int, int], ...]
    thoughts: tuple[tuple[int, int], ...]
    inside: bool

    def answer(self) -> str:
        """What is no thought, without the marks around an answer."""
        return _ANSWER_MARK.sub("\n", "\n".join(self.text[begin:end] for begin, end in self.answers))

    def thought(self) -> str | None:
        """What the model thought; None where it shows nothing of that."""
        pieces = (_MESSAGE_END.sub("", self.text[begin:end]).strip() for begin, end in self.thoughts)
        return "\n".join(piece for piece in pieces if piece) or None


def split_thoughts(text: str) -> Thoughts:
    """`text` parted at the marks of thoughts.

    Where a closing mark has no opening one, all before it is a thought. An opening mark without a closing one leaves
    the text `inside` a thought.
    """
    return _split_channels(text) or _split_bare_channels(text) or _split_marks(text)


def _split_channels(text: str) -> Thoughts | None:
    headers = list(_HEADER.finditer(text))
    if not headers:
        return None
    answers, thoughts = [], [(0, headers[0].start())]
    for header, following in zip(headers, [*headers[1:], None], strict=True):
        limit = following.start() if following else len(text)
        end = _MESSAGE_END.search(text, header.end(), limit)
        pieces = answers if header["channel"].lower() == "final" else thoughts
        pieces.append((header.end(), end.start() if end else limit))
    return Thoughts(text, tuple(answers), tuple(thoughts), not answers)


def _split_bare_channels(text: str) -> Thoughts | None:
    bare = _BARE_CHANNELS.match(text)
    if not bare:
        return None
    answers = () if bare["answer"] is None else (bare.span("answer"),)
    return Thoughts(text, answers, (bare.span("thought"),), not answers)


def _split_marks(text: str) -> Thoughts:
    answers: list[tuple[int, int]] = []
    thoughts: list[tuple[int, int]] = []
    begin, inside = 0, False
    for start, end, opens in _marks(text):
        if inside:
            thoughts.append((begin, start))
        elif not opens and (text[end:].strip() or not thoughts):
            thoughts += [*answers, (begin, start)]
            answers = []
        else:
            answers.append((begin, start))
        inside, begin = opens, end
    (thoughts if inside else answers).append((begin, len(text)))
    return Thoughts(text, tuple(answers), tuple(thoughts), inside)


def _marks(text: str) -> list[tuple[int, int, bool]]:
    """(start, end, whether it opens a thought) of each mark, in order."""
    marks = []
    for mark in _MARK.finditer(text):
        marks.append((*mark.span(), not (mark["slash"] or mark["bar_slash"] or mark["closes"])))
    for fence in _FENCE.finditer(text):
        marks += [(fence.start(), fence.start("thought"), True), (fence.end("thought"), fence.end(), False)]
    reasoning = _REASONING.search(text)
    if reasoning and _explains(_ANSWER_ELEMENT.sub("\n", reasoning["rest"])):
        begin, end = reasoning.span("thought")
        marks += [(reasoning.start(), begin, True), (end, end + len("</reasoning>"), False)]
    return sorted(marks)


def _explains(text: str) -> bool:
    """Whether a text has several sentences of its own, not an answer under its heading alone."""
    spoken = [text[begin:end].strip() for begin, end in sentences(text)]
    return sum(len(line.split()) > 2 and ":" not in line for line in spoken) > 1
