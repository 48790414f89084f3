"""How each kind of raw rows in metrics/tables/ is written on its page: as a table, or as the words that state a figure.

A layout takes the file's content and gives the pieces of the page: tables in Markdown, and phrases. It computes every
figure from the raw rows, so that a page can be held against them (tests/test_tables.py). benchmarks/tables.py prints
them.
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "stages"))

from distill.intervals import student_t
from distill.studies.hierarchical import seeds_and_rows

CONFIDENCE = 0.95
# What the speed table calls data sets, students and ways to tell the task.
DATA = {"gsm8k": "GSM8K, people's solutions", "cqa": "CommonsenseQA, PaLM's answers", "practice": "practice"}
STUDENTS = {"default": "default", "t5-mini": "T5-mini's sizes", "t5-small": "T5-small's sizes"}
TOKENS = {"decoder": "decoder's token", "prefix": "prefix"}

# What is told of a search, with its digits.
SEARCH = dict(calls=0, tried=0, optimism=3, score=3, accuracy=3, explained=3, in_band=3, tokens=0)

Table = Mapping[str, Any]
Row = Mapping[str, Any]


def markdown(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *lines))


def accuracy(table: Table) -> list[str]:
    """A row an arm: the accuracy of each of its seeds, in percent, and what all of them say together.

    `test_rows` is how many test rows all seeds share: the interval holds for other seeds and other rows
    (distill.studies.hierarchical).
    """
    lines = []
    for row in table["rows"]:
        values = row["accuracy"]
        low, high = seeds_and_rows([value / 100 for value in values], table["test_rows"], CONFIDENCE)
        shown, mean = ", ".join(f"{value:.1f}" for value in values), f"{statistics.fmean(values):.1f}"
        lines.append([row["arm"], shown, mean, f"{max(100 * low, 0):.1f} to {min(100 * high, 100):.1f}"])
    return [markdown(["arm", "accuracy, each seed (%)", "mean", "95 % interval"], lines)]


def searches(table: Table) -> list[str]:
    """Ways to find a prompt, a raw row for each search: means over seeds, the score with its standard deviation."""
    lines = []
    for kind in dict.fromkeys(run["kind"] for run in table["rows"]):
        own = [run for run in table["rows"] if run["kind"] == kind]
        known = {name: [run[name] for run in own if run[name] is not None] for name in own[0]}
        mean = {name: statistics.fmean(known[name]) if known[name] else None for name in SEARCH}
        cells = ["" if mean[name] is None else f"{mean[name]:.{digits}f}" for name, digits in SEARCH.items()]
        if len(set(known["score"])) > 1:
            cells[list(SEARCH).index("score")] += f" ± {statistics.stdev(known['score']):.3f}"
        lines.append([kind, str(len(own)), *cells])
    head = ["search", "seeds", "calls", "prompts tried", "optimism", "score on fresh rows", "accuracy", "explained"]
    return [markdown([*head, "in band", "tokens a row"], lines)]


def few_shot(table: Table) -> list[str]:
    """Demonstrations against the prompt that a search found, a raw row a seed of that search."""
    rows, lines = table["rows"], []
    for name, key in (("demonstrations", "few_shot"), ("zero-shot, optimized", "zero_shot")):
        own = [row[key] for row in rows]
        mean = {value: statistics.fmean(one[value] for one in own) for value in own[0]}
        low, high = student_t([one["accuracy"] for one in own], CONFIDENCE)
        lines.append(
            [
                name, str(len(rows)), f"{mean['accuracy']:.3f}", f"{low:.3f} to {min(high, 1):.3f}",
                f"{mean['explained']:.3f}", f"{mean['in_band']:.3f}", f"{mean['tokens_in']:.0f}",
                f"{mean['tokens_out']:.0f}", f"{1000 * mean['usd']:.3f}",
            ]
        )  # fmt: skip
    head = ["prompt", "seeds", "accuracy", "95 % interval", "explained", "in band", "tokens in", "tokens out"]
    leads = [100 * (row["zero_shot"]["accuracy"] - row["few_shot"]["accuracy"]) for row in rows]
    low, high = student_t(leads, CONFIDENCE)
    paid = [row["break_even_rows"] for row in rows if row["break_even_rows"] is not None]
    after = f"after {min(paid):,} to {max(paid):,} rows"
    money = _saved(rows, lambda row: row["usd"])
    tokens = _saved(rows, lambda row: row["tokens_in"] + row["tokens_out"])
    return [
        markdown([*head, "US dollars per 1,000 rows"], lines),
        f"{statistics.fmean(leads):+.1f} points ahead ({low:+.1f} to {high:+.1f}, by seed)",
        f"{100 * money:.0f} % less money and {100 * tokens:.0f} % fewer tokens a row",
        f"A search costs {statistics.fmean(row['search']['usd'] for row in rows):.2f} dollars"
        f" ({statistics.fmean(row['search']['calls'] for row in rows):,.0f} calls)",
        f"pays for itself {after if len(paid) == len(rows) else f'in {len(paid)} of {len(rows)} seeds'}",
    ]


def _saved(rows: Sequence[Row], spent: Callable[[Row], float]) -> float:
    """The share that zero-shot saves, over all seeds."""
    return 1 - sum(spent(row["zero_shot"]) for row in rows) / sum(spent(row["few_shot"]) for row in rows)


def ways(table: Table) -> list[str]:
    """Ways of asking, a raw row each."""
    lines = [
        [
            row["way"], f"{row['calls']:,}", f"{row['usd']:.3f}",
            "known" if row["accuracy"] is None else f"{row['accuracy']:.3f}",
            *(f"{row[name]:.3f}" for name in ("parsed", "explained", "in_band")),
        ]
        for row in table["rows"]
    ]  # fmt: skip
    return [markdown(["way", "calls", "US dollars", "accuracy", "parsed", "explained", "in band"], lines)]


def _ratio(turns: Sequence[Row], theirs: str) -> str:
    """How many times the rows a second ours has, by the process's own seconds: the median and the range of turns."""
    found = [turn[theirs][1] / turn["ours"][1] for turn in turns]
    turns_of = "1 turn" if len(found) == 1 else f"{len(found)} turns"
    return f"{statistics.median(found):.2f} ({min(found):.2f} to {max(found):.2f}, {turns_of})"


def training_speed(table: Table) -> list[str]:
    """Training against the published arrangement, a raw row for each way to tell the task, with the seconds of each
    turn: by the wall clock, and of the process."""
    lines = []
    for place, row in enumerate(table["rows"]):
        tokens = (f"{row['tokens'][name] / row['steps']:,.0f}" for name in ("needed", "passes", "published"))
        named = [f"{DATA[row['data']]}, {row['batch_rows']} a step", STUDENTS.get(row["student"], row["student"])]
        named = ["", ""] if place else named
        lines.append(
            [*named, TOKENS[row["token"]], _ratio(row["turns"], "published"), f"{row['flop']:.2f}", ", ".join(tokens)]
        )
    head = ["rows", "student", "task told by", "rows a second, ours over published"]
    pieces = [markdown([*head, "operations, published over ours", "tokens a step: needed, ours, published"], lines)]
    losses = table.get("loss_difference")
    if losses:
        pieces.append(f"no loss of {losses['steps']} steps differs by more than {losses['nats']:.1e} nats")
    return pieces


def prediction_speed(table: Table) -> list[str]:
    """Predicting against `generate`, a raw row a turn."""
    same = table["same_labels"]
    return [
        f"its {table['test_rows']} test rows that is {_ratio(table['rows'], 'usual')} times the rows a second of"
        f" `generate` on batches of eight, and {'every label' if same == 1 else f'{same:.1%} of labels'} is the same"
    ]


def token_cache(table: Table) -> list[str]:
    """Tokenizing with and without the cache, a raw row a run: the least of each, seconds of the process."""
    without, full = (min(row[name] for row in table["rows"]) for name in ("without_s", "full_s"))
    return [
        f"{table['texts']:,} made-up rows (50 words, rationales of 25) take {without:.1f} s of the process to tokenize"
        f" and {full:.1f} s to read back, from {table['mb']:.0f} MB"
    ]


def prediction_memory(table: Table) -> list[str]:
    """Peak memory of stages/predict.py, a raw row a size of file."""
    return [" and ".join(f"{row['peak_mb']:.0f} MB for {row['rows']:,} rows" for row in table["rows"])]


def report_rows(table: Table) -> list[str]:
    """A large page of the report, a raw row each time that a browser opened it: medians."""
    opened, filtered, searched = (
        statistics.median(row[name] for row in table["rows"]) for name in ("open_s", "filter_s", "next_search_s")
    )
    return [
        f"A page of {table['test_rows']:,} rows like the default run's, each with two rationales, has"
        f" {table['mib']:.0f} MiB, is made in {table['make_s']:.1f} s and opens in {opened:.1f} s; a filter then takes"
        f" {filtered:.2f} s and a search {searched:.2f} s"
    ]


def planted_effects(table: Table) -> list[str]:
    """How often intervals hold that are not promised to, a raw row a check; and the optimism of winners."""
    rates = {row["check"]: f"{100 * row['rate']:.0f} %" for row in table["rows"]}
    five, twenty = (rates[f"students_t_{seeds}_seeds_one_in_five_at_chance"] for seeds in (5, 20))
    return [
        f"of five seeds has the truth in it in {five} of {table['draws']:,} draws instead of 95 %,"
        f" of twenty seeds in {twenty}",
        f"looks {100 * table['optimism']['on_the_rows_that_chose']:.0f} points better than it is on 200 rows",
    ]


LAYOUTS: dict[str, Callable[[Table], list[str]]] = {
    layout.__name__: layout
    for layout in (
        accuracy,
        searches,
        few_shot,
        ways,
        training_speed,
        prediction_speed,
        token_cache,
        prediction_memory,
        report_rows,
        planted_effects,
    )
}
