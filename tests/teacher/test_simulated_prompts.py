"""How prompts are read, and how new ones are proposed."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import pytest

from distill.teacher.simulated.clauses import FAMILIES, bank, family, prompt_sentences
from distill.teacher.simulated.model import Model
from distill.teacher.simulated.proposing import read_meta
from distill.teacher.simulated.traits import Reader, closing

FILE = Path(__file__).parents[2] / "data/examples/practice.yaml"
MODEL = Model(FILE)
READER = Reader(("larger", "smaller", "similar"), ("size", "big", "sized"))


@pytest.mark.parametrize(
    ("trait", "texts"),
    [
        (
            "explain",
            [
                "Explain it.",
                "Give your reasoning.",
                "Say why.",
                "Justify the choice.",
                "Show your work.",
                "Think it through.",
            ],
        ),
        (
            "label_only",
            [
                "Answer with one word.",
                "Give only the label.",
                "No explanation, please.",
                "Do not explain.",
                "Write the answer alone.",
                "Just the answer and nothing else.",
            ],
        ),
        (
            "reason_first",
            [
                "Think step by step.",
                "Explain before you answer.",
                "First reason, then decide.",
                "Give your reasons and only then conclude.",
                "Explain why, and finally give the label.",
            ],
        ),
        ("always", ["Always explain.", "Never skip the reason.", "Explain, even when it seems plain."]),
        ("care", ["Be careful.", "Answer accurately.", "Take your time.", "Don't rush."]),
        ("check", ["Double-check it.", "Verify the result.", "Make sure that it is right."]),
        ("role", ["You are a zoologist.", "Act as a judge.", "Answer as an expert."]),
        ("commit", ["Always choose one.", "Never hedge.", "Answer even if you are unsure.", "Be decisive."]),
        ("doubts", ["Mention caveats.", "Weigh the pros and cons."]),
        (
            "position",
            ["Speak of the first and of the second.", "Do not repeat the names.", "Refer to them by position."],
        ),
        ("labels_listed", ["Is it larger, smaller or similar?", "SIMILAR / Larger / smaller"]),
        ("forced_choice", ["It must be one of these.", "No other word is fine.", "The allowed answers are few."]),
        ("strict_format", ["Put it on the last line.", "Use exactly these words.", "Answer in the following format."]),
        ("wordy", ["Go into detail, at length."]),
        ("teaches", ["You teach pupils.", "A lesson for learners."]),
        ("audience", ["A small model will read it.", "This is training data."]),
    ],
)
def test_a_trait_is_seen_in_many_words_and_not_in_none(trait, texts):
    for text in texts:
        assert getattr(READER.read(text), trait), text
    assert not getattr(READER.read("Which is it?"), trait)


def test_what_is_denied_is_not_asked_for():
    assert not READER.read("Answer without any explanation.").explain
    both = READER.read("Explain, then give only the label.")
    assert both.explain and not both.label_only
    assert not READER.read("Mention no doubts; be decisive.").doubts
    assert not READER.read("Enlarger or smallersimilar?").labels_listed


@pytest.mark.parametrize(
    ("text", "brief"),
    [
        ("Explain.", 0),
        ("Be brief.", 1),
        ("In at most 30 words.", 2),
        ("Use 10 to 20 words.", 2),
        ("Explain in one short sentence.", 2),
        ("under twenty words", 2),
    ],
)
def test_brevity_is_graded(text, brief):
    assert READER.read(text).brief == brief


@pytest.mark.parametrize(
    ("text", "facts"),
    [
        ("How big is it?", 0),
        ("Say what size it has.", 0),
        ("Say how big each of them is.", 1),
        ("State the size of the first and of the second.", 1),
        ("State the usual size of both.", 2),
        ("Picture each one separately and give its size.", 2),
    ],
)
def test_asking_for_facts_is_graded(text, facts):
    assert READER.read(text).facts == facts


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ('End with "So the answer is X."', "So the answer is {label}."),
        ("Finish by saying so the answer is ...", "So the answer is {label}."),
        ('Then write "Answer: X"', "Answer: {label}"),
        ("Final answer: <label>", "Final answer: {label}"),
        ("Label: [X]", "Label: {label}"),
        ('Use "The answer is X".', "The answer is {label}."),
        ("Give an answer.", None),
    ],
)
def test_the_wanted_form_is_read(text, form):
    assert closing(text) == form


@pytest.mark.parametrize(
    ("text", "given"),
    [
        ('The correct answer is "smaller". Explain why.', "smaller"),
        ("Known label: Similar\nGive the reason.", "similar"),
        ("The answer to this is larger. Why?", "larger"),
        ("The answer is larger, smaller or similar. Explain why.", None),
        ("The answer is larger.", None),
        ("Explain why. The answer is smallest.", None),
    ],
)
def test_a_given_answer_is_seen(text, given):
    assert READER.read(text).revealed_label == given


def test_every_clause_is_read_as_of_its_family_or_of_none():
    clauses = bank(MODEL.knowledge.teacher.clauses, MODEL.knowledge.classes)
    assert set(clauses) == set(FAMILIES) - {"other"}
    reader = Reader(MODEL.knowledge.classes, MODEL.knowledge.teacher.facts)
    for name, options in clauses.items():
        found = Counter(family(one, reader) for one in options)
        assert found[name] >= 2, (name, found)


def test_sentences_leave_the_row_out():
    text = (
        'Say the size.\n\nQuestion: {question}\n\nFinish with "So the answer is X.", where X is one of "a" or "b". \n'
        "{context}\nBe brief."
    )
    assert prompt_sentences(text) == [
        "Say the size.",
        'Finish with "So the answer is X.", where X is one of "a" or "b".',
        "Be brief.",
    ]


EARLIER = (
    ("Compare. {question}", 41),
    ('{question}\n\nState the usual size of each. Be careful. End with exactly "So the answer is X."', 92.5),
    ("{question} Explain why.", 60),
)


def meta_prompt(needed="{question}", extra="", earlier=EARLIER):
    shown = "\n\n".join(f"<PROMPT>\n{prompt}\n</PROMPT>\nScore: {score}" for prompt, score in earlier)
    rows = "How big is a cat next to a lion?\nRight answer: smaller"
    return (
        f"The placeholders, written so: {needed}\n\n{shown}\n\n{rows}\n\n"
        f"Write one new prompt. {extra}Put it between <PROMPT> and </PROMPT>."
    )


def proposals(n=200, temperature=1.0, text=None):
    made = []
    for seed in range(n):
        body = {
            "model": "simulated-1",
            "messages": [{"role": "user", "content": text or meta_prompt()}],
            "temperature": temperature,
            "max_tokens": 600,
            "seed": seed,
        }
        made.append(MODEL.reply(json.dumps(body).encode())["choices"][0]["message"]["content"])
    return made


def inner(text):
    found = re.findall(r"<PROMPT>(.*?)</PROMPT>", text, re.DOTALL)
    return found[-1].strip() if found else None


def test_a_meta_prompt_is_read_best_first():
    meta = read_meta(meta_prompt())
    assert meta.prompts == tuple(prompt for prompt, _ in sorted(EARLIER, key=lambda one: -one[1]))
    assert meta.placeholders == ("question",) and not meta.shorter
    assert read_meta(meta_prompt(needed="the usual ones")).placeholders == ("question",)


def test_proposals_vary_repeat_and_mostly_pass():
    texts = proposals()
    assert texts == proposals()
    usable = [
        prompt
        for prompt in map(inner, texts)
        if prompt and prompt.count("{question}") == 1 and len(prompt.split()) <= 150
    ]
    assert 160 <= len(usable) <= 195
    assert len(set(usable)) > 120


def test_proposals_err_in_each_way():
    texts = proposals(300)
    prompts = [inner(text) for text in texts]
    shares = {
        "no tags": prompts.count(None),
        "no placeholder": sum(prompt is not None and "{question}" not in prompt for prompt in prompts),
        "repeated": sum(prompt in dict(EARLIER) for prompt in prompts),
        "too long": sum(prompt is not None and len(prompt.split()) > 150 for prompt in prompts),
    }
    assert all(3 <= count <= 30 for count in shares.values()), shares


def test_proposals_lean_on_the_best_prompt_shown():
    prompts = [prompt for prompt in map(inner, proposals()) if prompt]
    kept = sum("State the usual size of each." in prompt for prompt in prompts)
    assert kept > 0.4 * len(prompts)
    idle = sum("Compare." in prompt for prompt in prompts)
    assert idle < 0.5 * kept


def test_at_temperature_0_there_is_one_proposal():
    assert len(set(proposals(5, temperature=0))) == 1


def test_heat_brings_variety():
    assert len(set(map(inner, proposals(100, temperature=0.2)))) < len(set(map(inner, proposals(100, temperature=2.0))))


def test_a_shorter_prompt_is_made_when_that_is_asked():
    best = EARLIER[1][0]
    made = [
        prompt
        for prompt in map(inner, proposals(30, text=meta_prompt(extra="It must be shorter than the best one. ")))
        if prompt
    ]
    shorter = [prompt for prompt in made if len(prompt.split()) < len(best.split())]
    assert len(shorter) > 20 and all("Be careful." not in prompt for prompt in shorter)


def test_all_placeholders_are_shown():
    earlier = (("{question}\n{choices}\nAnswer.", 50),)
    prompts = [inner(text) for text in proposals(40, text=meta_prompt("{question}, {choices}", earlier=earlier))]
    assert sum(bool(prompt) and "Question: {question}\nChoices: {choices}" in prompt for prompt in prompts) > 30


def test_without_earlier_prompts_one_is_made_from_nothing():
    made = [prompt for prompt in map(inner, proposals(30, text=meta_prompt(earlier=()))) if prompt]
    assert len(set(made)) > 20 and any("size" in prompt for prompt in made)
