"""Compare ways of finding a prompt at equal calls, on the practice task, over seeds.

    python benchmarks/prompt_search.py                          OPRO, GEPA, random search and the hand-written prompt
    python benchmarks/prompt_search.py --seeds 2 --calls 1200   fewer
    python benchmarks/prompt_search.py --ways                   ways of asking instead, each against the plain prompt

Every search gets the same rows, score, checks, held-out confirmation and limit (`prompt.max_calls`), and what it
finds is then asked about the same fresh rows. Random search proposes as OPRO does, but is never shown what was
scored: it knows the hand-written prompt alone. The teacher is the simulated one, so the figures say how the
searches compare on it, and nothing of a real model.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "stages"))

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
    "samples: 5 at temperature 1": {"samples": 5},
    "one sample at temperature 1": {},
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


def summary(found: list[Mapping[str, Any]]) -> Iterator[str]:
    """A Markdown table of means over seeds, with the standard deviation of the score."""
    yield (
        "| search | seeds | calls | prompts tried | optimism | score on fresh rows | accuracy | explained | in band | "
        "tokens a row |"
    )
    yield "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"
    for kind in dict.fromkeys(run["kind"] for run in found):
        own = [run for run in found if run["kind"] == kind]

        def mean(name: str, digits: int = 3, own: list[Mapping[str, Any]] = own) -> str:
            values = [run[name] for run in own if run[name] is not None]
            return f"{statistics.fmean(values):.{digits}f}" if values else ""

        spread = f" ± {statistics.stdev(run['score'] for run in own):.3f}" if len(own) > 1 else ""
        cells = [kind, str(len(own)), mean("calls", 0), mean("tried", 0), mean("optimism"), mean("score") + spread]
        yield f"| {' | '.join([*cells, mean('accuracy'), mean('explained'), mean('in_band'), mean('tokens', 0)])} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--calls", type=int, default=2400, help="of each search, its confirmation included")
    parser.add_argument("--ways", action="store_true", help="compare ways of asking instead")
    options = parser.parse_args()
    os.chdir(ROOT)
    with tempfile.TemporaryDirectory() as folder:
        os.environ.setdefault("DISTILL_STORE", str(Path(folder) / "responses.sqlite"))
        settings = load_settings()
        found = []
        for run in ways(settings) if options.ways else runs(settings, options.seeds, options.calls):
            print(json.dumps(run), flush=True)
            found.append(run)
        if not options.ways:
            print("\n".join(summary(found)))


if __name__ == "__main__":
    main()
