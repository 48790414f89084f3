"""What published data sets share: their files or their hub copy, and their own splits.

A subclass says where its splits stand and how a row is read. Where validation is not published it is cut
from train before anything is limited. Near-duplicates across the published splits are refused, left out or allowed
by `task.overlap`; those between train and a validation that is cut here are counted, not moved.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from distill.errors import DataError
from distill.paths import SPLITS, source
from distill.rows.files import read_json_lines
from distill.rows.records import Example
from distill.tasks.base import Task
from distill.tasks.cutting import cut_validation, limited
from distill.tasks.problems import Problems
from distill.tasks.sources import load_hub
from distill.tasks.text_files import column_names, table_format, table_rows
from distill.templates import Template

PublishedRow = dict[str, Any]
SIMILARITY = 0.8


@dataclass(frozen=True)
class Part:
    """A published split: the name it has here and on the hub, and its files under `task.path`, JSONL or CSV,
    read one after the other."""

    split: str
    hub: str
    files: tuple[str, ...]


class Published(Task):
    """A data set that somebody published. hub_configuration: the hub data set's, None for its only one."""

    hub_configuration: str | None = None
    parts: tuple[Part, ...]
    cut_elsewhere = True

    @abstractmethod
    def example(self, row: PublishedRow, split: str, index: int) -> Example | None:
        """A row, None where it is to be passed over. Raises ValueError that says what is wrong and what
        would be right.
        """

    def splits(self) -> dict[str, list[Example]]:
        settings = self.settings
        problems = Problems(settings.hub or str(source(settings.path)))
        splits = {part.split: list(self._examples(part, problems)) for part in self.parts}
        problems.raise_any()
        if "validation" not in splits:
            splits["train"], splits["validation"] = cut_validation(
                splits["train"], settings.validation_rows, settings.seed
            )
        counts = {"train": settings.train_rows, "test": settings.test_rows, "validation": "all"}
        splits = self._without_overlap(splits)
        return {split: limited(rows, counts[split], settings.seed) for split, rows in splits.items()}

    def report(self) -> dict[str, Any]:
        return {"duplicates": {"near": self._near, "overlap": self._overlap}}

    def _examples(self, part: Part, problems: Problems) -> Iterator[Example]:
        for index, (where, row) in enumerate(
            self._hub_rows(part.hub) if self.settings.hub else self._file_rows(part.files, problems)
        ):
            try:
                example = self.example(row, part.split, index)
            except ValueError as error:
                problems.add(str(error), "compare with the published data set", where)
                continue
            if example is not None:
                yield self.normal(example)

    def _hub_rows(self, name: str) -> Iterator[tuple[str, PublishedRow]]:
        rows = load_hub(self.settings.hub, self.hub_configuration, self.settings.revision, name)
        for index, row in enumerate(rows):
            yield f"{name} row {index + 1}", row

    def _file_rows(self, files: tuple[str, ...], problems: Problems) -> Iterator[tuple[str, PublishedRow]]:
        for name in files:
            path: Path = source(self.settings.path) / name
            if not path.is_file():
                raise DataError(f"{path}: no such file; task.path must name the folder with the published files")
            if table_format(path) == "csv":
                columns = column_names(path, "csv", ",")
                for line, row in table_rows(path, "csv", columns, ",", problems, f"{name} "):
                    yield f"{name}:{line}", row
            else:
                for line, row in read_json_lines(path):
                    yield f"{path.name}:{line}", row

    def _without_overlap(self, splits: Mapping[str, list[Example]]) -> dict[str, list[Example]]:
        """The splits without the rows that the published ones share, where `task.overlap` leaves them out.

        Counts groups of near-duplicate inputs that are in more than one split (distill.tasks.duplicates).
        """
        import numpy as np

        from distill.tasks.cutting import near_report
        from distill.tasks.duplicates import band_keys, folded_text, groups
        from distill.tasks.overlap import overlap_notices, overlap_settled

        rows = [row for split in SPLITS for row in splits[split]]
        part = np.repeat(np.arange(len(SPLITS)), [len(splits[split]) for split in SPLITS])
        folded = [folded_text(row.input, digits=self.kind != "number") for row in rows]
        group = groups(band_keys(folded), lambda wanted: [folded[row] for row in wanted], SIMILARITY)
        kept = np.ones(len(part), dtype=bool)
        self._near = near_report(group, kept, part) | {"similarity": SIMILARITY}
        # A validation that was cut here came in train.
        published = [name if any(name == own.split for own in self.parts) else "train" for name in SPLITS]
        came_in = np.array([SPLITS.index(name) for name in published])[part]
        kept, self._overlap = overlap_settled(
            self.settings.overlap, group, kept, came_in, lambda row: f"{rows[row].source} ({SPLITS[part[row]]})"
        )
        self.notices += overlap_notices(self._overlap)
        return {
            split: [
                row for row, stays, own in zip(rows, kept.tolist(), part.tolist(), strict=True) if stays and own == i
            ]
            for i, split in enumerate(SPLITS)
        }


def text(row: PublishedRow, name: str) -> str:
    """A column's text. Raises ValueError where it is missing or empty."""
    value = row.get(name)
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"field {name!r} is {value!r}; it must be a text that is not empty")
    return value.strip()


class Arithmetic(Published):
    kind = "number"
    description = "Solve a word problem of arithmetic."
    fields = ("question",)
    explain = Template(
        system="",
        user=(
            '{question}\n\nWork it out step by step, in a few short sentences. Then end with "So the answer is N.",'
            " where N is a number without its unit."
        ),
    )
    label_only = Template(system="", user="{question}\n\nAnswer with a number and nothing else.")
