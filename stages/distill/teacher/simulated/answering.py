"""Answering as an LLM does: how well, at what length and in what form depends on what the prompt asks for.

The numbers are made up. They are set so that a plain hand-written prompt leaves something to find, and
no single phrase finds all of it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise

from distill.teacher.simulated.knowledge import Knowledge, Luck, Opinion, RowSpan
from distill.teacher.simulated.protocol import Chat
from distill.teacher.simulated.structured import shape
from distill.teacher.simulated.traits import Reader, Traits, closing

# Factors on the share of slips (Habits.slips).
SLIPS_REASONED, SLIPS_EXPLAINED = 0.58, 0.78
SLIPS_FACTS = (1.4, 0.66, 0.45)
SLIPS_CARE, SLIPS_CHECK, SLIPS_LISTED, SLIPS_ROLE = 0.78, 0.8, 0.85, 0.95
SLIPS_DEMONSTRATED, SLIPS_PRIMED = 0.7, 0.97
SLIPS_A_DEGREE = 0.4  # more by this share at temperature 1
# Shares of answers that explain, by whether they are asked to; then factors on the odds.
EXPLAINS_LABEL_ONLY, EXPLAINS_UNASKED, EXPLAINS = 0.03, 0.30, 0.86
EXPLAINS_REASONED, EXPLAINS_ALWAYS, EXPLAINS_FACTS, EXPLAINS_PRIMED, EXPLAINS_DEMONSTRATED = 3.0, 4.0, 1.3, 1.5, 3.0
# Odds that the answer stands in a form that can be found, and factors on them.
FORM_ODDS = 2.0
FORM_CLOSING, FORM_STRICT, FORM_LISTED, FORM_FORCED, FORM_COMMIT, FORM_DOUBTS, FORM_DEMONSTRATED = (
    4.0,
    4.0,
    1.6,
    1.4,
    1.4,
    0.5,
    3.0,
)
# Shares of rambling answers, by how plainly brevity is asked for.
RAMBLES, RAMBLES_WORDY, RAMBLES_HOT = (0.42, 0.12, 0.03), 0.5, 0.15
# Words of a demonstration, from which on it explains.
DEMONSTRATED_WORDS = 10
# Shares of rationales without a fact, by how plainly facts are asked for.
VAGUE = (0.45, 0.06, 0.01)
NAMED, NAMED_POSITION = 0.15, 0.02
# A prompt above this many words loses its reader: factor on slips and on bad form for as many words again.
LONG, LONG_FACTOR = 110, 1.0

_LOOSE_CLOSINGS = ("So it is {label}.", "Answer: {label}", "The answer is {label}.", "I would say {label}.")
_SPACES = (" ", "\n", "\n\n")
_BARE = ("{label}", "{Label}", "{label}.", "{Label}.")
_REFUSALS = ("I'm sorry, but I can't help with that.", "I'm sorry, I am not able to answer this.")
_OPENERS = (
    "Let us think about {names}.",
    "This is an interesting question about {names}.",
    "To answer this, we look at {names}.",
)
_HEDGES = (
    "That depends a good deal on the kind one has in mind: {names} can differ, so I would not settle on one answer.",
    "It is hard to say without knowing more, since {names} both come in many forms.",
)


@dataclass(frozen=True, slots=True)
class SimulatedAnswer:
    """The teacher's words. `confidence` is that of the label, 0 to 1; `label` is None where the words name none."""

    text: str
    label: str | None
    confidence: float
    refusal: bool = False


@dataclass(frozen=True, slots=True)
class Demonstrations:
    """Demonstrations that a prompt shows: how many, whether they explain, and how they put the answer."""

    count: int = 0
    explained: bool = False
    closing: str | None = None


class Answerer:
    """Answers questions about rows of one task."""

    def __init__(self, knowledge: Knowledge):
        self.knowledge = knowledge
        self.habits = knowledge.teacher
        self.reader = Reader(knowledge.classes, knowledge.teacher.facts)
        self._traits = lru_cache(maxsize=4096)(self.reader.read)

    def answer(self, chat: Chat, luck: Luck) -> SimulatedAnswer:
        """The answer to the last row that the messages show. `luck` stands for this very draw."""
        row, traits, demonstrated = self._read(chat)
        if row is None:
            return SimulatedAnswer("I cannot find a question in your message. Could you show it again?", None, 0.0)
        if luck.chance("refusal", self.habits.refusals):
            return SimulatedAnswer(luck.pick("refusal text", _REFUSALS), None, 0.0, refusal=True)
        wanted = shape(chat.schema) if chat.json else None
        if wanted:
            traits = replace(
                traits, explain=wanted.rationale, label_only=not wanted.rationale, reason_first=wanted.rationale_first
            )
        heat = chat.temperature * chat.top_p
        opinion = self.knowledge.opinion(row)
        explains = wanted.rationale if wanted else luck.chance("explains", explaining(traits, demonstrated))
        slips = slipping(traits, explains, demonstrated, heat) * self.habits.slips * opinion.difficulty
        slipped = self._slip_luck(row, luck, heat) < slips
        label = traits.revealed_label or (opinion.mistake if slipped else opinion.label)
        confidence = max(1 / len(self.knowledge.classes), 1 - slips)
        rationale = self._rationale(row, opinion, label, traits, luck, heat) if explains else None
        if wanted:
            return SimulatedAnswer(wanted.filled(label, rationale or "", confidence), label, confidence)
        text, names_label = self._worded(label, rationale, opinion, traits, demonstrated, luck, heat)
        return SimulatedAnswer(text, label if names_label else None, confidence)

    def _read(self, chat: Chat) -> tuple[RowSpan | None, Traits, Demonstrations]:
        """What the messages show.

        (the last row of a user, traits of what is neither row nor demonstration, what the demonstrations are like)
        """
        asks, demonstrations, row, rows = [], [], None, 0
        for role, text in chat.turns:
            if role == "assistant":
                demonstrations.append(text)
                continue
            spans = self.knowledge.find(text) if role == "user" else []
            if not spans:
                asks.append(text)
                continue
            rows, row = rows + len(spans), spans[-1]
            # In one message, demonstrations stand between the first row and the last.
            demonstrations += [text[before.end : after.start] for before, after in pairwise(spans)]
            asks.append(f"{text[: spans[0].start]} … {text[row.end :]}")
        demonstrated = Demonstrations()
        if rows > 1 and demonstrations:
            words = sum(len(text.split()) for text in demonstrations) / len(demonstrations)
            demonstrated = Demonstrations(rows - 1, words >= DEMONSTRATED_WORDS, closing(demonstrations[-1]))
        return row, self._traits("\n".join(asks)), demonstrated

    def _slip_luck(self, row: RowSpan, luck: Luck, heat: float) -> float:
        """Half of the rows are hard for every prompt alike; heat makes each draw one of its own."""
        own = Luck("row/" + "/".join(row.parts))
        if own.chance("shared", 0.5) and not luck.chance("heat", min(1.0, heat)):
            return own.draw("slip")
        return luck.draw("slip")

    def _rationale(self, row: RowSpan, opinion: Opinion, label: str, traits: Traits, luck: Luck, heat: float) -> str:
        named = luck.chance("named", NAMED_POSITION if traits.position else NAMED)
        vague = luck.chance("vague", VAGUE[traits.facts])
        core = self.knowledge.vague(label, luck) if vague else self.knowledge.reason(row, label, luck, named=named)
        rambles = RAMBLES_WORDY if traits.wordy else RAMBLES[traits.brief]
        if not luck.chance("rambles", rambles + RAMBLES_HOT * heat * rambles):
            return core
        added = [luck.pick(f"filler {i}", self.habits.fillers) for i in range(1 + int(3 * luck.draw("fillers")))]
        opener = [luck.pick("opener", _OPENERS)] if luck.chance("opens", 0.5) else []
        before, after = (
            [text.format(names=opinion.names) for text in dict.fromkeys(texts)] for texts in (opener, added)
        )
        return " ".join((*before, core, *after))

    def _worded(
        self,
        label: str,
        rationale: str | None,
        opinion: Opinion,
        traits: Traits,
        demonstrated: Demonstrations,
        luck: Luck,
        heat: float,
    ) -> tuple[str, bool]:
        """Puts the answer in words: (text, whether it names the label)."""
        if not luck.chance("form", in_form(traits, demonstrated, heat)):
            return self._out_of_form(label, rationale, opinion, luck)
        form = traits.closing or demonstrated.closing
        if rationale is None and form is None:
            return _filled(luck.pick("bare", _BARE), label), True
        end = _filled(form or luck.pick("closing", _LOOSE_CLOSINGS), label)
        if rationale is None:
            return end, True
        if not traits.reason_first and form is None and luck.chance("answer first", 0.3):
            return f"{end}\n{rationale}", True
        return f"{rationale}{luck.pick('space', _SPACES)}{end}", True

    def _out_of_form(self, label: str, rationale: str | None, opinion: Opinion, luck: Luck) -> tuple[str, bool]:
        """An answer in bold, in other words, or none at all."""
        kind, options = luck.draw("out of form"), self.knowledge.paraphrases[label]
        if kind < 0.35:
            return f"{rationale or ''}\n\n**{label.capitalize()}**".strip(), True
        if kind < 0.7 and options:
            other = luck.pick("paraphrase", options)
            text = (
                re.sub(rf"(?<!\w){re.escape(label)}(?!\w)", other, rationale)
                if rationale
                else f"{other.capitalize()}, I would say."
            )
            return text, False
        return luck.pick("hedge", _HEDGES).format(names=opinion.names), False


def slipping(traits: Traits, explains: bool, demonstrated: Demonstrations, heat: float) -> float:
    """Factor on the share of slips."""
    factor = 1.0
    if explains:
        factor = SLIPS_FACTS[traits.facts] * (SLIPS_REASONED if traits.reason_first else SLIPS_EXPLAINED)
    factor *= SLIPS_CARE if traits.care else 1.0
    factor *= SLIPS_CHECK if traits.check else 1.0
    factor *= SLIPS_LISTED if traits.labels_listed else 1.0
    factor *= SLIPS_ROLE if traits.role else 1.0
    factor *= SLIPS_PRIMED if traits.teaches or traits.audience or traits.commit else 1.0
    factor *= SLIPS_DEMONSTRATED if demonstrated.count else 1.0
    return factor * (1 + SLIPS_A_DEGREE * heat) * _length(traits)


def explaining(traits: Traits, demonstrated: Demonstrations) -> float:
    """Share of answers that explain."""
    if traits.revealed_label:
        return 0.97
    wanted = traits.explain or traits.facts or demonstrated.explained
    share = EXPLAINS if wanted else EXPLAINS_UNASKED
    if traits.label_only:
        share = EXPLAINS_LABEL_ONLY
    odds = share / (1 - share)
    if wanted and not traits.label_only:
        odds *= EXPLAINS_REASONED if traits.reason_first else 1.0
        odds *= EXPLAINS_ALWAYS if traits.always else 1.0
        odds *= EXPLAINS_FACTS if traits.facts == 2 else 1.0
        odds *= EXPLAINS_PRIMED if traits.teaches or traits.audience else 1.0
        odds *= EXPLAINS_DEMONSTRATED if demonstrated.explained else 1.0
    return odds / (1 + odds)


def in_form(traits: Traits, demonstrated: Demonstrations, heat: float) -> float:
    """Share of answers whose label stands in the form that was asked for."""
    odds = FORM_ODDS / (1 + 0.5 * heat) / _length(traits)
    revealed = traits.revealed_label
    odds *= FORM_CLOSING if traits.closing or demonstrated.closing or traits.label_only or revealed else 1.0
    odds *= FORM_STRICT if traits.strict_format or revealed else 1.0
    odds *= FORM_LISTED if traits.labels_listed else 1.0
    odds *= FORM_FORCED if traits.forced_choice or revealed else 1.0
    odds *= FORM_DOUBTS if traits.doubts else 1.0
    odds *= FORM_COMMIT if traits.commit else 1.0
    odds *= FORM_DEMONSTRATED if demonstrated.count else 1.0
    return odds / (1 + odds)


def _length(traits: Traits) -> float:
    return 1 + LONG_FACTOR * max(0, traits.words - LONG) / LONG


def _filled(form: str, label: str) -> str:
    return form.replace("{label}", label).replace("{Label}", label.capitalize())
