"""Where a table's rows come from, memory-mapped: files of one's own, or a hub data set.

A file is one part, to be cut. A folder with train.*, and validation.* or test.* or both, and a hub data
set with such splits come cut, and stay so.
"""

from __future__ import annotations

import atexit
import shutil
import tempfile
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

from distill.errors import DataError
from distill.paths import SPLITS, source
from distill.settings.task import TaskSettings
from distill.tasks.problems import Problems, named
from distill.tasks.text_files import TABLE_ENDINGS, Cells, cell_text, table_format, table_rows

BATCH = 1000
_LINE = "#line"


class Source:
    """Rows by number from 0, in one sequence over all parts. `parts` is (split, first row) in that order."""

    def __init__(self, datasets: dict[str, Any], wanted: Sequence[str]):
        from datasets import concatenate_datasets

        self.wanted = tuple(wanted)
        kept = {
            split: dataset.select_columns([*self.wanted, *([_LINE] if _LINE in dataset.column_names else [])])
            for split, dataset in datasets.items()
        }
        self.dataset = concatenate_datasets(list(kept.values())) if len(kept) > 1 else next(iter(kept.values()))
        features = self.dataset.features  # a copy at every look, so looked at once
        self._names: dict[str, list[str]] = {
            name: features[name].names for name in self.wanted if hasattr(features[name], "names")
        }
        self.parts: list[tuple[str, int]] = []
        start = 0
        for split, dataset in kept.items():
            self.parts.append((split, start))
            start += len(dataset)

    def __len__(self) -> int:
        return len(self.dataset)

    def rows(self, which: slice | Sequence[int]) -> list[Cells]:
        """The wanted columns of some rows, as texts, a class label by its name."""
        batch = self.dataset[which if isinstance(which, slice) else list(which)]
        columns = [[cell_text(value, self._names.get(name)) for value in batch[name]] for name in self.wanted]
        return [dict(zip(self.wanted, values, strict=True)) for values in zip(*columns, strict=True)]

    def batches(self, indices: Sequence[int] | None = None) -> Iterator[tuple[Sequence[int], list[Cells]]]:
        """(row numbers, rows), all of them or those at `indices`, a batch at a time."""
        total = len(self) if indices is None else len(indices)
        for start in range(0, total, BATCH):
            end = min(start + BATCH, total)
            if indices is None:
                yield range(start, end), self.rows(slice(start, end))
            else:
                chosen = [int(index) for index in indices[start:end]]
                yield chosen, self.rows(chosen)

    def part(self, index: int) -> tuple[str, int]:
        """The split that a row came in, and its number there."""
        split, start = self.parts[bisect_right(self._starts, index) - 1]
        return split, index - start

    def where(self, index: int) -> str:
        """A row for a message: the line it begins at, or its number from 1."""
        split, number = self.part(index)
        prefix = f"{split} " if len(self.parts) > 1 else ""
        if _LINE in self.dataset.column_names:
            return f"{prefix}line {self.dataset[index][_LINE]}"
        return f"{prefix}row {number + 1}"

    @cached_property
    def _starts(self) -> list[int]:
        return [start for _, start in self.parts]


def open_source(settings: TaskSettings, wanted: Sequence[str], problems: Problems) -> Source:
    """Opens `task.hub` or `task.path`. Faults of single rows go to `problems`; raises DataError on what cannot be
    opened.
    """
    datasets = (
        _hub(settings) if settings.hub else _local(source(settings.path), settings.table.delimiter, wanted, problems)
    )
    for split, dataset in datasets.items():
        missing = [name for name in wanted if name not in dataset.column_names]
        for name in missing:
            problems.add(
                f"{split} has no column {name!r} (there are: {named(dataset.column_names)})",
                "correct task.table",
                fatal=True,
            )
    if problems.fatal:
        problems.raise_any()
    if not sum(map(len, datasets.values())):
        problems.raise_any()
        raise DataError(f"{problems.source}: has no rows")
    return Source(datasets, wanted)


def load_hub(name: str | None, configuration: str | None, revision: str | None, split: str | None = None) -> Any:
    """A hub data set at its pinned revision, or one split of it. Raises DataError where it cannot be loaded."""
    from datasets import load_dataset

    try:
        return load_dataset(name, configuration, split=split, revision=revision)
    except (OSError, ValueError, RuntimeError) as error:
        raise DataError(f"task.hub: {name} at {revision} cannot be loaded ({error})") from error


def _hub(settings: TaskSettings) -> dict[str, Any]:
    datasets = load_hub(settings.hub, settings.table.configuration, settings.revision)
    return _parts({str(name): dataset for name, dataset in datasets.items()}, settings.hub or "")


def _local(path: Path, delimiter: str, wanted: Sequence[str], problems: Problems) -> dict[str, Any]:
    if path.is_dir():
        files = {file.stem: file for file in sorted(path.iterdir()) if file.stem in SPLITS and table_format(file)}
        files = _parts(files, str(path))
    elif path.is_file():
        files = {"train": path}
    else:
        raise DataError(f"task.path: {path}: no such file or folder")
    for file in files.values():
        if table_format(file) is None:
            raise DataError(f"task.path: {file}: is no {TABLE_ENDINGS} file")
    folder = Path(tempfile.mkdtemp(prefix="distill-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return {
        split: _mapped(file, folder, wanted, delimiter, problems, f"{split} " if len(files) > 1 else "")
        for split, file in files.items()
    }


def _parts(parts: dict[str, Any], where: str) -> dict[str, Any]:
    if "train" not in parts:
        raise DataError(
            f"{where}: has no train part (there are: {named(sorted(parts)) or 'none'}); parts are called train,"
            " validation and test"
        )
    return {split: parts[split] for split in SPLITS if split in parts}


def _mapped(file: Path, folder: Path, wanted: Sequence[str], delimiter: str, problems: Problems, prefix: str) -> Any:
    """A file as a memory-mapped data set; its Arrow copy stands in `folder`."""
    import pyarrow
    from datasets import Dataset, load_dataset

    if table_format(file) == "parquet":
        return load_dataset("parquet", data_files=str(file), split="train", cache_dir=str(folder))
    schema = pyarrow.schema([*((name, pyarrow.string()) for name in wanted), (_LINE, pyarrow.int64())])
    copy = folder / f"{file.stem}.arrow"
    rows = table_rows(file, table_format(file), wanted, delimiter, problems, prefix)
    with pyarrow.OSFile(str(copy), "wb") as sink, pyarrow.ipc.new_stream(sink, schema) as writer:
        while batch := list(islice(rows, BATCH)):
            columns = [[cells[name] for _, cells in batch] for name in wanted]
            arrays = [pyarrow.array(column, pyarrow.string()) for column in columns]
            writer.write_batch(
                pyarrow.record_batch(
                    [*arrays, pyarrow.array([line for line, _ in batch], pyarrow.int64())], schema=schema
                )
            )
    return Dataset.from_file(str(copy))
