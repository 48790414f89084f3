"""What this run cannot show, in plain words, each told by the run's own figures."""

from __future__ import annotations

from distill.report.facts import Facts
from distill.report.wording import count, interval, percent, plural, points

WIDE = 0.05  # an interval of an accuracy wider than this is called wide
FEW = 5  # students fewer than this are few
UNSURE = 0.05  # a calibration error above this is told
CUT = 0.01  # and a share of cut inputs or rationales above this


def limits(facts: Facts) -> list[str]:
    """A paragraph a limit, the gravest first."""
    found = [
        _teacher(facts),
        _chance(facts),
        _test(facts),
        _gap(facts),
        _seeds(facts),
        *_labels(facts),
        _explanations(facts),
        _confidence(facts),
    ]
    found += [_cut(facts), _search(facts), _shift(facts), _money(facts)]
    return [limit for limit in found if limit]


def _teacher(facts: Facts) -> str:
    if facts.recorded:
        return (
            "The teacher's answers were recorded elsewhere: to which prompts, and by which version and settings of it,"
            " is not known here."
        )
    if not facts.simulated:
        return ""
    return (
        "The teacher is simulated: no language model was asked. The figures show that the pipeline works and what it"
        " would report; they say nothing about how well any real model answers, explains or teaches."
    )


def _chance(facts: Facts) -> str:
    commonest = (facts.evaluate.get("majority") or {}).get("label")
    if not commonest or facts.evaluate["student"]["label"]["accuracy_ci_low"] > commonest["accuracy"]:
        return ""
    return (
        "The student cannot be told from one that always gives the commonest label: whatever else this page says of it"
        " is said of a student that did not demonstrably learn the task."
    )


def _test(facts: Facts) -> str:
    label, rows = facts.evaluate["student"]["label"], facts.evaluate["rows"]
    width = label["accuracy_ci_high"] - label["accuracy_ci_low"]
    wide = "That is a wide interval: two students" if width > WIDE else "Two students"
    return (
        f"The test has {plural(rows, 'row')}, so all that is known of the student's accuracy is the interval"
        f" {interval(label)}. {wide} whose accuracies differ by less than {points(width)} can hardly be told apart"
        " on it."
    )


def _gap(facts: Facts) -> str:
    pair = facts.evaluate.get("student_less_teacher")
    if not pair:
        return (
            "Nobody asked the teacher about the test rows, so whether the student is as good as its teacher is not"
            " known."
        )
    said = ""
    if pair["ci_low"] <= 0 <= pair["ci_high"]:
        said = "Whether student or teacher is the better is not settled: the interval of their difference holds zero."
    if pair["rows"] < facts.evaluate["rows"]:
        said += (
            f" The teacher was asked about {count(pair['rows'])} of the {count(facts.evaluate['rows'])} test rows"
            " alone."
        )
    return said.strip()


def _seeds(facts: Facts) -> str:
    seeds = facts.train.get("seeds") or {}
    number = seeds.get("count", 1)
    if number == 1:
        return (
            "One student was trained. Another seed gives another student, often by several points of accuracy; the"
            " interval above does not hold that spread (train.seeds trains several)."
        )
    each = [value for value in (seeds["validation_accuracy"]["each"] or {}).values() if value is not None]
    said = (
        f"{count(number)} students that differ in their seeds alone were trained; on validation rows they reach"
        f" {percent(min(each))} to {percent(max(each))}."
        if each
        else ""
    )
    if number < FEW:
        said += " These are few to judge a spread by."
    failed = f" {count(seeds['failures'])} of them failed to learn." if seeds.get("failures") else ""
    return f"{said}{failed} The figures are of the one in the middle."


def _labels(facts: Facts) -> list[str]:
    train = facts.annotate.get("train") or {}
    found = []
    failed = (train.get("parse") or {}).get("failure_rate")
    if failed and not facts.by_people:
        found.append(
            f"In {percent(failed)} of the teacher's answers to training rows no label could be read. Those rows were"
            " not trained on, and they may be the harder ones."
        )
    if facts.settings.subsample.labels == "gold" or facts.by_people:
        return found
    label = train.get("label") or {}
    if label.get("accuracy") is not None:
        who = (
            "The student learned from the teacher's labels, not from the truth"
            if facts.settings.subsample.labels == "teacher"
            else "Where a row had no label of its own, the student learned from the teacher's"
        )
        on = (
            f"{count(label['gold_rows'])} training rows whose label is known"
            if label.get("gold_rows")
            else "the training rows whose label is known"
        )
        found.append(
            f"{who}: on {on} the teacher is right in {percent(label['accuracy'])} ({interval(label)}). What it gets"
            " wrong in a systematic way, the student learns as right."
        )
    else:
        found.append(
            "The student learned from the teacher's labels, and no training row has a label of its own to hold them"
            " against: how many are wrong is not known."
        )
    return found


def _explanations(facts: Facts) -> str:
    own = facts.evaluate["student"].get("rationale") or {}
    if not own.get("rows"):
        return ""
    said = (
        "The student's label and its rationale are written apart: the rationale is no proof of how the label came"
        " about."
    )
    if own.get("agrees_with_label") is not None:
        said += (
            f" Of {plural(own['rows'], 'rationale')}, {percent(own['states_label'])} name an answer, and"
            f" {percent(own['agrees_with_label'])} of these name the label that the student gave."
        )
    return said


def _confidence(facts: Facts) -> str:
    error = facts.evaluate["student"]["label"].get("calibration_error")
    if error is None or error <= UNSURE:
        return ""
    return (
        f"The student's confidence cannot be taken at its word: on average it is {points(error)} away from how often it"
        " is right."
    )


def _cut(facts: Facts) -> str:
    rows, cut = facts.train.get("rows"), facts.train.get("truncated") or {}
    said = [
        f"{count(cut[what])} {name}"
        for what, name in (("input", "inputs"), ("rationale", "rationales"))
        if rows and cut.get(what, 0) > CUT * rows
    ]
    return (
        f"Of {plural(rows, 'training row')}, {' and '.join(said)} were longer than the student reads or writes, and"
        " were cut."
        if said
        else ""
    )


def _search(facts: Facts) -> str:
    winner, hand = facts.search.get("winner"), facts.search.get("hand_written")
    if not winner or not hand:
        return ""
    return (
        f"The prompt was chosen on {plural(winner['rows'], 'labelled training row')} that the search had not used. The"
        " winner's score there is still that of the best of several, so it flatters a little; the test rows had no"
        " part in it."
    )


def _shift(_: Facts) -> str:
    return (
        "The test rows come from the same source as the training rows. On other wording, other topics, other languages"
        " or later data the student may be worse, and nothing here measures by how much."
    )


def _money(facts: Facts) -> str:
    if not facts.asked:
        return ""
    if facts.evaluate["cost"]["total"]["usd"] is None:
        return "What the teacher's answers cost is not known: a price or a count of tokens is missing (runtime.prices)."
    return (
        "The prices are those of runtime.prices on the day noted there; they count the teacher's answers alone, not"
        " machines or people's time."
    )
