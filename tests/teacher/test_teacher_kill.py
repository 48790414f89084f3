from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

KILL_ASKING = Path(__file__).parents[2] / "benchmarks" / "kill_asking.py"


def test_killed_processes_lose_nothing_and_pay_nothing_twice():
    """Twenty kills of one process and four processes on one store; `--kills 1000` is the benchmark."""
    done = subprocess.run(
        [sys.executable, KILL_ASKING, "--kills", "20", "--rows", "400"], capture_output=True, text=True, timeout=120
    )
    assert done.stdout, done.stderr
    said = json.loads(done.stdout)
    assert (said["lost"], said["stale"], said["paid_twice"]) == (0, 0, 0)
    assert (said["kills"], said["rows"], done.returncode) == (20, 800, 0)
    # 16 are asked at once: no kill may find more of them called and not stored.
    assert said["most_in_flight_at_a_kill"] <= 16 and said["kills_with_calls_in_flight"] > 0
    assert said["calls"] == said["rows"] + said["calls_in_flight_at_a_kill"]
