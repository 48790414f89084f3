from __future__ import annotations

import json

import pytest

from distill.errors import DataError
from distill.teacher.exchange import Request, Usage
from distill.teacher.recorded import RecordedTeacher, read_completions


def request(row_id, source=None):
    return Request(row_id, ({"role": "user", "content": "?"},), "m", 0.0, 1.0, 10, source=source)


def jsonl(path, *rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def texts(path):
    return {key: completion[0] for key, completion in read_completions(path).items()}


def test_arrays_in_the_order_of_the_split_continue_from_shard_to_shard(tmp_path):
    for k, part in enumerate((["a", "b"], ["c"])):
        (tmp_path / f"train_CoT_{k}.json").write_text(json.dumps(part))
    (tmp_path / "test_CoT_0.json").write_text(json.dumps(["d"]))
    assert texts(tmp_path) == {"train/0": "a", "train/1": "b", "train/2": "c", "test/0": "d"}


def test_ten_shards_are_in_the_order_of_their_numbers(tmp_path):
    for k in range(11):
        (tmp_path / f"train_CoT_{k}.json").write_text(json.dumps([str(k)]))
    assert texts(tmp_path)["train/10"] == "10" and texts(tmp_path)["train/2"] == "2"


def test_a_missing_shard_would_shift_every_row_after_it(tmp_path):
    for k in (0, 2):
        (tmp_path / f"train_CoT_{k}.json").write_text('["a"]')
    with pytest.raises(DataError, match=r"train_CoT_2\.json: shard 1 of 'train' is missing"):
        read_completions(tmp_path)


def test_lines_by_place_by_id_and_of_a_batch(tmp_path):
    jsonl(tmp_path / "place.jsonl", {"split": "test", "idx": 7, "response": "seven"})
    jsonl(tmp_path / "id.jsonl", {"id": "row-1", "response": "one", "model": "gpt-x", "finish_reason": "length"})
    body = {
        "model": "gpt-y",
        "choices": [{"message": {"content": "two", "reasoning_content": "one and one"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 5, "completion_tokens": 2},
    }
    jsonl(
        tmp_path / "batch.jsonl", {"custom_id": "row-2", "response": {"status_code": 200, "body": body}, "error": None}
    )
    found = read_completions(tmp_path)
    assert found["test/7"].text == "seven"
    one = found["row-1"]
    assert (one.text, one.finish_reason, one.failure, one.model) == ("one", "length", None, "gpt-x")
    two = found["row-2"]
    assert (two.text, two.finish_reason, two.model) == ("two", "stop", "gpt-y")
    assert (found["row-1"].thought, found["row-2"].thought) == (None, "one and one")
    assert (found["row-2"].usage.tokens_in, found["row-2"].usage.tokens_out) == (5, 2)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            [{"id": "a", "response": "x"}, {"id": "a", "response": "y"}],
            r":2: a second completion for 'a' \(the first: .*:1\); keep one a row: point teacher.path at one file",
        ),
        ([{"response": "x"}], ":1: needs 'id', 'custom_id', or 'split' and 'idx'"),
        ([{"id": "a", "response": None}], ":1: field 'response' must be the completion's text"),
    ],
)
def test_a_line_that_cannot_be_used_is_named(tmp_path, rows, message):
    with pytest.raises(DataError, match=message):
        read_completions(jsonl(tmp_path / "c.jsonl", *rows))


def test_nothing_there_is_said(tmp_path):
    with pytest.raises(DataError, match="no such file or folder"):
        read_completions(tmp_path / "none")
    with pytest.raises(DataError, match="no completions"):
        read_completions(tmp_path)


def test_rows_are_answered_by_id_then_by_place_and_a_missing_one_fails_alone(tmp_path, make_settings):
    path = jsonl(
        tmp_path / "c.jsonl", {"id": "a", "response": "by id"}, {"split": "test", "idx": 3, "response": "by place"}
    )
    changes = {
        "teacher.provider": "recorded",
        "teacher.path": str(path),
        "teacher.model": "palm",
        "prompt.optimizer": "fixed",
    }
    teacher = RecordedTeacher(make_settings(**changes), "annotate")
    replies = list(teacher.ask([request("b", "test/3"), request("c", "test/4"), request("a", "test/9")]))
    assert [(r.row_id, r.text, r.failure) for r in replies] == [
        ("b", "by place", None),
        ("c", None, "failed: no completion is recorded for this row"),
        ("a", "by id", None),
    ]
    assert replies[0].model == "palm" and replies[0].usage.tokens_in is None
    assert teacher.describe() == "recorded answers of palm (2 completions)"


def test_what_was_not_counted_is_unknown_and_never_0(tmp_path, make_settings):
    path = jsonl(tmp_path / "c.jsonl", {"id": "a", "response": "x"})
    changes = {"teacher.provider": "recorded", "teacher.path": str(path), "prompt.optimizer": "fixed"}
    teacher = RecordedTeacher(make_settings(**changes), "annotate")
    list(teacher.ask([request("a")]))
    unknown = {"usd": None, "calls": 1, "tokens_in": None, "tokens_cached": None, "tokens_out": None}
    unknown["tokens_reasoning"] = None
    assert teacher.bill.runtime()["saved"] == unknown
    assert teacher.bill.runtime()["paid"]["tokens_in"] == 0


def batch_line(row: str, body: object, status: int = 200) -> dict:
    return {"custom_id": row, "response": {"status_code": status, "body": body}, "error": None}


def message(content: object, finish: str = "stop", **more: object) -> dict:
    usage = {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 30}
    return {"choices": [{"message": {"content": content, **more}, "finish_reason": finish}], "usage": usage}


def test_recorded_bodies_are_read_as_those_of_a_live_server(tmp_path, make_settings):
    path = jsonl(
        tmp_path / "out.jsonl",
        batch_line("parts", message([{"type": "text", "text": "Answer: "}, {"type": "text", "text": "yes"}])),
        batch_line("null", message(None, reasoning_content="Let me see.")),
        batch_line("full", message("Half", "model_context_window_exceeded")),
        batch_line("sensitive", message("No.", "sensitive")),
        batch_line("error", message("Half", "error")),
        batch_line("refused", message(None, refusal="I cannot")),
        batch_line("risk", {"error": {"message": "Content Exists Risk"}}, 400),
        batch_line("down", {"error": {"message": "overloaded"}}, 503),
        batch_line("inside", {"error": {"code": 502, "message": "upstream"}}),
        batch_line("text", "x"),
        batch_line("nothing", None),
        {"custom_id": "lost", "response": None, "error": None},
        batch_line("digits", message("Answer: yes"), "200"),
        batch_line("digits, refused", {"error": {"message": "Content Exists Risk"}}, "400"),
        batch_line("filtered in a 200", {"error": {"code": "1301", "message": "unsafe"}}),
        {"custom_id": "expired", "response": None, "error": {"code": "batch_expired", "message": "not in time"}},
        {"id": "thought", "response": "", "reasoning_content": "Let me see.", "finish_reason": "stop"},
        {"id": "cut", "response": "Half", "finish_reason": "MAX_TOKENS"},
    )
    changes = {"teacher.provider": "recorded", "teacher.path": str(path), "prompt.optimizer": "fixed"}
    completions = RecordedTeacher(make_settings(**changes), "annotate").completions
    assert {row: (some.text, some.finish_reason, some.failure) for row, some in completions.items()} == {
        "parts": ("Answer: yes", "stop", None),
        "null": (None, "stop", "empty"),
        "full": ("Half", "length", None),
        "sensitive": (None, "content_filter", "content_filter"),
        "error": (None, "stopped: error", "stopped"),
        "refused": (None, "stop", "refusal"),
        "risk": (None, None, "content_filter"),
        "down": (None, None, "failed: server error (503): overloaded"),
        "inside": (None, None, "failed: server error (502): upstream"),
        "text": (None, None, "failed: torn JSON: a JSON str, not an object"),
        "nothing": (None, None, "failed: torn JSON: a JSON NoneType, not an object"),
        "lost": (None, None, "failed: empty answer: no response"),
        "digits": ("Answer: yes", "stop", None),
        "digits, refused": (None, None, "content_filter"),
        "filtered in a 200": (None, None, "content_filter"),
        "expired": (None, None, "failed: server error (500): not in time"),
        "thought": (None, "stop", "empty"),
        "cut": ("Half", "length", None),
    }
    assert completions["parts"].usage == Usage(5, 0, 25, "reported", 23)
