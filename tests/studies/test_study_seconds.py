from __future__ import annotations

from study_repository import expander

from distill.studies.study import OVERHEAD_SECONDS, expected_seconds


def known(mode, steps, spent):
    return {"train": {"mode": mode, "steps": steps, "seeds": 1}}, {
        "train": {"seconds": spent},
        "evaluate": {"seconds": 0.0},
    }


def test_a_cell_takes_what_a_step_of_its_mode_took(tmp_path):
    cell = expander(tmp_path, settings="{train.steps: 200}").plan().cells[0]
    assert (
        expected_seconds(cell, [known("step_by_step", 100, 50.0), known("standard", 100, 10.0)])
        == 100 + OVERHEAD_SECONDS
    )
    assert expected_seconds(cell, [known("standard", 100, 10.0)]) == 20 + OVERHEAD_SECONDS
    assert expected_seconds(cell, [({"train": {"mode": "standard", "steps": 100, "seeds": 1}}, {})]) is None
    assert expected_seconds(cell, []) is None
