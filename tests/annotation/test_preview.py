from __future__ import annotations

from distill.annotation.preview import preview
from distill.rows.records import Example, TaskCard
from distill.templates import Template

CARD = TaskCard("t", "classes", "d", ("q",), {}, ("yes", "no"))
SPLITS = {
    "train": [Example(f"r{i}", "x", {"q": f"Question {i}?"}, label="yes") for i in range(4)],
    "validation": [],
    "test": [Example("t0", "x", {"q": "Test?"}, label="no")],
}
TEMPLATES = {"explain": Template("", "{q}\nExplain."), "label": Template("", "{q}\nOne word.")}


def test_the_rendered_prompts_their_tokens_and_the_most_that_all_can_cost(make_settings):
    settings = make_settings(
        **{"annotate.rationale_rate": 0.5, "annotate.priming": "teacher", "teacher.max_tokens": 100}
    )
    text = preview(SPLITS, TEMPLATES, CARD, settings, 1)
    assert text.count("=== train") == 2 and text.count("=== test, row t0, prompt 'explain'") == 1
    assert "[system]\nYou are a teacher." in text and "Test?\nExplain." in text and "tokens (estimate)" in text
    assert (
        "In all: 5 requests to simulated-1" in text and "at most 500 out" in text and text.endswith("Nothing was sent.")
    )
    assert preview(SPLITS, TEMPLATES, CARD, settings, 2).count("=== train") == 4


def test_a_shown_label_and_several_samples_are_in_the_preview(make_settings):
    settings = make_settings(
        **{"annotate.show_gold": True, "annotate.samples": 3, "teacher.temperature": 1.0, "teacher.structured": True}
    )
    text = preview(SPLITS, TEMPLATES, CARD, settings, 4)
    assert text.count("The right answer is known: yes.") == 4 and "In all: 13 requests" in text
    assert text.count("answer as JSON by a schema") == 5
