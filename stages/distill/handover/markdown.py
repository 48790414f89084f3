"""Markdown for the model card: text that people or models wrote, made harmless, and tables, shares and counts."""

from __future__ import annotations

import re
from collections.abc import Sequence

# What Markdown, and HTML, give a meaning within a line.
_SPECIAL = re.compile(r"([\\`*_{}\[\]()#|~!])")
_HTML = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def escaped(text: object) -> str:
    """One line that shows `text` as it reads: no markup, no HTML, no control characters."""
    words = " ".join(_visible(str(text)).split())
    return _SPECIAL.sub(r"\\\1", "".join(_HTML.get(character, character) for character in words))


def fenced(text: str, language: str = "") -> str:
    """A code block that no line of `text` can close."""
    kept = "\n".join(_visible(line, keep="\t") for line in text.splitlines())
    longest = max(map(len, re.findall(r"`+", kept)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{kept}\n{fence}"


def markdown_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table; the cells are Markdown already."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def percentage(share: float | None) -> str:
    """0.8767 as "87.7 %"; "unknown" for None."""
    return "unknown" if share is None else f"{100 * share:.1f} %"


def counted_or_unknown(count: int | None) -> str:
    """1234 as "1,234"; "unknown" for None."""
    return "unknown" if count is None else f"{count:,}"


def _visible(text: str, keep: str = "") -> str:
    return "".join(character if character.isprintable() or character in keep else " " for character in text)
