"""Every example of docs/reading-answers.md is read as the page says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from distill.answers.parsing import parse_response

PAGE = Path(__file__).parents[2] / "docs" / "reading-answers.md"
CLASSES = ("positive", "negative", "neutral")
CELL = re.compile(r"(?<!\\)\|")


def examples():
    """(response, label, rationale) of each row; None for –, and "" where the page says nothing of it."""
    rows = [line.strip("|") for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    for row in rows:
        response, label, rationale = (cell.strip().replace("\\|", "|") for cell in CELL.split(row))
        wanted = [None if cell == "–" else cell for cell in (label, rationale)]
        yield response.strip("`").replace("⏎", "\n"), *wanted


@pytest.mark.parametrize(("response", "label", "rationale"), examples())
def test_an_example_is_read_as_the_page_says(response, label, rationale):
    parsed = parse_response(response, kind="classes", choices=CLASSES)
    assert parsed.label == label
    assert rationale == "" or parsed.rationale == rationale


def test_the_page_has_examples():
    assert len(list(examples())) >= 25
