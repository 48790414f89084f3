from __future__ import annotations

import pytest

from distill.report.wording import as_count, as_dollars, as_interval, as_percent, as_points, as_size, plural
from distill.visible import one_line, visible

SPACE = "\N{NO-BREAK SPACE}"


@pytest.mark.parametrize(
    ("usd", "said"),
    [
        (None, "unknown"),
        (0, "$0.00"),
        (0.000074561, "$0.000075"),
        (0.0745, "$0.074"),
        (0.1, "$0.10"),
        (0.497863, "$0.50"),
        (12_345.678, "$12,345.68"),
        (3e-9, "$3.0e-09"),
    ],
)
def test_dollars_keep_what_counts_and_unknown_is_not_nothing(usd, said):
    assert as_dollars(usd) == said


def test_numbers_are_written_one_way():
    assert (
        as_percent(0.87667) == f"87.7{SPACE}%"
        and as_percent(None) == "–"
        and as_count(None) == "–"
        and as_count(1234567) == "1,234,567"
    )
    assert (
        as_interval({"accuracy_ci_low": 0.8479, "accuracy_ci_high": 0.9006}) == f"84.8 to 90.1{SPACE}%"
        and as_interval({}) == "–"
    )
    assert (
        as_points(-0.05) == f"5.0{SPACE}points" and plural(1, "row") == "1 row" and plural(2000, "row") == "2,000 rows"
    )
    assert [as_size(n) for n in (267_136, 60_506_624, 248_000_000, 3_000_000_000)] == [
        f"267{SPACE}thousand",
        f"61{SPACE}million",
        f"248{SPACE}million",
        f"3{SPACE}billion",
    ]


def test_what_cannot_be_seen_is_written_out_and_everything_else_is_left():
    assert (
        visible("a\0b\x1bc\rd\r\ne\tf\ud800\u202eg\u2067\ufeff")
        == "a‹U+0000›b‹U+001B›c‹U+000D›d\ne\tf‹U+D800›‹U+202E›g‹U+2067›‹U+FEFF›"
    )
    plain = "naïve 数字 עברית \u200f <b> & 👩\u200d🔬 {{x}}"
    assert visible(plain) == plain
    assert one_line("  two\n words and more ", 9) == "two word…" and one_line("two", 3) == "two"
