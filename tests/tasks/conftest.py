from __future__ import annotations

import pytest
from table_files import csv_file, rows

from distill.tasks.table import Table


@pytest.fixture
def make(make_settings, tmp_path):
    def made(path, **changes):
        every = {
            "task.name": "table", "task.path": str(path), "task.train_rows": "all", "task.test_rows": 20,
            "task.validation_rows": 10, "task.table.label": "desk", "task.table.columns": ["message"],
            "task.table.description": "Decide which desk of an online shop deals with a customer's message.",
        }  # fmt: skip
        return Table(make_settings(**every | {f"task.{key}": value for key, value in changes.items()}).task)

    return made


@pytest.fixture
def routed(make, tmp_path):
    return make(csv_file(tmp_path / "in.csv", rows()))
