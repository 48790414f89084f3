from __future__ import annotations

from dataclasses import replace

from run_of_tests import IMAGE, label, make_run

from distill.report.bars import bar_paragraph, bars_table, few_gold_table
from distill.report.page import report_page

BARS = {
    "best": "nearest_neighbours",
    "logistic_regression": {
        "label": label(0.6, 0.47, 0.72),
        "training_rows": 1054,
        "validation": {"rows": 20, "label": {"accuracy": 0.65}},
        "c": 1.0,
    },
    "nearest_neighbours": {
        "label": label(0.55, 0.42, 0.67),
        "training_rows": 1054,
        "validation": {"rows": 20, "label": {"accuracy": 0.7}},
        "k": 5,
    },
    "encoder": {"label": None, "reason": f"'{IMAGE}' cannot be loaded"},
}
PAIR = {"rows": 60, "difference": 0.15, "ci_low": 0.02, "ci_high": 0.28, "p_value": 0.02, "verdict": "beats"}


def measured(make_settings, **more):
    run = make_run(make_settings())
    return replace(run, evaluate=run.evaluate | more)


def cells(table) -> list[list[str]]:
    return [[cell.replace("\N{NO-BREAK SPACE}", " ") for cell in row] for row in table.rows]


def test_every_bar_has_a_row_and_one_that_could_not_be_made_the_reason(make_settings):
    table = bars_table(measured(make_settings, bars=BARS, student_less_bar=PAIR))
    assert cells(table) == [
        ["TF-IDF with logistic regression", "60.0 %", "47.0 to 72.0 %", "65.0 %", "1,054"],
        ["TF-IDF with nearest neighbours (best on validation rows)", "55.0 %", "42.0 to 67.0 %", "70.0 %", "1,054"],
        ["the encoder before its training", "–", "–", "–", "–"],
    ]
    assert table.note.endswith(f"Left out: the encoder before its training ('{IMAGE}' cannot be loaded).")


def test_a_sentence_says_whether_the_student_beats_the_best_of_them(make_settings):
    sentence = bar_paragraph(measured(make_settings, bars=BARS, student_less_bar=PAIR))
    assert sentence.replace("\N{NO-BREAK SPACE}", " ") == (
        "The student beats TF-IDF with nearest neighbours (70.0 % against 55.0 %, p = 0.02) by McNemar's exact test on"
        " the same test rows."
    )


def test_where_there_is_none_the_page_says_why(make_settings):
    none = measured(make_settings, bars={"best": None, "reason": "no bar gives answers of the kind text"})
    assert bars_table(none) is None
    assert "No bar stands beside the student: no bar gives answers of the kind text." in report_page(none)
    assert "evaluate.bars is false" in report_page(measured(make_settings))


def test_the_page_has_the_table_the_sentence_and_the_best_bar_in_the_figure(make_settings):
    page = report_page(measured(make_settings, bars=BARS, student_less_bar=PAIR))
    assert "What costs nothing, on the same rows" in page and "The student beats TF-IDF with" in page
    assert "best bar 55.0\N{NO-BREAK SPACE}% (42.0 to 67.0\N{NO-BREAK SPACE}%)" in page and IMAGE not in page


FEW = {
    "most_unlabelled": True,
    "rows": 60,
    "unlabelled_rows": 2000,
    "student": {"label": label(0.72, 0.61, 0.81), "weight": 0.4, "worth_rows": 75.4},
    "teacher": {"label": label(0.82, 0.74, 0.88), "weight": 0.9, "worth_rows": 120.2},
    "guess": {"labelled": 0.66, "unlabelled": 0.69, "p_value": 0.31},
}


def test_what_unlabelled_rows_add_stands_beside_the_labelled_rows_alone(make_settings):
    run = measured(make_settings, bars=BARS, student_less_bar=PAIR, few_gold=FEW)
    assert cells(few_gold_table(run)) == [
        ["student", "70.0 %", "57.5 to 80.1 %", "72.0 %", "61.0 to 81.0 %", "75"],
        ["teacher", "80.0 %", "68.2 to 88.2 %", "82.0 %", "74.0 to 88.0 %", "120"],
    ]
    assert "60 labelled test rows and 2,000 unlabelled train rows" in few_gold_table(run).note
    assert "Few gold labels, many rows" in report_page(run)
    unlike = measured(make_settings, few_gold=FEW | {"guess": FEW["guess"] | {"p_value": 0.004}})
    assert few_gold_table(unlike).note.endswith("these rows are unlike, so trust the labelled rows alone.")


def test_where_most_rows_are_unlabelled_and_add_nothing_the_page_says_why(make_settings):
    none = {"best": None, "reason": "no bar gives answers of the kind number"}
    why = {"most_unlabelled": True, "reason": "the guess is that of a bar which cannot be made here"}
    run = measured(make_settings, bars=none, few_gold=why)
    assert few_gold_table(run) is None and few_gold_table(measured(make_settings, bars=BARS)) is None
    assert bar_paragraph(run).endswith(
        "The unlabelled rows add nothing to the labelled test rows: the guess is that of a bar which cannot be made"
        " here."
    )
