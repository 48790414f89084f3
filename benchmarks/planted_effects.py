"""Measure whether the project's tests and intervals err as often as they state, on predictions with known effects.

    python benchmarks/planted_effects.py                one JSON line; half a minute on one core
    python benchmarks/planted_effects.py --draws 200

Each draw makes answers whose true accuracies are known, asks the code that the pipeline uses, and counts. Planted are
differences of 0 and of 5 points, with few and with many rows on which two answerers differ; seeds that spread by 3
points, and seeds of which one in five stays at chance, which is no normal distribution: what Student's t is worth
there is measured and not promised. `size` is how often a difference that is not there is found, at 5 %; `coverage` how
often a 95 % interval has the truth in it; `power` how often a planted difference is found. A check holds where its
rate keeps what is stated, within three standard errors of so many draws.

`optimism` is by how much the best of 20 equally good answerers looks better than it is, on the 200 rows that it was
chosen on and on 200 others: why winners are reported on rows that did not choose them. With --record NAME the rates
are kept for the docs (benchmarks/tables.py).
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import tables

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "stages"))

from distill.intervals import compare, student_t, wilson

STATED = 0.95
CHANCE = 1 / 3
Draw = Callable[[np.random.Generator], bool]


def pairs(rng: np.random.Generator, rows: int, differing: float, difference: float) -> tuple[list[bool], list[bool]]:
    """Two answerers right or wrong on the same rows: they differ on a share of rows, the first being ahead on more."""
    ahead = (differing + difference) / 2
    kind = rng.choice(4, size=rows, p=[ahead, differing - ahead, (1 - differing) * 0.8, (1 - differing) * 0.2])
    return np.isin(kind, (0, 2)).tolist(), np.isin(kind, (1, 2)).tolist()


def found(rows: int, differing: float, difference: float) -> Draw:
    """Whether McNemar's exact test finds a difference at 5 %."""
    return lambda rng: compare(*pairs(rng, rows, differing, difference), STATED).p_value <= 1 - STATED


def paired_cover(rows: int, differing: float, difference: float) -> Draw:
    """Whether the paired bootstrap's interval has the true difference in it."""

    def draw(rng: np.random.Generator) -> bool:
        made = compare(*pairs(rng, rows, differing, difference), STATED, seed=int(rng.integers(2**31)))
        return made.ci_low <= difference <= made.ci_high

    return draw


def wilson_cover(rows: int, accuracy: float) -> Draw:
    """Whether Wilson's interval has the true accuracy in it."""

    def draw(rng: np.random.Generator) -> bool:
        low, high = wilson(int(rng.binomial(rows, accuracy)), rows, STATED)
        return low <= accuracy <= high

    return draw


def seeds_cover(seeds: int, spread: float, failing: float = 0.0, rows: int = 600) -> Draw:
    """Whether Student's t over seeds has the expected accuracy of a training in it; some stay at chance."""
    expected = (1 - failing) * 0.85 + failing * CHANCE

    def draw(rng: np.random.Generator) -> bool:
        true = np.where(rng.random(seeds) < failing, CHANCE, np.clip(rng.normal(0.85, spread, seeds), 0, 1))
        low, high = student_t((rng.binomial(rows, true) / rows).tolist(), STATED)
        return low <= expected <= high

    return draw


def difference_cover(seeds: int, spread: float, difference: float, rows: int = 600) -> Draw:
    """Whether Student's t of differences paired by seed has the true difference of two arms in it."""

    def draw(rng: np.random.Generator) -> bool:
        shared = rng.normal(0.8, spread, seeds)
        arms = [np.clip(shared + lead + rng.normal(0, spread / 2, seeds), 0, 1) for lead in (difference, 0.0)]
        first, second = (rng.binomial(rows, arm) / rows for arm in arms)
        low, high = student_t((first - second).tolist(), STATED)
        return low <= difference <= high

    return draw


# name -> (what is drawn, what kind of rate it is)
CHECKS: dict[str, tuple[Draw, str]] = {
    "mcnemar_200_rows_10_differ": (found(200, 0.05, 0.0), "size"),
    "mcnemar_600_rows_60_differ": (found(600, 0.10, 0.0), "size"),
    "mcnemar_600_rows_240_differ": (found(600, 0.40, 0.0), "size"),
    "mcnemar_600_rows_planted_5_points": (found(600, 0.15, 0.05), "power"),
    "bootstrap_200_rows_10_differ": (paired_cover(200, 0.05, 0.0), "coverage"),
    "bootstrap_600_rows_60_differ": (paired_cover(600, 0.10, 0.0), "coverage"),
    "bootstrap_600_rows_planted_5_points": (paired_cover(600, 0.15, 0.05), "coverage"),
    "wilson_100_rows_at_50": (wilson_cover(100, 0.50), "coverage"),
    "wilson_600_rows_at_85": (wilson_cover(600, 0.85), "coverage"),
    "wilson_600_rows_at_98": (wilson_cover(600, 0.98), "coverage"),
    "students_t_3_seeds": (seeds_cover(3, 0.03), "coverage"),
    "students_t_5_seeds": (seeds_cover(5, 0.03), "coverage"),
    "students_t_5_seeds_planted_5_points_paired": (difference_cover(5, 0.03, 0.05), "coverage"),
    "students_t_5_seeds_one_in_five_at_chance": (seeds_cover(5, 0.03, failing=0.2), "not promised"),
    "students_t_20_seeds_one_in_five_at_chance": (seeds_cover(20, 0.03, failing=0.2), "not promised"),
}


def check(name: str, draws: int, seed: int) -> dict[str, float | bool | str | None]:
    """The rate of one check, and whether it keeps what is stated (None where nothing is)."""
    draw, kind = CHECKS[name]
    rng = np.random.default_rng([seed, *name.encode()])
    rate = sum(draw(rng) for _ in range(draws)) / draws
    slack = 3 * math.sqrt(STATED * (1 - STATED) / draws)
    holds = {"size": rate <= 1 - STATED + slack, "coverage": rate >= STATED - slack}.get(kind)
    return {"kind": kind, "rate": round(rate, 4), "holds": holds}


def optimism(draws: int, seed: int, answerers: int = 20, rows: int = 200, accuracy: float = 0.8) -> dict[str, float]:
    """By how much the best of equals looks better than it is, on the rows that chose it and on others."""
    rng = np.random.default_rng([seed, 20])
    chosen, others = rng.binomial(rows, accuracy, (2, draws, answerers)) / rows
    best = chosen.argmax(axis=1)
    picked = np.arange(draws)
    return {
        "on_the_rows_that_chose": round(float(chosen[picked, best].mean() - accuracy), 4),
        "on_other_rows": round(float(others[picked, best].mean() - accuracy), 4),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--record", metavar="NAME", help="write the rows to metrics/tables/NAME.json")
    asked = parser.parse_args()
    started = time.perf_counter()
    checks = {name: check(name, asked.draws, asked.seed) for name in CHECKS}
    holds = all(one["holds"] is not False for one in checks.values())
    winners = optimism(asked.draws, asked.seed)
    shown = {"draws": asked.draws, "holds": holds, "checks": checks, "optimism": winners}
    print(json.dumps(shown | {"seconds": round(time.perf_counter() - started, 1)}))
    if asked.record:
        rows = [{"check": name} | found for name, found in checks.items()]
        more = {"draws": asked.draws, "optimism": winners}
        tables.record(asked.record, "docs/experiments.md", rows, "planted_effects", **more)


if __name__ == "__main__":
    main()
