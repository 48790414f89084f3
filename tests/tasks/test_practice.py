"""The practice task: what is generated, and what its file must hold."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from distill.errors import DataError
from distill.settings import load_settings
from distill.tasks.practice import Practice, read_scale, with_article
from distill.tasks.survey import survey

ROOT = Path(__file__).parents[2]
FILE = ROOT / "data/examples/practice.yaml"
SETTINGS = replace(
    load_settings(ROOT / "params.yaml").task, path=str(FILE), train_rows=900, validation_rows=90, test_rows=150, seed=1
)


def splits(**changes):
    task = Practice(replace(SETTINGS, **changes))
    found = task.splits()
    survey(found, task, 128)
    return found


@pytest.fixture(scope="module")
def rows():
    return splits()


@pytest.fixture(scope="module")
def things():
    """step of every thing, by name"""
    return {thing: step for step, (_, items) in enumerate(read_scale(FILE).steps) for thing in items}


def named(row):
    """The two things of a row, in the order of its question."""
    words = row.input.removesuffix("?").split()
    return words[4], words[8]


def test_the_file_has_nine_steps_of_at_least_36_things_each_known_once():
    steps = read_scale(FILE).steps
    assert len(steps) == 9
    assert min(len(items) for _, items in steps) >= 36
    words = {word for name, _ in steps for word in name.split()}
    assert not words & {thing for _, items in steps for thing in items}, "a rationale would name a thing"


def test_counts_and_balance(rows):
    assert {split: len(found) for split, found in rows.items()} == {"train": 900, "validation": 90, "test": 150}
    for found in rows.values():
        assert set(Counter(row.label for row in found).values()) == {len(found) // 3}


def test_labels_and_rationales_follow_from_the_scale(rows, things):
    names = [name for name, _ in read_scale(FILE).steps]
    for row in rows["train"] + rows["test"]:
        first, second = named(row)
        gap = things[first] - things[second]
        assert row.label == ("larger" if gap > 0 else "smaller" if gap < 0 else "similar")
        end = {
            "larger": "the first is larger",
            "smaller": "the first is smaller",
            "similar": "the two are similar in size",
        }[row.label]
        assert (
            row.rationale == f"The first is {names[things[first]]} and the second is {names[things[second]]}, so {end}."
        )
        assert 10 <= len(row.rationale.split()) <= 40
        assert first not in row.rationale.split() and second not in row.rationale.split()


def test_no_unordered_pair_is_in_two_rows(rows):
    pairs = Counter(frozenset(named(row)) for found in rows.values() for row in found)
    assert set(pairs.values()) == {1}


def test_every_thing_is_in_train_about_equally_often(rows, things):
    uses = Counter(thing for row in rows["train"] for thing in named(row))
    assert set(uses) == set(things)
    assert (min(uses.values()), max(uses.values())) == (5, 5)  # 1,800 places for 360 things


def test_a_row_is_its_question_and_its_id_its_content(rows, things):
    row = rows["test"][0]
    first, second = named(row)
    assert row.fields == {"question": row.input}
    assert row.id == "practice-" + hashlib.sha256(f"{first}\0{second}".encode()).hexdigest()[:12]
    assert row.input == f"How big is {with_article(first)} next to {with_article(second)}?"


@pytest.mark.parametrize(
    ("thing", "wanted"),
    [
        ("ladle", "a ladle"),
        ("oar", "an oar"),
        ("ukulele", "a ukulele"),
        ("umbrella", "an umbrella"),
        ("unicorn", "a unicorn"),
        ("hourglass", "an hourglass"),
        ("yurt", "a yurt"),
    ],
)
def test_articles_follow_the_sound(thing, wanted):
    assert with_article(thing) == wanted


def test_more_train_rows_begin_with_the_fewer_and_leave_the_others_alone(rows):
    more = splits(train_rows=1200)
    assert more["train"][:900] == rows["train"]
    assert more["test"] == rows["test"] and more["validation"] == rows["validation"]


def test_the_seed_changes_the_rows(rows):
    other = {row.id for row in splits(seed=2)["test"]}
    assert len(other & {row.id for row in rows["test"]}) < 10


def test_a_share_of_train_rows_for_validation():
    assert len(splits(train_rows=300, validation_rows=0.1)["validation"]) == 30
    assert len(splits(train_rows=3, validation_rows=0.1)["validation"]) == 1


@pytest.mark.parametrize("split", ["train", "test"])
def test_all_rows_of_a_generated_task_is_an_error_that_says_what_to_give(split):
    with pytest.raises(DataError, match=rf"task\.{split}_rows: is all; .* give a count of rows, at least 1"):
        splits(**{f"{split}_rows": "all"})


def test_more_rows_than_there_are_pairs_is_an_error():
    # 9 steps of 40 things: 9 * 40 * 39 / 2 = 7,020 pairs on one step, for a third of the rows.
    with pytest.raises(DataError, match=r"gives 21060 rows at most, .* ask for 30240"):
        splits(train_rows=30_000)


def test_all_pairs_can_be_used(tmp_path):
    path = tmp_path / "small.yaml"
    values = yaml.safe_load(FILE.read_text())
    values["scale"] = [
        {"name": name, "items": items} for name, items in (("low", ["a1", "a2", "a3"]), ("high", ["b1", "b2", "b3"]))
    ]
    path.write_text(yaml.safe_dump(values))
    assert read_scale(path).capacity == 12  # 6 pairs on one step, 9 on two of which 4 are larger and 4 smaller
    found = splits(path=str(path), train_rows=6, validation_rows=3, test_rows=3)
    assert Counter(row.label for split in found.values() for row in split) == {"larger": 4, "smaller": 4, "similar": 4}


def test_rows_do_not_depend_on_the_hash_seed(rows):
    code = (
        "import sys; sys.path.insert(0, 'stages')\n"
        "from dataclasses import replace\nfrom distill.settings import load_settings\n"
        "from distill.tasks.practice import Practice\n"
        "task = Practice(replace(load_settings().task, train_rows=900, validation_rows=90, test_rows=150, seed=1))\n"
        "print([row.id for row in task.splits()['train']])"
    )
    for seed in ("1", "2"):
        out = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            cwd=ROOT,
            env={"PYTHONHASHSEED": seed},
        )
        assert out.stdout.strip() == str([row.id for row in rows["train"]])


def test_the_prompts_show_the_question_and_name_every_label(rows):
    for template in (Practice.explain, Practice.label_only):
        template.check(Practice.fields)
        assert all(label in template.user for label in Practice.classes)
    text = Practice.explain.messages(rows["train"][0].fields)[0]["content"]
    assert "{" not in text and "So the answer is X." in text


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "keywords"}, "kind must be comparison"),
        ({"scale": [{"name": "a", "items": ["x", "y"]}]}, "has 1 steps; at least 2"),
        ({"scale": [{"name": "a", "items": ["x", "y"]}, {"name": "b", "items": ["z"]}]}, "'b' has 1 items; at least 2"),
        (
            {"scale": [{"name": "a", "items": ["x", "y"]}, {"name": "b", "items": ["z", "x"]}]},
            "'x' is in 'a' and in 'b'",
        ),
        (
            {"scale": [{"name": "a", "items": ["x", True]}, {"name": "b", "items": ["z", "w"]}]},
            "has the item True; each must be a word",
        ),
        ({"scale": [{"name": "a"}]}, "a key is missing or not of its kind .'items'"),
        (
            {"rationale": "The first is {first}, {conclusion}."},
            "rationale: has 9 words for 'crumb sized'; allowed: 10 to 40",
        ),
        ({"rationale": "{thing}"}, "unknown placeholder 'thing'"),
        ({"question": "{one} or {two}?"}, "unknown placeholder 'one'"),
    ],
)
def test_a_file_that_cannot_be_used_names_file_and_fault(tmp_path, change, message):
    path = tmp_path / "practice.yaml"
    path.write_text(yaml.safe_dump(yaml.safe_load(FILE.read_text()) | change))
    with pytest.raises(DataError, match=rf"{path}: .*{message}"):
        read_scale(path)


def test_other_labels_than_the_tasks_own_are_refused(tmp_path):
    path = tmp_path / "practice.yaml"
    path.write_text(FILE.read_text().replace("label: larger", "label: bigger"))
    with pytest.raises(DataError, match="the labels are bigger, smaller, similar; allowed: larger, smaller, similar"):
        read_scale(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, ": no such file"),
        ("a: [", ":2: not valid YAML"),
        ("a: 2026-99-99", ": not YAML"),
        ("[" * 10_000, ":1: nested deeper than 20 levels"),
        ("&a [*a]", r":1: \*a: an alias"),
        ("- a", ": kind must be comparison"),
    ],
)
def test_no_file_or_no_yaml(tmp_path, content, message):
    path = tmp_path / "practice.yaml"
    if content is not None:
        path.write_text(content)
    with pytest.raises(DataError, match=rf"{path}{message}"):
        read_scale(path)


@pytest.mark.parametrize("key", ["question", "rationale", "outcomes", "scale"])
@pytest.mark.parametrize("value", [5, None, [], ["x"], {"a": 1}, "{x.y}"])
def test_a_key_of_another_kind_is_named(tmp_path, key, value):
    values = yaml.safe_load((ROOT / "data/examples/practice.yaml").read_text()) | {key: value}
    (tmp_path / "practice.yaml").write_text(yaml.safe_dump(values))
    with pytest.raises(DataError, match=r"practice\.yaml: "):
        read_scale(tmp_path / "practice.yaml")


def test_a_folder_in_place_of_the_scale_is_named(tmp_path):
    with pytest.raises(DataError, match=r"cannot be read .*; task.path must name a file"):
        read_scale(tmp_path)
