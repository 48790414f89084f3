"""The controls of a study: what is changed of the reference arm to see what it is that teaches."""

from __future__ import annotations

from typing import Any, Literal

ControlName = Literal[
    "label_only",
    "label_only_2x",
    "label_only_4x",
    "label_only_8x",
    "matched_compute",
    "labels_asked",
    "more_labels",
    "more_gold_labels",
    "shuffled_rationale",
    "same_label_rationale",
    "bare_codes",
    "conclusion_alone",
]

# The same training on as many rationales, from each of which one thing is taken (distill.selection.controls).
RATIONALE_CONTROLS: dict[str, dict[str, Any]] = {
    "shuffled_rationale": {"subsample.rationales": "shuffled"},
    "same_label_rationale": {"subsample.rationales": "same_label"},
    "bare_codes": {"subsample.rationales": "codes"},
    "conclusion_alone": {"subsample.rationales": "conclusion"},
}
# Labels alone, for so many times the reference's steps. The step that is kept is the best by validation.
STEP_FACTORS = {"label_only": 1, "label_only_2x": 2, "label_only_4x": 4, "label_only_8x": 8}
LABEL_ONLY_SETTINGS: dict[str, Any] = {"train.mode": "standard"}
# Labels alone, from the prompt that asks for no more. It is written by hand, so no search is needed.
LABELS_ASKED: dict[str, Any] = {"annotate.rationale_rate": 0.0, "prompt.optimizer": "fixed"}
# Their settings follow from what finished cells measured, which are of the reference and of these controls.
MEASURED_CONTROLS: dict[str, tuple[str, ...]] = {
    "matched_compute": ("label_only",),
    "more_labels": ("label_only", "labels_asked"),
    "more_gold_labels": ("label_only", "labels_asked"),
}
# Of these, those with more train rows, and what else they change.
MORE_ROWS: dict[str, dict[str, Any]] = {"more_labels": {}, "more_gold_labels": {"subsample.labels": "gold"}}
# Between these the best by validation accuracy is the label-only baseline, tuned over its steps.
TUNED_OVER = (*STEP_FACTORS, "matched_compute")
# What changes nothing where labels alone are trained on.
RATIONALES_ALONE = (
    "subsample.explanation_rate", "subsample.strategy", "subsample.rationales", "subsample.changed_share",
    "subsample.rationale_words", "train.label_weight",
)  # fmt: skip

# What a derived control needs to know of a finished cell: columns of its row.
GFLOP, USD = "gflop_per_step", "usd_annotation"
MEASURES = (GFLOP, USD)
# The settings that follow from them.
DERIVED = ("train.steps", "task.train_rows")


def matched_steps(steps: int, reference_gflop: float, label_gflop: float) -> int:
    """How many steps of labels alone take as many operations as `steps` of the reference."""
    return max(1, round(steps * reference_gflop / label_gflop))


def affordable_rows(rows: int, reference_usd: float, label_usd: float) -> int:
    """How many rows asked for their label alone cost as much as `rows` of the reference: both dollars are of `rows`."""
    return max(1, round(rows * reference_usd / label_usd))
