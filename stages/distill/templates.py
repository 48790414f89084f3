"""Prompt templates: {placeholders} are the task's fields, and newlines arrive as newlines."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from distill.errors import UserError

# "{name}" is a placeholder; "{{" and "}}" are literal braces, as in str.format.
_PLACEHOLDER = re.compile(r"\{\{|\}\}|\{([A-Za-z_][A-Za-z0-9_]*)\}|[{}]")

# A line's first words before a colon, and the placeholder behind it or on the next line.
_HEADED = re.compile(r"(?m)^[^\w\n{]*([^\n:{}]{1,40}?)[ \t*_]*[:：][ \t*_]*\n?[ \t\"'“]*\{([A-Za-z_][A-Za-z0-9_]*)\}")


class TemplateError(UserError):
    """A template that cannot be rendered; the message names the placeholder and what is known."""


@dataclass(frozen=True, slots=True)
class Template:
    """A prompt for one row: a system message ("" for none) and a user message.

    `shots` are demonstrations, (what a user said, what was answered), shown before the row as they stand.
    """

    system: str
    user: str
    shots: tuple[tuple[str, str], ...] = ()

    def placeholders(self) -> set[str]:
        """The field names that the two messages show. Raises TemplateError on a stray brace."""
        return {name for text in (self.system, self.user) for name in _names(text)}

    def heads(self) -> tuple[str, ...]:
        """The words that head the row's fields, as "Premise" in "Premise: {premise}", and the fields' own names."""
        headed = _HEADED.findall(self.user)
        return tuple(dict.fromkeys([*(head.strip() for head, _ in headed), *_names(self.user)]))

    def check(self, fields: Iterable[str]) -> None:
        """Raises TemplateError where the template shows an unknown field, or none in its user message."""
        names = tuple(fields)
        for name in sorted(self.placeholders()):
            if name not in names:
                raise TemplateError(
                    f"the prompt shows {{{name}}}, which the task does not have; known: {_braced(names)}"
                )
        if not set(_names(self.user)):
            raise TemplateError(f"the prompt shows no field of the row; use {_braced(names)}")
        if "\\n" in self.user + self.system:
            raise TemplateError(
                r"the prompt holds a backslash and an n where a line break was meant; use a YAML block (|)"
            )

    def messages(self, fields: Mapping[str, str]) -> tuple[dict[str, str], ...]:
        """The chat messages for a row's fields. Raises TemplateError on a missing field."""
        messages = [{"role": "system", "content": render(self.system, fields)}] if self.system.strip() else []
        for question, answer in self.shots:
            messages += [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
        return (*messages, {"role": "user", "content": render(self.user, fields)})


def render(text: str, fields: Mapping[str, str]) -> str:
    """Fills the placeholders in one pass: braces within a field's value stay as they are."""

    def fill(match: re.Match[str]) -> str:
        token = match[0]
        if token in ("{{", "}}"):
            return token[0]
        if match[1] is None:
            raise TemplateError(f"stray {token!r} at character {match.start()}; write {token * 2} for a literal brace")
        if match[1] not in fields:
            raise TemplateError(f"the row has no field {match[1]!r}; known: {_braced(fields)}")
        return fields[match[1]]

    return _PLACEHOLDER.sub(fill, text)


def _names(text: str) -> list[str]:
    names = []
    for match in _PLACEHOLDER.finditer(text):
        if match[1] is not None:
            names.append(match[1])
        elif match[0] not in ("{{", "}}"):
            raise TemplateError(
                f"stray {match[0]!r} at character {match.start()}; write {match[0] * 2} for a literal brace"
            )
    return names


def _braced(names: Iterable[str]) -> str:
    return ", ".join(f"{{{name}}}" for name in names)
