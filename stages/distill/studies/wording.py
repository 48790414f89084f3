"""A study's summary by arm for people: a Markdown table, the same in LaTeX, and the notes that belong to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_Arms = Mapping[str, Mapping[str, Any]]

_LATEX = {character: f"\\{character}" for character in "&%$#_{}"} | {"±": r"$\pm$", "<": r"$<$"}


def arms_text(arms: _Arms, confidence: float) -> str:
    """The summary by arm, as Markdown."""
    head, *rows = _cells(arms, confidence)
    lines = [f"| {' | '.join(head)} |", "|" + " --- |" * len(head)]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])


def arms_latex(arms: _Arms, confidence: float) -> str:
    """The same as a LaTeX `tabular`, for the package booktabs."""
    head, *rows = _cells(arms, confidence)
    lines = [r"\begin{tabular}{l" + "r" * (len(head) - 1) + "}", r"\toprule", _latex_row(head), r"\midrule"]
    return "\n".join([*lines, *map(_latex_row, rows), r"\bottomrule", r"\end{tabular}"])


def notes(arms: _Arms, reference: str, tuned: Mapping[str, Any] | None) -> Iterator[str]:
    """What the table alone does not say: what its intervals hold, what p is corrected by, a single seed's luck, and
    which of the label-only arms is the baseline."""
    yield (
        "Intervals are over seeds and test rows (the variances of both added); ± is the standard deviation over seeds."
    )
    compared = {(s["difference"]["compared"], s["difference"]["rows_paired"]) for s in arms.values() if _tested(s)}
    if compared:
        many = " or ".join(str(count) for count in sorted({count for count, _ in compared}))
        yield (
            f"p: that an arm is no other than its reference, corrected by Holm's method for the {many} arms that are"
            " compared with one reference."
        )
        if not all(paired for _, paired in compared):
            yield "Where it is not known which rows an arm got right, the intervals of differences are the wider ones."
    alone = [arm for arm, summary in arms.items() if summary["finished"] == 1]
    if alone:
        spread = max((s["accuracy"]["sd"] or 0.0 for s in arms.values()), default=0.0)
        luck = (
            f"the arms with several seeds have a standard deviation of up to {100 * spread:.1f} points over theirs"
            if spread
            else "no arm here says how large it is"
        )
        yield f"One seed alone, so that its luck is not in the interval: {', '.join(alone)}; {luck}."
    for arm, summary in arms.items():
        if summary["students"] > summary["finished"] and summary["failed_students"]:
            yield (
                f"{arm}: of {summary['students']} students (train.seeds) {summary['failed_students']} failed to learn;"
                " a cell keeps the median of the others."
            )
    if tuned:
        best, own = arms[tuned["arm"]], arms[reference]
        yield (
            f"Labels alone, tuned over their steps: {tuned['arm']} is the best of {tuned['tried']} by validation"
            f" accuracy ({_percent(tuned['validation_accuracy'])}). On test it has"
            f" {_percent(best['accuracy']['mean'])}, {reference} {_percent(own['accuracy']['mean'])}."
        )


def _tested(summary: Mapping[str, Any]) -> bool:
    return "compared" in (summary.get("difference") or {})


def _cells(arms: _Arms, confidence: float) -> list[list[str]]:
    """The head and a row an arm."""
    head = [
        "arm",
        "accuracy, mean over seeds",
        f"{confidence * 100:g} % interval",
        "least to most",
        "seeds",
        "at chance, diverged, crashed",
        "points less the reference",
        "p",
        "macro-F1",
        "calibration error",
        "training, TFLOP",
    ]
    rows = []
    for arm, summary in arms.items():
        accuracy = summary["accuracy"]
        spread = "" if accuracy["sd"] is None else f" ± {100 * accuracy['sd']:.1f}"
        rows.append(
            [
                arm,
                _percent(accuracy["mean"]) + spread,
                _span(accuracy["ci_low"], accuracy["ci_high"]),
                _span(accuracy["least"], accuracy["most"]),
                f"{summary['finished']} of {summary['seeds']}",
                ", ".join(str(summary["failures"][status]) for status in ("at_chance", "diverged", "crashed")),
                _less(summary.get("difference")),
                _p(summary.get("difference") or {}),
                _percent(summary["macro_f1"]),
                "" if summary["calibration_error"] is None else f"{summary['calibration_error']:.3f}",
                "" if summary["teraflop"] is None else f"{summary['teraflop']:.2f}",
            ]
        )
    return [head, *rows]


def _latex_row(cells: Sequence[str]) -> str:
    return " & ".join("".join(_LATEX.get(character, character) for character in cell) for cell in cells) + r" \\"


def _percent(share: float | None) -> str:
    """A share as people read it: "93.4 %"."""
    return "" if share is None else f"{100 * share:.1f} %"


def _span(low: float | None, high: float | None) -> str:
    if low is None or high is None:
        return ""
    return f"{100 * max(0.0, low):.1f} to {100 * min(1.0, high):.1f} %"


def _less(difference: Mapping[str, Any] | None) -> str:
    """A difference of accuracies in points, with its interval."""
    if difference is None or difference["mean"] is None:
        return ""
    mean = f"{100 * difference['mean']:+.1f}"
    if difference["ci_low"] is None:
        return mean
    return f"{mean} ({100 * max(-1.0, difference['ci_low']):+.1f} to {100 * min(1.0, difference['ci_high']):+.1f})"


def _p(difference: Mapping[str, Any]) -> str:
    p = difference.get("holm_p_value")
    if p is None:
        return ""
    return "< 0.0001" if p < 0.0001 else f"{p:.2g}"
