from __future__ import annotations

from dataclasses import replace

from run_of_tests import NOTHING, make_run

from distill.report.limits import limit_paragraphs
from distill.report.money import money_table
from distill.report.summary import three_sentences
from distill.rows.records import TaskCard

CARD = TaskCard("t", "classes", "Say which way.", ("question",), {}, ("up", "down"))


def said(run) -> list[str]:
    return [sentence.replace("\N{NO-BREAK SPACE}", " ") for sentence in three_sentences(replace(run, card=CARD))]


def test_the_default_run_in_three_sentences(make_settings):
    assert said(make_run(make_settings())) == [
        "A simulated stand-in for a large language model, the teacher, labelled 60 examples of one task (“Say which "
        "way”), and gave its reasons for 90.0 % of them.",
        "A small model, the student (267 thousand parameters, untrained before), was trained on 54 of these examples, "
        "with the teacher's labels and, for 90.0 % of them, the reasons.",
        "On 60 test examples that neither training nor tuning saw, the student is right in 70.0 % (95 % interval 57.5 "
        "to 80.1 %), the teacher in 80.0 % and always giving the commonest label in 50.0 %; "
        "the teacher's answers to training examples, with the search for the prompt, cost $0.0072 at made-up prices.",
    ]


def test_test_rows_that_training_saw_are_not_called_unseen(make_settings):
    run = make_run(make_settings())
    for rule, told in (("allow", "(some like training rows: see Limits)"), ("drop_from_train", "that neither")):
        overlap = {"rule": rule, "train": 0, "validation": 1}
        assert f"On 60 test examples {told}" in said(replace(run, prepare={"duplicates": {"overlap": overlap}}))[2]


def test_a_recorded_teacher_of_unknown_price_and_a_student_of_labels_alone(make_settings):
    settings = make_settings(
        **{
            "teacher.provider": "recorded",
            "teacher.model": "palm-540b",
            "prompt.optimizer": "fixed",
            "train.mode": "standard",
            "subsample.labels": "gold",
        }
    )
    run = make_run(settings)
    evaluate = {"rows": 60, "student": run.evaluate["student"], "cost": {"total": {"usd": None}}}
    assert said(replace(run, evaluate=evaluate)) == [
        "A large language model (palm-540b), the teacher, had already labelled 60 examples of one task (“Say which "
        "way”), and gave its reasons for 90.0 % of them.",
        "A small model, the student (267 thousand parameters, untrained before), was trained on 54 of these examples, "
        "with the examples' own labels alone.",
        "On 60 test examples that neither training nor tuning saw, the student is right in 70.0 % (95 % interval 57.5 "
        "to 80.1 %); what the teacher's answers cost is unknown.",
    ]


def test_where_nobody_was_asked_nothing_cost_anything_and_nothing_is_simulated(make_settings):
    run = make_run(make_settings(**{"annotate.rationale_source": "human", "prompt.optimizer": "fixed"}))
    run = replace(run, search={"cost": NOTHING}, annotate=run.annotate | {"cost": {"train": NOTHING, "test": NOTHING}})
    assert not run.simulated and said(run)[2].endswith("; no teacher was asked, so no answer was paid for.")
    assert money_table(run).note == "No teacher was asked in this run. What people's labels cost is not known here."
    assert not [limit for limit in limit_paragraphs(run) if "simulated" in limit or "runtime.prices" in limit]


def test_people_who_wrote_the_rationales_and_a_control_are_called_so(make_settings):
    first, second, _ = said(
        make_run(make_settings(**{"annotate.rationale_source": "human", "subsample.rationales": "shuffled"}))
    )
    assert first == "People labelled 60 examples of one task (“Say which way”) and wrote down their reasons."
    assert second.endswith("with their labels and, for 90.0 % of them, the reasons of other examples, as a control.")
    for control in ("same_label", "codes", "conclusion"):
        _, second, _ = said(make_run(make_settings(**{"subsample.rationales": control})))
        assert second.endswith(", as a control.")
