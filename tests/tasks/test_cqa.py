"""CommonsenseQA from files in the published layout, and from a local data set in the hub's layout."""

from __future__ import annotations

import json

import pytest

from distill.errors import DataError
from distill.tasks.cqa import CommonsenseQA


def row(i, **changes):
    return {
        "id": f"id{i}",
        "question": f"Where is thing {i}?",
        "choices": ["park", "park bench", "sea", "sky", "sky"],
        "answer": "park bench",
        "abstractive_explanation": f"it is number {i}",
        "extractive_explanation": "thing",
    } | changes


@pytest.fixture
def folder(tmp_path):
    def make(train=None, test=None):
        for split, rows in (("train", train), ("test", test)):
            rows = [row(f"{split}{i}") for i in range(10)] if rows is None else rows
            (tmp_path / f"cqa_{split}.json").write_text("".join(json.dumps(r) + "\n" for r in rows))
        return tmp_path

    return make


def task(make_settings, folder, **changes):
    every = {
        "task.name": "cqa",
        "task.path": str(folder),
        "task.train_rows": "all",
        "task.test_rows": "all",
        "task.validation_rows": 0.2,
    }
    return CommonsenseQA(make_settings(**every | changes).task)


def test_the_published_files_become_rows(make_settings, folder):
    splits = task(make_settings, folder()).splits()
    assert {split: len(rows) for split, rows in splits.items()} == {"train": 8, "validation": 2, "test": 10}
    found = next(r for r in splits["test"] if r.id == "idtest3")
    assert found.input == "Where is thing test3?\nAnswer choices:\n(a) park\n(b) park bench\n(c) sea\n(d) sky\n(e) sky"
    assert (found.label, found.rationale, found.source) == ("park bench", "it is number test3", "test/3")
    assert found.fields == {
        "question": "Where is thing test3?",
        "choices": "(a) park\n(b) park bench\n(c) sea\n(d) sky\n(e) sky",
    }


def test_validation_is_cut_before_train_is_limited(make_settings, folder):
    whole, few = (task(make_settings, folder(), **{"task.train_rows": n}).splits() for n in ("all", 3))
    assert few["validation"] == whole["validation"]
    assert len(few["train"]) == 3 and {r.id for r in few["train"]} <= {r.id for r in whole["train"]}


def test_every_prompt_renders(make_settings, folder):
    cqa = task(make_settings, folder())
    found = cqa.splits()["test"][0]
    for template in (cqa.explain, cqa.label_only):
        template.check(cqa.fields)
        assert "(e) sky" in template.messages(found.fields)[0]["content"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"question": ""}, r"cqa_test.json:2: field 'question' is ''; it must be a text that is not empty"),
        ({"choices": "a"}, r"cqa_test.json:2: field 'choices' is 'a'; it must be a list"),
        (
            {"answer": "moon"},
            r"cqa_test.json:2: the answer 'moon' is none of the choices .*; compare with the published data set",
        ),
    ],
)
def test_a_bad_row_is_named(make_settings, folder, changes, message):
    with pytest.raises(DataError, match=message):
        task(make_settings, folder(test=[row(1), row(2, **changes)])).splits()


def test_a_missing_file_is_named(make_settings, tmp_path):
    with pytest.raises(DataError, match=r"cqa_train.json: no such file"):
        task(make_settings, tmp_path).splits()


def test_a_hub_data_set_gives_the_same_rows(make_settings, folder, tmp_path, monkeypatch):
    pytest.importorskip("datasets")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    hub = tmp_path / "hub"
    for split, name in (("train", "train"), ("validation", "test")):
        (hub / "v1.11").mkdir(parents=True, exist_ok=True)
        (hub / "v1.11" / f"{split}.jsonl").write_text("".join(json.dumps(row(f"{name}{i}")) + "\n" for i in range(10)))
    (hub / "README.md").write_text(
        "---\nconfigs:\n- config_name: v1.11\n  data_files:\n  - split: train\n    path: v1.11/train.jsonl\n"
        "  - split: validation\n    path: v1.11/validation.jsonl\n---\n"
    )
    from_hub = task(make_settings, folder(), **{"task.hub": str(hub), "task.revision": "0" * 40})
    assert from_hub.splits() == task(make_settings, folder()).splits()
