"""The teacher's own doubt as a target: what it gave each label, mixed with the row's label (arXiv 1503.02531, section 2)."""

from __future__ import annotations

from collections.abc import Sequence

from distill.answers.matching import same_label
from distill.rows.records import TrainingRow


def soft_target(row: TrainingRow, kind: str, classes: Sequence[str], share: float) -> list[tuple[str, float]]:
    """(label, its part of the target) of each label with a part, the row's own first; the parts sum up to 1.

    The teacher's probabilities have `share` of it, the row's label the rest, and all where they are not known. What
    they leave of 1 goes evenly to the row's choices, or the task's classes, that they do not name. Hinton et al. soften
    with a temperature; what is known of a teacher behind an API are probabilities as they stand, or votes.
    """
    given: dict[str, float] = {}
    for label, probability in row.label_probabilities.items():
        label = row.label if same_label(kind, row.label, label) else label
        given[label] = given.get(label, 0.0) + probability
    rest = max(1 - sum(given.values()), 0.0)
    unnamed = [label for label in row.choices or classes if label not in given] if given else []
    given |= {label: rest / len(unnamed) for label in unnamed}
    total = sum(given.values())
    if not total:
        return [(row.label, 1.0)]
    own = 1 - share + share * given.pop(row.label, 0.0) / total
    return [(row.label, own), *((label, share * part / total) for label, part in given.items() if share * part)]
