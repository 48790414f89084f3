"""Knowledge of words that speak for a label, and the files that both kinds of knowledge are read from."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from distill.settings.loader import SettingsError
from distill.teacher.simulated.knowledge import Luck
from distill.teacher.simulated.model import Model, read_knowledge

PRACTICE = Path(__file__).parents[2] / "data/examples/practice.yaml"
VALUES = {
    "kind": "keywords",
    "marker": "Message",
    "rationale": "The message mentions {words} and {reason}, so {conclusion}.",
    "conclusion": "it belongs to {label}",
    "labels": {
        "billing": {
            "words": ["invoice", "refund", "charged twice", "receipt"],
            "reason": "is about money that was paid",
            "paraphrases": ["the money desk"],
        },
        "delivery": {
            "words": ["parcel", "courier", "late", "address"],
            "reason": "is about the way of a parcel",
            "paraphrases": [],
        },
        "lost property": {
            "words": ["lost", "umbrella", "left behind"],
            "reason": "is about a thing that is missed",
            "paraphrases": [],
        },
    },
    "teacher": {
        "misjudged": 0.0,
        "slips": 0.0,
        "refusals": 0.0,
        "facts": ["words", "topic", "mentions"],
        "rationales": [],
        "vague": ["Its general tone suggests that {conclusion}."],
        "fillers": ["Messages such as one with {names} come in every day."],
        "clauses": ["Name the words of the message that tell each topic apart."],
    },
}
PROMPT = (
    "Route the message to billing, delivery or lost property.\nMessage: {message}\n\n"
    "Think step by step: name the usual words that tell each "
    'topic apart, in one short sentence. End your answer with exactly "So the answer is X."'
)


def write(tmp_path, **changes):
    path = tmp_path / "desks.yaml"
    teacher = VALUES["teacher"] | changes.pop("teacher", {})
    path.write_text(yaml.safe_dump({**VALUES, "teacher": teacher, **changes}, sort_keys=False))
    return path


@pytest.fixture
def desks(tmp_path):
    return read_knowledge(write(tmp_path), "1").knowledge


def said(model, text, **changes):
    body = {
        "model": "simulated-1",
        "messages": [{"role": "user", "content": text}],
        "temperature": 0,
        "max_tokens": 200,
        **changes,
    }
    return model.reply(json.dumps(body).encode())["choices"][0]["message"]["content"]


@pytest.mark.parametrize(
    ("text", "row"),
    [
        ("Message: My parcel is late.\n\nWhich desk?", "My parcel is late."),
        ("Which desk?\n\n**message**: My parcel\nis late.", "My parcel\nis late."),
        ('Say "billing" or "delivery" for this: "My parcel is late, I fear."', "My parcel is late, I fear."),
        ("My parcel is late", "My parcel is late"),
    ],
)
def test_the_row_is_found(desks, text, row):
    assert desks.find(text)[-1].parts == (row,)


def test_of_several_marked_rows_the_last_counts(desks):
    text = "Message: I lost a hat.\n\nDesk: lost property\n\nMessage: Where is my refund?\n\nDesk:"
    assert [row.parts[0] for row in desks.find(text)] == ["I lost a hat.", "Where is my refund?"]


@pytest.mark.parametrize(
    ("message", "label", "difficulty"),
    [
        ("I want a refund for this invoice.", "billing", 0.7),
        ("The COURIER had a wrong address, and the invoice is wrong.", "delivery", 1.2),
        ("I was charged twice.", "billing", 1.2),
        ("My umbrella came late.", "delivery", 2.0),  # one word each for two labels: hard, and either will do
        ("Related things are not late things: relate, parcels.", "delivery", 1.2),
    ],
)
def test_the_label_with_the_most_words_is_held(desks, message, label, difficulty):
    opinion = desks.opinion(desks.find(f"Message: {message}")[0])
    assert opinion.difficulty == difficulty and opinion.mistake != opinion.label
    assert opinion.label == label or (difficulty == 2.0 and opinion.label == "lost property")


def test_a_rationale_gives_words_and_reason(desks):
    row = desks.find("Message: I want a refund for this invoice, and a receipt.")[0]
    wanted = "The message mentions “refund” and “invoice” and is about money that was paid, so it belongs to billing."
    assert desks.reason(row, "billing", Luck("x"), named=False) == wanted
    assert "nothing that stands out" in desks.reason(row, "delivery", Luck("x"), named=False)
    assert desks.vague("delivery", Luck("x")) == "Its general tone suggests that it belongs to delivery."


def test_misjudged_words_speak_for_another_label_for_good(tmp_path):
    knowledge = read_knowledge(write(tmp_path, teacher={"misjudged": 1.0}), "1").knowledge
    labels = {knowledge.opinion(knowledge.find("Message: invoice")[0]).label for _ in range(3)}
    assert len(labels) == 1 and "billing" not in labels


def test_it_answers_another_task_than_practice_with_no_code_for_it(tmp_path):
    model = Model(write(tmp_path))
    messages = {f"Case {i}: the parcel went to a wrong address.": "delivery" for i in range(100)}
    messages |= {f"Case {i}: I left my umbrella behind, and it is lost.": "lost property" for i in range(100)}
    answers = {message: said(model, PROMPT.replace("{message}", message)) for message in messages}
    right = sum(answers[message].endswith(f"So the answer is {label}.") for message, label in messages.items())
    assert right > 180, "slips are 0: what is missing is not in form"
    assert (
        sum(
            "The message mentions “parcel” and “address” and is about the way of a parcel" in text
            for text in answers.values()
        )
        > 90
    )


def test_it_slips_more_often_where_it_is_asked_less(tmp_path):
    model = Model(write(tmp_path, teacher={"slips": 0.3}))
    texts = [f"Message: Case {i}: the parcel is late." for i in range(300)]

    def wrong(prompt):
        return sum("delivery" not in said(model, f"{text}\n\n{prompt}").lower() for text in texts)

    asked = PROMPT.split("\n\n")[1]
    assert (
        0
        < wrong(f"One of billing, delivery, lost property. {asked}")
        < 0.5 * wrong("One word: billing, delivery or lost property.")
    )


def test_the_optimizer_uses_the_files_own_labels_and_clauses(tmp_path):
    meta = (
        "Placeholders: {message}\n\n<PROMPT>\nWhich desk? {message}\n</PROMPT>\nScore: 40\n\n"
        "Write a new one between <PROMPT> and </PROMPT>."
    )
    model = Model(write(tmp_path))
    texts = [said(model, meta, temperature=1.0, seed=seed) for seed in range(60)]
    assert any("Name the words of the message that tell each topic apart." in text for text in texts)
    assert any("billing, delivery or lost property" in text for text in texts)
    assert sum("{message}" in re.sub(r"(?s)^.*<PROMPT>", "", text) for text in texts) > 50


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"labels": {"one": VALUES["labels"]["billing"]}}, "labels: has 1 labels; at least 2"),
        ({"size": 3}, "size: unknown key; known here: kind, marker"),
        ({"teacher": {"slips": 2}}, "teacher.slips: is 2; allowed: at least 0 and at most 1"),
        ({"teacher": {"facts": "words"}}, "teacher.facts: must be a list"),
    ],
)
def test_a_faulty_file_is_named_with_line_and_key(tmp_path, change, message):
    with pytest.raises(SettingsError, match=rf"desks\.yaml:\d+: {message}"):
        read_knowledge(write(tmp_path, **change), "1")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"scale": [{"name": "a", "items": ["x"]}]}, "scale: has 1 steps; at least 2"),
        ({"question": "How big is {first}?"}, "question: must show {second} once"),
    ],
)
def test_a_faulty_comparison_is_named_as_well(tmp_path, change, message):
    path = tmp_path / "practice.yaml"
    path.write_text(yaml.safe_dump(yaml.safe_load(PRACTICE.read_text()) | change))
    with pytest.raises(SettingsError, match=rf"practice\.yaml:\d+: {message}"):
        read_knowledge(path, "1")


def test_misjudged_things_are_one_step_off_and_near_the_share(tmp_path):
    path = tmp_path / "practice.yaml"
    path.write_text(PRACTICE.read_text().replace("misjudged: 0.02", "misjudged: 0.25"))
    knowledge = read_knowledge(path, "1").knowledge
    off = [knowledge._steps[item] - step for step, one in enumerate(knowledge.scale) for item in one.items]
    assert set(off) == {-1, 0, 1}
    assert 65 <= sum(map(abs, off)) <= 115  # of 360
