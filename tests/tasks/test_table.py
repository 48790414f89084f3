"""One's own data, from a file to splits: columns, kinds of answer, ids, the cut, faults."""

from __future__ import annotations

import json
from collections import Counter
from random import Random
from string import ascii_lowercase

import pytest
from table_files import csv_file, jsonl_file, rows, text

from distill.errors import DataError
from distill.prompts.asking import Ask, Asker
from distill.prompts.prompt_file import hand_written
from distill.rows.records import Example, read_rows, write_prepared, write_rows
from distill.settings import SettingsError
from distill.tasks.survey import survey
from distill.teacher.exchange import Reply, Usage


def ids(split):
    return {row.id for row in split}


def test_validation_and_test_are_labelled_rows_in_proportion_and_train_keeps_the_rest(routed):
    found = routed.splits()
    assert {split: len(part) for split, part in found.items()} == {"train": 70, "validation": 10, "test": 20}
    assert Counter(row.label for row in found["test"]) == {"post": 13, "till": 7}
    assert Counter(row.label for row in found["validation"]) == {"post": 7, "till": 3}
    assert sum(row.label is not None for row in found["train"]) == 30
    assert routed.classes == ("post", "till") and routed.card().fields == ("message",)
    survey(found, routed, 128)


def test_a_row_is_its_content_and_its_id_a_hash_of_it(routed):
    found = {row.input: row for split in routed.splits().values() for row in split}
    row = found[text(3)]
    assert row == Example(row.id, text(3), {"message": text(3)}, (), "till", None, "train/3")
    assert len(row.id) == 16 and int(row.id, 16) >= 0


def test_the_cut_depends_on_seed_and_content_alone(make, tmp_path):
    one = make(csv_file(tmp_path / "a.csv", rows())).splits()
    other = make(csv_file(tmp_path / "b.csv", rows()[::-1])).splits()
    assert [row.id for row in one["test"]] == [row.id for row in other["test"]]
    assert ids(one["test"]) != ids(make(tmp_path / "a.csv", seed=2).splits()["test"])


def test_counts_may_be_shares_of_the_labelled_rows(make, tmp_path):
    found = make(csv_file(tmp_path / "in.csv", rows()), test_rows=0.25, validation_rows=0.2).splits()
    assert (len(found["test"]), len(found["validation"])) == (15, 12)


def test_fewer_train_rows_keep_the_labelled_first_and_are_nested(make, tmp_path):
    path = csv_file(tmp_path / "in.csv", rows())
    few, more = (make(path, train_rows=n).splits()["train"] for n in (35, 50))
    assert len(few) == 35 and sum(row.label is not None for row in few) == 30
    assert ids(few) < ids(more)


def test_the_same_data_as_csv_tsv_jsonl_and_parquet_gives_the_same_rows(make, tmp_path):
    from datasets import Dataset

    data = [{**row, "message": row["message"] + ', "quoted"\nand a second line'} for row in rows()]
    csv_file(tmp_path / "a.csv", data)
    csv_file(tmp_path / "b.tsv", data, "\t")
    jsonl_file(tmp_path / "c.jsonl", [{**row, "desk": row["desk"] or None} for row in data])
    Dataset.from_list(data).to_parquet(str(tmp_path / "d.parquet"))
    found = [make(tmp_path / name).splits() for name in ("a.csv", "b.tsv", "c.jsonl", "d.parquet")]
    as_lists = [{split: list(part) for split, part in one.items()} for one in found]
    assert as_lists[0] == as_lists[1] == as_lists[2] == as_lists[3]


def test_another_delimiter_and_a_byte_order_mark(make, tmp_path):
    path = csv_file(tmp_path / "in.csv", rows(), ";")
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert len(make(path, **{"table.delimiter": ";"}).splits()["test"]) == 20


def test_several_columns_context_and_id(make, tmp_path):
    data = [
        {"Nr": f"n{i:03}", "Sub ject": f"s{i}", "message": text(i), "found": f"page {i}", "desk": "a" if i % 2 else "b"}
        for i in range(60)
    ]
    table = {"table.columns": ["Sub ject", "message"], "table.context": "found", "table.id": "Nr"}
    task = make(csv_file(tmp_path / "in.csv", data), **table)
    row = next(row for split in task.splits().values() for row in split if row.id == "n005")
    assert row.input == f"Context: page 5\nSub ject: s5\nMessage: {text(5)}"
    assert row.fields == {"Sub_ject": "s5", "message": text(5), "context": "page 5"}
    assert task.fields == ("Sub_ject", "message", "context")
    prompt = task.explain.messages(row.fields)[0]["content"]
    assert f"\n\nContext: page 5\n\nSub ject: s5\nMessage: {text(5)}\n\n" in prompt
    assert list(ids(task.splits()["train"])) and [row.id for row in task.splits()["train"]] == sorted(
        row.id for row in task.splits()["train"]
    )


def test_the_teacher_reads_the_context_before_the_question(make, make_settings, tmp_path):
    data = [{"message": text(i), "found": f"page {i}", "desk": "a" if i % 2 else "b"} for i in range(60)]
    task = make(csv_file(tmp_path / "in.csv", data), **{"table.context": "found"})
    found, card, asked = task.splits()["train"], task.card(), []

    class Teacher:
        def ask(self, requests, total=None, title=""):
            for request in requests:
                asked.append(request.messages[-1]["content"])
                yield Reply(
                    request.row_id,
                    request.sample,
                    "So the answer is a.",
                    "stop",
                    "m",
                    Usage(1, 0, 1, "reported"),
                    None,
                    False,
                )

    settings = make_settings()
    list(
        Asker(Teacher(), card, settings.teacher).answers(
            [Ask(row, "explain") for row in found], hand_written(card, settings.prompt)
        )
    )
    assert len(asked) == len(found) > 0
    for row, said in zip(found, asked, strict=True):
        assert 0 <= said.index(f"Context: {row.fields['context']}\n") < said.index(row.fields["message"])


def test_half_of_a_surrogate_pair_is_told_with_its_line(make, tmp_path):
    path = jsonl_file(tmp_path / "in.jsonl", rows())
    lines = path.read_text().splitlines(keepends=True)
    lines[2] = '{"message": "half a sign: \\ud83d", "desk": "post"}\n'
    lines[4] = '{"message": "a whole one: \\ud83d\\ude00", "desk": "post"}\n'
    path.write_text("".join(lines))
    with pytest.raises(
        DataError, match=r"line 3: field 'message' has half of a surrogate pair .*; mend the line, or drop it"
    ) as told:
        make(path).splits()
    assert "line 5" not in str(told.value)


def test_a_template_makes_input_and_prompt(make, tmp_path):
    task = make(csv_file(tmp_path / "in.csv", rows()), **{"table.template": "A customer writes: «{message}»"})
    row = task.splits()["test"][0]
    assert row.input == f"A customer writes: «{row.fields['message']}»"
    assert row.input in task.explain.messages(row.fields)[0]["content"]
    with pytest.raises(
        DataError, match=r"task.table.template: the prompt shows {mesage}, which the task does not have"
    ):
        make(tmp_path / "in.csv", **{"table.template": "{mesage}"})


@pytest.mark.parametrize("listed", ["json", "bars", "columns"])
def test_multiple_choice_brings_its_own_answers(make, tmp_path, listed):
    data = []
    for i in range(60):
        answers = [f"one {i}", f"two, {i}", "three"]
        choices = {
            "json": {"options": json.dumps(answers)},
            "bars": {"options": " | ".join(answers)},
            "columns": dict(zip(("c1", "c2", "c3"), answers, strict=True)),
        }
        data.append({"message": text(i), "desk": "(B)" if i % 2 else f"one {i}", **choices[listed]})
    table = {"table.kind": "choices", "table.choices": ["c1", "c2", "c3"] if listed == "columns" else ["options"]}
    task = make(csv_file(tmp_path / "in.csv", data), **table)
    row = next(row for split in task.splits().values() for row in split if row.source == "train/7")
    assert row.choices == ("one 7", "two, 7", "three") and row.label == "two, 7"
    assert row.input.endswith("Answer choices:\n(a) one 7\n(b) two, 7\n(c) three")
    assert "(b) two, 7" in task.label_only.messages(row.fields)[0]["content"]
    assert task.card().kind == "choices" and task.classes == ()


@pytest.mark.parametrize(("kind", "label"), [("number", lambda i: f"{i} + 1"), ("text", lambda i: f"answer {i}")])
def test_numbers_and_free_text(make, tmp_path, kind, label):
    data = [{"message": text(i), "desk": label(i) if i < 50 else ""} for i in range(70)]
    task = make(csv_file(tmp_path / "in.csv", data), **{"table.kind": kind})
    found = task.splits()
    assert len(found["test"]) == 20 and task.classes == () and task.card().kind == kind
    assert all(row.label for row in found["test"])
    chosen = {row.source for row in found["test"]}
    assert chosen != {
        row.source for row in make(tmp_path / "in.csv", **{"table.kind": kind, "seed": 2}).splits()["test"]
    }


def test_equal_inputs_are_kept_once_the_labelled_one(make, tmp_path):
    data = [*rows(), {"message": f" {text(80)} ", "desk": "till"}, {"message": text(1), "desk": "till"}]
    task = make(csv_file(tmp_path / "in.csv", data))
    found = [row for split in task.splits().values() for row in split]
    assert len(found) == 100
    assert {row.label for row in found if row.input == text(80)} == {"till"}
    assert {row.label for row in found if row.input == text(1)} == {"post"}
    assert task.report()["duplicates"]["exact"] == 2 and task.report()["duplicates"]["labels_at_odds"] == 2
    assert any("line 3, line 103" in notice and "the first label was kept" in notice for notice in task.notices)


def test_near_duplicates_stand_in_one_split(make, tmp_path):
    data = [
        row
        for i, one in enumerate(rows(120, 120))
        for row in (one, {**one, "message": one["message"].upper() + f"! {i}"})
    ]
    data += [{"message": text(i) + ", please.", "desk": ""} for i in range(120)]
    task = make(csv_file(tmp_path / "in.csv", data), test_rows=40, validation_rows=20)
    found = task.splits()
    place = {}
    for split, part in found.items():
        for row in part:
            place.setdefault(row.input.lower()[:30], set()).add(split)
    assert len(place) == 120 and all(len(splits) == 1 for splits in place.values())
    assert (len(found["test"]), len(found["validation"])) == (40, 20)
    report = task.report()["duplicates"]
    assert report["near"]["groups"] == 120 and report["near"]["rows"] == 360 and report["left_out"] == 30
    assert len(found["train"]) == 270


def test_a_message_in_very_many_copies_stays_in_train(make, tmp_path):
    data = rows() + [{"message": f"{text(500)} {i}", "desk": "post"} for i in range(40)]
    found = make(csv_file(tmp_path / "in.csv", data)).splits()
    assert sum(row.input.startswith(text(500)) for row in found["train"]) == 40


def test_a_folder_of_parts_stays_as_it_is_cut_and_overlaps_are_refused_unless_they_are_allowed(make, tmp_path):
    csv_file(tmp_path / "train.csv", rows(80, 70))
    jsonl_file(
        tmp_path / "test.jsonl",
        [*rows()[90:], {"message": text(0), "desk": "till"}, {"message": text(95), "desk": "post"}],
    )
    with pytest.raises(DataError, match=r"1 of train .*\(train line 2 is like test line 11\)"):
        make(tmp_path, test_rows="all").splits()
    dropped = make(tmp_path, test_rows="all", overlap="drop_from_train")
    assert {split: len(part) for split, part in dropped.splits().items()} == {"train": 69, "validation": 10, "test": 2}
    assert dropped.report()["duplicates"]["overlap"] == {"rule": "drop_from_train", "train": 1, "validation": 0}
    task = make(tmp_path, test_rows="all", overlap="allow")
    found = task.splits()
    assert {split: len(part) for split, part in found.items()} == {"train": 70, "validation": 10, "test": 2}
    assert task.report()["duplicates"]["overlap"] == {"rule": "allow", "train": 1, "validation": 0}
    assert {row.source for row in found["test"]} == {"test/10", "test/11"}
    few = [len(make(tmp_path, test_rows=wanted, overlap="allow").splits()["test"]) for wanted in (0.5, 1)]
    assert few == [1, 1]
    assert task.report()["duplicates"]["near"]["across_splits"] == 1
    assert survey(found, task, 128).metrics["duplicates"]["across_splits"] == 1


@pytest.mark.parametrize(("rule", "train"), [("allow", 10), ("drop_from_train", 10)])
def test_overlaps_that_differ_in_digits_are_counted_also_where_another_rule_cuts_the_rest(make, tmp_path, rule, train):
    random = Random(1)

    def words(count):
        return " ".join("".join(random.choices(ascii_lowercase, k=7)) for _ in range(count))

    test = [{"message": f"{words(3)} {random.randint(10**20, 10**21)}", "desk": "till"} for _ in range(30)]
    again = [row["message"].rsplit(" ", 1)[0] for row in test[:10]]
    data = [{"message": f"{same} {random.randint(10**20, 10**21)}", "desk": ""} for same in again]
    for _ in range(3):  # groups that are too large for validation
        base = words(25)
        data += [{"message": f"{base} {words(1)}", "desk": ("post", "till")[n % 2]} for n in range(30)]
    data += [{"message": words(8), "desk": ("post", "till")[n % 2]} for n in range(8)]
    csv_file(tmp_path / "train.csv", data)
    csv_file(tmp_path / "test.csv", test)
    task = make(tmp_path, test_rows="all", overlap=rule)
    task.splits()
    assert task.report()["duplicates"]["overlap"]["train"] == train


def test_a_hub_data_set_with_class_names(make, tmp_path, monkeypatch):
    datasets = pytest.importorskip("datasets")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    features = datasets.Features(
        {"message": datasets.Value("string"), "desk": datasets.ClassLabel(names=["till", "post"])}
    )
    hub = tmp_path / "hub"
    for split, part in (("train", rows(60, 60)), ("test", rows(100, 100)[60:])):
        numbered = [{**row, "desk": row["desk"]} for row in part]
        datasets.Dataset.from_list(numbered, features=features).to_parquet(
            str(hub / "data" / f"{split}-00000-of-00001.parquet")
        )
    found = make("x", hub=str(hub), revision="0" * 40, test_rows=15).splits()
    assert {split: len(part) for split, part in found.items()} == {"train": 50, "validation": 10, "test": 15}
    assert {row.label for row in found["test"]} == {"till", "post"} and all(
        row.source.startswith("test/") for row in found["test"]
    )


def test_rows_are_written_as_they_come_and_as_a_list_would_be(routed, tmp_path):
    train = routed.splits()["train"]
    write_prepared(tmp_path / "streamed.jsonl", train)
    write_rows(tmp_path / "listed.jsonl", list(train))
    assert (tmp_path / "streamed.jsonl").read_bytes() == (tmp_path / "listed.jsonl").read_bytes()
    assert len(read_rows(tmp_path / "streamed.jsonl", Example)) == 70
    with pytest.raises(DataError, match="comes after"):
        write_prepared(tmp_path / "bad.jsonl", tuple(reversed(list(train))))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"table.columns": []}, "task.table.columns: is empty; name the columns that the input is made of"),
        ({"table.description": None}, "task.table.description: is empty; say in one sentence what is to be decided"),
        ({"table.description": " "}, "task.table.description: is empty"),
        ({"table.kind": "choices"}, r"task.table.choices: is \[\] and kind is choices: name the columns of answers"),
        (
            {"table.kind": "number", "table.classes": ["a", "b"]},
            "task.table.classes: is .* and kind is number: set kind to classes, or this to",
        ),
        ({"table.classes": ["a"]}, "task.table.classes: .*two or more"),
        ({"table.delimiter": "||"}, "task.table.delimiter: .* one character"),
        ({"table.delimiter": '"'}, "task.table.delimiter: .* and no quote or line break"),
        (
            {"table.columns": ["message", "desk"]},
            "task.table.label: is 'desk', which is shown as well: the answer would",
        ),
        ({"table.context": "desk"}, "task.table.label: is 'desk', which is shown as well: the answer would"),
        ({"name": "cqa", "test_rows": 0.5}, "task.test_rows: is 0.5; allowed: a count"),
    ],
)
def test_settings_that_do_not_fit_together(make, changes, message):
    with pytest.raises(SettingsError, match=message):
        make("x", **changes)


def test_a_row_without_input_and_label_is_left_out_and_counted(make, tmp_path):
    data = rows()
    data[70:70] = [{"message": " ", "desk": ""}, {"message": "", "desk": ""}]
    task = make(csv_file(tmp_path / "in.csv", data))
    splits = task.splits()
    assert sum(map(len, splits.values())) == 100 and task.report()["empty_rows"] == 2
    assert task.report()["duplicates"]["exact"] == 0
    assert "rows without input and label, which are left out: 2" in task.notices


def test_auto_cuts_by_the_number_of_labelled_rows_and_says_what_can_be_measured(make, tmp_path):
    task = make(csv_file(tmp_path / "in.csv", rows(160, 70)), test_rows="auto", validation_rows="auto")
    splits = task.splits()
    assert [len(splits[split]) for split in ("train", "validation", "test")] == [118, 14, 28]
    assert task.notices[0] == (
        "task.test_rows is auto: 28 of 70 labelled rows; an accuracy of 80% measured on them has a 95 % interval of "
        "60 to 90 %"
    )
    assert task.notices[1].startswith("task.validation_rows is auto: 14 of 70 labelled rows;")


def test_a_long_file_says_how_far_it_is_read_checked_and_written(make, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("distill.progress._LOG_S", 0.0)
    task = make(path=str(csv_file(tmp_path / "rows.csv", rows())))
    splits = task.splits()
    survey(splits, task, 128)
    write_prepared(tmp_path / "train.jsonl", tuple(splits["train"]))
    lines = [line.split(" rows")[0] for line in capsys.readouterr().err.splitlines()]
    assert [line for line in lines if line.startswith("prepare, reading: ")] == ["prepare, reading: 100/100"]
    checked = sum(map(len, splits.values()))
    assert [line for line in lines if line.startswith("prepare, checking: ")][
        -1
    ] == f"prepare, checking: {checked}/{checked}"
    written = len(splits["train"])
    assert lines[-1] == f"prepare, writing train: {written}/{written}"
