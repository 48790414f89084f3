from __future__ import annotations

from dataclasses import replace

from run_of_tests import make_run, score, surveyed

from distill.report.figures.frontier import saving_table
from distill.report.money import few_shot_table, money_table
from distill.report.sections import usage_table


def test_what_answers_cost_as_if_cold_adds_up(make_settings):
    table = money_table(make_run(make_settings()))
    assert table.header == ("", "calls", "tokens in", "tokens out", "as if cold")
    assert table.rows == [
        ["search for the prompt", "30", "3,000", "600", "$0.0024"],
        ["answers to training rows", "60", "6,000", "1,200", "$0.0048"],
        ["answers to test rows, for the comparison alone", "60", "6,000", "1,200", "$0.0048"],
        ["all answers", "120", "12,000", "2,400", "$0.0096"],
        ["all", "150", "15,000", "3,000", "$0.012"],
    ]
    assert "made up" in table.note and "metrics/runtime.json" in table.note


def test_an_unknown_price_is_never_nothing(make_settings):
    run = make_run(make_settings())
    unknown = {"calls": 60, "tokens_in": None, "tokens_cached": None, "tokens_out": None, "usd": None}
    table = money_table(
        replace(
            run,
            annotate=run.annotate
            | {"cost": {"train": unknown, "test": unknown, "validation": unknown | {"calls": 0, "usd": 0.0}}},
        )
    )
    assert len(table.header) == 5 and table.rows[1] == ["answers to training rows", "60", "–", "–", "unknown"]
    assert table.rows[-1] == ["all", "150", "–", "–", "unknown"]
    assert "does not mean nothing" in table.note and not any("$0.00" in cell for row in table.rows[1:] for cell in row)


def test_the_share_of_the_tokens_in_that_was_cached_is_told_where_a_provider_could(make_settings):
    words = "of the tokens in from its cache"
    assert words not in money_table(make_run(make_settings())).note
    run = make_run(make_settings(**{"teacher.provider": "openai"}))
    assert f"The provider read 0.0\N{NO-BREAK SPACE}% {words}" in money_table(run).note
    train = run.annotate["cost"]["train"] | {"tokens_cached": 3_750}
    cached = replace(run, annotate=run.annotate | {"cost": run.annotate["cost"] | {"train": train}})
    assert f"The provider read 25.0\N{NO-BREAK SPACE}% {words}" in money_table(cached).note
    unknown = replace(run, annotate=run.annotate | {"cost": {"train": train | {"tokens_cached": None}}})
    assert words not in money_table(unknown).note


def test_few_shot_beside_zero_shot_where_the_search_compared_them(make_settings):
    run = make_run(make_settings())
    assert few_shot_table(run) is None
    compared = {
        "demonstrations": 5,
        "few_shot": score(0.9, 0.8) | {"cost_per_row": {"tokens_in": 400.0, "tokens_out": 30.0, "usd": 0.000245}},
        "zero_shot": score(0.9, 0.9) | {"cost_per_row": {"tokens_in": 150.0, "tokens_out": 30.0, "usd": 0.00012}},
        "tokens_saved_share": 0.581,
        "usd_saved_share": 0.51,
        "break_even_rows": {"usd": 2500, "tokens": 1500},
    }
    table = few_shot_table(replace(run, search=run.search | {"few_shot": compared}))
    assert [[cell.replace("\N{NO-BREAK SPACE}", " ") for cell in row] for row in table.rows] == [
        ["few-shot, 5 examples", "90.0 %", "80.0 to 95.0 %", "400", "30", "$0.24"],
        ["zero-shot", "90.0 %", "80.0 to 95.0 %", "150", "30", "$0.12"],
    ]
    assert (
        "58.1\N{NO-BREAK SPACE}% fewer tokens and costs 51.0\N{NO-BREAK SPACE}% less" in table.note
        and "after 2,500 rows" in table.note
    )
    dearer = compared | {"tokens_saved_share": -0.2, "usd_saved_share": None, "break_even_rows": {"usd": None}}
    note = few_shot_table(replace(run, search=run.search | {"few_shot": dearer})).note
    assert "takes 20.0\N{NO-BREAK SPACE}% more tokens. It is not known" in note
    dearer = dearer | {"usd_saved_share": -0.1}
    note = few_shot_table(replace(run, search=run.search | {"few_shot": dearer})).note
    assert note.endswith("costs 10.0\N{NO-BREAK SPACE}% more. The search never pays for itself by its price.")


def test_what_the_student_spares_is_of_this_task_and_teacher_or_not_shown(make_settings):
    run = make_run(make_settings())
    shown = replace(run, **surveyed(run))
    assert saving_table(shown).caption == "Answering rows: the teacher against the student at the knee of the front"
    assert saving_table(replace(shown, frontier=shown.frontier | {"front": {"knee": None}})).caption.endswith(
        "against the best student surveyed"
    )
    assert saving_table(shown).rows == [
        ["10", "$0.0008", "$0.0072", "−$0.0064"],
        ["1,000", "$0.08", "$0.0072", "$0.073"],
    ]
    for other in ({"task": "another"}, {"of": "another teacher"}):
        assert saving_table(replace(shown, frontier=shown.frontier | other)) is None


def test_the_size_is_shown_where_it_is_known_and_no_time_of_a_machine(make_settings):
    run = make_run(make_settings())
    assert usage_table(run) is None
    student = run.evaluate["student"] | {"parameters": 267_136, "bytes": 1_180_000}
    table = usage_table(replace(run, evaluate=run.evaluate | {"student": student}))
    assert (
        table.rows == [["size", "267\N{NO-BREAK SPACE}thousand parameters, 1.2 MB on disk"]]
        and "metrics/runtime.json" in table.note
    )
