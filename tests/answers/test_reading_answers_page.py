"""Every example of docs/reading-answers.md is read as the page says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from distill.answers.parsing import parse_response

PAGE = Path(__file__).parents[2] / "docs" / "reading-answers.md"
CLASSES = ("positive", "negative", "neutral")
CELL = re.compile(r"(?<!\\)\|")


def rows_of(text):
    return [line.strip("|") for line in text.splitlines() if line.startswith("| `")]


def examples():
    """(response, label, rationale) of each row; None for –, and "" where the page says nothing of it."""
    for row in rows_of(PAGE.read_text(encoding="utf-8").partition("## Numbers")[0]):
        response, label, rationale = (cell.strip().replace("\\|", "|") for cell in CELL.split(row))
        wanted = [None if cell == "–" else cell for cell in (label, rationale)]
        yield response.strip("`").replace("⏎", "\n"), *wanted


@pytest.mark.parametrize(("response", "label", "rationale"), list(examples()))
def test_an_example_is_read_as_the_page_says(response, label, rationale):
    parsed = parse_response(response, kind="classes", choices=CLASSES)
    assert parsed.label == label
    assert rationale == "" or parsed.rationale == rationale


def test_the_page_has_examples():
    assert len(list(examples())) >= 25


def number_examples():
    for row in rows_of(PAGE.read_text(encoding="utf-8").partition("## Numbers")[2]):
        response, label = (cell.strip() for cell in CELL.split(row))
        yield response.strip("`"), None if label == "–" else label


@pytest.mark.parametrize(("response", "label"), list(number_examples()))
def test_a_number_is_read_as_the_page_says(response, label):
    assert parse_response(response, kind="number").label == label


def test_the_page_has_numbers():
    assert len(list(number_examples())) >= 25
