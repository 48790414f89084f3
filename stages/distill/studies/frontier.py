"""The frontier of all experiments at hand: what accuracy costs, and from where on more money buys little.

metrics/frontier.json, which the report reads; a number that is not known is null:

    points, experiments         how many; a point is an experiment, or several that differ in their seeds alone
    usual                       the settings that labels of points leave out, as more than half of the points share them
    from_tables                 how many of the experiments are known from metrics/studies/ alone
    kept                        how many points are of an earlier survey, as their experiments are not here
    left_out                    {controls, no_price, other_task, gold_labels (of unknown price)}: how many have no place
    chosen_by                   "validation": front, best and knee are chosen by accuracy on the validation rows, and
                                shown with that on test rows; "test" where the former is not known of all points
    floor                       accuracy of the majority class on the same rows
    label_only                  the best point that was trained on labels alone, or null
    front                       {count}, and in `best` and `knee` (null where there is none) a point of it:
        accuracy, accuracy_ci_low, accuracy_ci_high, usd, seeds
        share_of_gain           of what the best point gains over the floor
        share_of_money          of what the best point costs
        settings                what tells it from other points
    saving                      of the knee's student, or the best's where there is none, over its teacher:
                                student_usd_once, student_usd_per_row (computing; null: not counted),
                                teacher_usd_per_row, break_even_rows,
                                rows_<n>: {teacher_usd, student_usd, saved_usd}
    of, task                    the teacher, with the word "simulated" where it is, and the task's name

metrics/plots/frontier.json, a list of points by rising cost, for the plot and the report:

    usd (null, and the point at the end, where a price is not known), accuracy, accuracy_ci_low, accuracy_ci_high,
    usd_from ("measured" | "predicted" | "upper bound"), front (the accuracy again where the point is on the front, else
    null), knee (likewise), validation, calls, tokens (of all answers), seeds, failures, parameters, names (of the
    experiments), label (what tells it from other points, in words), settings
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from distill.studies.gathering import Observation, Pricing
from distill.studies.points import FrontierPoint, frontier_points, own_task, point_row, sorted_points

_LEFT_OUT = {
    "other_task": "of another task",
    "controls": "controls of rationales",
    "gold_labels": "with people's labels, of unknown price",
    "no_price": "without a known price",
}


class Frontier:
    """Of observations that answer the same task as the first of them does, and of points that an earlier survey `kept`.

    A kept point stands for the new ones that are of its experiments alone. Raises ValueError on no observations.
    """

    def __init__(
        self,
        observations: Sequence[Observation],
        price: Pricing,
        confidence: float,
        kept: Sequence[FrontierPoint] = (),
    ):
        if not observations:
            raise ValueError("no experiment that was evaluated")
        task = own_task(observations[0].params)
        same = [observation for observation in observations if _alike(own_task(observation.params), task)]
        students = [observation for observation in same if _subsample(observation, "rationales") in (None, "own")]
        taught = [student for student in students if _subsample(student, "labels") != "gold"] or students
        self.points, self.unpriced = frontier_points(taught, price, confidence)
        self.chosen_by = "test" if any(point.validation is None for point in self.points) else "validation"
        self.kept = len(kept)
        self.points, self.unpriced = _with_kept(self.points, self.unpriced, kept)
        self.left_out = {
            "other_task": len(observations) - len(same),
            "controls": len(same) - len(students),
            "gold_labels": len(students) - len(taught),
            "no_price": sum(point.seeds for point in self.unpriced),
        }
        tabled = {observation.name for observation in observations if observation.priced}
        self.from_tables = sum(name in tabled for point in self.points for name in point.names)
        judged = self._judged(self.points)
        front = pareto(judged)
        bend = knee(front)
        self.front = [entry.point for entry in front]
        self.knee = bend.point if bend else None
        self.best = self.front[-1] if self.front else None
        evaluated = same[0].metrics["evaluate"]
        self.floor = evaluated.get("majority", {}).get("label", {}).get("accuracy")
        self.teacher = evaluated.get("teacher", {}).get("name")
        self.task = task.get("name")

    def metrics(self) -> dict[str, Any]:
        """metrics/frontier.json; see the top of this file."""
        alone = self._judged([point for point in self.points if point.settings["train.mode"] == "standard"])
        return {
            "points": len(self.points),
            "experiments": sum(point.seeds for point in self.points),
            "from_tables": self.from_tables,
            "kept": self.kept,
            "usual": _in_words(usual_settings(self.points)),
            "left_out": self.left_out,
            "chosen_by": self.chosen_by,
            "floor": self.floor,
            "label_only": self._shown(max(alone, key=lambda entry: entry.accuracy).point if alone else None),
            "front": {"count": len(self.front), "best": self._shown(self.best), "knee": self._shown(self.knee)},
            "saving": self.saving(SAVING_ROWS),
            "of": self.teacher,
            "task": self.task,
        }

    def saving(self, rows: Sequence[int]) -> dict[str, Any]:
        """What the knee's student, or the best's where there is none, saves over the teacher with its own prompt; see
        distill.studies.frontier."""
        chosen = self.knee or self.best
        return student_saving(
            chosen.usd if chosen else None,
            chosen.teacher_usd_per_row if chosen else None,
            chosen.usd_per_row if chosen else None,
            rows,
        )

    def plot(self) -> list[dict[str, Any]]:
        """metrics/plots/frontier.json; see the top of this file."""
        return [
            point_row(point)
            | {
                "front": round(point.accuracy, 6) if point in self.front else None,
                "knee": round(point.accuracy, 6) if point == self.knee else None,
                "label": point_label(point, [*self.points, *self.unpriced]),
            }
            for point in (*self.points, *self.unpriced)
        ]

    def share_of_gain(self, point: FrontierPoint) -> float | None:
        """Of the best point's gain over the majority class; null where that is not known or nothing is gained."""
        if self.floor is None or self.best is None or self.best.accuracy <= self.floor:
            return None
        return (point.accuracy - self.floor) / (self.best.accuracy - self.floor)

    def _judged(self, points: Sequence[FrontierPoint]) -> list[_Judged]:
        """Those that can be chosen: of a kept point without validation accuracy nothing is known to choose it by."""
        by_test = self.chosen_by == "test"
        return [_Judged(point, by_test) for point in points if by_test or point.validation is not None]

    def _shown(self, point: FrontierPoint | None) -> dict[str, Any] | None:
        if point is None:
            return None
        return {
            "accuracy": point.accuracy,
            "accuracy_ci_low": point.ci_low,
            "accuracy_ci_high": point.ci_high,
            "validation": point.validation,
            "usd": point.usd,
            "seeds": point.seeds,
            "share_of_gain": self.share_of_gain(point),
            "share_of_money": point.usd / self.best.usd if self.best and self.best.usd else None,
            "settings": point.settings,
        }


def _with_kept(
    points: Sequence[FrontierPoint], unpriced: Sequence[FrontierPoint], kept: Sequence[FrontierPoint]
) -> tuple[list[FrontierPoint], list[FrontierPoint]]:
    every = [point for point in (*points, *unpriced) if not any(set(point.names) <= set(old.names) for old in kept)]
    every += kept
    return sorted_points(every)


@dataclass(frozen=True)
class _Judged:
    """A point at its price, with the accuracy that it is chosen by."""

    point: FrontierPoint
    by_test: bool

    @property
    def usd(self) -> float:
        return self.point.usd or 0.0

    @property
    def accuracy(self) -> float:
        return self.point.accuracy if self.by_test or self.point.validation is None else self.point.validation


def point_label(point: FrontierPoint, among: Sequence[FrontierPoint]) -> str:
    """What tells a point from the others, in words, `usual` settings left out; with its name where settings do not."""
    keys = [key for key in point.settings if any(other.settings.get(key) != point.settings[key] for other in among)]
    if not keys:
        return point.names[0]
    alone = sum(all(other.settings.get(key) == point.settings[key] for key in keys) for other in among) == 1
    left = usual_settings(among)
    words = _in_words({key: point.settings[key] for key in keys if left.get(key) != point.settings[key]}) or "as most"
    return words if alone else f"{words} ({point.names[0]})"


def usual_settings(among: Sequence[FrontierPoint]) -> dict[str, Any]:
    """Of the settings in which points differ, those that more than half of them share."""
    shared = {}
    for key in dict.fromkeys(key for point in among for key in point.settings):
        values = [point.settings.get(key) for point in among]
        most = max(values, key=values.count)
        if len(values) / 2 < values.count(most) < len(values):
            shared[key] = most
    return shared


def _in_words(settings: Mapping[str, Any]) -> str:
    return ", ".join(f"{key.rsplit('.', 1)[-1]} {value}" for key, value in settings.items())


def frontier_text(frontier: Frontier, rows: Sequence[int]) -> str:
    """The points as a Markdown table, the front marked, and in words the knee and what a student saves, for so many
    `rows` too. Points without a known price are a table of their own, against calls and tokens."""
    lines = _priced_table(frontier) if frontier.points else []
    if frontier.unpriced:
        lines += [*([""] if lines else []), *_unpriced_table(frontier)]
    most = usual_settings([*frontier.points, *frontier.unpriced])
    return "\n".join([*lines, "", *([f"Most points have {_in_words(most)}."] if most else []), *_words(frontier, rows)])


def _priced_table(frontier: Frontier) -> list[str]:
    lines = [
        "| | point | US dollars as if cold | accuracy | interval | seeds | of the gain | of the money |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for point in frontier.points:
        mark = "front" if point in frontier.front else ""
        mark = "knee" if point == frontier.knee else mark
        gain = frontier.share_of_gain(point)
        money = point.usd / frontier.best.usd if frontier.best and frontier.best.usd else None
        usd = f"{point.usd:.4f}" + ("" if point.usd_from == "measured" else f" ({point.usd_from})")
        lines.append(
            f"| {mark} | {_label(frontier, point)} | {usd} | {_accuracy(point)} | {point.seeds} | {_percent(gain)} |"
            f" {_percent(money)} |"
        )
    return lines


def _unpriced_table(frontier: Frontier) -> list[str]:
    lines = [
        "| point without a known price | calls | tokens | accuracy | interval | seeds |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for point in frontier.unpriced:
        calls, tokens = ("" if count is None else f"{count:,}" for count in (point.calls, point.tokens))
        lines.append(f"| {_label(frontier, point)} | {calls} | {tokens} | {_accuracy(point)} | {point.seeds} |")
    return lines


def _label(frontier: Frontier, point: FrontierPoint) -> str:
    return point_label(point, [*frontier.points, *frontier.unpriced])


def _accuracy(point: FrontierPoint) -> str:
    return f"{100 * point.accuracy:.1f} % | {100 * point.ci_low:.1f} to {100 * point.ci_high:.1f} %"


def _words(frontier: Frontier, rows: Sequence[int]) -> list[str]:
    sentences = []
    if frontier.best is None:
        return [
            "No point has a known cost, so accuracy stands against calls and tokens, and there is no front: give the"
            " teacher's model a price in runtime.prices, then `dvc repro -f annotate && dvc repro`."
        ]
    if frontier.knee:
        gain, money = frontier.share_of_gain(frontier.knee), frontier.knee.usd / frontier.best.usd
        sentences.append(
            f"The knee: {_label(frontier, frontier.knee)}: {_percent(gain)} of the gain for"
            f" {_percent(money)} of the money."
        )
    else:
        sentences.append("No knee: fewer than three points on the front, or none of them above the chord of its ends.")
    if frontier.chosen_by == "validation":
        sentences.append("Front, knee and best are chosen by validation accuracy; what is shown is on the test rows.")
    else:
        sentences.append(
            "The validation accuracy is not known of all points: front, knee and best are chosen by the test rows, and"
            " look better than they are."
        )
    saving = frontier.saving((*SAVING_ROWS, *rows))
    if saving["break_even_rows"] is not None:
        million = saving["rows_1000000"]
        sentences.append(
            f"From {saving['break_even_rows']:,} rows on the student is cheaper than its teacher; a million rows cost "
            f"${million['teacher_usd']:,.2f} there, ${million['student_usd']:,.2f} here"
            + (
                " (computing is not counted: runtime.compute_usd_per_hour has no price)."
                if saving["student_usd_per_row"] is None
                else "."
            )
        )
        sentences += [
            f"{n:,} rows: ${dollars['teacher_usd']:,.2f} there, ${dollars['student_usd']:,.2f} here,"
            f" {_dollars(dollars['saved_usd'])} spared."
            for n, dollars in ((n, saving[f"rows_{n}"]) for n in rows)
            if dollars["saved_usd"] is not None
        ]
    if frontier.from_tables:
        sentences.append(f"{frontier.from_tables} of the experiments are known from metrics/studies/ alone.")
    if frontier.kept:
        sentences.append(
            f"{frontier.kept} of the points are of an earlier survey, as not all of their experiments are here;"
            " `--forget` drops them."
        )
    left = {why: count for why, count in frontier.left_out.items() if count}
    if left:
        sentences.append("Left out: " + ", ".join(f"{count} {_LEFT_OUT[why]}" for why, count in left.items()) + ".")
    return sentences


def _percent(share: float | None) -> str:
    return "" if share is None else f"{round(100 * share)} %"


def _dollars(usd: float) -> str:
    return f"${usd:,.2f}" if usd >= 0 else f"-${-usd:,.2f}"


def _alike(first: Any, second: Any) -> bool:
    """Whether two tasks are one: equal in all settings that both know, as an older version knows fewer."""
    if isinstance(first, dict) and isinstance(second, dict):
        return all(_alike(first[key], second[key]) for key in first.keys() & second.keys())
    return first == second


def _subsample(observation: Observation, name: str) -> Any:
    return observation.params.get("subsample", {}).get(name)


class PricedAccuracy(Protocol):
    @property
    def usd(self) -> float: ...

    @property
    def accuracy(self) -> float: ...


_P = TypeVar("P", bound=PricedAccuracy)


def pareto(points: Sequence[_P]) -> list[_P]:
    """The points that no other beats: none is at most as dear and at least as accurate, and better in one of the
    two. By rising cost, and so by rising accuracy; of points that are equal in both, the first."""
    front: list[_P] = []
    for point in sorted(points, key=lambda point: (point.usd, -point.accuracy)):
        if not front or point.accuracy > front[-1].accuracy:
            front.append(point)
    return front


def knee(front: Sequence[_P]) -> _P | None:
    """Where the front bends most: the point furthest above the chord from its cheapest to its dearest point, both
    axes scaled to 0 to 1 and dollars on a log scale (Kneedle's difference curve without smoothing: Satopää, Albrecht,
    Irwin and Raghavan 2011, section III). None where fewer than three points have a positive cost, or none is above
    the chord: then the front does not bend, and every dollar buys about as much as the last.
    """
    priced = [point for point in front if point.usd > 0]
    if len(priced) < 3:
        return None
    first, last = priced[0], priced[-1]
    width, height = math.log(last.usd / first.usd), last.accuracy - first.accuracy

    def above(point: _P) -> float:
        return (point.accuracy - first.accuracy) / height - math.log(point.usd / first.usd) / width

    best = max(priced, key=above)
    # The ends are on the chord; what is above it by less is rounding.
    return best if above(best) > 1e-9 else None


SAVING_ROWS = (1_000, 10_000, 100_000, 1_000_000)


def student_saving(
    once: float | None, teacher_row: float | None, student_row: float | None, numbers: Sequence[int]
) -> dict[str, Any]:
    """Dollars for n rows, of all `numbers`: the teacher's at `teacher_row` each against the student's, `once` as if
    cold and `student_row` each. Null where a price is unknown.

    `break_even_rows` is from how many rows on the student is cheaper, null where it never is. A `student_row` of None
    counts as 0 and is said so: no price of computing is known.
    """
    saving: dict[str, Any] = {
        "student_usd_once": once,
        "student_usd_per_row": student_row,
        "teacher_usd_per_row": teacher_row,
    }
    prices_known = once is not None and teacher_row is not None
    gain = (teacher_row or 0.0) - (student_row or 0.0)
    saving["break_even_rows"] = math.ceil(round((once or 0.0) / gain, 6)) if prices_known and gain > 0 else None
    for rows in numbers:
        teacher_usd = None if teacher_row is None else teacher_row * rows
        student_usd = None if once is None else once + (student_row or 0.0) * rows
        saving[f"rows_{rows}"] = {
            "teacher_usd": teacher_usd,
            "student_usd": student_usd,
            "saved_usd": None if teacher_usd is None or student_usd is None else teacher_usd - student_usd,
        }
    return saving
