"""Rows a second in predicting labels, against the usual way: `generate` on batches of eight rows.

    python benchmarks/prediction_speed.py                                  data/student on data/prepared/test.jsonl
    python benchmarks/prediction_speed.py --data FOLDER --shape t5-small   untrained, on CommonsenseQA: speed alone

The usual way takes the rows as they come, eight at a time, pads them to the longest, calls `model.generate`,
decodes and looks the text up among the allowed labels. Ours scores every allowed label of every row
(distill.student.predicting). Both have --threads of them; they take turns, `--pairs` times, on the same rows,
tokenizing included. A ratio is that of one turn; shown are the median and the range, by the wall clock and by the
process's own seconds, which other work on the machine disturbs less. `same_labels` is the share of rows with the same
label both ways, of those where what was generated is an allowed label; `allowed` is their share. One JSON line comes
out; with --record NAME its rows are kept for the docs (benchmarks/tables.py).
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import tables
import torch
from speed_rows import ROOT, SHAPES, rows_of, settings_of

from distill.rows.records import Example, read_rows
from distill.student.architecture import Architecture
from distill.student.loading import new_student
from distill.student.predicting import Student

USUAL_ROWS = 8


@torch.inference_mode()
def usual(student: Architecture, rows: Sequence[Example]) -> list[str]:
    """Labels as `generate` writes them."""
    tokenizer, found = student.tokenizer, []
    for start in range(0, len(rows), USUAL_ROWS):
        texts = [row.input for row in rows[start : start + USUAL_ROWS]]
        batch = tokenizer(
            texts, return_tensors="pt", padding=True, truncation=True, max_length=student.plan.max_input_tokens
        )
        made = student.model.generate(
            input_ids=batch["input_ids"], attention_mask=batch["attention_mask"],
            decoder_start_token_id=student.starts["label"],
            max_new_tokens=student.plan.max_label_tokens, do_sample=False, num_beams=1,
        )  # fmt: skip
        found += [text.strip() for text in tokenizer.batch_decode(made, skip_special_tokens=True)]
    return found


def timed(work: Callable[[], Any]) -> tuple[Any, tuple[float, float]]:
    started = time.perf_counter(), time.process_time()
    made = work()
    return made, (time.perf_counter() - started[0], time.process_time() - started[1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--model", type=Path, default=ROOT / "data/student", help="folder of a trained encoder-decoder student"
    )
    parser.add_argument("--rows", type=Path, default=ROOT / "data/prepared/test.jsonl")
    parser.add_argument("--data", type=Path, help="folder of CommonsenseQA, for an untrained student of --shape")
    parser.add_argument("--shape", choices=SHAPES, default="default")
    parser.add_argument("--limit", type=int, default=600, help="rows")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--record", metavar="NAME", help="write the rows to metrics/tables/NAME.json")
    given = parser.parse_args()
    if given.record and given.data:
        parser.error("--record is for a trained student, without --data")
    settings = settings_of(given.shape)
    torch.set_num_threads(given.threads)
    if given.data:
        training, rows, card = rows_of(settings, given.data)
        student = Student(new_student(training, card, settings).eval(), settings.runtime.predict_rows)
    else:
        rows, student = (
            read_rows(given.rows, Example),
            Student.load(given.model, replace(settings.runtime, device="cpu", threads=given.threads)),
        )
    rows = rows[: given.limit]
    usual(student.model, rows[:USUAL_ROWS]), student.label(rows[:USUAL_ROWS])
    seconds: dict[str, list[tuple[float, float]]] = {"usual": [], "ours": []}
    for _ in range(given.pairs):
        written, took = timed(lambda: usual(student.model, rows))
        seconds["usual"].append(took)
        scored, took = timed(lambda: student.label(rows))
        seconds["ours"].append(took)
    allowed = [
        (text, label)
        for row, text, (label, _) in zip(rows, written, scored, strict=True)
        if text in (row.choices or student.model.plan.classes)
    ]
    result: dict[str, Any] = {
        "shape": given.shape if given.data else "data/student",
        "rows": len(rows),
        "pairs": given.pairs,
        "threads": given.threads,
        "generated_batch": USUAL_ROWS,
    }
    for place, name in enumerate(("wall", "cpu")):
        found = [theirs[place] / ours[place] for theirs, ours in zip(seconds["usual"], seconds["ours"], strict=True)]
        result[name] = {
            "median": round(statistics.median(found), 2),
            "range": [round(min(found), 2), round(max(found), 2)],
        }
    result["rows_per_cpu_s"] = {
        name: round(len(rows) / statistics.median(took for _, took in some), 1) for name, some in seconds.items()
    }
    if not given.data:
        result["allowed"] = len(allowed) / len(rows)
        result["same_labels"] = sum(text == label for text, label in allowed) / max(len(allowed), 1)
    print(json.dumps(result))
    if given.record:
        both = zip(seconds["usual"], seconds["ours"], strict=True)
        turns = [{"usual": [round(s, 3) for s in one], "ours": [round(s, 3) for s in other]} for one, other in both]
        more = {name: result[name] for name in ("threads", "allowed", "same_labels")} | {"test_rows": len(rows)}
        tables.record(given.record, "docs/training.md", turns, "prediction_speed", **more)


if __name__ == "__main__":
    main()
