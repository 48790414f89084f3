"""Adversarial NLI (Nie et al. 2020), three rounds: 16,946 / 1,000 / 1,000, 45,460 / 1,000 / 1,000 and
100,459 / 1,200 / 1,200 rows.

`task.path` is the unpacked `anli_v1.0` folder with `R1/train.jsonl`, `R1/dev.jsonl`, …; `task.hub` is a
data set like facebook/anli. The annotators' reasons are the human rationales; most train rows have none.
"""

from __future__ import annotations

from distill.rows.records import Example
from distill.tasks.inference import Inference, label_name
from distill.tasks.published import Part, PublishedRow, text

_SHORT = {"e": "entailment", "n": "neutral", "c": "contradiction"}


class _Round(Inference):
    def example(self, row: PublishedRow, split: str, index: int) -> Example:
        premise = text(row, "premise" if "premise" in row else "context")
        return self.pair(
            text(row, "uid"),
            premise,
            text(row, "hypothesis"),
            label_name(row, "label", _SHORT),
            row.get("reason"),
            split,
            index,
        )


def _parts(number: int) -> tuple[Part, ...]:
    names = (("train", "train"), ("validation", "dev"), ("test", "test"))
    return tuple(Part(split, f"{name}_r{number}", (f"R{number}/{name}.jsonl",)) for split, name in names)


class Anli1(_Round):
    name = "anli1"
    parts = _parts(1)


class Anli2(_Round):
    name = "anli2"
    parts = _parts(2)


class Anli3(_Round):
    name = "anli3"
    parts = _parts(3)
