"""The record that a response becomes."""

from __future__ import annotations

from dataclasses import dataclass, field

STATUSES = ("ok", "no_label", "no_rationale", "ambiguous", "refusal", "truncated")
KINDS = ("classes", "choices", "number", "text")
# run_on: an invented further row was cut off. ambiguous_number: as 1,234, which is a decimal in other countries.
NOTES = ("run_on", "ambiguous_number")


@dataclass(frozen=True, slots=True)
class Parsed:
    """What one response says.

    `label` is the canonical text (one of the task's choices, a canonical number,
    or free text) and is there only for the statuses `ok` and `no_rationale`.
    `rationale` is None, never blank. `notes` say what was done on the way (NOTES), and make no record another.
    """

    label: str | None
    rationale: str | None
    status: str
    notes: tuple[str, ...] = field(default=(), compare=False)

    def __post_init__(self) -> None:
        if self.status not in STATUSES:
            raise ValueError(f"status is {self.status!r}, must be one of {', '.join(STATUSES)}")
        if (self.label is not None) != (self.status in ("ok", "no_rationale")):
            raise ValueError(f"status {self.status!r} does not go with label {self.label!r}")
        if self.rationale is not None and not self.rationale.strip():
            raise ValueError("a missing rationale is None, not blank text")


@dataclass(frozen=True, slots=True)
class Finding:
    """Where in a text the answer was found, and how.

    `statement` is the (start, end) of the words that only state the answer; None
    where the answer is part of the explanation. `words` are those of a choice
    alone, whatever the rule. `clear` says that the answer was stated outright, so
    that it stands even if the text was cut afterwards. `rule` names the rule that
    decided.
    """

    label: str | None
    rule: str
    statement: tuple[int, int] | None = None
    clear: bool = False
    several: bool = False
    words: tuple[int, int] | None = None
    notes: tuple[str, ...] = ()


NOTHING = Finding(label=None, rule="none")
