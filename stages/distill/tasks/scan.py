"""One pass over a table's rows: what is wrong with them, and a few numbers of each to cut the splits by."""

from __future__ import annotations

import hashlib
from array import array
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np

from distill.progress import Progress
from distill.rows.permutation import seeded_hash
from distill.tasks.columns import Columns
from distill.tasks.duplicates import band_keys, folded_text
from distill.tasks.labels import of_one_form
from distill.tasks.problems import Problems, in_quotes
from distill.tasks.sources import Source

MOST_CLASSES = 200


@dataclass(frozen=True)
class Scan:
    """An entry a row in each array. `content` stands for what the row shows, `label` for its label (0: none),
    `order` is its place in the seeded order (distill.rows.permutation), `part` the split that it came in.

    ids: an Arrow array of texts. labels: rows of each label, where the kind is classes. empty: whether a row has
    neither input nor label, and is left out. rows_normalized: rows that were not in Unicode's normal form; shortened:
    rows whose label is a number that is written as 1.0 and read as 1.
    """

    ids: Any
    content: np.ndarray
    label: np.ndarray
    order: np.ndarray
    part: np.ndarray
    bands: np.ndarray
    labels: Counter[str]
    empty: np.ndarray
    rows_normalized: int
    shortened: int


def scan(source: Source, columns: Columns, seed: int, problems: Problems) -> Scan:
    """Reads every row once; its faults go to `problems`."""
    import pyarrow

    kind = columns.table.kind
    ids: list[Any] = []
    content, label, order = array("q"), array("q"), array("Q")
    part, empty = array("b"), array("b")
    bands, labels, rows_normalized, shortened = [], Counter[str](), 0, 0
    first_rows: dict[str, int] = {}
    splits = [split for split, _ in source.parts]
    with Progress("prepare, reading", len(source)) as progress:
        for indices, rows in source.batches():
            batch_ids, folded = [], []
            for index, cells in zip(indices, rows, strict=True):
                split, _ = source.part(index)
                text = columns.input(cells)
                for what, do in columns.faults(cells, text):
                    problems.add(what, do, source.where(index))
                gold = columns.label(cells)
                rows_normalized += not columns.is_normal(cells)
                if gold is not None and kind == "classes" and (gold in labels or len(labels) <= MOST_CLASSES):
                    labels[gold] += 1
                    first_rows.setdefault(gold, index)
                shortened += columns.is_shortened(cells)
                identity = columns.id(cells, text, split)
                batch_ids.append(identity)
                folded.append(folded_text(text, digits=kind != "number"))
                content.append(_number(text))
                label.append(0 if gold is None else _number(gold) or 1)
                order.append(int.from_bytes(seeded_hash(identity, seed, "split")[:8]))
                part.append(splits.index(split))
                empty.append(not text and gold is None)
            ids.append(pyarrow.array(batch_ids, pyarrow.large_string()))
            bands.append(band_keys(folded))
            progress.add(len(rows))
    if kind == "classes" and len(labels) > MOST_CLASSES:
        problems.add(
            f"more than {MOST_CLASSES} different labels",
            "choose another task.table.label, or set task.table.kind to text",
        )
    if kind == "classes" and len(labels) == 1:
        problems.add(f"every label is {in_quotes(next(iter(labels)))}", "label rows of at least two classes")
    for alike in of_one_form(labels if not columns.classes else ()):
        problems.add(
            f"the labels {' and '.join(map(in_quotes, alike))} seem to be one class",
            "write them alike, or list the classes in task.table.classes, by which case and spaces are passed over",
            ", ".join(source.where(first_rows[label]) for label in alike),
        )
    if columns.table.id:
        _check_ids(ids, source, problems)
    return Scan(
        pyarrow.concat_arrays(ids),
        np.frombuffer(content, np.int64),
        np.frombuffer(label, np.int64),
        np.frombuffer(order, np.uint64),
        np.frombuffer(part, np.int8),
        np.concatenate(bands),
        labels,
        np.frombuffer(empty, np.bool_),
        rows_normalized,
        shortened,
    )


def folded_texts(source: Source, columns: Columns, rows: Any, *, digits: bool) -> list[str]:
    """The inputs of some rows, or of all for None, as they are compared (distill.tasks.duplicates)."""
    return [folded_text(columns.input(cells), digits=digits) for _, batch in source.batches(rows) for cells in batch]


def _number(text: str) -> int:
    """63 bits that stand for a text, the same in every run."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest()) >> 1


def _check_ids(ids: list[Any], source: Source, problems: Problems) -> None:
    import pyarrow.compute

    place = 0
    repeated = {
        entry["values"]
        for entry in pyarrow.compute.value_counts(pyarrow.chunked_array(ids)).to_pylist()
        if entry["counts"] > 1
    } - {""}
    for chunk in ids if repeated else []:
        for identity in chunk.to_pylist():
            if identity in repeated:
                problems.add(
                    f"the id {in_quotes(identity)} is there more than once",
                    "make ids unique, or set task.table.id to null",
                    source.where(place),
                )
            place += 1
