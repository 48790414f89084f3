"""What a file of rows seems to hold: which column is the label, which are read, and of which kind answers are.

A guess is made where the data speaks, and is shown; where it does not, a person is asked (distill.start.answers).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from distill.answers.matching import same_label
from distill.errors import DataError
from distill.tasks.problems import Problems
from distill.tasks.text_files import Cells, column_names, parquet_rows, rows_of

FORMATS = (".csv", ".tsv", ".jsonl", ".parquet")
DELIMITERS = (",", ";", "\t", "|")
# Rows that are looked at: enough to see rare labels, few enough for a file of any size.
MOST_ROWS = 20_000
# A column of more different values is no set of classes.
MOST_CLASSES = 50
# By these names, in lower case, columns go by convention.
LABELS = ("label", "labels", "gold", "gold_label", "target", "class", "category", "answer", "intent", "sentiment")
IDS = ("id", "row_id", "uuid", "guid", "key", "idx", "index")
CHOICES = ("choices", "options", "candidates")
RATIONALES = ("rationale", "explanation", "human_rationale")


@dataclass(frozen=True)
class Look:
    """A file's columns and its first rows. `delimiter` is between the cells of a .csv."""

    path: Path
    delimiter: str
    columns: tuple[str, ...]
    rows: tuple[Cells, ...]

    def values(self, column: str) -> list[str]:
        """The column's cells that are not empty."""
        return [text for row in self.rows if (text := (row[column] or "").strip())]

    def labels(self) -> tuple[str, ...]:
        """Columns that may hold the label, the likeliest first; one by its name comes before all others."""
        named = [column for column in self.columns if column.lower() in LABELS]
        return tuple(dict.fromkeys([*named, *(column for column in self.columns if self._repeats(column))]))

    def id(self) -> str | None:
        """A column of unique ids, by its name."""
        for column in self.columns:
            values = self.values(column)
            if column.lower() in IDS and len(values) == len(set(values)) == len(self.rows):
                return column
        return None

    def choices(self) -> str | None:
        """A column of the rows' own answers, by its name."""
        return next((column for column in self.columns if column.lower() in CHOICES), None)

    def rationale(self) -> str | None:
        """A column of people's rationales, by its name."""
        return next((column for column in self.columns if column.lower() in RATIONALES), None)

    def kind(self, label: str | None) -> str | None:
        """Of which kind the answers in `label` are: classes, choices, number or text; None where that is not seen."""
        if self.choices():
            return "choices"
        values = self.values(label) if label else []
        if not values:
            return None
        distinct = set(values)
        if len(distinct) > MOST_CLASSES or len(distinct) > len(values) / 2:
            return "number" if all(same_label("number", value, value) for value in values) else "text"
        return "classes"

    def inputs(self, taken: Sequence[str | None]) -> tuple[str, ...]:
        """The columns that are read: all with text, but those that are `taken` for something else."""
        left = [column for column in self.columns if column not in taken and self.values(column)]
        return tuple(column for column in left if column.lower() not in IDS)

    def _repeats(self, column: str) -> bool:
        values = self.values(column)
        distinct = set(values)
        return 2 <= len(distinct) <= min(MOST_CLASSES, len(values) / 2) and max(map(len, distinct)) <= 60


def look(path: Path) -> Look:
    """Looks at a file's first MOST_ROWS rows. Raises DataError where it is none of FORMATS or cannot be read."""
    if not path.is_file():
        raise DataError(f"{path}: no such file")
    if path.suffix not in FORMATS:
        raise DataError(f"{path}: is no {', '.join(FORMATS)} file")
    delimiter = _delimiter(path) if path.suffix == ".csv" else ","
    columns = column_names(path, delimiter)
    if not columns:
        raise DataError(f"{path}: has no columns")
    problems = Problems(str(path))
    rows = parquet_rows(path, columns) if path.suffix == ".parquet" else rows_of(path, columns, delimiter, problems)
    cells = tuple(row for _, row in islice(rows, MOST_ROWS))
    problems.raise_any()
    if not cells:
        raise DataError(f"{path}: has no rows")
    return Look(path, delimiter, columns, cells)


def look_at_hub(name: str, configuration: str | None, revision: str) -> Look:
    """Looks at a hub data set's train rows, at its pinned revision. Raises DataError where it cannot be loaded."""
    from datasets import load_dataset

    from distill.tasks.text_files import as_text

    try:
        rows = load_dataset(name, configuration, revision=revision, split="train")
    except (OSError, ValueError, RuntimeError) as error:
        raise DataError(f"{name} at {revision} cannot be loaded ({error})") from error
    columns = tuple(rows.column_names)
    first = rows.select(range(min(MOST_ROWS, len(rows))))
    return Look(
        Path(name),
        ",",
        columns,
        tuple({key: _named(rows.features, key, value, as_text) for key, value in row.items()} for row in first),
    )


def _named(features: Mapping[str, object], column: str, value: object, as_text: object) -> str | None:
    names = getattr(features[column], "names", None)
    if names is not None and isinstance(value, int):
        return names[value] if value >= 0 else None
    return as_text(value)  # type: ignore[operator]


def _delimiter(path: Path) -> str:
    """The one of DELIMITERS that is most often in the header."""
    with open(path, encoding="utf-8-sig", errors="replace", newline="") as file:
        header = file.readline()
    return max(DELIMITERS, key=header.count)
