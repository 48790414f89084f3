"""What this run cannot show, in plain words, from the run's own figures."""

from __future__ import annotations

from distill.report.run import MetricsSection, Run
from distill.report.wording import as_count, as_interval, as_percent, as_points, plural

_WIDE = 0.05  # an interval of an accuracy wider than this is called wide
_FEW = 5  # students fewer than this are few
_UNSURE = 0.05  # a calibration error above this is told
_CUT = 0.01  # and a share of cut inputs or rationales above this


def limit_paragraphs(run: Run) -> list[str]:
    """A paragraph a limit, the gravest first."""
    paragraphs = [
        _teacher(run),
        _overlap(run),
        _chance(run),
        _test(run),
        _gap(run),
        _seeds(run),
        *_labels(run),
        _explanations(run),
        _confidence(run),
    ]
    paragraphs += [_cut(run), _search(run), _shift(run), _money(run)]
    return [paragraph for paragraph in paragraphs if paragraph]


def shares_rows(run: Run) -> bool:
    """Whether rows that were trained or tuned on are equal or nearly equal to test rows."""
    overlap = _overlap_of(run)
    return overlap["rule"] == "allow" and overlap["train"] + overlap["validation"] > 0


def _overlap_of(run: Run) -> MetricsSection:
    duplicates = run.prepare["duplicates"]
    earlier = {"rule": "allow", "train": duplicates.get("across_splits", 0), "validation": 0}
    return duplicates.get("overlap") or earlier


def _overlap(run: Run) -> str:
    overlap = _overlap_of(run)
    if not overlap["train"] + overlap["validation"]:
        return ""
    rows = (
        f"{plural(overlap['train'], 'training row')} and {plural(overlap['validation'], 'validation row')} are equal or"
        " nearly equal to rows of a later split"
    )
    if overlap["rule"] == "drop_from_train":
        return f"The splits were given. In them {rows}; these were left out (task.overlap)."
    return (
        f"The splits were given, and {rows}. They were used all the same (task.overlap: allow), so that the figures on"
        " test rows flatter."
    )


def _teacher(run: Run) -> str:
    if run.recorded:
        return (
            "The teacher's answers were recorded elsewhere. It is not known here to which prompts, or by which version"
            " and settings of the teacher."
        )
    if not run.simulated:
        return ""
    return (
        "The teacher is simulated: no language model was asked. The figures show that the pipeline works and what it"
        " would report; they say nothing about how well any real model answers, explains or teaches."
    )


def _chance(run: Run) -> str:
    commonest = (run.evaluate.get("majority") or {}).get("label")
    if not commonest or run.evaluate["student"]["label"]["accuracy_ci_low"] > commonest["accuracy"]:
        return ""
    return (
        "The student is not measurably better than always giving the commonest label, so nothing shows that it learned"
        " the task. Read everything else on this page with that in mind."
    )


def _test(run: Run) -> str:
    label, rows = run.evaluate["student"]["label"], run.evaluate["rows"]
    width = label["accuracy_ci_high"] - label["accuracy_ci_low"]
    wide = " That is a wide interval." if width > _WIDE else ""
    return (
        f"The test has {plural(rows, 'row')}, so the student's accuracy is known only as an interval:"
        f" {as_interval(label)}.{wide}"
    )


def _gap(run: Run) -> str:
    pair = run.evaluate.get("student_less_teacher")
    if not pair:
        return "The teacher answered no test row, so it is not known whether the student is as good as its teacher."
    text = ""
    if pair["ci_low"] <= 0 <= pair["ci_high"]:
        text = (
            "The test does not show whether student or teacher is better: the interval of their difference holds zero."
        )
    if pair["rows"] < run.evaluate["rows"]:
        text += (
            f" The teacher answered only {as_count(pair['rows'])} of the {as_count(run.evaluate['rows'])} test rows."
        )
    return text.strip()


def _seeds(run: Run) -> str:
    seeds = run.train.get("seeds") or {}
    number = seeds.get("count", 1)
    if number == 1:
        return (
            "One student was trained. Another seed gives another student, often with several points more or fewer of"
            " accuracy. The interval above does not hold that spread (train.seeds trains several students)."
        )
    each = [value for value in (seeds["validation_accuracy"]["each"] or {}).values() if value is not None]
    text = (
        f"{as_count(number)} students that differ in their seeds alone were trained; on validation rows they reach"
        f" {as_percent(min(each))} to {as_percent(max(each))}."
        if each
        else ""
    )
    if number < _FEW:
        text += " These are few to judge a spread by."
    if not seeds.get("failures"):
        return f"{text} The figures are of the one in the middle."
    return (
        f"{text} {as_count(seeds['failures'])} of them failed to learn. The figures are of the one in the middle of the"
        " others."
    )


def _labels(run: Run) -> list[str]:
    train = run.annotate.get("train") or {}
    paragraphs = []
    failed = (train.get("parse") or {}).get("failure_rate")
    if failed and not run.by_people:
        paragraphs.append(
            f"No label could be read in {as_percent(failed)} of the teacher's answers to training rows. The student was"
            " not trained on those rows, and they may be the harder ones."
        )
    if run.settings.subsample.labels == "gold" or run.by_people:
        return paragraphs
    label = train.get("label") or {}
    if label.get("accuracy") is not None:
        who = (
            "The student learned from the teacher's labels, not from the truth"
            if run.settings.subsample.labels == "teacher"
            else "Where a row had no label of its own, the student learned from the teacher's"
        )
        on = (
            f"{as_count(label['gold_rows'])} training rows whose label is known"
            if label.get("gold_rows")
            else "the training rows whose label is known"
        )
        paragraphs.append(
            f"{who}: on {on} the teacher is right in {as_percent(label['accuracy'])} ({as_interval(label)}). The"
            " student learns the teacher's systematic mistakes."
        )
    else:
        paragraphs.append(
            "The student learned from the teacher's labels. No training row has a label of its own, so it is not known"
            " how many of these are wrong."
        )
    return paragraphs


def _explanations(run: Run) -> str:
    own = run.evaluate["student"].get("rationale") or {}
    if not own.get("rows"):
        return ""
    text = (
        "The student gives its label and its rationale separately, so the rationale does not prove how it came to the"
        " label."
    )
    if own.get("agrees_with_label") is not None:
        text += (
            f" Of {plural(own['rows'], 'rationale')}, {as_percent(own['states_label'])} state an answer outright, and"
            f" {as_percent(own['agrees_with_label'])} of these name the label that the student gave."
        )
    return text


def _confidence(run: Run) -> str:
    error = run.evaluate["student"]["label"].get("calibration_error")
    if error is None or error <= _UNSURE:
        return ""
    return (
        f"The student's confidence is not reliable: on average it differs by {as_points(error)} from how often the"
        " student is right."
    )


def _cut(run: Run) -> str:
    rows, cut = run.train.get("rows"), run.train.get("truncated") or {}
    parts = [
        f"{as_count(cut[what])} {name}"
        for what, name in (("input", "inputs"), ("rationale", "rationales"))
        if rows and cut.get(what, 0) > _CUT * rows
    ]
    return (
        f"Of {plural(rows, 'training row')}, {' and '.join(parts)} were longer than the student reads or writes, and"
        " were cut."
        if parts
        else ""
    )


def _search(run: Run) -> str:
    winner, hand = run.search.get("winner"), run.search.get("hand_written")
    if not winner or not hand:
        return ""
    return (
        f"The prompt was chosen on {plural(winner['rows'], 'labelled training row')} that the search had not used. Its"
        " figures are cross-fitted: each tenth of these rows is judged by the prompt that the others choose"
        f"{_chosen_again(winner.get('chosen_again'))}. The test rows had no part in the choice."
    )


def _chosen_again(share: float | None) -> str:
    return "" if share is None else f", for {as_percent(share)} of the rows this one"


def _shift(_: Run) -> str:
    return (
        "The test rows come from the same source as the training rows. On other wording, other topics, other languages"
        " or later data the student may be worse, and nothing here measures by how much."
    )


def _money(run: Run) -> str:
    if not run.has_teacher:
        return ""
    if run.evaluate["cost"]["total"]["usd"] is None:
        return (
            "The cost of the teacher's answers is not known: a price or a count of tokens is missing (runtime.prices)."
        )
    return (
        "The prices are those of runtime.prices on the day noted there. They count the teacher's answers only, not"
        " machines or people's time."
    )
