"""Makes the folder that is handed over: the student as transformers loads it, with a model card written from the run.

reads   data/student/, data/prepared/task.json, data/prompt.yaml, data/annotated/train.jsonl, data/training/train.jsonl,
        metrics/*.json of the stages, dvc.lock and Git for where it comes from
writes  data/model/
run     dvc repro hand_over
        python stages/hand_over.py --check [REVISION]   is the folder of this dvc.lock, or of a revision's?
"""

import argparse
import shutil
from dataclasses import asdict

from distill import paths
from distill.handover.card import card
from distill.handover.facts import READ, read_facts
from distill.handover.folder import PROVENANCE, chats, hand_over, size
from distill.handover.provenance import check, provenance
from distill.handover.usage import usage
from distill.rows.files import write_json, write_text
from distill.running import run_front_door, run_stage
from distill.settings import load_settings


def main() -> None:
    settings, facts = load_settings(), read_facts()
    if paths.MODEL.exists():
        shutil.rmtree(paths.MODEL)
    plan = hand_over(paths.STUDENT, paths.MODEL)
    origin = provenance(paths.MODEL, READ, paths.LOCK, paths.PIPELINE)
    use = usage(plan, paths.MODEL.name, facts.example, chats(paths.MODEL))
    write_json(paths.MODEL / PROVENANCE, asdict(origin))
    write_text(paths.MODEL / "README.md", card(facts, settings, plan, use, origin, size(paths.MODEL)))
    print(f"{paths.MODEL}: {size(paths.MODEL) / 1e6:.1f} MB of weights and a model card, README.md", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", nargs="?", const="", metavar="REVISION", help="compare the folder's lock hash")
    options = parser.parse_args()
    if options.check is None:
        run_stage("hand_over", main)
    else:
        run_front_door("hand_over", lambda: print(check(paths.MODEL / PROVENANCE, paths.LOCK, options.check or None)))
