"""What is wrong with somebody's data, gathered while it is read and told as one list."""

from __future__ import annotations

from collections.abc import Sequence

from distill.errors import DataError

NAMED_ROWS = 5
SHOWN_KINDS = 20


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
    """A list of names for a message, cut where it is long."""
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
