"""The fuzzer of benchmarks/fuzz.py, briefly."""

from __future__ import annotations

import json
import subprocess
import sys

from house import ROOT


def test_random_mutations_of_what_comes_from_outside_end_in_no_traceback_and_no_hang(tmp_path):
    command = [sys.executable, str(ROOT / "benchmarks" / "fuzz.py"), "--mutations", "100", "--kept", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    results = json.loads(done.stdout)
    assert {name: result["failures"] for name, result in results.items()} == {
        "params": {}, "tables": {}, "recorded": {}, "imports": {}, "bodies": {}
    }  # fmt: skip
    assert done.returncode == 0 and all(0 < result["taken"] <= 100 for result in results.values())
