from __future__ import annotations

import json

import yaml

from distill.evaluation.headline import headline
from house import ROOT, SCRIPTS

EVALUATION = {
    "student": {
        "label": {"accuracy": 0.9, "accuracy_ci_low": 0.87, "accuracy_ci_high": 0.92, "macro_f1": 0.89},
        "parameters": 267136,
    },
    "teacher": {"label": {"accuracy": 0.93}, "usd_per_1000": 0.12},
    "majority": {"label": {"accuracy": 0.33}},
    "cascade": {"label": {"accuracy": 0.94}, "sent": 0.11, "threshold": 0.8},
    "cost": {"search": {"usd": 0.3}, "annotation": {"usd": 0.2}, "total": {"usd": 0.5}},
}
ANNOTATION = {"train": {"rationale": {"coverage": 0.97}}}
TRAINING = {"rationale": {"coverage": 0.25}, "compute": {"gflop_per_step": 1.0, "tflop": 1.6}}


def test_it_has_what_people_look_for_first_in_the_order_in_which_dvc_shows_it():
    assert list(headline(EVALUATION, ANNOTATION, TRAINING).items()) == [
        ("student_accuracy", 0.9),
        ("student_ci_low", 0.87),
        ("student_ci_high", 0.92),
        ("teacher_accuracy", 0.93),
        ("majority_accuracy", 0.33),
        ("cascade_accuracy", 0.94),
        ("cascade_sent", 0.11),
        ("explanation_rate", 0.25),
        ("rationale_coverage", 0.97),
        ("usd_search", 0.3),
        ("usd_annotation", 0.2),
        ("teacher_usd_per_1000", 0.12),
        ("student_parameters", 267136),
        ("training_tflop", 1.6),
    ]


def test_what_is_not_known_is_none():
    """No teacher answered a test row, rows have their own choices, no train row was answered, and no price is known."""
    unknown = EVALUATION | {
        "teacher": {"name": "m", "usd_per_1000": None},
        "cascade": {"threshold": None, "reason": "nobody answered"},
        "cost": {"search": {"usd": None}, "annotation": {"usd": None}},
    }
    del unknown["majority"]
    values = headline(unknown, {"train": {"rows": 0}}, TRAINING)
    assert [name for name, value in values.items() if value is None] == [
        "teacher_accuracy",
        "majority_accuracy",
        "cascade_accuracy",
        "cascade_sent",
        "rationale_coverage",
        "usd_search",
        "usd_annotation",
        "teacher_usd_per_1000",
    ]


def test_no_name_has_a_dot_or_is_that_of_a_setting_or_of_another_metric():
    names = headline(EVALUATION, ANNOTATION, TRAINING).keys()
    files = [ROOT / "metrics" / f"{stage}.json" for stage in (*SCRIPTS[:6], "runtime")]
    others = {name for file in files for name in json.loads(file.read_text())}
    sections = yaml.safe_load((ROOT / "params.yaml").read_text()).keys()
    assert not any("." in name or "/" in name for name in names) and not names & (others | sections)
