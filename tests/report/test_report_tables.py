from __future__ import annotations

from dataclasses import replace

from run_of_tests import label, make_run

from distill.report.sections import prompt_texts
from distill.report.tables import pair_table, rationales_table, results_table


def rows(table) -> list[list[str]]:
    return [[cell.replace("\N{NO-BREAK SPACE}", " ") for cell in row] for row in table.rows]


def test_everybody_stands_side_by_side_with_intervals_and_unreadable_answers_apart(make_settings):
    run = make_run(make_settings())
    table = results_table(run)
    assert table.header == [
        "",
        "accuracy",
        "95 % interval",
        "macro-F1",
        "no readable label",
        "accuracy where there is one",
        "calibration error",
        "test rows",
    ]
    assert rows(table) == [
        ["student", "70.0 %", "57.5 to 80.1 %", "0.700", "0.0 %", "70.0 %", "0.090", "60"],
        ["teacher (simulated-1, simulated)", "80.0 %", "68.2 to 88.2 %", "–", "10.0 %", "88.9 %", "–", "60"],
        ["commonest label", "50.0 %", "37.7 to 62.3 %", "–", "–", "50.0 %", "–", "60"],
    ]
    bootstrapped = run.evaluate | {
        "student": {"label": label(0.7, 0.575, 0.801, macro_f1=0.69, macro_f1_ci_low=0.55, macro_f1_ci_high=0.8)}
    }
    bootstrapped |= {"untrained": {"label": label(0.5, 0.4, 0.6)}}
    found = rows(results_table(replace(run, evaluate=bootstrapped)))
    assert found[0][3] == "0.690 (0.550 to 0.800)" and found[2][0] == "student before training"
    assert "bootstrap ones of F1" in table.note
    assert (
        "F1"
        not in results_table(
            replace(run, evaluate=run.evaluate | {"student": {"label": label(0.7, 0.575, 0.801)}})
        ).note
    )


def test_student_and_teacher_are_counted_on_the_rows_that_both_answered(make_settings):
    run = make_run(make_settings())
    table = pair_table(run)
    assert table.rows == [["student right", "36", "6"], ["student wrong", "12", "6"]]
    assert "-10.0 points (95 % interval -25.0 to +5.0; p = 0.18 by McNemar's exact test)" in table.note
    surely = run.evaluate["student_less_teacher"] | {"p_value": 0.0}
    assert (
        "; p < 0.0001 by McNemar's"
        in pair_table(replace(run, evaluate=run.evaluate | {"student_less_teacher": surely})).note
    )
    assert (
        pair_table(
            replace(run, evaluate={key: value for key, value in run.evaluate.items() if key != "student_less_teacher"})
        )
        is None
    )


def test_rationales_of_teacher_and_student_are_measured_alike(make_settings):
    run = make_run(make_settings())
    assert rows(rationales_table(run)) == [
        ["teacher, train rows", "5.0", "5", "90.0 %", "–", "–"],
        ["teacher, test rows", "6.0", "6", "90.0 %", "–", "–"],
        ["student, test rows", "7.0", "7", "100.0 %", "90.0 %", "50.0 %"],
    ]
    alone = run.evaluate | {"student": run.evaluate["student"] | {"rationale": {"rows": 0}}}
    assert rationales_table(replace(run, evaluate=alone, annotate=run.annotate | {"train": {}, "test": {}})) is None


def test_the_prompts_are_the_first_and_the_last_with_what_they_scored(make_settings):
    run = make_run(make_settings())
    (first, start, before), (last, end, after) = prompt_texts(run)
    assert (
        (first, last) == ("The prompt it started from", "The prompt it ended with")
        and start == run.trace[0]["prompt"]
        and end == run.prompts["explain"].user
    )
    assert (
        before.replace("\N{NO-BREAK SPACE}", " ")
        == "On 40 held-out rows: score 0.610; 70.0 % right (60.0 to 75.0 %); 95.0 % with a readable label, 90.0 % with "
        "a rationale."
    )
    assert "score 0.900" in after
    only = prompt_texts(replace(run, trace=[run.trace[0] | {"prompt": end}], search={"cost": {}}))
    assert [(name, note) for name, _, note in only] == [("The prompt that asks for a rationale", "")]
    recorded = make_run(
        make_settings(**{"teacher.provider": "recorded", "prompt.optimizer": "fixed"}),
        trace=[run.trace[0] | {"prompt": end}],
    )
    ((name, _, note),) = prompt_texts(recorded)
    assert name == "The task's prompt" and note.endswith("may be to another prompt.")
