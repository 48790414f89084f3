from __future__ import annotations

from dataclasses import replace

from run_of_tests import IMAGE, label, make_run

from distill.report.bars import bar_paragraph, bars_table
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
    assert table.note.endswith(f"the encoder before its training: '{IMAGE}' cannot be loaded.")


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
