"""What is wrong with somebody's data, gathered while it is read and told as one list."""

from __future__ import annotations

import re
from collections.abc import Sequence

from distill.errors import DataError

NAMED_ROWS = 5
SHOWN_KINDS = 20
LONGEST_SHOWN = 60  # characters of a name or a label
# Python's codec for broken bytes maps each to one of these, so that a row can be named and reading goes on; JSON may
# hold the others as half of an escaped pair.
BROKEN = re.compile("[\ud800-\udfff]")


class Problems:
    """Faults by kind, with the rows that have them and what to do; a kind keeps a few rows and counts the rest."""

    def __init__(self, source: str):
        self.source = source
        self._rows: dict[tuple[str, str], list[str]] = {}
        self._counts: dict[tuple[str, str], int] = {}
        self.fatal = False

    def add(self, what: str, do: str, row: str = "", *, fatal: bool = False) -> None:
        """A fault: what it is, what to do, and where ("line 17"; "" where it is of no row).

        `fatal` says that reading on would find nothing but its consequences.
        """
        self.fatal |= fatal
        key = (what, do)
        self._counts[key] = self._counts.get(key, 0) + 1
        rows = self._rows.setdefault(key, [])
        if row and len(rows) < NAMED_ROWS:
            rows.append(row)

    def __bool__(self) -> bool:
        return bool(self._counts)

    def lines(self) -> list[str]:
        """One a kind: "line 3, line 9 and 12 more: the input is empty; fill it or drop the row"."""
        lines = []
        for (what, do), count in list(self._counts.items())[:SHOWN_KINDS]:
            rows = self._rows[what, do]
            where = ", ".join(rows) + (f" and {count - len(rows)} more" if count > len(rows) else "")
            lines.append(f"{where}: {what}; {do}" if rows else f"{what}; {do}")
        if len(self._counts) > SHOWN_KINDS:
            lines.append(f"and {len(self._counts) - SHOWN_KINDS} more kinds of problem")
        return lines

    def raise_any(self) -> None:
        """Raises DataError with the whole list, where there is any."""
        if self:
            raise DataError(
                f"{self.source} cannot be used as it is:\n" + "\n".join(f"  - {line}" for line in self.lines())
            )


def named(names: Sequence[str], most: int = 12) -> str:
    """A list of names for a message, cut where it is long; a name that does not show as it is stands in quotes."""
    listed = [
        name if name.isprintable() and 0 < len(name) <= LONGEST_SHOWN else in_quotes(name) for name in names[:most]
    ]
    return ", ".join(listed[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def in_quotes(text: str) -> str:
    """A text in quotes for a message, cut where it is long."""
    return repr(text if len(text) <= LONGEST_SHOWN else text[: LONGEST_SHOWN - 1] + "…")


def missing_columns(wanted: Sequence[str], there: Sequence[str], problems: Problems, prefix: str) -> bool:
    """Whether a table lacks a column or has it twice, which goes to `problems`. `prefix` names the file."""
    missing = [name for name in wanted if name not in there]
    if missing and any(BROKEN.search(name) or "\0" in name for name in there):
        problems.add(f"{prefix}the column names are not UTF-8", "save the file as UTF-8", fatal=True)
        return True
    for name in missing:
        problems.add(
            f"{prefix}no column {in_quotes(name)} (there are: {named(there) or 'none'})",
            "correct task.table, or task.table.delimiter",
            fatal=True,
        )
    repeated = sorted({name for name in wanted if there.count(name) > 1})
    for name in repeated:
        problems.add(f"{prefix}two columns are called {in_quotes(name)}", "rename one", fatal=True)
    return bool(missing or repeated)
