"""Exports the model that is handed over to ONNX, and checks that onnxruntime gives the same labels.

Needs an environment of its own, as optimum's exporter takes transformers 4: pip install -r requirements-onnx.txt

reads   data/model/ (dvc repro hand_over), data/judged.jsonl for the check
writes  data/onnx/, which optimum.onnxruntime loads
run     python stages/export_onnx.py data/model data/onnx
"""

import argparse
from pathlib import Path

from distill import paths
from distill.onnx.exporting import export, read_check_rows
from distill.running import run_front_door


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", type=Path, default=paths.MODEL, help="folder; default: %(default)s")
    parser.add_argument("out", nargs="?", type=Path, default=paths.ONNX, help="folder to write; default: %(default)s")
    parser.add_argument(
        "--rows", type=Path, default=paths.JUDGED, help="JSONL with `input`, to answer with both; default: %(default)s"
    )
    parser.add_argument(
        "--differences",
        type=int,
        default=0,
        help="rows on which the student's own label may differ; default: %(default)s",
    )
    options = parser.parse_args()
    check = export(options.model, options.out, read_check_rows(options.rows), options.differences)
    print(f"{options.out}: onnxruntime and torch give the same label on all of {check.rows} rows", flush=True)
    if check.recorded:
        print(f"the student's own label differs on {check.student} of {check.recorded}", flush=True)


if __name__ == "__main__":
    run_front_door("export_onnx", main)
