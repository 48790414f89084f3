from __future__ import annotations

from dataclasses import replace

from run_of_tests import make_run

from distill.report.limits import limit_paragraphs


def said(run) -> str:
    return "\n".join(limit_paragraphs(run)).replace("\N{NO-BREAK SPACE}", " ")


def test_the_limits_of_a_small_simulated_run_come_from_its_figures(make_settings):
    text = said(make_run(make_settings()))
    for part in (
        "The teacher is simulated: no language model was asked.",
        "The test has 60 rows, so the student's accuracy is known only as an interval: 57.5 to 80.1 %. That is a wide "
        "interval.",
        "The test does not show whether student or teacher is better",
        "One student was trained.",
        "No label could be read in 10.0 % of the teacher's answers to training rows.",
        "on 60 training rows whose label is known the teacher is right in 80.0 % (70.0 to 90.0 %)",
        "Of 20 rationales, 90.0 % state an answer outright, and 50.0 % of these name the label that the student gave.",
        "on average it differs by 9.0 points",
        "Of 54 training rows, 6 rationales were longer",
        "chosen on 40 labelled training rows",
        "nothing here measures by how much",
    ):
        assert part in text, part


def test_recorded_answers_are_of_prompts_that_nobody_here_knows(make_settings):
    text = said(make_run(make_settings(**{"teacher.provider": "recorded", "prompt.optimizer": "fixed"})))
    assert text.startswith("The teacher's answers were recorded elsewhere. It is not known") and "simulated" not in text


def test_a_run_without_these_limits_does_not_name_them(make_settings):
    run = make_run(make_settings(**{"teacher.provider": "openai", "subsample.labels": "gold"}))
    student = {
        "label": {"accuracy": 0.9, "accuracy_ci_low": 0.89, "accuracy_ci_high": 0.91, "calibration_error": 0.01},
        "rationale": {"rows": 0},
    }
    pair = run.evaluate["student_less_teacher"] | {"rows": 9000, "ci_low": -0.2, "ci_high": -0.1}
    seeds = {"count": 8, "failures": 1, "validation_accuracy": {"each": {str(i): 0.8 + i / 100 for i in range(8)}}}
    run = replace(
        run,
        search={"cost": run.search["cost"]},
        annotate=run.annotate | {"train": {"rows": 60, "parse": {"failure_rate": 0.0}}},
        train={"rows": 60, "parameters": 1, "seeds": seeds, "truncated": {"input": 0, "rationale": 0}},
        evaluate=run.evaluate | {"rows": 9000, "student": student, "student_less_teacher": pair},
    )
    text = said(run)
    for absent in (
        "simulated",
        "commonest label",
        "wide",
        "does not show",
        "One student",
        "few to judge",
        "No label could be read",
        "teacher's labels",
        "confidence",
        "were cut",
        "prompt was chosen",
    ):
        assert absent not in text, absent
    assert (
        "8 students that differ in their seeds alone were trained; on validation rows they reach 80.0 % to 87.0 %. 1 "
        "of them failed to learn. The figures are of the one in the middle of the others." in text
    )


def test_rows_that_given_splits_share_are_said(make_settings):
    run = make_run(make_settings())
    overlap = {"rule": "allow", "train": 1, "validation": 2}
    text = said(replace(run, prepare={"duplicates": {"across_splits": 0, "overlap": overlap}}))
    assert "1 training row and 2 validation rows are equal or nearly equal" in text and "test rows flatter." in text
    left_out = said(replace(run, prepare={"duplicates": {"overlap": overlap | {"rule": "drop_from_train"}}}))
    assert "these were left out (task.overlap)" in left_out and "splits were given" not in said(run)


def test_the_prompts_figures_are_said_to_be_of_rows_that_did_not_choose_it(make_settings):
    assert (
        "judged by the prompt that the others choose, for 90.0 % of the rows this one. The test rows had no part"
        in said(make_run(make_settings()))
    )


def test_a_student_that_is_no_better_than_the_commonest_label_is_called_so(make_settings):
    run = make_run(make_settings())
    assert "not measurably better" not in said(run)
    low = run.evaluate["student"] | {"label": run.evaluate["student"]["label"] | {"accuracy_ci_low": 0.49}}
    assert limit_paragraphs(replace(run, evaluate=run.evaluate | {"student": low}))[1].startswith(
        "The student is not measurably better than always giving the commonest label"
    )


def test_labels_that_nobody_can_check_and_a_teacher_that_was_not_asked_are_limits(make_settings):
    run = make_run(make_settings(**{"train.seeds": 3}))
    run = replace(
        run,
        annotate=run.annotate | {"train": {"rows": 60}},
        train=run.train
        | {"seeds": {"count": 3, "failures": 0, "validation_accuracy": {"each": {"1": 0.7, "2": None, "3": 0.9}}}},
        evaluate={key: value for key, value in run.evaluate.items() if key != "student_less_teacher"}
        | {"cost": {"total": {"usd": None}}},
    )
    text = said(run)
    assert "how many of these are wrong" in text and "The teacher answered no test row" in text
    assert "70.0 % to 90.0 %. These are few to judge a spread by." in text and "is missing (runtime.prices)" in text
