"""params.yaml as it may come to be: one line with the key and what is allowed, before any work, or the settings."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from distill.settings import Settings, SettingsError, load_settings
from distill.settings.loader import loads
from house import ROOT

TEXT = (ROOT / "params.yaml").read_text()
NUMBERS = re.findall(r"^ *([a-z_]+): [0-9][0-9.e-]*$", TEXT, re.MULTILINE)


def with_value(key: str, value: str) -> str:
    """The committed file with the first setting of a name changed."""
    changed, count = re.subn(rf"^( *{key}:).*$", lambda match: f"{match[1]} {value}", TEXT, count=1, flags=re.MULTILINE)
    assert count == 1
    return changed


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("learning_rate", "1e400", r"train\.learning_rate: is 1E\+400; allowed: above 0 and at most 100"),
        ("learning_rate", "1e-400", r"train\.learning_rate: is 1E-400, which is nearly 0; allowed: 1E-12 or more"),
        (
            "learning_rate",
            "1e99999999999999999999",
            r"train\.learning_rate: is 1e9+, which is no number that can be held",
        ),
        ("learning_rate", ".inf", r"train\.learning_rate: `\.inf` is read in two ways"),
        ("weight_decay", "1e9", r"train\.weight_decay: is 1E\+9; allowed: at least 0 and at most 100"),
        ("batch_rows", "1" + "0" * 25, r"train\.batch_rows: is 10{25}; allowed: at least 1 and at most 100000"),
        ("batch_rows", "9" * 5000, r"train\.batch_rows: is 9{60}…; allowed: a number of 30 characters at most"),
        ("threads", "1" + "0" * 12, r"runtime\.threads: is 10{12}; allowed: at least 1 and at most 1024"),
        ("processes", "100000", r"runtime\.processes: is 100000; allowed: at least 1 and at most 256"),
        ("max_body_mb", "0", r"runtime\.max_body_mb: is 0; allowed: at least 1 and at most 1024"),
        ("max_body_mb", "1e9", r"runtime\.max_body_mb: "),
        ("key_env", "A=B", r"runtime\.key_env: is no name of an environment variable; allowed: letters, digits and _"),
        ("key_env", "sk-12345", r"runtime\.key_env: is no name of an environment variable"),
        ("timeout_s", "1e300", r"runtime\.timeout_s: is 1E\+300; allowed: above 0 and at most 86400"),
        ("d_model", "100000000", r"student\.scratch\.d_model: is 100000000; allowed: at least 8 and at most 65536"),
        ("d_model", "65536", r"student\.scratch\.d_model: is 65536, which with d_ff, vocabulary and layers makes some"),
        ("seed", "4294967296", r"task\.seed: is 4294967296; allowed: at least 0 and at most 4000000000"),
        ("train_rows", "1" + "0" * 12, r"task\.train_rows: is 10{12}; allowed: at least 1 and at most 1000000000"),
        ("budget_usd", "1e999", r"runtime\.budget_usd: is 1E\+999; allowed: at least 0 and at most 1000000000"),
        ("budget_since", "0001-01-01", r"runtime\.budget_since: is '0001-01-01'; allowed: null, or a day or time"),
        ("classes", "3", r"task\.table\.classes: is '3'; allowed: a list, a section of keys"),
        ("base_url", "{a: b}", r"teacher\.base_url: (must be|is) "),
        ("path", '"a\\0b"', r"task\.path: holds a NUL character"),
        ("name", "x" * 3000, r"preset\.name: is|task\.name"),
        ("path", "&a x\n  hub: *a", r"\*a: an alias; write the value out"),
        ("columns", "[" * 50 + "]" * 50, "nested deeper than 20 levels; no setting is"),
        ("columns", "[" * 100_000 + "]" * 100_000, "nested deeper than 20 levels; no setting is"),
        ("columns", "{a: " * 30 + "1" + "}" * 30, "nested deeper than 20 levels; no setting is"),
    ],
)
def test_what_no_machine_takes_is_refused_in_a_line(tmp_path, key, value, message):
    (tmp_path / "params.yaml").write_text(with_value(key, value))
    try:
        load_settings(tmp_path / "params.yaml")
    except SettingsError as error:
        assert re.search(message, str(error)), str(error)
        assert "\n" not in str(error) and len(str(error)) < 500
    else:
        assert key == "name"  # a task is looked up when it is read


@pytest.mark.parametrize("key", sorted(set(NUMBERS)))
@pytest.mark.parametrize("value", ["1e400", "-1e400", "9" * 29, "-" + "9" * 29, "1e-400"])
def test_every_number_has_its_bounds(key, value):
    with pytest.raises(SettingsError, match=rf"params\.yaml:[0-9]+: [a-z_.0-9-]*{key}: is "):
        loads(Settings, with_value(key, value))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (TEXT.encode("utf-16"), "not UTF-8 \\(byte 0\\); save it as UTF-8"),
        (TEXT.encode() + "# é".encode("latin-1"), "not UTF-8 \\(byte [0-9]+\\); save it as UTF-8"),
        (b"task: \x07", "not valid YAML: unacceptable character|not valid YAML: control characters"),
        (b"a: 1\n---\nb: 2\n", "not valid YAML: but found another document"),
        (b"", "the file is empty"),
        (b"&a [*a]", "an alias; write the value out"),
        (b"? [a]\n: b\n", "keys must be plain words"),
        (b'"a\\0b": 1\n', "holds a NUL character"),
        (b"x" * 100_000, "the file: must be a section of keys, not 'x{60}…'"),
        (b"x" * 1000 + b": 1", "params.yaml:1: x{60}…: unknown key"),
    ],
)
def test_a_file_that_is_no_settings_is_refused_in_a_line(tmp_path, content, message):
    (tmp_path / "params.yaml").write_bytes(content)
    with pytest.raises(SettingsError, match=message) as error:
        load_settings(tmp_path / "params.yaml")
    assert "\n" not in str(error.value) and len(str(error.value)) < 500


def test_a_folder_and_a_loop_in_place_of_the_file(tmp_path):
    (tmp_path / "loop.yaml").symlink_to(tmp_path / "loop.yaml")
    for path in (tmp_path, tmp_path / "loop.yaml"):
        with pytest.raises(SettingsError, match=r"cannot be read \(.*\); run from the repository's root"):
            load_settings(path)


def test_a_student_of_a_name_that_is_no_path_needs_a_revision(make_settings):
    for name in ("x" * 5000, "~nobody-of-this-name/model", ""):
        with pytest.raises(SettingsError, match=r"student\.revision: is empty and student\.name is"):
            make_settings(**{"student.name": name})


LINES = TEXT.splitlines()
VALUES = st.one_of(
    st.text(max_size=30),
    st.sampled_from(
        ["[", "{", "*a", "&a", "!!int x", "<<", "- ", "1e999", "0x", "\t", "null", "'", '"', "|", ">", "%", "@"]
    ),
    st.integers().map(str),
    st.floats().map(str),
)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(place=st.integers(0, len(LINES) - 1), value=VALUES, cut=st.integers(0, 40))
def test_any_line_changed_in_any_way_is_settings_or_an_error_of_one_line(place, value, cut):
    line = LINES[place][:cut] + value
    try:
        loads(Settings, "\n".join([*LINES[:place], line, *LINES[place + 1 :]]))
    except SettingsError as error:
        assert str(error).startswith("params.yaml")


LABELS = [
    "yes", "no", "Yes", "NO", "on", "off", "y", "n", "true", "null", "~", "010", "1:30", "1_000", "0x1F", "1e3", "1.50",
    "2026-01-01", "-", "—", "👍", "a: b", "#x", "*a", "[a]", "a, b", "1.0",
]  # fmt: skip


def test_labels_survive_how_dvc_writes_them(tmp_path):
    from dvc.utils.serialize import modify_yaml

    path = tmp_path / "params.yaml"
    path.write_text(TEXT)
    with modify_yaml(str(path)) as params:
        params["task"]["table"] |= {"kind": "classes", "classes": LABELS}
    assert load_settings(path).task.table.classes == tuple(LABELS)
