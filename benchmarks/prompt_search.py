"""Compare ways of finding a prompt at equal calls, on the practice task, over seeds.

    python benchmarks/prompt_search.py                          OPRO, GEPA, random search and the hand-written prompt
    python benchmarks/prompt_search.py --seeds 2 --calls 1200   fewer
    python benchmarks/prompt_search.py --few-shot 6             what OPRO finds, against a prompt of six demonstrations
    python benchmarks/prompt_search.py --ways                   ways of asking instead, each against the plain prompt

Every search gets the same rows, score, checks, held-out confirmation and limit (`prompt.max_calls`), and what it
finds is then asked about the same fresh rows. Random search proposes as OPRO does, but is never shown what was
scored: it knows the hand-written prompt alone. The teacher is the simulated one, so the figures say how the
searches compare on it, and nothing of a real model.

Few-shot is compared as `prompt.few_shot` does it, on the held-out rows of each seed's search, at the prices of
params.yaml. With --record NAME the rows are kept for the docs (benchmarks/tables.py).
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "stages"))

import table_layouts  # noqa: E402
import tables  # noqa: E402

from distill.annotation.annotation import annotate  # noqa: E402
from distill.annotation.measures import annotation_metrics, cost_of  # noqa: E402
from distill.prompts.asking import Ask, Asker  # noqa: E402
from distill.prompts.prompt_file import hand_written, read_prompts  # noqa: E402
from distill.search import search as searching  # noqa: E402
from distill.search.optimizers import optimizer  # noqa: E402
from distill.search.optimizers.opro import Opro  # noqa: E402
from distill.search.scoring import score  # noqa: E402
from distill.settings import Settings, load_settings  # noqa: E402
from distill.tasks.registry import get_task  # noqa: E402
from distill.teacher import open_teacher  # noqa: E402
from distill.templates import Template  # noqa: E402

# More rounds than any budget here pays for: the limit on calls ends each search.
ROUNDS = 200
WAYS: dict[str, dict[str, Any]] = {
    "plain": {},
    "priming: teacher": {"priming": "teacher"},
    "priming: audience": {"priming": "audience"},
    "priming: confidence": {"priming": "confidence"},
    "rationale_words: [10, 30]": {"rationale_words": (10, 30)},
    "show_gold": {"show_gold": True},
    "separate_labels: 1.0": {"separate_labels": 1.0},
    "structured": {},
    "one sample at temperature 1": {},
    "five samples at temperature 1": {"samples": 5},
}


class RandomSearch(Opro):
    """Proposals without feedback."""

    def scored(self) -> list[tuple[Template, float]]:
        first = self.arena.candidates[0]
        return [(first.template, first.search.total)]


def changed(settings: Settings, section: str, **values: Any) -> Settings:
    return dataclasses.replace(settings, **{section: dataclasses.replace(getattr(settings, section), **values)})


def runs(base: Settings, seeds: int, calls: int) -> Iterator[dict[str, Any]]:
    """One search of each kind and seed: held-out score, and score and accuracy on fresh rows."""
    task = get_task(base.task)
    splits, card = task.splits(), task.card()
    gold = {row.id: row.label for row in splits["test"] if row.label is not None}
    for seed in range(1, seeds + 1):
        for kind in ("hand-written", "random", "opro", "gepa"):
            name = "opro" if kind in ("hand-written", "random") else kind
            settings = changed(base, "prompt", optimizer=name, seed=seed, max_calls=calls, steps=ROUNDS)
            searching.optimizer = lambda wanted, kind=kind: RandomSearch if kind == "random" else optimizer(wanted)
            with open_teacher(settings, "benchmark") as teacher:
                if kind == "hand-written":
                    template, found = hand_written(card, settings.prompt)["explain"], None
                else:
                    found = searching.Search(teacher, card, splits["train"], settings).run()
                    template = found.template
                asks = [Ask(row, "explain") for row in splits["test"]]
                asker = Asker(teacher, card, settings.teacher)
                fresh = [answer for _, answer in asker.answers(asks, {"explain": template})]
            scored = score(fresh, gold, card.kind, settings.prompt.weights, settings.prompt.rationale_words)
            yield {
                "kind": kind,
                "seed": seed,
                "calls": found.cost["confirmed"]["calls"] if found else 0,
                "tried": len(found.candidates) - 1 if found else 0,
                "optimism": round(found.metrics()["optimism"], 4) if found else None,
                "held_out": round(found.held_out.total, 4) if found else None,
                "score": round(scored.total, 4),
                "accuracy": round(scored.accuracy, 4),
                "explained": round(scored.explained, 4),
                "in_band": round(scored.in_band, 4),
                "tokens": round(scored.tokens or 0, 1),
            }


def few_shot(base: Settings, seeds: int, shots: int) -> Iterator[dict[str, Any]]:
    """A search as params.yaml has it for each seed, and so many demonstrations on its held-out rows."""
    task = get_task(base.task)
    splits, card = task.splits(), task.card()
    for seed in range(1, seeds + 1):
        settings = changed(base, "prompt", seed=seed, few_shot=shots)
        with open_teacher(settings, "benchmark") as teacher:
            found = searching.Search(teacher, card, splits["train"], settings).run().few_shot
        if found is None or found["demonstrations"] < shots:
            sys.exit(f"seed {seed}: too few rows for {shots} demonstrations")
        run = {"seed": seed, "demonstrations": shots, "label_p_value": found["zero_less_few"]["label_p_value"]}
        for name in ("few_shot", "zero_shot"):
            side = found[name]
            run[name] = side["cost_per_row"] | {
                "accuracy": side["label"]["accuracy"],
                "explained": side["rationale"]["coverage"],
                "in_band": side["rationale"]["in_band"],
            }
        yield run | {"search": found["search_cost"], "break_even_rows": found["break_even_rows"]["usd"]}


def ways(base: Settings) -> Iterator[dict[str, Any]]:
    """Each way of asking with the prompt of data/prompts/practice.yaml: what train annotations are worth and cost."""
    task = get_task(base.task)
    splits, card = task.splits(), task.card()
    templates = read_prompts(ROOT / "data/prompts/practice.yaml", card)
    asked = {"train": splits["train"], "validation": [], "test": []}
    for name, values in WAYS.items():
        settings = changed(
            base, "teacher", structured=name == "structured", temperature=1.0 if "temperature 1" in name else 0.0
        )
        settings = changed(settings, "annotate", **values)
        with open_teacher(settings, "benchmark") as teacher:
            found = annotate(teacher, asked, templates, card, settings)["train"]
        metrics = annotation_metrics(found, splits["train"], card, settings.annotate)
        cost = cost_of(found, settings.teacher, settings.runtime.prices)
        low, high = settings.prompt.rationale_words
        words = [len(a.rationale.split()) for a in found if a.rationale]
        yield {
            "way": name,
            "rows": len(found),
            "calls": cost["calls"],
            "usd": round(cost["usd"], 4),
            "accuracy": None if metrics["label"].get("accuracy") is None else round(metrics["label"]["accuracy"], 4),
            "agreement": metrics["label"].get("agreement") and round(metrics["label"]["agreement"], 4),
            "parsed": round(1 - metrics["parse"]["failure_rate"], 4),
            "explained": round(metrics["rationale"]["coverage"], 4),
            "in_band": round(sum(low <= n <= high for n in words) / len(found), 4),
            "words": round(metrics["rationale"]["words_mean"], 1),
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--calls", type=int, default=2400, help="of each search, its confirmation included")
    parser.add_argument("--few-shot", type=int, metavar="N", help="compare with N demonstrations instead")
    parser.add_argument("--ways", action="store_true", help="compare ways of asking instead")
    parser.add_argument("--record", metavar="NAME", help="write the rows to metrics/tables/NAME.json")
    options = parser.parse_args()
    os.chdir(ROOT)
    with tempfile.TemporaryDirectory() as folder:
        os.environ.setdefault("DISTILL_STORE", str(Path(folder) / "responses.sqlite"))
        settings = load_settings()
        if options.ways:
            page, layout, found = "docs/annotation.md", "ways", ways(settings)
        elif options.few_shot:
            page, layout = "docs/prompts.md", "few_shot"
            found = few_shot(settings, options.seeds, options.few_shot)
        else:
            page, layout, found = "docs/prompts.md", "searches", runs(settings, options.seeds, options.calls)
        rows = []
        for run in found:
            print(json.dumps(run), flush=True)
            rows.append(run)
        print("\n".join(table_layouts.LAYOUTS[layout]({"rows": rows})))
        if options.record:
            tables.record(options.record, page, rows, layout)


if __name__ == "__main__":
    main()
