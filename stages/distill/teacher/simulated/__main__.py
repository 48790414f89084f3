"""Runs the simulated teacher until it is interrupted or terminated.

From stages/: python -m distill.teacher.simulated --path ../data/examples/practice.yaml --port 8000
"""

from __future__ import annotations

import argparse
import json
import signal
import threading
from pathlib import Path

from distill.settings.loader import SettingsError
from distill.teacher.simulated.faults import FAULT_KINDS, faults_from
from distill.teacher.simulated.server import serve


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="distill.teacher.simulated", description="A simulated teacher that speaks the OpenAI chat API."
    )
    parser.add_argument("--path", type=Path, required=True, help="the file it knows, as data/examples/practice.yaml")
    parser.add_argument("--port", type=int, default=0, help="0: a free one")
    parser.add_argument(
        "--faults",
        default="[]",
        help=f'JSON, as [{{"kind": "rate_limit", "rate": 0.1}}]; kinds: {", ".join(FAULT_KINDS)}',
    )
    parser.add_argument("--latency-ms", type=float, default=0.0, help="milliseconds before every answer")
    arguments = parser.parse_args()
    stopped = threading.Event()
    for sign in (signal.SIGINT, signal.SIGTERM):
        signal.signal(sign, lambda *_: stopped.set())
    try:
        faults = faults_from(json.loads(arguments.faults))
        with serve(arguments.path, port=arguments.port, faults=faults, latency_ms=arguments.latency_ms) as server:
            print(f"{server.base_url} (simulated, identity {server.identity})", flush=True)
            stopped.wait()
    except (SettingsError, ValueError, OSError) as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
