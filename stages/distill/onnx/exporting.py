"""A handed-over folder as ONNX, and the check that it answers alike."""

from __future__ import annotations

import logging
import shutil
import tempfile
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from distill.errors import DataError, UserError
from distill.onnx.answering import CheckRow, with_onnx, with_torch
from distill.onnx.converting import TOKENIZER_FILE, older_folder
from distill.rows.files import read_json_lines, write_json
from distill.student.plan import NO_CODE, PLAN_FILE, StudentPlan

REPORT_FILE = "export.json"
# What onnxruntime's models need beside the graphs.
COPIED_FILES = (
    "tokenizer.json", TOKENIZER_FILE, "special_tokens_map.json", "chat_template.jinja", PLAN_FILE, "provenance.json",
)  # fmt: skip


class ExportDiffers(UserError):
    """The exported model gives other answers than the student."""


@dataclass(frozen=True)
class ExportCheck:
    """rows: how many were answered. torch: on how many of them onnxruntime and torch differ. recorded: of how many the
    student's own label is on record. student: on how many of those the exported model has another label."""

    rows: int
    torch: int
    recorded: int
    student: int


def export(folder: Path, out: Path, rows: Sequence[CheckRow], most: int) -> ExportCheck:
    """Exports `folder` to `out` through optimum, and answers `rows` with both. `out` is written whole, or not at all.

    Raises DataError where the student cannot be exported or `out` holds something else, and ExportDiffers where
    onnxruntime and torch differ on any row, or the export and the student's own labels on more than `most`.
    """
    plan = StudentPlan.read(folder)
    if not rows:
        raise DataError("there are no rows to check the export on; give some with --rows")
    if out.exists() and not (out / REPORT_FILE).exists():
        raise DataError(f"{out}: exists and is no export of this project; name another folder")
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{out.name}.", dir=out.parent) as scratch:
        source = older_folder(folder, Path(scratch) / "source")
        exported = Path(scratch) / "onnx"
        _main_export(source, exported, plan.form.onnx_task)
        for name in COPIED_FILES:
            if (source / name).exists():
                shutil.copyfile(source / name, exported / name)
        check = check_answers(source, exported, plan, rows, most)
        write_json(exported / REPORT_FILE, check)
        if out.exists():
            shutil.rmtree(out)
        exported.rename(out)
    return check


def check_answers(source: Path, exported: Path, plan: StudentPlan, rows: Sequence[CheckRow], most: int) -> ExportCheck:
    """Raises ExportDiffers; see `export`."""
    by_torch, by_onnx = with_torch(source, plan).labels(rows), with_onnx(exported, plan).labels(rows)
    different = [(row, a, b) for row, a, b in zip(rows, by_torch, by_onnx, strict=True) if a != b]
    if different:
        row, a, b = different[0]
        raise ExportDiffers(
            f"onnxruntime and torch differ on {len(different)} of {len(rows)} rows, first on {row.id!r}: {b!r} against"
            f" {a!r}; nothing is kept"
        )
    labelled = [(row, label) for row, label in zip(rows, by_onnx, strict=True) if row.student_label is not None]
    unlike_student = [(row, label) for row, label in labelled if label != row.student_label]
    if len(unlike_student) > most:
        row, label = unlike_student[0]
        raise ExportDiffers(
            f"the exported model and the student differ on {len(unlike_student)} of {len(labelled)} rows, first on"
            f" {row.id!r}: {label!r} against {row.student_label!r}; nothing is kept. A student that writes may differ"
            " from its own scored labels on a few: --differences allows for so many"
        )
    return ExportCheck(len(rows), 0, len(labelled), len(unlike_student))


def read_check_rows(path: Path) -> list[CheckRow]:
    """Rows of a JSONL file with `input`, and where they are there `id`, `choices` and `student_label`
    (data/judged.jsonl).
    """
    return list(_rows(path))


def _rows(path: Path) -> Iterable[CheckRow]:
    for number, values in read_json_lines(path):
        if not isinstance(values.get("input"), str):
            raise DataError(f"{path}:{number}: no text in `input`; there is {', '.join(values)}")
        row_id, choices = str(values.get("id", number)), tuple(values.get("choices") or ())
        yield CheckRow(row_id, values["input"], choices, values.get("student_label"))


def _main_export(source: Path, out: Path, task: str) -> None:
    try:
        from optimum.exporters.onnx import main_export
        from optimum.exporters.tasks import TasksManager
        from transformers import AutoConfig
    except ImportError as error:
        raise DataError(
            f"optimum's exporter is missing ({error}); in a virtual environment of its own: pip install -r"
            " requirements-onnx.txt"
        ) from error
    config = AutoConfig.from_pretrained(source, local_files_only=True, **NO_CODE)
    options: dict[str, Any] = {}
    if getattr(config, "type_vocab_size", None) == 1:
        described = TasksManager.get_exporter_config_constructor("onnx", model_type=config.model_type, task=task)
        options["custom_onnx_configs"] = {"model": _untyped(described.func)(config, task=task)}
    logging.disable(logging.WARNING)
    with warnings.catch_warnings():
        # Tracing warns of every shape that it takes for constant. The result is checked on rows.
        warnings.simplefilter("ignore")
        main_export(
            str(source),
            output=str(out),
            task=task,
            do_validation=False,
            local_files_only=True,
            library_name="transformers",
            **options,
        )


def _untyped(parent: type) -> type:
    """An exporter's description for a model without token types: the exporter's own would trace with two types."""

    class Untyped(parent):  # type: ignore[misc,valid-type]
        @property
        def inputs(self) -> dict[str, dict[int, str]]:
            return {name: axes for name, axes in super().inputs.items() if name != "token_type_ids"}

    return Untyped
