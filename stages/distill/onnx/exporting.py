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
from distill.onnx.answering import Row, kind_of, with_onnx, with_torch
from distill.onnx.converting import TOKENIZER, converted
from distill.rows.files import read_json_lines, read_object, write_json

PLAN, REPORT = "student.json", "export.json"
# What onnxruntime's models need beside the graphs.
KEPT = ("tokenizer.json", TOKENIZER, "special_tokens_map.json", "chat_template.jinja", PLAN, "provenance.json")


class Differs(UserError):
    """The exported model answers otherwise than the student."""


@dataclass(frozen=True)
class Checked:
    """rows: that were answered. torch: on how many onnxruntime and torch differ. student: on how many of those that the
    student's own label is known of (`known`) the exported model says another."""

    rows: int
    torch: int
    known: int
    student: int


def export(folder: Path, out: Path, rows: Sequence[Row], most: int) -> Checked:
    """Exports `folder` to `out` through optimum, and answers `rows` with both. `out` is written whole, or not at all.

    Raises DataError where the student cannot be exported or `out` is something else's, and Differs where onnxruntime
    and torch differ on any row, or the student's own labels on more than `most`.
    """
    plan = read_object(folder / PLAN)
    kind = kind_of(plan)
    if not rows:
        raise DataError("there are no rows to check the export on; give some with --rows")
    if out.exists() and not (out / REPORT).exists():
        raise DataError(f"{out}: is there and no export of this project; name another folder")
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{out.name}.", dir=out.parent) as scratch:
        source = converted(folder, Path(scratch) / "source")
        made = Path(scratch) / "onnx"
        _main_export(source, made, kind.task)
        for name in KEPT:
            if (source / name).exists():
                shutil.copyfile(source / name, made / name)
        checked = check(source, made, plan, rows, most)
        write_json(made / REPORT, checked)
        if out.exists():
            shutil.rmtree(out)
        made.rename(out)
    return checked


def check(source: Path, made: Path, plan: dict[str, Any], rows: Sequence[Row], most: int) -> Checked:
    """Raises Differs; see `export`."""
    by_torch, by_onnx = with_torch(source, plan).labels(rows), with_onnx(made, plan).labels(rows)
    other = [(row, a, b) for row, a, b in zip(rows, by_torch, by_onnx, strict=True) if a != b]
    if other:
        row, a, b = other[0]
        raise Differs(
            f"onnxruntime and torch differ on {len(other)} of {len(rows)} rows, first on {row.id!r}: {b!r} against"
            f" {a!r}; nothing is kept"
        )
    known = [(row, label) for row, label in zip(rows, by_onnx, strict=True) if row.said is not None]
    other_said = [(row, label) for row, label in known if label != row.said]
    if len(other_said) > most:
        row, label = other_said[0]
        raise Differs(
            f"the exported model and the student differ on {len(other_said)} of {len(known)} rows, first on {row.id!r}:"
            f" {label!r} against {row.said!r}; nothing is kept. A student that writes may differ from its own scored"
            " labels on a few: --differences allows for so many"
        )
    return Checked(len(rows), 0, len(known), len(other_said))


def read(path: Path) -> list[Row]:
    """Rows of a JSONL file with `input`, and where they are there `id`, `choices` and `student_label`
    (data/judged.jsonl).
    """
    return list(_rows(path))


def _rows(path: Path) -> Iterable[Row]:
    for number, values in read_json_lines(path):
        if not isinstance(values.get("input"), str):
            raise DataError(f"{path}:{number}: no text in `input`; there is {', '.join(values)}")
        yield Row(
            str(values.get("id", number)),
            values["input"],
            tuple(values.get("choices") or ()),
            values.get("student_label"),
        )


def _main_export(source: Path, out: Path, task: str) -> None:
    try:
        from optimum.exporters.onnx import main_export
        from optimum.exporters.tasks import TasksManager
        from transformers import AutoConfig
    except ImportError as error:
        raise DataError(
            f"optimum's exporter is not here ({error}); in a virtual environment of its own: pip install -r"
            " requirements-onnx.txt"
        ) from error
    config = AutoConfig.from_pretrained(source, local_files_only=True)
    options: dict[str, Any] = {}
    if getattr(config, "type_vocab_size", None) == 1:
        made = TasksManager.get_exporter_config_constructor("onnx", model_type=config.model_type, task=task)
        options["custom_onnx_configs"] = {"model": _untyped(made.func)(config, task=task)}
    logging.disable(logging.WARNING)
    with warnings.catch_warnings():
        # Tracing warns of every shape that it takes for constant; what comes of it is checked below.
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
    """An exporter's description of a model without types of tokens: it would trace with two of them."""

    class Untyped(parent):  # type: ignore[misc,valid-type]
        @property
        def inputs(self) -> dict[str, dict[int, str]]:
            return {name: axes for name, axes in super().inputs.items() if name != "token_type_ids"}

    return Untyped
