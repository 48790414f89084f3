"""How the report writes numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

UNKNOWN = "unknown"
NO_VALUE = "–"
_SPACE = "\N{NO-BREAK SPACE}"


def as_percent(share: float | None) -> str:
    """A share from 0 to 1, as "87.7 %"."""
    return NO_VALUE if share is None else f"{100 * share:.1f}{_SPACE}%"


def as_interval(values: Mapping[str, Any], name: str = "accuracy") -> str:
    """`name`_ci_low and _ci_high of a metrics section, as "84.8 to 90.1 %"."""
    low, high = values.get(f"{name}_ci_low"), values.get(f"{name}_ci_high")
    return NO_VALUE if low is None or high is None else f"{100 * low:.1f} to {as_percent(high)}"


def as_points(difference: float) -> str:
    """A difference of two shares, as "5.0 points"."""
    return f"{abs(100 * difference):.1f}{_SPACE}points"


def as_count(number: float | None) -> str:
    """A whole number, with a comma every three digits."""
    return NO_VALUE if number is None else f"{number:,.0f}"


def as_dollars(usd: float | None) -> str:
    """US dollars: cents, and two digits that count below ten cents. None is unknown, never 0."""
    if usd is None:
        return UNKNOWN
    if usd == 0 or usd >= 0.0995:
        return f"${usd:,.2f}"
    return f"${float(f'{usd:.2g}'):.7f}".rstrip("0") if usd >= 1e-6 else f"${usd:.1e}"


def as_size(number: int) -> str:
    """A model's size: "267 thousand", "60 million", "3.1 billion"."""
    name, unit = next(
        (name, unit)
        for name, unit in (("billion", 1e9), ("million", 1e6), ("thousand", 1e3))
        if number >= unit or unit == 1e3
    )
    return f"{number / unit:.2g}{_SPACE}{name}" if number < 10 * unit else f"{number / unit:,.0f}{_SPACE}{name}"


def plural(number: float, singular: str, plural_form: str | None = None) -> str:
    """ "1 row", "2 rows"."""
    return f"{as_count(number)} {singular if number == 1 else plural_form or singular + 's'}"
