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
from distill.handover.card import model_card
from distill.handover.folder import PROVENANCE_FILE, hand_over, has_chat_template, weights_size
from distill.handover.provenance import provenance, verify_provenance
from distill.handover.results import CARD_INPUTS, read_results
from distill.handover.usage import usage_example
from distill.rows.files import write_json, write_text
from distill.running import run_front_door, run_stage
from distill.settings import load_settings


def main() -> None:
    settings, results = load_settings(), read_results()
    if paths.MODEL.exists():
        shutil.rmtree(paths.MODEL)
    plan = hand_over(paths.STUDENT, paths.MODEL)
    size = weights_size(paths.MODEL)
    origin = provenance(paths.MODEL, CARD_INPUTS, paths.LOCK, paths.PIPELINE)
    usage = usage_example(plan, paths.MODEL.name, results.example, has_chat_template(paths.MODEL))
    write_json(paths.MODEL / PROVENANCE_FILE, asdict(origin))
    write_text(paths.MODEL / "README.md", model_card(results, settings, plan, usage, origin, size))
    print(f"{paths.MODEL}: {size / 1e6:.1f} MB of weights and a model card, README.md", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", nargs="?", const="", metavar="REVISION", help="compare the folder's lock hash")
    options = parser.parse_args()
    if options.check is None:
        run_stage("hand_over", main)
    else:
        revision = options.check or None
        run_front_door(
            "hand_over", lambda: print(verify_provenance(paths.MODEL / PROVENANCE_FILE, paths.LOCK, revision))
        )
