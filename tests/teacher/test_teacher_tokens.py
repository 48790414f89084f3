from __future__ import annotations

import socket

import pytest

from distill.sizes import estimate_tokens
from distill.teacher.exchange import Usage
from distill.teacher.tokens import (
    _encoding,
    _file,
    count_prompt_tokens,
    count_tokens,
    estimate_prompt,
    usage_or_count,
)

MESSAGES = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "hello hello"}]


@pytest.fixture(autouse=True)
def files(tmp_path, monkeypatch):
    """An empty folder of tiktoken files, and no network."""

    def refuse(*_):
        raise AssertionError("counting tokens must not use the network")

    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(socket.socket, "connect", refuse)
    _encoding.cache_clear()
    yield tmp_path
    _encoding.cache_clear()


def test_an_estimate_is_four_bytes_a_token_and_four_tokens_a_message():
    assert [estimate_tokens(text) for text in ("", "abcd", "abcde", "ä" * 4)] == [0, 1, 2, 2]
    assert estimate_prompt(MESSAGES) == (3 + 4) + (3 + 4)


def test_without_the_file_nothing_is_downloaded_and_the_count_is_an_estimate():
    assert count_tokens("hello hello", "gpt-4o") == (3, "estimate")
    assert count_prompt_tokens(MESSAGES, "gpt-4o") == (14, "estimate")


def test_where_the_file_is_tiktoken_counts(files, monkeypatch):
    import tiktoken

    ranks = {bytes([value]): value for value in range(256)} | {b"hello": 256, b" hello": 257}
    tiny = tiktoken.Encoding("tiny", pat_str=r" ?\w+|\W", mergeable_ranks=_with_steps(ranks), special_tokens={})
    monkeypatch.setattr(tiktoken, "get_encoding", {"o200k_base": tiny}.__getitem__)
    _file("o200k_base").write_bytes(b"")
    assert count_tokens("hello hello", "gpt-4o") == (2, "tiktoken")
    assert count_prompt_tokens(MESSAGES[1:], "gpt-4o") == (2 + 4, "tiktoken")
    assert count_tokens("hello", "no-such-model") == (2, "estimate")


def _with_steps(ranks):
    """Byte pairs merge step by step, so each beginning of a token must be one."""
    merged = {token: rank for token, rank in ranks.items() if len(token) == 1}
    for token in (b"hello", b" hello"):
        for end in range(2, len(token) + 1):
            merged.setdefault(token[:end], len(merged))
    return merged


def test_what_the_server_reported_comes_first():
    assert usage_or_count(Usage(9, 1, 2, "reported"), MESSAGES, "yes", "gpt-4o") == Usage(9, 1, 2, "reported")
    assert usage_or_count(Usage(), MESSAGES, "yes", "gpt-4o") == Usage(14, 0, 1, "estimate")
