"""What an experiment's answers would have cost, had nothing been asked that its student does not learn from.

`subsample.explanation_rate` and `data_share`, and training on labels alone, leave out what was paid for; the dollars
as if cold do not fall. What they would have been is *predicted* from token counts: of a row with a rationale, as
measured, and of a row asked by the label-only prompt, as counted here. `annotate.rationale_rate` really asks for less;
its dollars are measured.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from statistics import fmean
from typing import Any

from distill import paths
from distill.annotation.asks import annotation_requests
from distill.errors import DataError
from distill.prompts.asking import Ask
from distill.prompts.prompt_file import read_prompts
from distill.rows.records import Annotation, Example, TaskCard, read_json, read_rows
from distill.settings import Settings
from distill.sizes import estimate_tokens
from distill.studies.changes import result_settings
from distill.studies.gathering import Observation, Pricing
from distill.teacher.exchange import Usage
from distill.teacher.money import cost
from distill.teacher.tokens import estimate_prompt

MEASURED, PREDICTED, UPPER = "measured", "predicted", "upper bound"
# The sections that decide what the teacher is asked: an experiment that shares them shares the price of a label.
_ASKING_SECTIONS = ("task", "teacher", "prompt", "annotate")


def label_share(settings: Settings) -> float | None:
    """What a row asked for its label alone costs, as a share of a row asked to explain; None where prices are unknown.

    The label-only prompt is counted as every prompt is where nothing is reported (distill.teacher.tokens) and scaled
    by how far off that count is for the explaining prompt; an answer is as long as the row's label. Reads the
    prepared and the annotated train rows and data/prompt.yaml.
    """
    card = read_json(paths.TASK_CARD, TaskCard)
    train = read_rows(paths.prepared("train"), Example)
    answers = {
        row.id: row
        for row in read_rows(paths.annotated("train"), Annotation)
        if row.asked == "explain" and row.tokens_in and row.calls == 1
    }
    templates = read_prompts(paths.PROMPT, card)
    model = settings.teacher.model
    counted = {}
    for what in ("explain", "label"):
        asks = [Ask(row, what) for row in train if row.id in answers]
        requests = annotation_requests(asks, templates, card, settings)
        counted[what] = [estimate_prompt(request.messages) for request in requests]
    if not answers or not all(counted.values()):
        return None
    scale = fmean(answer.tokens_in or 0 for answer in answers.values()) / fmean(counted["explain"])
    explained = _usd(
        fmean(a.tokens_in or 0 for a in answers.values()),
        fmean(a.tokens_out or 0 for a in answers.values()),
        model,
        settings,
    )
    label = _usd(
        fmean(counted["label"]) * scale,
        fmean(estimate_tokens(a.label or "") for a in answers.values()),
        model,
        settings,
    )
    return None if not explained or label is None else label / explained


def price_here(settings: Settings, say: Callable[[str], None]) -> Pricing:
    """`price_with` what a label costs on the rows that are here; says why where that is not known."""
    try:
        share = label_share(settings)
    except DataError as error:
        share = None
        say(f"what fewer rationales would have cost is not predicted: {error}")
    return price_with(settings, share)


def price_with(settings: Settings, share: float | None) -> Pricing:
    """A function from an experiment to its dollars and how they are known: by its table, or by its metrics.

    "measured": all its answers were needed. "predicted": less was, and the experiment asked as the workspace does, for
    which `share` (see label_share) holds. "upper bound": less was needed, and what that would cost is not known.
    """
    own = [result_settings(settings)[section] for section in _ASKING_SECTIONS]

    def price(observation: Observation) -> tuple[float | None, str]:
        if observation.priced:
            return observation.priced
        # DVC leaves out of what it shows a number that is null, as an unknown price is.
        cost = observation.metrics["evaluate"].get("cost", {})
        total, annotation = (cost.get(part, {}).get("usd") for part in ("total", "annotation"))
        wanted, rate = needed_shares(observation.params)
        if total is None or annotation is None:
            return None, MEASURED
        if wanted == 1 and (rate == 1 or observation.params["annotate"]["rationale_rate"] == 0):
            return total, MEASURED
        asked_for_less = (
            observation.params["annotate"]["rationale_rate"] < 1 or observation.params["annotate"]["samples"] > 1
        )
        same = [observation.params.get(section) for section in _ASKING_SECTIONS] == own
        if rate < 1 and (share is None or not same or asked_for_less):
            return total, UPPER
        row = rate + (1 - rate) * (share or 0)
        return total - annotation + annotation * wanted * row, PREDICTED

    return price


def needed_shares(params: dict[str, Any]) -> tuple[float, float]:
    """Which share of the annotated rows a student was trained on, and of these with how many rationales."""
    rate = 0.0 if params["train"]["mode"] == "standard" else params["subsample"]["explanation_rate"]
    return params["subsample"]["data_share"], rate


def _usd(tokens_in: float, tokens_out: float, model: str, settings: Settings) -> float | None:
    usd = cost(
        Usage(round(tokens_in * 1000), 0, round(tokens_out * 1000)),
        model,
        settings.runtime.prices,
        settings.teacher.mode,
    )
    return None if usd is None else float(usd / Decimal(1000))
