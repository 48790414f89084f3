"""Rows and students that the speed benchmarks share; run on its own it does nothing."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "stages"))

from distill.answers.parsing import parse_response  # noqa: E402
from distill.rows.records import Example, TaskCard, TrainingRow  # noqa: E402
from distill.settings import Settings, load_settings  # noqa: E402
from distill.settings.student import ScratchSettings  # noqa: E402
from distill.tasks.registry import get_task  # noqa: E402
from distill.teacher.recorded import read_completions  # noqa: E402

# The sizes of T5 (arXiv 1910.10683, section 3.7; t5-mini: arXiv 2109.10686), with a vocabulary trained on the rows.
SHAPES = {
    "default": None,
    "t5-mini": {
        "d_model": 384,
        "d_ff": 1536,
        "heads": 8,
        "encoder_layers": 4,
        "decoder_layers": 4,
        "vocabulary": 16_000,
    },
    "t5-small": {
        "d_model": 512,
        "d_ff": 2048,
        "heads": 8,
        "encoder_layers": 6,
        "decoder_layers": 6,
        "vocabulary": 16_000,
    },
    "t5-base": {
        "d_model": 768,
        "d_ff": 3072,
        "heads": 12,
        "encoder_layers": 12,
        "decoder_layers": 12,
        "vocabulary": 16_000,
    },
}


def settings_of(shape: str) -> Settings:
    """params.yaml, with the sizes of a shape."""
    settings, sizes = load_settings(ROOT / "params.yaml"), SHAPES[shape]
    if sizes is None:
        return settings
    scratch = ScratchSettings(**{**vars(settings.student.scratch), **sizes})
    return replace(
        settings, student=replace(settings.student, scratch=scratch, max_input_tokens=1024, max_rationale_tokens=256)
    )


def rows_of(settings: Settings, data: Path | None) -> tuple[list[TrainingRow], list[Example], TaskCard]:
    """Training rows, test rows and the task. Only rows with a label and a rationale are trained on.

    Those of the folder `data`: CommonsenseQA with PaLM-540B's answers (`cqa_train.json`, `cqa_test.json` and
    `palm540b/`), or GSM8K with people's solutions (`train.jsonl` and `test.jsonl`). Without a folder the practice task
    with its own labels and rationales.
    """
    if data is None:
        asked = replace(settings.task, path=str(ROOT / settings.task.path))
    else:
        asked = replace(
            settings.task, name=name_of(data), path=str(data), train_rows="all", validation_rows=0.1, test_rows="all"
        )
    task = get_task(asked)
    splits = task.splits()
    made = _with_palms_answers(splits["train"], data / "palm540b") if data and asked.name == "cqa" else splits["train"]
    rows = [
        TrainingRow(row.id, row.input, row.label or "", row.rationale, row.choices)
        for row in made
        if row.label and row.rationale
    ]
    return rows, list(splits["test"]), task.card()


def name_of(data: Path | None) -> str:
    """The task of a folder."""
    return "practice" if data is None else "cqa" if (data / "cqa_train.json").exists() else "gsm8k"


def _with_palms_answers(rows: Sequence[Example], completions: Path) -> list[Example]:
    said, made = read_completions(completions), []
    for row in rows:
        parsed = parse_response(
            said[row.source or ""][0], kind="choices", choices=row.choices, finish_reason=None, expect_rationale=True
        )
        made.append(replace(row, label=parsed.label, rationale=parsed.rationale))
    return made
