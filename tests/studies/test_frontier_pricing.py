from __future__ import annotations

import dataclasses

import pytest

from distill import paths
from distill.prompts.prompt_file import hand_written, write_prompts
from distill.rows.files import write_json
from distill.rows.records import Annotation, Example, TaskCard, write_rows
from distill.studies.pricing import label_share
from distill.teacher.tokens import estimate_prompt

EXPLAIN, LABEL = "Explain at length, then answer: {question}", "Answer: {question}"


def test_a_label_costs_what_its_prompt_and_answer_count(tmp_path, monkeypatch, make_settings):
    settings = make_settings(**{"prompt.optimizer": "fixed"})
    monkeypatch.chdir(tmp_path)
    rows = [Example(f"r{i}", "big?", {"question": "big?"}, label="larger") for i in range(4)]
    prompts = {"explain": {"system": "", "user": EXPLAIN}, "label": {"system": "", "user": LABEL}}
    card = TaskCard("t", "classes", "d", ("question",), prompts, ("larger", "smaller"))
    write_json(paths.TASK_CARD, card)
    write_prompts(paths.PROMPT, hand_written(card, settings.prompt), {}, card)
    write_rows(paths.prepared("train"), rows)
    answered = [
        Annotation(row.id, "explain", "larger", "why", "ok", "raw", "stop", "m", tokens_in=30, tokens_out=20)
        for row in rows
    ]
    write_rows(paths.annotated("train"), answered)

    counted = [estimate_prompt([{"content": text.format(question="big?")}]) for text in (EXPLAIN, LABEL)]
    tokens_in, tokens_out = counted[1] * 30 / counted[0], 2  # "larger" is six bytes
    price = settings.runtime.prices["simulated-1"]
    expected = (tokens_in * float(price.tokens_in) + tokens_out * float(price.tokens_out)) / (
        30 * float(price.tokens_in) + 20 * float(price.tokens_out)
    )
    assert label_share(settings) == pytest.approx(expected, rel=1e-3)

    write_rows(
        paths.annotated("train"), [dataclasses.replace(row, tokens_in=None, tokens_out=None) for row in answered]
    )
    assert label_share(settings) is None, "recorded answers without their tokens"
    write_rows(paths.annotated("train"), answered)
    assert label_share(dataclasses.replace(settings, runtime=dataclasses.replace(settings.runtime, prices={}))) is None
