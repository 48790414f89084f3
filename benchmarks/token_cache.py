"""Seconds to tokenize many rows, and to read them from the cache.

    python benchmarks/token_cache.py --rows 100000

Made-up rows of 50 words with rationales of 25, a byte-level BPE of 8,000 tokens trained on some of them, one thread.
One JSON line comes out: seconds to tokenize inputs and rationales without the cache, with it empty, and with it full,
each of the process and the least of some runs, and the megabytes that it takes. With --record NAME the runs are kept
for the docs (benchmarks/tables.py).
"""

from __future__ import annotations

import argparse
import json
import os
import random
import tempfile
import time
from pathlib import Path

os.environ["TOKENIZERS_PARALLELISM"] = "false"

import tables

from distill import paths
from distill.student import token_cache
from distill.student.tokenizing import encode, train_tokenizer

SYLLABLES = ("ba", "co", "di", "fu", "ga", "he", "ki", "lo", "mu", "ne", "pi", "ra", "so", "tu", "ve", "za")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--record", metavar="NAME", help="write the rows to metrics/tables/NAME.json")
    given = parser.parse_args()
    numbers = random.Random(1)
    words = ["".join(numbers.choices(SYLLABLES, k=numbers.randint(1, 4))) for _ in range(20_000)]
    inputs, rationales = (
        [" ".join(numbers.choices(words, k=length)) for _ in range(given.rows)] for length in (50, 25)
    )
    tokenizer = train_tokenizer(inputs[:5000], 8000)

    def seconds() -> float:
        started = time.process_time()
        for texts, target in ((inputs, False), (rationales, True)):
            encode(tokenizer, texts, 1024, target)
        return time.process_time() - started

    with tempfile.TemporaryDirectory() as folder:
        os.environ["DISTILL_STORE"] = str(Path(folder) / "responses.sqlite")
        least, token_cache.FEWEST = token_cache.FEWEST, given.rows + 1
        without = [seconds() for _ in range(given.runs)]
        token_cache.FEWEST = least
        empty = seconds()
        full = [seconds() for _ in range(given.runs)]
        size = sum(file.stat().st_size for file in paths.tokens().glob("*.bin"))
    size = round(size / 1e6, 1)
    least_of = {"without_s": round(min(without), 2), "empty_s": round(empty, 2), "full_s": round(min(full), 2)}
    print(json.dumps({"rows": given.rows} | least_of | {"mb": size}))
    if given.record:
        runs = [{"without_s": round(a, 3), "full_s": round(b, 3)} for a, b in zip(without, full, strict=True)]
        tables.record(given.record, "docs/training.md", runs, "token_cache", texts=given.rows, mb=size)


if __name__ == "__main__":
    main()
