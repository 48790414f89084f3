"""Bodies that are too large, packed too well, or without an end; and numbers that no database takes."""

from __future__ import annotations

import gzip
import json
import zlib

import pytest
from fake_batches import FakeBatchEndpoint
from fake_endpoint import Said, completion, error, question

from distill.teacher import open_teacher
from distill.teacher.bodies import bounded_lines, unpacked_pieces
from distill.teacher.exported import checked_export
from distill.teacher.store import Store
from distill.teacher.transfer import Imported, export_answers, import_answers, verify

MIB = 2**20


def packed(text: bytes, encoding: str) -> Said:
    pack = gzip.compress if encoding == "gzip" else zlib.compress
    return Said(pack(text), headers={"Content-Encoding": encoding})


OVERSIZED = {
    "plain": Said(b" " * (MIB + 1)),
    "gzip bomb": packed(bytes(300 * MIB), "gzip"),
    "deflate bomb": packed(bytes(300 * MIB), "deflate"),
    "gzip in gzip members": Said(gzip.compress(bytes(MIB)) * 40, headers={"Content-Encoding": "gzip"}),
    "no end": Said(b'{"choices": [' * 5000, endless=True),
    "a whole answer, and no end": Said(completion().body + b" " * 60_000, endless=True),
}


def replies_of(settings, rows=("bad", "good"), **runtime):
    with open_teacher(settings(**runtime), "annotate") as teacher:
        return {reply.row_id: reply for reply in teacher.ask([question(row) for row in rows])}, teacher.bill


@pytest.mark.parametrize("name", OVERSIZED)
def test_a_body_above_the_limit_is_recorded_at_the_most_it_may_cost_and_not_asked_again(
    endpoint, settings, store_path, tmp_path, name
):
    endpoint.answer = lambda body, times: OVERSIZED[name] if body["messages"][0]["content"] == "bad" else completion()
    for turn in range(2):
        replies, bill = replies_of(settings, max_body_mb=1)
        assert (replies["bad"].failure, replies["bad"].text, replies["good"].failure) == ("oversized", None, None)
        assert bill.paid.calls == (0 if turn else 2)
    assert endpoint.calls == {"bad": 1, "good": 1}
    assert replies["bad"].usage.tokens_out == 50 and replies["bad"].usage.tokens_from == "estimate"  # max_tokens
    with Store(store_path) as store:
        assert verify(store) == [] and export_answers(store, tmp_path / "a.jsonl") == 2
    with Store(tmp_path / "other.sqlite") as other:
        assert import_answers(other, checked_export(tmp_path / "a.jsonl")) == Imported(2, 0, 0)


def test_a_body_at_the_limit_and_a_packed_one_are_answers(endpoint, settings):
    whole = completion().body
    rows = {
        "full": Said(whole + b" " * (MIB - len(whole))),
        "gzip": packed(whole, "gzip"),
        "zip": packed(whole, "deflate"),
    }
    endpoint.answer = lambda body, times: rows[body["messages"][0]["content"]]
    replies, _ = replies_of(settings, rows, max_body_mb=1)
    assert {row: reply.text for row, reply in replies.items()} == dict.fromkeys(rows, "Answer: yes")


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd"])
def test_a_body_that_cannot_be_unpacked_is_asked_again_and_ends_no_run(endpoint, settings, encoding):
    odd = Said(completion().body, headers={"Content-Encoding": encoding})
    endpoint.answer = lambda body, times: odd if body["messages"][0]["content"] == "bad" and times < 2 else completion()
    replies, bill = replies_of(settings, ("good", "bad"), max_retries=2, concurrency=1)
    assert [replies[row].failure for row in ("good", "bad")] == [None, None]
    assert (endpoint.calls["bad"], bill.lost) == (2, 1)


@pytest.mark.parametrize(("status", "failure"), [(503, "server error"), (429, "rate limit")])
def test_an_error_of_any_size_is_judged_by_its_status(endpoint, settings, status, failure):
    endless = Said(b"<p>overloaded</p>" * 4000, status, endless=True)
    endpoint.answer = lambda body, times: endless if times < 2 else completion()
    replies, _ = replies_of(settings, ("bad",), max_retries=1)
    assert (replies["bad"].failure, endpoint.calls["bad"]) == (None, 2)
    endpoint.answer = lambda body, times: endless
    replies, _ = replies_of(settings, ("other",), max_retries=0)
    assert replies["other"].failure.startswith(f"failed: {failure} ({status}): <p>overloaded</p>")


def test_a_body_of_a_recorded_failure_is_stored_as_a_text_that_can_be_exported(
    endpoint, settings, store_path, tmp_path
):
    bodies = {"empty": Said(b"", 451), "latin": Said("Données refusées".encode("latin-1"), 451)}
    endpoint.answer = lambda body, times: bodies[body["messages"][0]["content"]]
    replies, _ = replies_of(settings, bodies)
    assert {reply.failure for reply in replies.values()} == {"content_filter"}
    with Store(store_path) as store:
        assert export_answers(store, tmp_path / "a.jsonl") == 2
    assert checked_export(tmp_path / "a.jsonl").answers == 2
    assert "Donn\ufffdes" in (tmp_path / "a.jsonl").read_text()


HUGE = "9" * 5000
NUMBERS = [
    "9007199254740993", "18446744073709551616", "-1", "1.5", "1e400", "-1e400", "NaN", "Infinity", "true", '"12"',
    "null", HUGE, "[" * 900 + "]" * 900, "{}", '"\\ud800"', "1e15", "0",
]  # fmt: skip
FIELDS = (
    "prompt_tokens", "completion_tokens", "total_tokens", "created", "reasoning", "usage", "logprob", "finish_reason",
    "model", "id", "system_fingerprint",
)  # fmt: skip


@pytest.mark.parametrize("field", FIELDS)
def test_an_answer_is_stored_whatever_its_numbers_are(endpoint, settings, store_path, tmp_path, field):
    """A paid answer whose text can be read is never lost for what stands beside it."""

    def said(body, times):
        made = json.loads(completion().body)
        mark = "VALUE"
        if field in ("created", "model", "id", "usage", "system_fingerprint"):
            made[field] = mark
        elif field == "finish_reason":
            made["choices"][0][field] = mark
        elif field == "logprob":
            made["choices"][0]["logprobs"] = {
                "content": [{"token": "a", "logprob": mark}, {"token": "b", "logprob": -1e308}]
            }
        elif field == "reasoning":
            made["usage"]["completion_tokens_details"] = {"reasoning_tokens": mark}
        else:
            made["usage"][field] = mark
        value = NUMBERS[int(body["messages"][0]["content"])]
        return Said(json.dumps(made).replace('"VALUE"', value).encode())

    endpoint.answer = said
    rows = [str(number) for number in range(len(NUMBERS))]
    replies, _ = replies_of(settings, rows, max_retries=0)
    usable = [reply for reply in replies.values() if reply.text == "Answer: yes"]
    stopped = [reply for reply in replies.values() if reply.failure == "stopped"]
    # An unknown ending is one that the server broke off: stored too, with its status.
    assert len(usable) + len(stopped) == len(rows) and (field == "finish_reason" or not stopped)
    assert all(reply.logprob is None or -1e9 < reply.logprob <= 1e9 for reply in usable)
    with Store(store_path) as store:
        assert len(store) == len(rows) and verify(store) == []
        assert store.select("SELECT sum(calls) FROM payments") == [(len(rows),)]
        assert export_answers(store, tmp_path / "a.jsonl") == len(rows)
    assert checked_export(tmp_path / "a.jsonl").answers == len(rows)


def test_lines_are_bounded_one_by_one():
    pieces = [b"ab\n\n", b"c" * 30, b"c" * 30 + b"\nde", b"f\n", b"x" * 11, b"\n", b"end"]
    assert list(bounded_lines(pieces, 10)) == [
        (b"ab", True), (b"c" * 10, False), (b"def", True), (b"x" * 10, False), (b"end", True)
    ]  # fmt: skip


def test_what_is_unpacked_comes_in_small_pieces():
    bomb = gzip.compress(bytes(50 * MIB))
    sizes = [len(piece) for piece in unpacked_pieces([bomb], "gzip")]
    assert max(sizes) <= 2**16 and sum(sizes) == 50 * MIB
    assert b"".join(unpacked_pieces([gzip.compress(b"a") + gzip.compress(b"b")], "gzip")) == b"ab"
    with pytest.raises(ValueError, match="packed as 'br'"):
        list(unpacked_pieces([b"x"], "br"))


def test_a_result_line_of_a_batch_that_is_too_large_fails_its_row_alone(settings):
    def answer(body, times):
        return completion("x" * (2 * MIB) if body["messages"][0]["content"] == "bad" else "Answer: yes")

    with FakeBatchEndpoint(answer=answer) as endpoint:
        changed = settings({"base_url": endpoint.base_url, "mode": "batch"}, max_body_mb=1)
        for _ in range(2):
            with open_teacher(changed, "annotate") as teacher:
                replies = {reply.row_id: reply for reply in teacher.ask([question("bad"), question("good")])}
            assert (replies["bad"].failure, replies["good"].text) == ("oversized", "Answer: yes")
        assert replies["bad"].usage.tokens_out == 50 and endpoint.batched == 2


def test_what_a_batch_api_says_of_itself_is_bounded_too(settings):
    with FakeBatchEndpoint(answer=lambda body, times: error(400)) as endpoint:
        endpoint.batches["batch-x"] = {"id": "batch-x", "object": "batch", "metadata": {"a": "x" * (2 * MIB)}}
        changed = settings({"base_url": endpoint.base_url, "mode": "batch"}, max_body_mb=1, max_retries=0)
        endpoint.lose_answer_to_create = True
        with open_teacher(changed, "annotate") as teacher, pytest.raises(Exception, match="batch: ") as raised:
            list(teacher.ask([question("a")]))
    assert type(raised.value).__name__ in ("TeacherError", "StoreError")
