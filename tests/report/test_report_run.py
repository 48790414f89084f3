from __future__ import annotations

import pytest
from run_of_tests import make_run

from distill.errors import DataError
from distill.report.run import read_run


def test_what_the_stages_before_did_not_make_is_told_with_how_to_get_it(tmp_path, monkeypatch, make_settings):
    settings = make_settings()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match=r"task\.json: no such file; `dvc pull` fetches it, `dvc repro` makes it"):
        read_run(settings)


def test_a_student_of_labels_alone_explains_nothing_whatever_it_was_given(make_settings):
    assert make_run(make_settings()).explains and not make_run(make_settings(**{"train.mode": "standard"})).explains
    assert not make_run(make_settings(), train={"rationale": {"coverage": 0.0}}).explains
    assert make_run(make_settings(**{"annotate.rationale_source": "human"})).by_people
    assert make_run(make_settings()).simulated
