"""Inputs that are nearly the same, found in time that grows with the rows and not with their pairs.

Two texts are near-duplicates where the Jaccard similarity of their sets of 5-character shingles reaches
a threshold, after folding: compatibility forms and case folded, all but letters and digits to single
spaces, and each run of digits to one 0 unless the answer is a number. Candidates come from MinHash (Broder
1997) with 16 bands of 3 hashes: a pair of similarity 0.8 is met with probability 1 - (1 - 0.8^3)^16 = 0.99999,
one of 0.7 with 0.998. Each candidate is then compared in full with the first 50 rows of its band's bucket, and
near-duplicates of near-duplicates are of one group.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from itertools import islice

import numpy as np

SHINGLE = 5
BANDS, HASHES = 16, 3
_MOST_COMPARED = 50  # the first rows of a bucket, with which all of it are compared
_CHUNK = 1000  # rows that are hashed or read at a time
_OTHER = re.compile(r"[\W_]+")
_DIGITS = re.compile(r"\d+")
_MOST = np.uint64(2**64 - 1)
# Odd multipliers, drawn once; any would do.
_RANDOM = np.random.default_rng(20240326)
_POWERS = _RANDOM.integers(1, 2**63, SHINGLE, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
_FACTORS = _RANDOM.integers(1, 2**63, (BANDS, HASHES), dtype=np.uint64) * np.uint64(2) + np.uint64(1)
_MIXERS = _RANDOM.integers(1, 2**63, HASHES, dtype=np.uint64) * np.uint64(2) + np.uint64(1)


def folded_text(text: str, *, digits: bool = True) -> str:
    """The text as it is compared; `digits`: whether numbers are all the same."""
    text = _OTHER.sub(" ", unicodedata.normalize("NFKC", text).casefold()).strip()
    return (_DIGITS.sub("0", text) if digits else text).ljust(SHINGLE)


def similarity(first: str, second: str) -> float:
    """Jaccard similarity of two folded texts' shingles, 0 to 1."""
    return _jaccard(_shingles(first), _shingles(second))


def band_keys(folded: Sequence[str]) -> np.ndarray:
    """A (texts, BANDS) array of 64-bit keys; near-duplicates likely share one in the same band."""
    return np.concatenate(
        [_keys(folded[i : i + _CHUNK]) for i in range(0, len(folded), _CHUNK)] or [np.empty((0, BANDS), np.uint64)]
    )


def groups(keys: np.ndarray, folded: Callable[[Sequence[int]], list[str]], threshold: float) -> np.ndarray:
    """For each row the first row of its group, itself where it is alone. `folded` gives the texts of some rows."""
    parent = np.arange(len(keys))

    def root(row: int) -> int:
        while parent[row] != row:
            parent[row] = parent[parent[row]]
            row = int(parent[row])
        return row

    def merge(row: int, shingles: set[str], others: Iterable[tuple[int, set[str]]]) -> None:
        for other, theirs in others:
            # The share of the smaller set is the most that two can have in common.
            near = min(len(shingles), len(theirs)) >= threshold * max(len(shingles), len(theirs))
            if near and root(other) != root(row) and _jaccard(shingles, theirs) >= threshold:
                low, high = sorted((root(other), root(row)))
                parent[high] = low

    for band in range(keys.shape[1]):
        for bucket in _buckets(keys[:, band]):
            beginning = bucket[:_MOST_COMPARED].tolist()
            compared = dict(zip(beginning, map(_shingles, folded(beginning)), strict=True))
            for number, (row, shingles) in enumerate(compared.items()):
                merge(row, shingles, islice(compared.items(), number))
            first = int(bucket[0])
            for start in range(_MOST_COMPARED, len(bucket), _CHUNK):
                chunk = [int(row) for row in bucket[start : start + _CHUNK] if root(int(row)) != root(first)]
                for row, text in zip(chunk, folded(chunk) if chunk else [], strict=True):
                    merge(row, _shingles(text), compared.items())
    return np.array([root(row) for row in range(len(parent))], dtype=np.int64)


def _shingles(text: str) -> set[str]:
    return {text[i : i + SHINGLE] for i in range(len(text) - SHINGLE + 1)}


def _jaccard(first: set[str], second: set[str]) -> float:
    shared = len(first & second)
    return shared / (len(first) + len(second) - shared)


def _buckets(keys: np.ndarray) -> list[np.ndarray]:
    """Rows that share a key, two or more, in their order."""
    order = np.argsort(keys, kind="stable")
    bounds = np.flatnonzero(np.diff(keys[order])) + 1
    starts, ends = np.concatenate([[0], bounds]), np.concatenate([bounds, [len(keys)]])
    return [order[start:end] for start, end in zip(starts, ends, strict=True) if end - start > 1]


def _keys(folded: Sequence[str]) -> np.ndarray:
    points = np.frombuffer("".join(folded).encode("utf-32-le"), dtype=np.uint32).astype(np.uint64)
    ends = np.cumsum([len(text) for text in folded])
    starts = np.concatenate([[0], ends[:-1]])
    padded = np.concatenate([points, np.zeros(SHINGLE - 1, np.uint64)])
    hashes = np.zeros(len(points), np.uint64)
    for place, power in enumerate(_POWERS):
        hashes += padded[place : place + len(points)] * power
    hashes ^= hashes >> np.uint64(29)
    # Windows that run into the next text are none of either.
    crossing = np.unique(np.concatenate([ends - step for step in range(1, SHINGLE)]))
    keys = np.zeros((len(folded), BANDS), np.uint64)
    for band in range(BANDS):
        for factor, mixer in zip(_FACTORS[band], _MIXERS, strict=True):
            mixed = hashes * factor
            mixed ^= mixed >> np.uint64(32)
            mixed[crossing] = _MOST
            keys[:, band] += np.minimum.reduceat(mixed, starts) * mixer
    return keys
