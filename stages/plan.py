"""Says what the next `dvc repro` will ask the teacher and what that can cost at most. Asks nothing, needs no key.

reads   params.yaml, the task's data, dvc.lock, the response store; data/prepared/*, data/prompt.yaml where they hold
run     python stages/plan.py
"""

import argparse

from distill.annotation.planning import run_ahead
from distill.running import run_front_door
from distill.settings import load_settings


def main() -> None:
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    print(run_ahead(load_settings()).bill())


if __name__ == "__main__":
    run_front_door("plan", main)
