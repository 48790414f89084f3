"""One's own data: a CSV, TSV, JSONL or Parquet file, a folder of them cut already, or a hub data set.

`task.table` says which column is what. Rows stay in a memory-mapped Arrow file; what is kept in memory is
about 100 bytes a row. Most rows may be without a label: validation and test are cut from those that have
one, and of train's rows the labelled come first where `task.train_rows` is a count.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, overload

from distill.answers.matching import words
from distill.paths import SPLITS, source
from distill.rows.records import Example
from distill.settings.task import TaskSettings
from distill.tasks.base import Task
from distill.tasks.columns import Columns
from distill.tasks.normal_form import normal
from distill.tasks.problems import Problems
from distill.tasks.sources import Source, open_source
from distill.templates import Template


class Rows(Sequence[Example]):
    """Rows of a source, made when they are asked for. `indices` are their numbers there, in order of their ids."""

    def __init__(self, source: Source, columns: Columns, indices: Any):
        self.source, self.columns, self.indices = source, columns, indices

    def __len__(self) -> int:
        return len(self.indices)

    @overload
    def __getitem__(self, index: int) -> Example: ...

    @overload
    def __getitem__(self, index: slice) -> list[Example]: ...

    def __getitem__(self, index: int | slice) -> Example | list[Example]:
        if isinstance(index, slice):
            return list(Rows(self.source, self.columns, self.indices[index]))
        return next(iter(Rows(self.source, self.columns, [self.indices[index]])))

    def __iter__(self) -> Iterator[Example]:
        for indices, batch in self.source.batches(self.indices):
            for index, cells in zip(indices, batch, strict=True):
                yield self.columns.example(cells, *self.source.part(index))


class Table(Task):
    """The task that `task.table` describes."""

    name = "table"

    def __init__(self, settings: TaskSettings):
        super().__init__(settings)
        self.columns = Columns(settings.table, settings.decimal)
        self.kind, self.description = settings.table.kind, settings.table.description or ""
        self.fields = self.columns.fields
        self._duplicates: dict[str, Any] = {}
        self._empty = 0
        self.aliases = {normal(name): tuple(map(normal, names)) for name, names in settings.table.aliases.items()}
        self.meanings = {normal(name): meaning for name, meaning in settings.table.meanings.items()}
        self._name_classes(self.columns.classes)

    def splits(self) -> dict[str, Sequence[Example]]:
        import numpy as np

        from distill.tasks.cutting import chosen, cut, first_of_equals, near_report
        from distill.tasks.duplicates import groups
        from distill.tasks.scan import folded_texts, scan

        settings = self.settings
        problems = Problems(settings.hub or str(source(settings.path)))
        rows = open_source(settings, self.columns.wanted, problems)
        seen = scan(rows, self.columns, settings.seed, problems)
        problems.raise_any()
        if self.kind == "classes":
            self._name_classes(self.columns.classes or sorted(seen.labels))
        self.rows_normalized = seen.rows_normalized

        came_in = np.array([SPLITS.index(split) for split, _ in rows.parts], np.int8)[seen.part]
        self.cut_elsewhere = len(rows.parts) > 1
        kept, at_odds = first_of_equals(seen.content, came_in, seen.label)
        exact = int((~kept & ~seen.empty).sum())
        kept &= ~seen.empty
        group = groups(seen.bands, lambda wanted: folded_texts(rows, self.columns, wanted), settings.table.similarity)
        stratum = seen.label if self.kind == "classes" else (seen.label != 0).astype(np.int64)
        result = cut(settings, kept, group, stratum, seen.order, came_in)
        near = near_report(group, kept, came_in) | {"similarity": settings.table.similarity}
        self._duplicates = {"exact": exact, "labels_at_odds": len(at_odds), "near": near, "left_out": result.left_out}
        self._empty = int(seen.empty.sum())
        self.notices = [
            *result.notices,
            *_alike(seen.labels),
            *self._notices([rows.where(int(index)) for index in at_odds[:4]], len(at_odds)),
        ]
        by_id = _ranks(seen.ids)
        taken = chosen(result, settings, seen.order, stratum)
        return {
            split: Rows(rows, self.columns, indices[np.argsort(by_id[indices], kind="stable")])
            for split, indices in zip(SPLITS, taken, strict=True)
        }

    def report(self) -> dict[str, Any]:
        return {"duplicates": self._duplicates, "empty_rows": self._empty}

    def _notices(self, at_odds: list[str], count: int) -> list[str]:
        notices = []
        if self._empty:
            notices.append(f"rows without input and label, which are left out: {self._empty}")
        if count:
            notices.append(
                f"rows whose input is there with another label as well: {count}"
                f" ({', '.join(at_odds)}{' …' if count > len(at_odds) else ''}); the first label was kept"
            )
        if self._duplicates["left_out"]:
            notices.append(
                f"rows left out: {self._duplicates['left_out']} (unlabelled near-duplicates of validation or test "
                "rows, or unlabelled rows of these splits)"
            )
        return notices

    def _name_classes(self, classes: Sequence[str]) -> None:
        table = self.settings.table
        self.classes = tuple(classes)
        prompts: tuple[Template, Template] = table_prompts(
            table.kind,
            self.description,
            self.columns.row_template,
            classes,
            choices=bool(table.choices),
            context=bool(table.context),
            meanings=self.meanings,
        )
        self.explain, self.label_only = prompts


def _alike(labels: Iterable[str]) -> list[str]:
    """A line for each two labels that differ in case, spaces or punctuation alone."""
    by_words: dict[tuple[str, ...], list[str]] = {}
    for label in sorted(labels):
        by_words.setdefault(tuple(words(label)), []).append(label)
    pairs = [" and ".join(map(repr, alike)) for alike in by_words.values() if len(alike) > 1]
    return [
        f"labels that are probably the same: {pair}; write them alike, as each is a class of its own" for pair in pairs
    ]


def _ranks(ids: Any) -> Any:
    """The place of each id among all, by code point."""
    import numpy as np
    import pyarrow.compute

    order = pyarrow.compute.sort_indices(ids).to_numpy()
    ranks = np.empty(len(order), np.int64)
    ranks[order] = np.arange(len(order))
    return ranks


_EXPLAIN = {
    "classes": (
        "Choose one of: {classes}. Explain in one or two sentences, from what is said above, which of them fits best. "
        'Then end with "So the answer is X.", where X is one of: {classes}.'
    ),
    "choices": (
        "Explain in one or two sentences which choice fits best and why. "
        'Then end with "So the answer is (x) choice.", with the letter and the text of your choice.'
    ),
    "number": (
        'Work it out in a few short sentences. Then end with "So the answer is N.", where N is a number without its'
        " unit."
    ),
    "text": (
        'Explain in one or two sentences how you find the answer. Then end with a line of its own: "Answer: ", and the'
        " answer alone."
    ),
}
_LABEL = {
    "classes": "Answer with one of these and nothing else: {classes}.",
    "choices": "Answer with the letter and the text of the best choice, and nothing else.",
    "number": "Answer with a number and nothing else.",
    "text": "Give the answer alone and nothing else.",
}


def table_prompts(
    kind: str,
    description: str,
    row_template: str,
    classes: Sequence[str],
    *,
    choices: bool,
    context: bool,
    meanings: Mapping[str, str] = MappingProxyType({}),
) -> tuple[Template, Template]:
    """(explain, label only). `row_template` shows the row, `meanings` say what classes mean; all else is taken as it
    stands.

    Retrieved context comes before the question (KAPING: Baek et al. 2023, arXiv 2306.04136).
    """
    row = (
        ("Context: {context}\n\n" if context else "")
        + row_template
        + ("\n\nAnswer choices:\n{choices}" if choices else "")
    )
    if meanings:
        lines = [f"- {_literal(name)}: {_literal(meaning)}" for name, meaning in meanings.items()]
        row += "\n\nWhat the answers mean:\n" + "\n".join(lines)
    names = ", ".join(_literal(name) for name in classes)
    return tuple(  # type: ignore[return-value]
        Template("", f"{_literal(description.strip())}\n\n{row}\n\n{asks[kind].replace('{classes}', names)}")
        for asks in (_EXPLAIN, _LABEL)
    )


def _literal(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")
