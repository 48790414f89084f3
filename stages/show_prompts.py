"""Prints what `annotate` would send, with tokens, before anything is sent.

reads   what stages/plan.py reads
run     python stages/show_prompts.py --rows 2
"""

import argparse

from distill.annotation.planning import run_ahead
from distill.running import run_front_door
from distill.settings import load_settings


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1, help="rows shown of each prompt and split (1)")
    rows = parser.parse_args().rows
    print(run_ahead(load_settings()).prompts(rows))


if __name__ == "__main__":
    run_front_door("show_prompts", main)
