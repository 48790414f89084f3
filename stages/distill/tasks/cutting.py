"""Which rows go where: of a table equal inputs once, near-duplicates in one split, labels in proportion; of any task a
seeded cut, and limits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from distill.errors import DataError
from distill.rows.permutation import seeded_order, share
from distill.rows.records import Example
from distill.settings.task import TaskSettings
from distill.sizes import AUTO, auto_in_words, auto_test_rows, auto_validation_rows

TRAIN, VALIDATION, TEST, OUT = 0, 1, 2, -1
# A group of more rows than this is one message in many copies: it stays in train, as most of it would be left out.
LARGEST_CUT_GROUP = 20


@dataclass
class Cut:
    """`split` is an entry a row: TRAIN, VALIDATION, TEST or OUT. `wanted` is what was asked for by split, and `notices`
    says what `auto` came to."""

    split: np.ndarray
    wanted: dict[int, int] = field(default_factory=dict)
    left_out: int = 0
    notices: list[str] = field(default_factory=list)

    def missing(self) -> int:
        """How many rows fewer there are in validation and test than were asked for."""
        return sum(max(0, count - int((self.split == split).sum())) for split, count in self.wanted.items())


def first_of_equals(content: np.ndarray, part: np.ndarray, label: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(whether a row is kept, rows of an input that has more than one gold label).

    Of equal inputs in one part the first labelled row is kept, else the first.
    """
    order = np.lexsort((np.arange(len(content)), label == 0, content, part))
    same = (np.diff(content[order]) == 0) & (np.diff(part[order]) == 0)
    kept = np.ones(len(content), dtype=bool)
    kept[order[1:][same]] = False
    labels = label[order]
    at_odds = same & (labels[1:] != labels[:-1]) & (labels[1:] != 0) & (labels[:-1] != 0)
    return kept, np.sort(np.concatenate([order[1:][at_odds], order[:-1][at_odds]]))


def cut(
    settings: TaskSettings,
    kept: np.ndarray,
    group: np.ndarray,
    stratum: np.ndarray,
    order: np.ndarray,
    came_in: np.ndarray,
) -> Cut:
    """Validation and test, from labelled rows, where the data does not bring them.

    All arrays have an entry a row: whether it is kept, its group of near-duplicates, its stratum (0: no label),
    its place in the seeded order and the split it came in. Whole groups are taken in seeded order until each
    stratum has its share. What has no label of a group that was taken is left out, as train would know it by
    its like. Raises DataError where the labelled rows are too few.
    """
    result = Cut(np.where(kept, came_in, OUT).astype(np.int8))
    unlabelled = kept & (came_in != TRAIN) & (stratum == 0)
    result.split[unlabelled] = OUT
    result.left_out = int(unlabelled.sum())
    pool = kept & (came_in == TRAIN) & (stratum != 0)
    result.wanted, result.notices = _wanted(settings, int(pool.sum()), set(np.unique(came_in).tolist()))
    sizes = np.bincount(group[kept], minlength=len(group))
    # A group that a given validation or test row is in stays where it is; such overlaps are reported, not moved.
    fixed = np.isin(group, group[kept & (came_in != TRAIN)]) | (sizes[group] > LARGEST_CUT_GROUP)
    for split, wanted in result.wanted.items():
        rows = np.flatnonzero(pool & ~fixed)
        members = kept & np.isin(
            group, _taken(rows[np.argsort(order[rows], kind="stable")], group, stratum, shares(stratum[pool], wanted))
        )
        result.split[members] = np.where(stratum[members] != 0, split, OUT)
        result.left_out += int((members & (stratum == 0)).sum())
        pool &= ~members
    return result


def chosen(result: Cut, settings: TaskSettings, order: np.ndarray, stratum: np.ndarray) -> list[np.ndarray]:
    """The rows of train, validation and test, after `task.train_rows`, and `task.test_rows` where test was given.

    The first of the seeded order are taken, of train those with a label before all others, so that a smaller
    count is a subset of a larger one.
    """
    chosen_rows = []
    limits = {TRAIN: settings.train_rows, TEST: "all" if TEST in result.wanted else settings.test_rows}
    for split in (TRAIN, VALIDATION, TEST):
        rows, limit = np.flatnonzero(result.split == split), limits.get(split, "all")
        if limit != "all":
            count = _count(limit, split, len(rows))
            last = (stratum[rows] == 0) & (split == TRAIN)
            rows = rows[np.lexsort((order[rows], last))[:count]]
        chosen_rows.append(rows)
    return chosen_rows


def near_report(group: np.ndarray, kept: np.ndarray, came_in: np.ndarray) -> dict[str, int]:
    """Rows that have a near-duplicate, their groups, and the groups that came in more than one split."""
    sizes = np.bincount(group[kept], minlength=len(group))
    pairs = np.unique(np.stack([group[kept], came_in[kept].astype(np.int64)]), axis=1)
    return {
        "rows": int((kept & (sizes[group] > 1)).sum()),
        "groups": int((sizes > 1).sum()),
        "across_splits": int((np.bincount(pairs[0]) > 1).sum()),
    }


def shares(strata: np.ndarray, wanted: int) -> dict[int, int]:
    """How many of `wanted` rows each stratum gets, in proportion, the largest remainders rounded up."""
    values, counts = np.unique(strata, return_counts=True)
    exact = counts * wanted / max(1, counts.sum())
    counts_of = np.floor(exact).astype(int)
    for place in np.argsort(counts_of - exact, kind="stable")[: wanted - int(counts_of.sum())]:
        counts_of[place] += 1
    return {int(value): int(count) for value, count in zip(values, counts_of, strict=True)}


def _count(wanted: int | float | str, split: int, labelled: int) -> int:
    """A count of rows, of a setting that is a count, a share or auto."""
    if wanted == AUTO:
        return auto_test_rows(labelled) if split == TEST else auto_validation_rows(labelled)
    return wanted if isinstance(wanted, int) else max(1, share(labelled, float(wanted)))


def _wanted(settings: TaskSettings, total: int, brought: set[int]) -> tuple[dict[int, int], list[str]]:
    """Labelled rows to cut for each split that the data does not bring, test first, so that it stays as it is; and
    what `auto` came to."""
    counts, notices = {}, []
    for split, name, wanted in (
        (TEST, "test", settings.test_rows),
        (VALIDATION, "validation", settings.validation_rows),
    ):
        if split in brought:
            continue
        if wanted == "all":
            raise DataError(
                f"task.{name}_rows: is all, and the data has no {name} part: "
                "give a count of labelled rows to cut, a share below 1, or auto"
            )
        counts[split] = _count(wanted, split, total)
        if wanted == AUTO and total:
            notices.append(auto_in_words(f"task.{name}_rows", counts[split], total))
    if sum(counts.values()) >= total:
        wishes = " and ".join(
            f"{count} for {('train', 'validation', 'test')[split]}" for split, count in counts.items()
        )
        raise DataError(
            f"{total} rows have a label, and {wishes or 'none'} are to be cut (task.test_rows, task.validation_rows):"
            " none would be left for the prompt search. Label more rows (some 100 to begin with), or lower the counts"
        )
    return counts, notices


def _taken(rows: np.ndarray, group: np.ndarray, stratum: np.ndarray, need: dict[int, int]) -> list[int]:
    """Groups of `rows`, in their order, that fill what each stratum needs, or as nearly as whole groups do."""
    members: dict[int, list[int]] = {}
    for row in rows:
        members.setdefault(int(group[row]), []).append(int(stratum[row]))
    left = sum(need.values())
    taken: dict[int, None] = {}
    # First what fits its stratum's share; then, where groups were too large for it, whatever still fits.
    for strict in (True, False):
        for number, strata in members.items():
            if number not in taken and len(strata) <= (min(need[strata[0]], left) if strict else left):
                taken[number] = None
                left -= len(strata)
                need[strata[0]] -= len(strata)
    return list(taken)


def limited(rows: Sequence[Example], count: int | str, seed: int) -> list[Example]:
    """The first `count` rows of the seeded order; all, or of a published test split auto. A smaller count is a subset
    of a larger one."""
    if count == "all":
        return list(rows)
    return seeded_order(rows, seed, "split")[: auto_test_rows(len(rows)) if count == AUTO else int(count)]


def cut_validation(
    rows: Sequence[Example], wanted: int | float | str, seed: int
) -> tuple[list[Example], list[Example]]:
    """(rest, validation): a count of rows, a share below 1, or auto, taken off in seeded order.

    Raises DataError when nothing would be left to train on.
    """
    if wanted == AUTO:
        count = auto_validation_rows(len(rows))
    else:
        count = wanted if isinstance(wanted, int) else share(len(rows), float(wanted))
    if not 0 < count < len(rows):
        raise DataError(
            f"task.validation_rows: {wanted} of {len(rows)} rows leaves no row to validate or none to train on"
        )
    order = seeded_order(rows, seed, "split")
    return order[count:], order[:count]
