from __future__ import annotations

import json
from xml.etree import ElementTree

import pytest
import yaml
from PIL import Image
from test_study_summary import row

from distill import paths
from distill.errors import UserError
from distill.studies.factor_curve import column_name, factor_curve
from distill.studies.factor_figure import write_curve
from distill.studies.study_file import read_study
from house import ROOT

RATE = "subsample.explanation_rate"
STUDY = read_study(ROOT / "data/studies/explanation_rate.yaml")


def table(**arms: float) -> dict:
    """Of a study whose arms have two seeds each, by their names as {"labels=gold explanation_rate=0.5": 0.8}."""
    cells = [
        row(arm, seed, accuracy) | {RATE: float(arm.split("explanation_rate=")[1]) if "rate=" in arm else 1.0}
        for arm, accuracy in arms.items()
        for seed in (1, 2)
    ]
    return {"cells": cells, "reference": STUDY.reference, "confidence": 0.95}


TABLE = table(
    **{
        "labels=teacher explanation_rate=1.0": 0.9,
        "labels=gold explanation_rate=0.0": 0.3,
        "labels=teacher explanation_rate=0.05": 0.4,
        "labels=gold explanation_rate=1.0": 0.95,
        "label_only labels=gold": 0.33,
    }
)


def test_a_series_runs_along_the_factor_and_labels_alone_are_a_line():
    curve = factor_curve(STUDY, TABLE)
    assert curve.factor == RATE and list(curve.series()) == ["labels=gold", "labels=teacher", "label_only labels=gold"]
    assert [(point.x, point.accuracy) for point in curve.series()["labels=teacher"]] == [(0.05, 0.4), (1.0, 0.9)]
    (line,) = curve.series()["label_only labels=gold"]
    assert line.x is None and line.low < 0.33 < line.high and line.seeds == 2
    assert curve.rows() == [
        {"x": 0.0, "labels_gold": 0.3, "labels_teacher": None, "label_only_labels_gold": 0.33},
        {"x": 0.05, "labels_gold": None, "labels_teacher": 0.4, "label_only_labels_gold": 0.33},
        {"x": 1.0, "labels_gold": 0.95, "labels_teacher": 0.9, "label_only_labels_gold": 0.33},
    ]


def test_arms_with_values_of_their_own_are_a_curve_too(tmp_path):
    (tmp_path / "arms.yaml").write_text(
        "question: Which?\nsettings: {}\ngrid: {}\n"
        "arms: {all: {}, half: {subsample.explanation_rate: 0.5, subsample.strategy: balanced}}\n"
        "controls: [bare_codes]\nreference: all\nseeds: {keys: [train.seed], values: [1, 2]}\n"
    )
    cells = [
        row(arm, seed, accuracy) | {RATE: rate, "subsample.strategy": "random"}
        for arm, accuracy, rate in (("all", 0.9, 1.0), ("half", 0.7, 0.5), ("bare_codes", 0.8, 1.0))
        for seed in (1, 2)
    ]
    curve = factor_curve(read_study(tmp_path / "arms.yaml"), {"cells": cells, "reference": "all", "confidence": 0.95})
    assert {name: [(point.x, point.accuracy) for point in points] for name, points in curve.series().items()} == {
        "arms": [(0.5, 0.7), (1.0, 0.9)],
        "bare_codes": [(1.0, 0.8)],
    }


def test_a_study_without_a_numeric_setting_has_no_curve():
    with pytest.raises(UserError, match="varies no numeric setting"):
        factor_curve(read_study(ROOT / "data/studies/practice.yaml"), TABLE)


def test_the_figure_is_svg_and_png_and_a_plot_and_the_same_every_time(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    curve = factor_curve(STUDY, TABLE)
    places = write_curve(curve, "rates")
    first = [place.read_bytes() for place in places]
    write_curve(curve, "another")
    assert [place.read_bytes() for place in write_curve(curve, "rates")] == first
    svg, png, rows = places
    text = "".join(ElementTree.parse(svg).getroot().itertext())
    assert RATE in text and "labels=teacher (2 seeds)" in text and STUDY.question in " ".join(text.split())
    assert Image.open(png).size == (1280, 800)
    assert json.loads(rows.read_text()) == curve.rows()
    plots = yaml.safe_load((paths.STUDY_PLOTS / "dvc.yaml").read_text())["plots"]
    assert [list(plot) for plot in plots] == [["study another"], ["study rates"]]
    assert plots[1]["study rates"]["y"] == {"rates.json": [column_name(name) for name in curve.series()]}
