"""The published data sets, from files in their published layouts and from local copies of their hub layouts."""

from __future__ import annotations

import csv
import json

import pytest

from distill.answers.matching import same_label
from distill.errors import DataError
from distill.tasks.registry import get_task
from distill.tasks.survey import survey


def jsonl(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


@pytest.fixture
def make(make_settings, tmp_path):
    def made(name, path="x", **changes):
        every = {
            "task.name": name,
            "task.path": str(path),
            "task.train_rows": "all",
            "task.test_rows": "all",
            "task.validation_rows": 0.2,
        }
        return get_task(make_settings(**every | {f"task.{key}": value for key, value in changes.items()}).task)

    return made


def hub(path, splits, features=None, configuration="default"):
    """A local data set in the layout of the hub: Parquet files and a card that names them."""
    import datasets

    lines = ["---", "configs:", f"- config_name: {configuration}", "  data_files:"]
    for split, rows in splits.items():
        file = f"{configuration}/{split}-00000-of-00001.parquet"
        (path / configuration).mkdir(parents=True, exist_ok=True)
        datasets.Dataset.from_list(rows, features=features).to_parquet(str(path / file))
        lines += [f"  - split: {split}", f"    path: {file}"]
    (path / "README.md").write_text("\n".join([*lines, "---", ""]))
    return str(path)


def counts(splits):
    return {split: len(rows) for split, rows in splits.items()}


ANLI = [
    {
        "uid": f"u{i}",
        "premise": f"Premise {i} is long.",
        "hypothesis": f"Claim {i}.",
        "label": i % 3,
        "reason": "" if i % 2 else f"since {i}",
    }
    for i in range(12)
]


def anli_file(rows):
    return [
        {**{k: v for k, v in row.items() if k != "premise"}, "context": row["premise"], "label": "enc"[row["label"]]}
        for row in rows
    ]


@pytest.mark.parametrize("number", [1, 2, 3])
def test_anli_from_files_and_from_the_hub(make, tmp_path, monkeypatch, number):
    import datasets

    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    parts = {"train": ANLI[:6], "dev": ANLI[6:9], "test": ANLI[9:]}
    for split, rows in parts.items():
        jsonl(tmp_path / "anli" / f"R{number}" / f"{split}.jsonl", anli_file(rows))
    # Rows that differ in their digits alone are alike.
    task = make(f"anli{number}", tmp_path / "anli", overlap="allow")
    found = task.splits()
    assert counts(found) == {"train": 6, "validation": 3, "test": 3}
    row = next(row for row in found["train"] if row.id == "u4")
    assert (row.label, row.rationale, row.source) == ("neutral", "since 4", "train/4")
    assert row.input == "Hypothesis: Claim 4.\nPremise: Premise 4 is long."
    assert next(row for row in found["train"] if row.id == "u5").rationale is None
    survey(found, task, 128)

    features = datasets.Features({key: datasets.Value("string") for key in ("uid", "premise", "hypothesis", "reason")})
    features["label"] = datasets.ClassLabel(names=["entailment", "neutral", "contradiction"])
    copy = hub(tmp_path / "hub", {f"{split}_r{number}": rows for split, rows in parts.items()}, features, "plain_text")
    assert make(f"anli{number}", hub=copy, revision="0" * 40, overlap="allow").splits() == found


def test_esnli_from_files_and_from_the_hub(make, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    labels = ("entailment", "neutral", "contradiction", "-")
    rows = [
        {
            "pairID": f"p{i // 2}",
            "gold_label": labels[i % 4],
            "Sentence1": f"A man {i}, walking.",
            "Sentence2": f"Somebody moves {i}.",
            "Explanation_1": f"he walks {i}",
        }
        for i in range(16)
    ]
    for name, part in (("train_1", rows[:4]), ("train_2", rows[4:8]), ("dev", rows[8:12]), ("test", rows[12:])):
        with open(tmp_path / f"esnli_{name}.csv", "w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(part)
    found = make("esnli", tmp_path, overlap="allow").splits()
    assert counts(found) == {"train": 6, "validation": 3, "test": 3}
    row = found["train"][4]
    assert (row.id, row.label, row.rationale, row.fields["premise"]) == (
        "train-5",
        "neutral",
        "he walks 5",
        "A man 5, walking.",
    )

    part = [
        {
            "premise": r["Sentence1"],
            "hypothesis": r["Sentence2"],
            "label": i % 4 if i % 4 < 3 else -1,
            "explanation_1": r["Explanation_1"],
        }
        for i, r in enumerate(rows)
    ]
    copy = hub(tmp_path / "hub", {"train": part[:8], "validation": part[8:12], "test": part[12:]})
    assert make("esnli", hub=copy, revision="0" * 40, overlap="allow").splits() == found


def test_a_published_csv_is_read_as_any_table_is(make, tmp_path):
    header = "pairID,gold_label,Sentence1,Sentence2,Explanation_1\n"
    for name in ("train_1", "train_2", "dev"):
        (tmp_path / f"esnli_{name}.csv").write_text(header + "p,neutral,A man.,He walks.,why\n")
    with pytest.raises(DataError, match=r"esnli_test\.csv: no such file; task\.path must name the folder"):
        make("esnli", tmp_path).splits()
    (tmp_path / "esnli_test.csv").write_text(header + "p,neutral,A man.\n")
    with pytest.raises(DataError, match=r"esnli_test\.csv line 2: 3 cells where the header has 5"):
        make("esnli", tmp_path).splits()


def test_svamp_labels_are_equations_that_are_compared_by_value(make, tmp_path):
    for split, count in (("train", 10), ("test", 3)):
        jsonl(
            tmp_path / f"svamp_{split}.json",
            [{"input": f"Ann has {i} eggs ({split}).\nHow many?", "label": f"( {i}.0 / 2.0 )"} for i in range(count)],
        )
    task = make("svamp", tmp_path)
    found = task.splits()
    assert counts(found) == {"train": 8, "validation": 2, "test": 3}
    row = found["test"][1]
    assert row.label == "( 1.0 / 2.0 )" and row.source == "test/1" and row.rationale is None
    assert (
        same_label(task.kind, row.label, "0.5")
        and same_label(task.kind, row.label, "1/2")
        and not same_label(task.kind, row.label, "2")
    )
    survey(found, task, 128)


def test_svamp_from_the_hub(make, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    rows = [
        {
            "ID": f"chal-{i}",
            "Body": f"There are {i} boys",
            "Question": "How many are there?",
            "Equation": f"( {i}.0 + 2.0 )",
            "Answer": str(i + 2),
        }
        for i in range(12)
    ]
    found = make("svamp", hub=hub(tmp_path / "hub", {"train": rows[:9], "test": rows[9:]}), revision="0" * 40).splits()
    assert (
        found["test"][0].input == "There are 9 boys. How many are there?" and found["test"][0].label == "( 9.0 + 2.0 )"
    )


def test_gsm8k_solutions_are_rationales_without_calculator_notes(make, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    rows = [
        {"question": f"Q{i}?", "answer": f"He sold 48/2 = <<48/2=24>>24 clips.\nThen {i}.\n#### {1000 + i:,}"}
        for i in range(12)
    ]
    for split, part in (("train", rows[:10]), ("test", rows[10:])):
        jsonl(tmp_path / f"{split}.jsonl", part)
    found = make("gsm8k", tmp_path).splits()
    assert counts(found) == {"train": 8, "validation": 2, "test": 2}
    row = found["test"][0]
    assert (row.label, row.rationale, row.source) == ("1010", "He sold 48/2 = 24 clips. Then 10.", "test/0")
    copy = hub(tmp_path / "hub", {"train": rows[:10], "test": rows[10:]}, configuration="main")
    assert make("gsm8k", hub=copy, revision="0" * 40).splits() == found


def test_bad_rows_come_in_one_list(make, tmp_path):
    jsonl(
        tmp_path / "train.jsonl",
        [
            {"question": "", "answer": "1 #### 1"},
            {"question": "Q?", "answer": "no mark"},
            {"question": "Q?", "answer": "#### many"},
        ],
    )
    jsonl(tmp_path / "test.jsonl", [{"question": "Q?", "answer": "#### 1"}])
    with pytest.raises(DataError) as error:
        make("gsm8k", tmp_path).splits()
    told = str(error.value)
    assert "train.jsonl:1: field 'question' is ''" in told
    assert "train.jsonl:2: field 'answer' has no '####'" in told and "train.jsonl:3: unexpected 'm'" in told


def test_a_hub_data_set_that_is_not_there_is_named(make, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    with pytest.raises(DataError, match=r"task.hub: .*nowhere at 0+ cannot be loaded"):
        make("gsm8k", hub=str(tmp_path / "nowhere"), revision="0" * 40).splits()


def test_near_duplicates_across_published_splits_are_refused_left_out_or_allowed(make, tmp_path):
    question = "A farmer has many hens, and each of them lays an egg a day; how many in a week? "
    train = [
        {"question": f"{chr(97 + i) * 9} unlike the others {chr(98 + i) * 12}", "answer": "so #### 3"} for i in range(9)
    ]
    jsonl(tmp_path / "train.jsonl", [*train, {"question": question, "answer": "so #### 3"}])
    jsonl(
        tmp_path / "test.jsonl",
        [{"question": question + "Now!", "answer": "so #### 3"}, {"question": "Else?", "answer": "so #### 3"}],
    )
    with pytest.raises(
        DataError, match=r"share rows.*: 1 of train are in validation or test, 0 of .*\(train/9 \("
    ) as no:
        make("gsm8k", tmp_path).splits()
    assert "is like test/0 (test)" in str(no.value) and "drop_from_train" in str(no.value)
    for rule, rows in (("allow", 10), ("drop_from_train", 9)):
        task = make("gsm8k", tmp_path, overlap=rule)
        found = task.splits()
        assert counts(found)["train"] + counts(found)["validation"] == rows and counts(found)["test"] == 2
        assert survey(found, task, 128).metrics["duplicates"] == {
            "across_splits": 0,
            "near": {"rows": 2, "groups": 1, "across_splits": 1, "similarity": 0.8},
            "overlap": {"rule": rule, "train": 1, "validation": 0},
        }
        assert f"they are left {'where' if rule == 'allow' else 'out'}" in task.notices[0]


def test_published_answers_of_other_names_are_read_for_the_inference_tasks(make, tmp_path):
    from distill.answers.parsing import parse_response

    for name in ("anli1", "esnli"):
        card = make(name, tmp_path).card()
        answers = {"true": "entailment", "False": "contradiction", "inconclusive": "neutral", "neutral": "neutral"}
        for answer, label in answers.items():
            text = f"The premise names no hours. Therefore, the hypothesis is {answer}."
            parsed = parse_response(text, kind="classes", choices=card.classes, aliases=card.aliases)
            assert (parsed.label, parsed.rationale) == (label, "The premise names no hours.")
        for text in ("No, we cannot determine whether it is true.", "There is no claim of that.", "Yes or no?"):
            parsed = parse_response(text, kind="classes", choices=card.classes, aliases=card.aliases)
            assert parsed.label is None, text
