"""One pass over the splits of any task: nothing that later stages rely on is broken, and the data report."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from distill.progress import Progress
from distill.rows.records import Example
from distill.sizes import BYTES_A_TOKEN, SUPPOSED, estimate_tokens, supposed_interval
from distill.tasks.base import Task
from distill.tasks.normal_form import NORMAL_FORM, is_normal
from distill.tasks.problems import NAMED_ROWS, Problems, named

LIMITS = (128, 256, 512, 1024)
# A split whose 95 % interval would be wider than this tells little; it is that of a share of 0.8.
WIDEST = 0.2
_MOST_LABELS = 50


@dataclass
class Survey:
    """`metrics` is metrics/prepare.json; `notices` is what a person should know, a line each."""

    metrics: dict[str, Any]
    notices: list[str]


@dataclass
class _Counts:
    ids: array[int] = field(default_factory=lambda: array("q"))
    inputs: array[int] = field(default_factory=lambda: array("q"))
    tokens: array[int] = field(default_factory=lambda: array("i"))
    labels: Counter[str] = field(default_factory=Counter)
    labelled: int = 0
    with_rationale: int = 0
    long: list[str] = field(default_factory=list)


def survey(splits: Mapping[str, Sequence[Example]], task: Task, max_input_tokens: int, batch_rows: int = 1) -> Survey:
    """Counts, labels, lengths and duplicates of the splits, and what is too small or too long.

    Raises DataError with the list of what is wrong: an empty split, an id twice, a label that is not allowed,
    or, unless the splits were published so, an input in two of them. `max_input_tokens` is the student's, for
    a notice alone: the report says how many rows are longer than each of LIMITS. `batch_rows` is that of the training,
    for a notice as well.
    """
    problems = Problems(f"task {task.name!r}")
    with Progress("prepare, checking", sum(map(len, splits.values()))) as progress:
        counted = {
            split: _count(rows, task, split, problems, max_input_tokens, progress) for split, rows in splits.items()
        }
    for split, rows in splits.items():
        if not rows:
            problems.add(f"the split {split!r} is empty", f"see task.{split}_rows and task.path")
    _unique(splits, counted, problems)
    across = _across(splits, counted, task, problems)
    problems.raise_any()
    metrics: dict[str, Any] = {split: _metrics(counts) for split, counts in counted.items()}
    duplicates = {"across_splits": across, **task.report().get("duplicates", {})}
    unicode = {"normal_form": NORMAL_FORM, "rows_changed": task.rows_normalized}
    metrics |= {**task.report(), "duplicates": duplicates, "unicode": unicode}
    notices = [*task.notices, *_notices(counted, max_input_tokens, across)]
    if len(splits["train"]) < batch_rows:
        notices.append(
            f"train has {len(splits['train'])} rows and train.batch_rows is {batch_rows}: a step would see rows more"
            " than once; lower it"
        )
    return Survey(metrics, notices)


def interval_width(rows: int) -> float:
    """Width of Wilson's 95 % interval of an accuracy of SUPPOSED that is measured on so many rows."""
    low, high = supposed_interval(rows)
    return high - low


def _count(
    rows: Sequence[Example], task: Task, split: str, problems: Problems, max_input_tokens: int, progress: Progress
) -> _Counts:
    counts = _Counts()
    for row in rows:
        progress.add()
        counts.ids.append(hash(row.id))
        counts.inputs.append(hash(row.input))
        counts.tokens.append(estimate_tokens(row.input))
        counts.with_rationale += row.rationale is not None
        if counts.tokens[-1] > max_input_tokens and len(counts.long) < NAMED_ROWS:
            counts.long.append(row.source or row.id)
        allowed = row.choices or task.classes
        if not row.input.strip():
            problems.add("the input is empty", "drop the row", f"{row.source or row.id} ({split})")
        if not is_normal(row.input) or not is_normal(row.label or ""):
            problems.add(
                f"the text is not in Unicode's normal form ({NORMAL_FORM})",
                "return rows through Task.normal",
                f"{row.source or row.id} ({split})",
            )
        if row.label is None:
            continue
        counts.labelled += 1
        if allowed and row.label not in allowed:
            problems.add(
                f"the label {row.label!r} is not allowed",
                f"use one of: {named(allowed)}",
                f"{row.source or row.id} ({split})",
            )
        if not row.choices and len(counts.labels) <= _MOST_LABELS:
            counts.labels[row.label] += 1
    return counts


def _unique(splits: Mapping[str, Sequence[Example]], counted: Mapping[str, _Counts], problems: Problems) -> None:
    import numpy as np

    values, times = np.unique(
        np.concatenate([np.frombuffer(c.ids, np.int64) for c in counted.values()]), return_counts=True
    )
    if times.max(initial=0) < 2:
        return
    suspected, seen = set(values[times > 1].tolist()), Counter[str]()
    for rows in splits.values():
        seen.update(row.id for row in rows if hash(row.id) in suspected)
    for identity, count in seen.items():
        if count > 1:
            problems.add(f"the id {identity!r} is there {count} times", "make ids unique")


def _across(
    splits: Mapping[str, Sequence[Example]], counted: Mapping[str, _Counts], task: Task, problems: Problems
) -> int:
    """Inputs that are in more than one split."""
    import numpy as np

    inputs = [np.unique(np.frombuffer(counts.inputs, np.int64)) for counts in counted.values()]
    values, times = np.unique(np.concatenate(inputs), return_counts=True)
    suspected = set(values[times > 1].tolist())
    places: dict[str, dict[str, str]] = {}
    for split, rows in splits.items() if suspected else ():
        for row in rows:
            if hash(row.input) in suspected:
                places.setdefault(row.input, {}).setdefault(split, row.id)
    shared = [splits_of for splits_of in places.values() if len(splits_of) > 1]
    for splits_of in [] if task.cut_elsewhere else shared:
        rows_named = " and ".join(f"{identity!r} ({split})" for split, identity in splits_of.items())
        problems.add("the same input is in two splits, which must not leak", "keep one of each", rows_named)
    return len(shared)


def _metrics(counts: _Counts) -> dict[str, Any]:
    import numpy as np

    lengths = np.frombuffer(counts.tokens, np.int32)
    metrics: dict[str, Any] = {
        "rows": len(lengths),
        "labelled": counts.labelled,
        "with_rationale": counts.with_rationale,
        "input_tokens_estimated": {
            "mean": float(lengths.mean()),
            **{f"p{p}": int(np.percentile(lengths, p, method="higher")) for p in (50, 95, 99)},
            "max": int(lengths.max()),
            "rows_over": {str(limit): int((lengths > limit).sum()) for limit in LIMITS},
        },
    }
    if 0 < len(counts.labels) <= _MOST_LABELS:
        metrics["label"] = {label: count / counts.labels.total() for label, count in sorted(counts.labels.items())}
    if counts.labelled:
        metrics["interval_width"] = interval_width(counts.labelled)
    return metrics


def _notices(counted: Mapping[str, _Counts], max_input_tokens: int, across: int) -> list[str]:
    import numpy as np

    notices = []
    for split in ("validation", "test"):
        width = interval_width(counted[split].labelled) if counted[split].labelled else 1.0
        if width > WIDEST:
            notices.append(
                f"{split} has {counted[split].labelled} labelled rows, which is few: an accuracy of {SUPPOSED:.0%}"
                f" measured on them has a 95 % interval {100 * width:.0f} points wide"
            )
    missing = sorted(set(counted["test"].labels) - set(counted["train"].labels)) if counted["train"].labelled else []
    if missing and len(counted["train"].labels) <= _MOST_LABELS:
        notices.append(f"no labelled train row has the label {named(missing)}; the prompt search cannot score it")
    over = sum(int((np.frombuffer(counts.tokens, np.int32) > max_input_tokens).sum()) for counts in counted.values())
    if over:
        notices.append(
            f"inputs longer than student.max_input_tokens ({max_input_tokens}), by an estimate of a token for"
            f" {BYTES_A_TOKEN} bytes: {over}"
            f" ({named([row for counts in counted.values() for row in counts.long][:NAMED_ROWS])} among them); the"
            " student would cut them: raise it, or shorten them; metrics/train.json counts them exactly"
        )
    if across:
        notices.append(f"inputs in more than one of the published splits: {across}; they are left where they are")
    return notices
