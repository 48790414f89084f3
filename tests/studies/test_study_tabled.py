from __future__ import annotations

import json

import pytest
from study_repository import expander
from test_frontier import SETTINGS
from test_study_gathering import entry, shown

from distill.errors import DataError
from distill.studies.frontier import Frontier
from distill.studies.gathering import cell_rows, observations
from distill.studies.pricing import price_with
from distill.studies.summary import by_arm
from distill.studies.table import tabled_observations, write_tables


def test_a_table_tells_the_frontier_what_its_experiments_did(tmp_path):
    plan = expander(
        tmp_path,
        arms="{step_by_step: {}, half: {subsample.explanation_rate: 0.5, train.label_weight: 0.3}}",
        controls="[shuffled_rationale]",
    ).plan()
    found = observations(
        shown(
            entry("main", "a", {}),
            *(
                entry(cell.name, f"rev {cell.name}", cell.params, 0.7 + n / 100)
                for n, cell in enumerate(plan.cells[:-1])
            ),
        )
    )[1:]
    price = price_with(SETTINGS, 0.25)
    made = cell_rows(plan, found, {plan.cells[-1].name: "Failed"}, {}, price)
    keys = {"settings": plan.cells[0].params, "seed_keys": ["student.seed", "train.seed"]}
    write_tables(tmp_path / "studies", "mine", made, {"arms": by_arm(made, {}, 0.95)} | keys)
    write_tables(tmp_path / "studies", "other", made, {"arms": {}} | keys)

    again = tabled_observations(tmp_path / "studies")
    assert [(one.name, one.revision, one.params) for one in again] == [
        (one.name, one.revision, one.params) for one in found
    ]
    assert [one.priced for one in again] == [(round(usd, 6), known) for usd, known in map(price, found)] and again[
        1
    ].priced[1] == "predicted"
    kept, here = Frontier(again, price_with(SETTINGS, None), 0.95), Frontier(found, price, 0.95)
    assert kept.plot() == here.plot() and kept.left_out == here.left_out and kept.left_out["controls"] == 1
    assert (
        kept.metrics() | {"from_tables": 0} == here.metrics()
        and kept.from_tables == 4
        and kept.teacher == "t, simulated"
    )


@pytest.mark.parametrize(
    "text", [json.dumps({"cells": [{"accuracy": 0.5}]}), "{", json.dumps({"cells": [1]}), '{"cells": NaN}']
)
def test_what_is_no_table_stops_the_survey_as_its_points_would_be_lost(tmp_path, text):
    (tmp_path / "torn.json").write_text(text)
    with pytest.raises(DataError, match=r"torn\.json"):
        tabled_observations(tmp_path)
    assert tabled_observations(tmp_path / "none") == []
