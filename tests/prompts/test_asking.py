from __future__ import annotations

from distill.prompts.asking import Ask, Asker, annotation
from distill.rows.records import Example, TaskCard
from distill.teacher.exchange import Reply, Usage
from distill.templates import Template

CARD = TaskCard("t", "classes", "d", ("q",), {}, ("larger", "smaller"))
TEMPLATES = {"explain": Template("Think.", "{q} Explain."), "label": Template("", "{q} Only the label.")}
ASKS = [
    Ask(Example("a", "A", {"q": "A?"}, source="train/0"), "explain"),
    Ask(Example("b", "B", {"q": "B?"}), "label"),
    Ask(Example("c", "C", {"q": "C?"}), "explain"),
]


class Backwards:
    """Answers in the opposite order, with the texts it is given."""

    def __init__(self, **texts):
        self.texts, self.requests = texts, []

    def ask(self, requests, total=None, title=""):
        self.requests = list(requests)
        for request in reversed(self.requests):
            text, failure, reason = self.texts[request.row_id]
            yield Reply(request.row_id, 0, text, reason, "m-1", Usage(7, 0, 3, "reported"), failure, False)


def ask(make_settings, **texts):
    teacher = Backwards(**texts)
    asker = Asker(teacher, CARD, make_settings().teacher)
    found = {answer.id: answer for _, answer in asker.answers(ASKS, TEMPLATES)}
    return teacher, found


def test_what_is_sent_is_the_rendered_prompt_and_the_teachers_settings(make_settings):
    texts = dict.fromkeys("abc", ("larger", None, "stop"))
    teacher, _ = ask(make_settings, **texts)
    first = teacher.requests[0]
    assert first.messages == ({"role": "system", "content": "Think."}, {"role": "user", "content": "A? Explain."})
    assert (first.model, first.temperature, first.max_tokens, first.seed) == ("simulated-1", 0.0, 200, 1)
    assert (first.source, first.purpose) == ("train/0", "explain")
    assert teacher.requests[1].messages == ({"role": "user", "content": "B? Only the label."},)


def test_answers_are_joined_by_id_and_a_failure_is_never_a_label(make_settings):
    _, found = ask(
        make_settings,
        a=("The first is longer and heavier. So the answer is larger.", None, "stop"),
        b=("The second is far bigger than the first one is, so: smaller", None, "stop"),
        c=("larger", "content_filter", "content_filter"),
    )
    assert (found["a"].label, found["a"].rationale, found["a"].status) == (
        "larger",
        "The first is longer and heavier.",
        "ok",
    )
    assert (found["b"].label, found["b"].rationale) == ("smaller", None)
    assert (found["c"].label, found["c"].rationale, found["c"].status, found["c"].response) == (
        None,
        None,
        "refusal",
        "larger",
    )
    assert (found["a"].tokens_in, found["a"].tokens_out, found["a"].tokens_from, found["a"].model) == (
        7,
        3,
        "reported",
        "m-1",
    )


def test_a_row_without_an_answer_is_failed(make_settings):
    _, found = ask(make_settings, a=(None, "failed: 500", None), b=("larger", None, "stop"), c=("", None, "stop"))
    assert (found["a"].status, found["a"].label) == ("failed", None)
    assert (found["c"].status, found["c"].label) == ("no_label", None)


def test_the_thought_is_the_rationale_where_annotate_rationale_from_asks_for_it():
    ask = ASKS[0]
    for text, thought in (("<think>It leaks.</think>larger", None), ("larger", "It leaks.")):
        reply = Reply("a", 0, text, "stop", "m-1", Usage(7, 0, 3, "reported"), None, False, thought=thought)
        answer, by_thought = annotation(reply, ask, CARD), annotation(reply, ask, CARD, (), "thought")
        assert (answer.label, answer.rationale, answer.status) == ("larger", None, "no_rationale")
        assert (by_thought.label, by_thought.rationale, by_thought.status) == ("larger", "It leaks.", "ok")
