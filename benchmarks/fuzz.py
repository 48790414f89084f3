"""Throws random mutations at all that comes from outside: each is taken, or refused in one line, in seconds.

run     python benchmarks/fuzz.py > metrics/fuzz.json   # 5,000 of each of five, in about a minute
        python benchmarks/fuzz.py --mutations 100       # what the test suite runs
        python benchmarks/fuzz.py --only tables --seed 7

The five: params.yaml, tables (CSV, JSONL, Parquet), files of recorded answers, files of exported answers, and bodies
that a server sends. The seeds are params.yaml and the files of benchmarks/seeds; a mutation flips bits, cuts, repeats,
or puts in what readers stumble over. Prints a JSON object: by target the mutations, how many were taken, and what
failed, each kind once with the file that did it, which is kept. Exits with 1 where anything failed.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import random
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
SEEDS = ROOT / "benchmarks" / "seeds"
LONGEST_S = 10
STUMBLES = (
    b'"', b"'", b",", b";", b"\n", b"\r", b"\t", b"\0", b"\xff", b"\xef\xbb\xbf", b"{", b"}", b"[", b"]", b":", b"- ",
    b"-1", b"1e400", b"1e-400", b"NaN", b"Infinity", b"null", b"true", b"yes", b"9" * 5000, b"[" * 3000, b"\\",
    b"\\u0000", b"\\ud800", b"\\udfff", b"&a ", b"*a", b"<<: ", b"!!python/none ", b"? ", b"|",
    b"\xe2\x80\xae", b"\xf0\x9f\x91\x8d",
)  # fmt: skip


class Hang(BaseException):
    """A mutation took longer than LONGEST_S."""


def mutated(content: bytes, numbers: random.Random) -> bytes:
    data = bytearray(content)
    for _ in range(numbers.randint(1, 5)):
        at, kind = numbers.randrange(len(data) + 1), numbers.random()
        if kind < 0.3 and at < len(data):
            data[at] ^= 1 << numbers.randrange(8)
        elif kind < 0.65:
            data[at:at] = numbers.choice(STUMBLES)
        elif kind < 0.8:
            del data[at : at + numbers.randrange(1, 60)]
        elif kind < 0.85:
            del data[at:]
        else:
            start = numbers.randrange(len(data) + 1)
            data[at:at] = data[start : start + numbers.randrange(1, 200)]
    return bytes(data)


def targets() -> dict[str, tuple[list[Path], Callable[[Path], object]]]:
    """By name the seeds and what reads them."""
    sys.path.insert(0, str(ROOT / "stages"))
    from distill.answers.parsing import parse_response
    from distill.errors import UserError
    from distill.settings import load_settings
    from distill.tasks.survey import survey
    from distill.tasks.table import Table
    from distill.teacher.exported import checked_export
    from distill.teacher.failures import judge_failure, symptom_of_status
    from distill.teacher.reading import Unusable, answer_thought, answer_tokens, read_completion
    from distill.teacher.recorded import read_completions

    plain = load_settings(ROOT / "params.yaml").task
    columns = replace(plain.table, columns=("message",), label="desk", description="Which desk?", kind="classes")
    settings = replace(plain, name="table", train_rows="all", validation_rows=2, test_rows=2, table=columns)

    def table(path: Path) -> None:
        task = Table(replace(settings, path=str(path)))
        splits = task.splits()
        survey(splits, task, 128, 32)
        json.dumps([[row.input, row.label] for rows in splits.values() for row in rows], ensure_ascii=False).encode()

    def body(path: Path) -> None:
        content = path.read_bytes()
        judge_failure(symptom_of_status(400, content))  # the same bytes as an error's
        try:
            reading = read_completion(content)
        except Unusable as unusable:
            raise UserError(unusable.broke) from unusable
        if reading.text is not None:
            answer_tokens(content)
            answer_thought(content)
            parse_response(reading.text, kind="classes", choices=("post", "till"))

    return {
        "params": ([ROOT / "params.yaml"], load_settings),
        "tables": (sorted(SEEDS.glob("table.*")), table),
        "recorded": (sorted(SEEDS.glob("recorded*")), read_completions),
        "imports": ([SEEDS / "exported.jsonl"], lambda path: list(checked_export(path))),
        "bodies": (sorted(SEEDS.glob("body*.json")), body),
    }


@contextlib.contextmanager
def alarm() -> Iterator[None]:
    def ring(*_: object) -> None:
        raise Hang(f"more than {LONGEST_S} s")

    signal.signal(signal.SIGALRM, ring)
    signal.alarm(LONGEST_S)
    try:
        yield
    finally:
        signal.alarm(0)


def thrown_at(seeds: list[Path], read: Callable[[Path], object], count: int, seed: int, kept: Path) -> dict[str, Any]:
    from distill.errors import UserError

    numbers, taken, failures = random.Random(seed), 0, {}
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        for _ in range(count):
            origin = numbers.choice(seeds)
            path = Path(folder) / origin.name
            path.write_bytes(mutated(origin.read_bytes(), numbers))
            try:
                with alarm(), contextlib.redirect_stderr(io.StringIO()):
                    read(path)
                taken += 1
            except UserError as error:
                str(error).encode()  # it can be printed
            except (Exception, Hang) as error:
                place = traceback.extract_tb(error.__traceback__)[-1]
                kind = f"{type(error).__name__} at {Path(place.filename).name}:{place.lineno}: {str(error)[:100]}"
                if kind not in failures:
                    kept.mkdir(parents=True, exist_ok=True)
                    failures[kind] = str(kept / f"{len(failures)}-{origin.name}")
                    Path(failures[kind]).write_bytes(path.read_bytes())
    return {"mutations": count, "taken": taken, "failures": failures}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mutations", type=int, default=5000, help="of each target; default: %(default)s")
    parser.add_argument("--seed", type=int, default=1, help="default: %(default)s")
    parser.add_argument("--only", choices=targets(), help="one target")
    parser.add_argument("--kept", type=Path, default=Path("fuzz-failures"), help="folder; default: %(default)s")
    options = parser.parse_args()
    results = {}
    for name, target in targets().items():
        if options.only in (None, name):
            results[name] = thrown_at(*target, options.mutations, options.seed, options.kept / name)
            print(f"{name}: {options.mutations} mutations", file=sys.stderr, flush=True)
    print(json.dumps(results, indent=2))
    return int(any(result["failures"] for result in results.values()))


if __name__ == "__main__":
    sys.exit(main())
