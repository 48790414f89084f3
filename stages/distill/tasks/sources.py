"""Where a table's rows come from, memory-mapped: files of one's own, or a hub data set.

A file is one part, to be cut. A folder with train.*, and validation.* or test.* or both, and a hub data
set with such splits come cut, and stay so.
"""

from __future__ import annotations

import atexit
import shutil
import tempfile
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

from distill.errors import DataError
from distill.paths import SPLITS, source
from distill.rows.files import other_kind
from distill.settings.task import TaskSettings
from distill.tasks.arrow_cells import Cells, column_texts, refused_columns
from distill.tasks.problems import Problems, named
from distill.tasks.text_files import TABLE_ENDINGS, table_format, table_rows

BATCH = 1000
_LINE = "line"  # beside columns that are called by their number


class Source:
    """Rows by number from 0, in one sequence over all parts. `parts` is (split, first row) in that order.

    `columns` are the wanted columns, each with its name in the data sets. `words` says, of files, by split, whether
    a row is called by the line that it begins at, or by its number.
    """

    def __init__(self, datasets: dict[str, Any], columns: Mapping[str, str], words: Mapping[str, str]):
        from datasets import concatenate_datasets

        self.wanted, self.words = tuple(columns), words
        self._columns = tuple(columns.values())
        kept = {
            split: dataset.select_columns([*self._columns, *([_LINE] if words else [])])
            for split, dataset in datasets.items()
        }
        whole = concatenate_datasets(list(kept.values())) if len(kept) > 1 else next(iter(kept.values()))
        features = whole.features
        self._names = [getattr(features[column], "names", None) for column in self._columns]
        self.dataset = whole.with_format("arrow")
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
        columns = [
            column_texts(batch.column(column).combine_chunks(), names)
            for column, names in zip(self._columns, self._names, strict=True)
        ]
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
        if split in self.words:
            return f"{prefix}{self.words[split]} {self.dataset[index][_LINE][0]}"
        return f"{prefix}row {number + 1}"

    @cached_property
    def _starts(self) -> list[int]:
        return [start for _, start in self.parts]


def open_source(settings: TaskSettings, wanted: Sequence[str], problems: Problems) -> Source:
    """Opens `task.hub` or `task.path`. Faults of single rows go to `problems`; raises DataError on what cannot be
    opened.
    """
    if settings.hub:
        datasets, words, columns = _hub(settings, wanted, problems), {}, {name: name for name in wanted}
    else:
        files = _files(source(settings.path))
        datasets = _local(files, settings.table.delimiter, wanted, problems)
        words = {split: "row" if table_format(file) == "parquet" else "line" for split, file in files.items()}
        columns = {name: str(place) for place, name in enumerate(wanted)}
    if problems.fatal:
        problems.raise_any()
    if not sum(map(len, datasets.values())):
        problems.raise_any()
        raise DataError(f"{problems.source}: has no rows")
    try:
        return Source(datasets, columns, words)
    except (ValueError, TypeError) as error:  # parts whose columns are of different types
        raise DataError(f"{problems.source}: its parts cannot be put together ({error})") from error


def load_hub(name: str | None, configuration: str | None, revision: str | None, split: str | None = None) -> Any:
    """A hub data set at its pinned revision, or one split of it. Raises DataError where it cannot be loaded."""
    from datasets import load_dataset
    from datasets.exceptions import DatasetsError

    try:
        return load_dataset(name, configuration, split=split, revision=revision)
    except (OSError, ValueError, RuntimeError, DatasetsError) as error:
        raise DataError(f"task.hub: {name} at {revision} cannot be loaded ({error})") from error


def _hub(settings: TaskSettings, wanted: Sequence[str], problems: Problems) -> dict[str, Any]:
    datasets = load_hub(settings.hub, settings.table.configuration, settings.revision)
    parts: dict[str, Any] = _parts({str(name): part for name, part in datasets.items()}, settings.hub or "")
    for split, dataset in parts.items():
        for name in wanted:
            if name not in dataset.column_names:
                problems.add(
                    f"{split} has no column {name!r} (there are: {named(dataset.column_names)})",
                    "correct task.table",
                    fatal=True,
                )
        for what, do in refused_columns(dataset.features.arrow_schema, wanted):
            problems.add(f"{split}: {what}", do, fatal=True)
    return parts


def _files(path: Path) -> dict[str, Path]:
    """The files of `task.path`, by split. Raises DataError."""
    try:
        if path.is_dir():
            inside = [file for file in sorted(path.iterdir()) if file.stem in SPLITS and table_format(file)]
            for first, second in pairwise(inside):
                if first.stem == second.stem:
                    raise DataError(f"task.path: {path}: has {first.name} and {second.name}; keep one of them")
            files = _parts({file.stem: file for file in inside}, f"task.path: the folder {path}")
        elif path.is_file():
            files = {"train": path}
        else:
            raise DataError(f"task.path: {path}: no such file or folder")
        for file in files.values():
            if not file.is_file():
                raise DataError(f"task.path: {file}: is no file; put a {TABLE_ENDINGS} file there")
            if table_format(file) is None:
                kind = "; ".join(other_kind(file) or ())
                raise DataError(f"task.path: {file}: {kind or f'is no {TABLE_ENDINGS} file'}")
    except OSError as error:
        raise DataError(f"task.path: {path}: cannot be read ({error.strerror})") from error
    return files


def _local(files: dict[str, Path], delimiter: str, wanted: Sequence[str], problems: Problems) -> dict[str, Any]:
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
    """A file as a memory-mapped data set, its columns called by their number; its Arrow copy stands in `folder`."""
    import pyarrow
    from datasets import Dataset

    schema = pyarrow.schema([*((str(i), pyarrow.string()) for i in range(len(wanted))), (_LINE, pyarrow.int64())])
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
