"""One model on several servers, on real servers of this machine, some of which die."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fake_endpoint import FakeEndpoint, Said, completion, error, question
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from distill.settings import SettingsError
from distill.teacher import TeacherError, open_teacher
from distill.teacher.opening import open_batch_api

NOBODY = "http://127.0.0.1:9/v1"


@pytest.fixture
def other() -> Iterator[FakeEndpoint]:
    with FakeEndpoint() as server:
        yield server


@pytest.fixture
def both(endpoint, other, settings):
    """Settings that ask two servers, with the given changes of the section `teacher`."""

    def make(teacher: dict | None = None, **runtime):
        several = {"base_url": (endpoint.base_url, other.base_url), "endpoint_name": "ours", **(teacher or {})}
        return settings(several, **runtime)

    return make


def ask(settings, count=40, start=0):
    with open_teacher(settings, "annotate") as teacher:
        return list(teacher.ask([question(str(start + number)) for number in range(count)])), teacher.bill


def test_calls_go_to_the_least_busy_server(endpoint, other, both):
    endpoint.until_at_once = other.until_at_once = 4
    replies, _ = ask(both(concurrency=8), 8)
    assert [reply.failure for reply in replies] == [None] * 8
    assert (endpoint.most_at_once, other.most_at_once) == (4, 4)


def test_a_server_that_dies_in_the_middle_is_left_out_and_no_row_is_lost(endpoint, other, both, capsys):
    """Its open calls are cut, and new ones refused. What it does not answer, the other does."""

    def dying(body, times):
        if other.total >= 5:
            return Said(cut=True)
        return completion("from the other")

    other.answer = dying
    replies, bill = ask(both(concurrency=4, max_retries=6))
    assert [reply.failure for reply in replies] == [None] * 40 and bill.paid.calls == 40 + bill.lost
    assert bill.lost == other.total - 4
    assert sum(reply.text == "from the other" for reply in replies) == 4
    err = capsys.readouterr().err
    assert err.count(f"annotate: {other.base_url} is left out, as it does not answer (Server disconnected)") == 1
    assert "1 of 2 servers answer" in err and "answers again" not in err
    assert 5 <= other.total <= 8, "three cuts in a row, and those in flight"


class Mortal(FakeEndpoint):
    """A server whose socket is closed for good at its fifth call, which it does not answer."""

    dead = False

    def __init__(self):
        super().__init__(self.last)

    def last(self, body, times):
        if self.total >= 5:
            self.dead = True
            self._over.set()
            return Said(cut=True)
        return completion()

    def __exit__(self, *_):
        if not self.dead:
            super().__exit__()
        self._thread.join()


def test_a_server_that_is_gone_is_not_asked_and_no_row_is_lost(endpoint, settings, capsys):
    with Mortal() as mortal:
        several = {"base_url": (mortal.base_url, endpoint.base_url), "endpoint_name": "ours"}
        replies, bill = ask(settings(several, concurrency=2, max_retries=6))
    assert [reply.failure for reply in replies] == [None] * 40 and bill.paid.calls == 40 + bill.lost
    assert mortal.dead and endpoint.total == 36 and capsys.readouterr().err.count(" is left out") == 1


def test_a_server_that_cannot_be_reached_costs_no_attempt(endpoint, settings, capsys):
    several = {"base_url": (NOBODY, endpoint.base_url), "endpoint_name": "ours"}
    replies, bill = ask(settings(several, max_retries=0))
    assert [reply.failure for reply in replies] == [None] * 40
    assert (endpoint.total, bill.paid.calls) == (40, 40)
    assert capsys.readouterr().err.count(f"{NOBODY} is left out") == 1


def test_a_server_is_tried_again_and_back_once_it_answers(endpoint, other, both, capsys, monkeypatch):
    monkeypatch.setattr("distill.teacher.servers._AGAIN_S", 0.0)
    other.answer = lambda body, times: error(503) if other.total <= 3 else completion()
    replies, _ = ask(both(concurrency=2))
    assert [reply.failure for reply in replies] == [None] * 40
    err = capsys.readouterr().err
    assert err.count(f"{other.base_url} is left out") == err.count(f"{other.base_url} answers again: 2 of 2") == 1


def test_while_it_is_left_out_it_is_asked_nothing(endpoint, other, both):
    other.answer = lambda body, times: error(500)
    ask(both(concurrency=1))
    assert other.total == 3 and endpoint.total == 40


BEHAVIOURS = {
    "answer": lambda: completion(),
    "cut": lambda: Said(cut=True),
    "overloaded": lambda: error(503),
    "slow down": lambda: error(429, "rate_limit_exceeded"),
}


@pytest.fixture(scope="module")
def three() -> Iterator[list[FakeEndpoint]]:
    with FakeEndpoint() as first, FakeEndpoint() as second, FakeEndpoint() as third:
        yield [first, second, third]


@hypothesis_settings(
    max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    plans=st.lists(st.lists(st.sampled_from(sorted(BEHAVIOURS)), max_size=12), min_size=3, max_size=3),
    again_s=st.sampled_from([0.0, 30.0]),
)
def test_whatever_servers_do_for_a_while_every_row_is_answered_once(three, settings, tmp_path, plans, again_s):
    for server, plan in zip(three, plans, strict=True):
        behaviours = iter(plan)
        server.answer = lambda body, times, behaviours=behaviours: BEHAVIOURS[next(behaviours, "answer")]()
        server.calls.clear()
    several = {"base_url": (NOBODY, *(server.base_url for server in three)), "endpoint_name": "ours"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DISTILL_STORE", str(tmp_path / f"{len(list(tmp_path.iterdir()))}.sqlite"))
        patch.setattr("distill.teacher.servers._AGAIN_S", again_s)
        replies, bill = ask(settings(several, concurrency=4, max_retries=40), 12)
    assert [reply.failure for reply in replies] == [None] * 12
    faults = sum(
        plan[: server.total].count(name)
        for server, plan in zip(three, plans, strict=True)
        for name in ("cut", "overloaded", "slow down")
    )
    assert sum(server.total for server in three) == 12 + faults
    assert bill.paid.calls == 12 + sum(
        plan[: server.total].count("cut") for server, plan in zip(three, plans, strict=True)
    )


def test_where_all_are_dead_the_run_stops_as_with_one(settings):
    several = {"base_url": (NOBODY, "http://127.0.0.1:19/v1"), "endpoint_name": "ours"}
    with pytest.raises(
        TeacherError, match=r"ours: connection: http://127.*start the server, or check teacher.base_url"
    ):
        ask(settings(several, max_retries=1), 3)


def test_what_a_server_refuses_names_the_server(other, both):
    other.answer = lambda body, times: error(400, "", "no such thing")
    with pytest.raises(TeacherError, match=rf"refused request \(400\): {other.base_url}: no such thing"):
        ask(both(concurrency=2), 4)


def test_the_field_of_the_limit_is_learnt_for_all_servers(endpoint, other, both, capsys):
    wanting = "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."
    answer = lambda body, times: error(400, "", wanting) if "max_tokens" in body else completion()  # noqa: E731
    endpoint.answer = other.answer = answer
    replies, _ = ask(both(concurrency=1))
    assert [reply.failure for reply in replies] == [None] * 40
    assert capsys.readouterr().err.count("this model wants") == 1 and endpoint.total + other.total == 41


def test_answers_are_kept_by_the_name_whichever_server_gave_them(endpoint, other, both, settings):
    ask(both(), 4)
    total = endpoint.total + other.total
    for addresses in ((other.base_url,), other.base_url, endpoint.base_url, NOBODY, (NOBODY, other.base_url)):
        replies, _ = ask(settings({"base_url": addresses, "endpoint_name": "ours"}), 4)
        assert all(reply.from_store for reply in replies)
    assert endpoint.total + other.total == total == 4
    assert not ask(settings({"endpoint_name": "theirs"}), 1)[0][0].from_store


def test_the_name_of_an_address_keeps_the_answers_of_a_server_that_moved(endpoint, other, settings):
    ask(settings(), 4)
    replies, _ = ask(settings({"base_url": other.base_url, "endpoint_name": endpoint.base_url}), 4)
    assert all(reply.from_store for reply in replies) and other.total == 0


def test_the_key_is_needed_where_one_server_is_elsewhere(settings, monkeypatch):
    several = {"base_url": (NOBODY, "http://203.0.113.7/v1"), "endpoint_name": "ours"}
    monkeypatch.setattr("distill.teacher.opening.is_local", lambda address: address == NOBODY)
    with pytest.raises(TeacherError, match=r"http://203.0.113.7/v1 needs a key: set the environment variable"):
        ask(settings(several), 1)


def test_batches_are_one_servers(both):
    with pytest.raises(TeacherError, match=r"teacher\.base_url is a list: name the one"), open_batch_api(both()):
        pass


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"base_url": ["http://a/v1", "http://b/v1"]}, r"base_url: is a list.*set teacher.endpoint_name"),
        (
            {"base_url": [], "endpoint_name": "n"},
            r"base_url: is \[\]; allowed: null, an address, or several, each once",
        ),
        ({"base_url": ["http://a/v1", "http://a/v1/"], "endpoint_name": "n"}, r"base_url: is \['http://a/v1', 'http"),
        ({"base_url": ["http://a/v1", "b:80"], "endpoint_name": "n"}, "base_url: is 'b:80'; allowed: null, or an"),
        ({"base_url": ["http://u:p@a/v1"], "endpoint_name": "n"}, "base_url: holds a user name, password or key"),
        ({"base_url": ["http://a/v1"], "endpoint_name": "n", "mode": "batch"}, r"is a list and teacher.mode is batch"),
        ({"endpoint_name": " n"}, "endpoint_name: is ' n'; allowed: null, or a name without white space around it"),
        ({"endpoint_name": "a\nb"}, "endpoint_name: is"),
        ({"endpoint_name": ""}, "endpoint_name: is ''"),
    ],
)
def test_what_does_not_go_together_is_refused(make_settings, changes, message):
    with pytest.raises(SettingsError, match=message):
        make_settings(**{f"teacher.{name}": value for name, value in changes.items()})


def test_a_list_of_one_is_an_address(make_settings):
    settings = make_settings(**{"teacher.base_url": ["http://a/v1/"], "teacher.endpoint_name": "n"})
    assert settings.teacher.addresses == ("http://a/v1",)
