"""Every way of asking, from params.yaml to the simulated teacher over HTTP and back: its answers react."""

from __future__ import annotations

import pytest

from distill.annotation.annotation import annotate
from distill.annotation.wording import PREFIXES, annotation_templates, primed
from distill.prompts.prompt_file import hand_written
from distill.rows.records import TaskCard
from distill.settings import SettingsError
from distill.tasks.registry import get_task
from distill.teacher import open_teacher
from distill.templates import Template
from house import ROOT

SMALL = {
    "annotate.validation_rows": 0,
    "task.train_rows": 150,
    "task.validation_rows": 3,
    "task.test_rows": 3,
    "annotate.test_rows": 0,
}


@pytest.fixture(autouse=True)
def _root(monkeypatch):
    monkeypatch.chdir(ROOT)


@pytest.fixture
def run(make_settings):
    """Annotates the practice task's train rows with these settings: (annotations by id, rows by id, requests)."""

    def annotated(**changes):
        settings = make_settings(**SMALL | changes)
        task = get_task(settings.task)
        splits, card = task.splits(), task.card()
        templates = hand_written(card, settings.prompt)
        asked = []
        with open_teacher(settings, "annotate") as teacher:

            class Recording:
                def ask(self, requests, total=None, title=""):
                    def each():
                        for request in requests:
                            asked.append(request)
                            yield request

                    return teacher.ask(each())

            found = annotate(Recording(), splits, templates, card, settings)["train"]
        return {a.id: a for a in found}, {row.id: row for row in splits["train"]}, asked

    return annotated


def share(found, rows, what):
    return sum(what(found[i], row) for i, row in rows.items()) / len(rows)


def right(answer, row):
    return answer.label == row.label


def explained(answer, row):
    return answer.rationale is not None


def test_a_priming_prefix_is_seen_by_the_teacher_alone_and_makes_it_explain_more(run):
    plain, rows, _ = run()
    found, _, asked = run(**{"annotate.priming": "audience"})
    assert all(request.messages[0] == {"role": "system", "content": PREFIXES["audience"]} for request in asked)
    assert share(found, rows, explained) > share(plain, rows, explained) + 0.02
    assert not any(PREFIXES["audience"][:30] in (a.rationale or "") for a in found.values())


@pytest.mark.parametrize("priming", ["teacher", "confidence"])
def test_each_prefix_changes_what_is_asked_and_answered(run, priming):
    plain, _, _ = run()
    found, _, asked = run(**{"annotate.priming": priming})
    assert asked[0].messages[0]["content"] == PREFIXES[priming] and found != plain
    assert [found[i].response for i in found] != [plain[i].response for i in plain]


def test_priming_stands_before_a_system_message_and_never_shows_the_label():
    assert primed(Template("Be kind.", "{q}"), "teacher").system == PREFIXES["teacher"] + "\n\nBe kind."
    assert primed(Template("", "{q}"), "none") == Template("", "{q}")
    assert not any("{" in prefix for prefix in PREFIXES.values())


def test_with_the_gold_label_shown_the_teacher_says_why_it_is_right_and_the_student_reads_no_more(run):
    found, rows, asked = run(**{"annotate.show_gold": True})
    assert all(right(found[i], row) for i, row in rows.items() if found[i].status not in ("failed", "refusal"))
    assert {a.prompt for a in found.values()} == {"gold"} and share(found, rows, explained) > 0.93
    shown = {request.row_id: request.messages[-1]["content"] for request in asked}
    for i, row in rows.items():
        assert f"The right answer is known: {row.label}." in shown[i] and row.input in shown[i]
        assert row.input == row.fields["question"] and "the_gold_label" not in row.fields
    agree = [a for a in found.values() if a.rationale and rows[a.id].label in a.rationale]
    assert len(agree) > 0.6 * len(found), "it reasons towards the label that it was shown"


def test_labels_from_one_prompt_and_rationales_from_another(run):
    found, rows, asked = run(**{"annotate.separate_labels": 0.4})
    both = [a for a in found.values() if a.prompt == "label+explain"]
    assert len(both) == 60 and len(asked) == 210 and all(a.calls == 2 for a in both)
    assert {a.prompt for a in found.values()} == {"label+explain", "explain"} and set(found) == set(rows)
    labels, _, _ = run(**{"annotate.rationale_rate": 0.0})
    assert all(a.label == labels[a.id].label for a in both) and any(a.rationale for a in both)


def test_samples_differ_vote_and_agree_more_where_they_are_right(run):
    found, rows, asked = run(**{"annotate.samples": 5, "teacher.temperature": 1.0})
    assert len(asked) == 750 and {request.seed for request in asked} == {1, 2, 3, 4, 5}
    one, _, _ = run(**{"teacher.temperature": 1.0})
    assert share(found, rows, right) > share(one, rows, right)
    by_truth = {
        truth: [found[i].confidence for i, row in rows.items() if right(found[i], row) == truth]
        for truth in (True, False)
    }
    assert sum(by_truth[True]) / len(by_truth[True]) > sum(by_truth[False]) / len(by_truth[False]) + 0.05
    assert all(a.calls == 5 for a in found.values())


def test_samples_at_temperature_0_are_refused(make_settings):
    with pytest.raises(
        SettingsError,
        match=r"annotate\.samples: is 2 and teacher.temperature is 0, at which every sample is the same: set this to "
        r"1, or raise",
    ):
        make_settings(**{"annotate.samples": 2})


@pytest.mark.parametrize(("name", "value"), [("samples", 2), ("separate_labels", 0.5)])
def test_a_recorded_teacher_is_asked_once_a_row(make_settings, name, value):
    with pytest.raises(
        SettingsError,
        match=rf"annotate\.{name}: is {value} and teacher.provider is recorded, which has one answer a row",
    ):
        make_settings(**{"teacher.provider": "recorded", "prompt.optimizer": "fixed", f"annotate.{name}": value})


def test_a_wanted_length_is_asked_for_and_answers_ramble_less(run):
    plain, rows, _ = run()
    found, _, asked = run(**{"annotate.rationale_words": [10, 25]})
    assert all("Use 10 to 25 words for the explanation." in request.messages[-1]["content"] for request in asked)

    def long(answer, row):
        return answer.rationale is not None and len(answer.rationale.split()) > 25

    assert share(found, rows, long) < share(plain, rows, long) / 2


def test_the_gate_counts_what_it_drops_and_keeps_labels(run):
    plain, rows, _ = run()
    gates = {
        "annotate.gate.words": [8, 30],
        "annotate.gate.contradicts": True,
        "annotate.gate.no_reasoning": True,
        "annotate.gate.copies": 0.5,
    }
    found, _, _ = run(**gates)
    assert all(found[i].label == plain[i].label for i in rows)
    dropped = {i: a.dropped for i, a in found.items() if a.dropped}
    assert {"words"} <= set(dropped.values()) and all(
        plain[i].rationale and found[i].rationale is None for i in dropped
    )
    assert all(8 <= len(a.rationale.split()) <= 30 for a in found.values() if a.rationale)


def test_structured_answers_give_the_same_kind_of_record(run):
    found, rows, asked = run(**{"teacher.structured": True})
    schema = asked[0].response_format["json_schema"]["schema"]
    assert list(schema["properties"]) == ["explanation", "label"] and schema["properties"]["label"]["enum"] == [
        "larger",
        "smaller",
        "similar",
    ]
    answered = [a for a in found.values() if a.status != "refusal"]
    assert all(a.response.startswith("{") and a.label and a.rationale and a.status == "ok" for a in answered)
    plain, _, _ = run()
    same = [i for i in rows if plain[i].label == found[i].label]
    assert len(same) > 0.7 * len(rows)
    assert not any('"' in (a.rationale or "")[:1] for a in answered)


def test_a_context_field_may_stand_before_the_question():
    template = Template("", "{context}\n\n{question}")
    card = TaskCard("t", "classes", "d", ("question", "context"), {}, ("a", "b"))
    template.check(card.fields)
    assert template.messages({"question": "Q?", "context": "Fact."})[0]["content"] == "Fact.\n\nQ?"


def test_a_task_may_have_a_gold_prompt_of_its_own(make_settings):
    own = {"gold": {"system": "S", "user": "{q}: {the_gold_label}, why?"}}
    card = TaskCard("t", "classes", "d", ("q",), own, ("a", "b"))
    made = annotation_templates(
        {"explain": Template("", "{q} E"), "label": Template("", "{q} L")}, card, make_settings().annotate
    )
    assert made["gold"] == Template("S", "{q}: {the_gold_label}, why?") and made["explain"] == Template("", "{q} E")
