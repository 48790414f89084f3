from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

import pytest

from distill.settings.loader import Refused, SettingsError, loads, setting, with_line


@dataclass(frozen=True)
class Inner:
    name: str
    rows: int | Literal["all"] = setting(least=1)
    rate: float = setting(least=0, most=1)
    price: Decimal | None = setting(least=0)
    on: bool
    band: tuple[int, ...]

    def __post_init__(self) -> None:
        if self.name == "bad":
            raise Refused("name", "is 'bad'; allowed: anything else")


@dataclass(frozen=True)
class Outer:
    inner: Inner
    by_name: dict[str, int]


@dataclass(frozen=True)
class Texts:
    classes: tuple[str, ...]
    label: str | None


@dataclass(frozen=True)
class Leaf:
    name: str
    label: str | None


@dataclass(frozen=True)
class Branch:
    inner: Leaf


@dataclass(frozen=True)
class Nested:
    outer: Branch

    def __post_init__(self) -> None:
        if self.outer.inner.label is None:
            raise Refused("outer.inner.label", "is empty")


GOOD = """\
inner:
  name: a
  rows: all
  rate: 1e-1
  price: 0.15
  on: true
  band: [1, 2]
by_name: {x: 1}
"""


def test_values_have_the_types_of_their_fields():
    found = loads(Outer, GOOD)
    assert found == Outer(Inner("a", "all", 0.1, Decimal("0.15"), True, (1, 2)), {"x": 1})
    assert type(found.inner.rate) is float


@pytest.mark.parametrize("number", ["1e-4", "1E-4", "1.0e-4", "0.0001", ".0001"])
def test_a_number_means_what_it_means_to_dvc(number):
    assert loads(Outer, GOOD.replace("1e-1", number)).inner.rate == 0.0001


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "  name: a",
            "  name: a\n  nam: b",
            "f.yaml:3: inner.nam: unknown key; known here: name, rows, rate, price, on, band",
        ),
        ("  on: true\n", "", "f.yaml:2: inner.on: is missing; every setting stands in the file"),
        ("  name: a", "  name: a\n  name: b", "f.yaml:3: inner.name: is there twice"),
        ("name: a", "name: bad", "f.yaml:2: inner.name: is 'bad'; allowed: anything else"),
        ("rows: all", "rows: some", "f.yaml:3: inner.rows: is 'some'; allowed: a whole number (at least 1), all"),
        ("rows: all", "rows: 0", "f.yaml:3: inner.rows: is 0; allowed: at least 1"),
        ("rows: all", "rows: 1.5", "f.yaml:3: inner.rows: is '1.5'; allowed: a whole number (at least 1), all"),
        ("rows: all", "rows: true", "f.yaml:3: inner.rows: is 'true'; allowed: a whole number (at least 1), all"),
        ("rate: 1e-1", "rate: 1.01", "f.yaml:4: inner.rate: is 1.01; allowed: at least 0 and at most 1"),
        ("rate: 1e-1", "rate: '0.5'", "f.yaml:4: inner.rate: is '0.5'; allowed: a number (at least 0 and at most 1)"),
        ("rate: 1e-1", "rate:", "f.yaml:4: inner.rate: is empty; allowed: a number (at least 0 and at most 1)"),
        ("on: true", "on: 1", "f.yaml:6: inner.on: is '1'; allowed: true or false"),
        ("band: [1, 2]", "band: 1", "f.yaml:7: inner.band: must be a list, not '1'"),
        ("band: [1, 2]", "band: [1, x]", "f.yaml:7: inner.band[1]: is 'x'; allowed: a whole number"),
        ("by_name: {x: 1}", "by_name: 3", "f.yaml:8: by_name: must be a section of keys, not '3'"),
    ],
)
def test_a_bad_value_names_file_line_key_value_and_what_is_allowed(old, new, message):
    with pytest.raises(SettingsError) as error:
        loads(Outer, GOOD.replace(old, new), "f.yaml")
    assert str(error.value) == message


WRITTEN = ["yes", "No", "on", "OFF", "y", "010", "0x1f", "0b1", "1_000", "1:30", "2026-11-23", ".inf", ".nan"]


@pytest.mark.parametrize("text", [*WRITTEN, "3", "1.50", "true"])
def test_a_text_setting_takes_a_scalar_as_it_is_written(text):
    """DVC drops quotes when it rewrites the file."""
    for form in (text, f'"{text}"', f"'{text}'"):
        assert loads(Outer, GOOD.replace("name: a", f"name: {form}")).inner.name == text
        assert loads(Texts, f"classes: [{form}, b]\nlabel: {form}").classes == (text, "b")
        assert loads(Texts, f"classes: [a, b]\nlabel: {form}").label == text


@pytest.mark.parametrize("text", ["", "~", "null", "Null"])
def test_an_empty_text_is_null_and_a_quoted_one_is_text(text):
    assert loads(Texts, f"classes: []\nlabel: {text}").label is None
    assert loads(Texts, f'classes: []\nlabel: "{text}"').label == text
    with pytest.raises(SettingsError, match=r"f.yaml:1: classes\[1\]: is .*; allowed: text"):
        loads(Texts, f"classes: [a, {text or '~'}]\nlabel: a", "f.yaml")


@pytest.mark.parametrize("text", WRITTEN)
def test_where_a_number_is_due_what_the_two_yaml_dialects_read_differently_is_refused(text):
    for key, old in (("rows", "all"), ("rate", "1e-1"), ("on", "true")):
        with pytest.raises(SettingsError, match=f"inner.{key}: `{text}` is read in two ways"):
            loads(Outer, GOOD.replace(f"{key}: {old}", f"{key}: {text}"))


def test_a_check_over_the_whole_file_names_the_line_of_the_nested_setting():
    with pytest.raises(SettingsError) as error:
        loads(Nested, "outer:\n  inner:\n    name: a\n    label:\n", "f.yaml")
    assert str(error.value) == "f.yaml:4: outer.inner.label: is empty"


@pytest.mark.parametrize(
    ("message", "line"),
    [
        ("train.steps: is too long", 3),
        ("student.lora.rank: is 8", 7),
        ("train.stops: is unknown", None),
        ("student.lora.rank.x: is 8", None),
        ("train: is a section", None),
        ("a.csv:3: label: is empty", None),
        ("no row has a label", None),
    ],
)
def test_what_shows_itself_late_is_named_with_the_line_of_its_setting(tmp_path, message, line):
    file = tmp_path / "params.yaml"
    file.write_text("# steps\ntrain:\n  steps: 1\nstudent:\n  lora:\n    # rank\n    rank: 8\n")
    assert with_line(message, file) == (f"{file}:{line}: {message}" if line else message)
    assert with_line(message, tmp_path / "none.yaml") == message


def test_broken_yaml_and_an_empty_file_are_named():
    with pytest.raises(SettingsError, match=r"f.yaml:2: not valid YAML"):
        loads(Outer, "inner: [1,\n  2: }", "f.yaml")
    with pytest.raises(SettingsError, match=r"f\.yaml: the file is empty"):
        loads(Outer, "", "f.yaml")
