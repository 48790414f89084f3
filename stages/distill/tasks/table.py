"""One's own data: a CSV, TSV, JSONL or Parquet file, a folder of them cut already, or a hub data set.

`task.table` says which column is what. Rows stay in a memory-mapped Arrow file; what is kept in memory is
about 170 bytes a row. Most rows may be without a label: validation and test are cut from those that have
one, and of train's rows the labelled come first where `task.train_rows` is a count.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, overload

from distill.errors import DataError
from distill.paths import SPLITS, source
from distill.rows.records import Example
from distill.settings.task import TaskSettings
from distill.tasks.base import Task
from distill.tasks.columns import Columns
from distill.tasks.labels import like_gaps, of_like_punctuation
from distill.tasks.normal_form import normal
from distill.tasks.problems import Problems
from distill.tasks.sources import Source, open_source
from distill.templates import Template

if TYPE_CHECKING:
    from distill.tasks.cutting import Cut
    from distill.tasks.scan import Scan


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
        self._overlap: dict[str, Any] = {}
        self._empty = 0
        self.aliases = {normal(name): tuple(map(normal, names)) for name, names in settings.table.aliases.items()}
        self.meanings = {normal(name): meaning for name, meaning in settings.table.meanings.items()}
        self._name_classes(self.columns.classes)

    def splits(self) -> dict[str, Sequence[Example]]:
        import numpy as np

        from distill.tasks.cutting import chosen, first_of_equals, near_report
        from distill.tasks.overlap import overlap_notices
        from distill.tasks.scan import scan

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
        stratum = seen.label if self.kind == "classes" else (seen.label != 0).astype(np.int64)
        try:
            group, result = self._cut(rows, seen, kept, stratum, came_in)
        except DataError as error:
            repeated = f". Rows left out, as they repeat the input of another: {exact}" if exact else ""
            raise DataError(f"{error}{repeated}") from error
        near = near_report(group, kept, came_in) | {"similarity": settings.table.similarity}
        self._duplicates = {"exact": exact, "labels_at_odds": len(at_odds), "near": near, "left_out": result.left_out}
        if self.cut_elsewhere:
            self._duplicates["overlap"] = self._overlap
        self._empty = int(seen.empty.sum())
        self.notices = [
            *result.notices,
            *(overlap_notices(self._overlap) if self.cut_elsewhere else ()),
            *_alike(seen),
            *self._notices([rows.where(int(index)) for index in at_odds[:4]], len(at_odds)),
        ]
        by_id = _ranks(seen.ids)
        taken = chosen(result, settings, seen.order, stratum)
        return {
            split: Rows(rows, self.columns, indices[np.argsort(by_id[indices], kind="stable")])
            for split, indices in zip(SPLITS, taken, strict=True)
        }

    def _cut(self, rows: Source, seen: Scan, kept: Any, stratum: Any, came_in: Any) -> tuple[Any, Cut]:
        """(groups of near-duplicates, the cut of those rows that given splits do not share or may). Digits count where
        too few rows could be cut without them.
        """
        from distill.tasks.cutting import cut
        from distill.tasks.duplicates import band_keys, groups
        from distill.tasks.overlap import overlap_settled
        from distill.tasks.scan import folded_texts

        def grouped(bands: Any, digits: bool) -> Any:
            return groups(
                bands,
                lambda wanted: folded_texts(rows, self.columns, wanted, digits=digits),
                self.settings.table.similarity,
            )

        def cut_by(group: Any) -> Cut:
            return cut(self.settings, staying, group, stratum, seen.order, came_in)

        fold = self.kind != "number"
        group = grouped(seen.bands, fold)
        # Given splits are always judged so, also where what is cut of the rest is cut by another rule.
        staying, self._overlap = overlap_settled(
            self.settings.overlap, group, kept, came_in, lambda row: rows.where(int(row))
        )
        result = cut_by(group)
        if result.missing() and fold:
            apart = grouped(band_keys(folded_texts(rows, self.columns, None, digits=False)), False)
            again = cut_by(apart)
            if again.missing() < result.missing():
                group, result = apart, again
                result.notices.append(
                    "inputs that differ in their digits alone were not taken for near-duplicates, as they are most of"
                    " the rows: dates and amounts, say"
                )
        for split, count in result.wanted.items():
            got = int((result.split == split).sum())
            name = SPLITS[split]
            if not got:
                raise DataError(
                    f"task.{name}_rows: {count} rows were to be cut and none could be: nearly all inputs are"
                    " near-duplicates of one another, which stay together; raise task.table.similarity, or show more"
                    " columns (task.table.columns)"
                )
            if got < count:
                result.notices.append(f"{name} has {got} rows and not {count}, as near-duplicates stay together")
        return group, result

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


def _alike(seen: Scan) -> list[str]:
    """What is to be known of labels that are written in nearly the same way."""
    notices = [
        f"labels that differ in punctuation alone: {' and '.join(map(repr, alike))}; each is a class of its own"
        for alike in of_like_punctuation(seen.labels)
    ]
    if gaps := like_gaps(seen.labels):
        notices.append(
            f"labels that look like missing values: {', '.join(map(repr, gaps))}; each is a class, so leave the cell"
            " empty where a row has no label"
        )
    if seen.shortened:
        notices.append(f"labels that are written as 1.0 and read as 1: {seen.shortened}")
    return notices


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
