"""Token ids of texts that were tokenized before: beside the response store, shared by all experiments of a clone.

A file is named by the hash of the tokenizer, the texts and the limit, so that what it holds can never be stale. It is
written whole and then renamed, so that any number of writers do no harm, and its content is checked when it is read.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from distill import paths
from distill.rows.files import whole_file

# Below, tokenizing takes less than half a second, and a file is not worth its place. On 100,000 rows see
# benchmarks/token_cache.py.
FEWEST = 20_000
MOST_FILES = 32  # the newest are kept
_CHECKSUM = 32  # bytes

# Token ids of each text, and how many texts were cut.
TokenizedTexts = tuple[list[list[int]], int]


def cached(
    make: Callable[[], TokenizedTexts], tokenizer: Any, texts: Sequence[str], limits: Sequence[Any]
) -> TokenizedTexts:
    """Reads what was tokenized before, or tokenizes with `make` and keeps it.

    `limits` are what else `make` depends on. Fewer than FEWEST texts, and texts for a tokenizer without a file of its
    own, are always tokenized. A file that is damaged is made anew, with a message.
    """
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if len(texts) < FEWEST or backend is None:
        return make()
    file = paths.tokens() / f"{_key(json.loads(backend.to_str()), texts, limits)}.bin"
    if file.exists():
        try:
            return _read(file, len(texts))
        except (OSError, ValueError) as error:
            print(f"train: {file}: {error}; tokenized again", file=sys.stderr, flush=True)
    tokenized = make()
    try:
        _write(file, tokenized)
    except OSError as error:
        print(f"train: {file}: tokens are not kept ({error})", file=sys.stderr, flush=True)
    return tokenized


def _key(tokenizer: dict[str, Any], texts: Sequence[str], limits: Sequence[Any]) -> str:
    # What the last call left behind in the tokenizer changes nothing of the next.
    fixed = {name: value for name, value in tokenizer.items() if name not in ("truncation", "padding")}
    digest = hashlib.sha256(json.dumps([fixed, *limits]).encode())
    for text in texts:
        data = text.encode("utf-8", "surrogatepass")
        digest.update(len(data).to_bytes(8, "little") + data)
    return digest.hexdigest()[:40]


def _write(file: Path, tokenized: TokenizedTexts) -> None:
    """Checksum; then as int32: how many texts there are and were cut, the length of each, and all tokens."""
    rows, cut = tokenized
    head = np.array([len(rows), cut, *map(len, rows)], dtype="<i4")
    content = head.tobytes() + np.fromiter((token for row in rows for token in row), dtype="<i4").tobytes()
    with whole_file(file) as out:
        out.write(hashlib.sha256(content).digest() + content)
    for old in sorted(file.parent.glob("*.bin"), key=lambda path: path.stat().st_mtime, reverse=True)[MOST_FILES:]:
        old.unlink(missing_ok=True)


def _read(file: Path, count: int) -> TokenizedTexts:
    """Raises ValueError where the file is not as it was written."""
    data = file.read_bytes()
    content = data[_CHECKSUM:]
    if hashlib.sha256(content).digest() != data[:_CHECKSUM]:
        raise ValueError("damaged, as its checksum differs")
    numbers = np.frombuffer(content, dtype="<i4")
    if numbers[0] != count:
        raise ValueError(f"holds {numbers[0]} texts, not {count}")
    ends = np.cumsum(numbers[2 : 2 + count]).tolist()
    tokens = numbers[2 + count :].tolist()
    return [tokens[start:end] for start, end in zip([0, *ends], ends, strict=False)], int(numbers[1])
