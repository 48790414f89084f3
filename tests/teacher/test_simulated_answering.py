"""What the simulated teacher answers: it reacts to what a prompt asks for, by degrees, and errs as one does."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from distill.answers.parsing import parse_response
from distill.settings import load_settings
from distill.tasks.practice import Practice
from distill.teacher.simulated.model import Model
from distill.teacher.simulated.tokens import count_pieces, cut_pieces, pieces

FILE = Path(__file__).parents[2] / "data/examples/practice.yaml"
TASK = Practice(
    replace(
        load_settings(FILE.parents[2] / "params.yaml").task,
        path=str(FILE),
        train_rows=600,
        validation_rows=1,
        test_rows=600,
        seed=7,
    )
)
ROWS = TASK.splits()["test"]
MODEL = Model(FILE)
HAND, LABEL = Practice.explain.user, Practice.label_only.user
WELL_BUILT = (
    "{question}\n\nThink step by step: state the usual size of the first and of the second, as hand sized or house "
    "sized, before "
    "comparing. Be careful, and double-check. Always explain, in one short sentence of at most 25 words. End your "
    "answer with exactly "
    '"So the answer is X.", where X is one of "larger", "smaller" or "similar".'
)


def reply(text, system=None, turns=(), sample="", **changes):
    messages = [{"role": "system", "content": system}] if system else []
    messages += [*turns, {"role": "user", "content": text}]
    body = {"model": "simulated-1", "messages": messages, "temperature": 0, "max_tokens": 300, **changes}
    return MODEL.reply(json.dumps(body).encode(), sample)


def said(*arguments, **changes):
    return reply(*arguments, **changes)["choices"][0]["message"]["content"]


def rates(prompt, rows=ROWS, **changes):
    """Shares of rows that are right, parsed and explained, mean words of a rationale, mean tokens of an answer."""
    right = parsed = explained = words = tokens = 0
    for row in rows:
        body = reply(prompt.replace("{question}", row.input).replace("{gold}", row.label), **changes)
        found = parse_response(body["choices"][0]["message"]["content"], kind="classes", choices=Practice.classes)
        right += found.label == row.label
        parsed += found.label is not None
        explained += found.rationale is not None
        words += len((found.rationale or "").split())
        tokens += body["usage"]["completion_tokens"]
    n = len(rows)
    return {
        "right": right / n,
        "parsed": parsed / n,
        "explained": explained / n,
        "words": words / max(1, explained),
        "tokens": tokens / n,
    }


@pytest.fixture(scope="module")
def measured() -> Callable[[str], dict[str, float]]:
    done: dict[str, dict[str, float]] = {}
    return lambda prompt: done[prompt] if prompt in done else done.setdefault(prompt, rates(prompt))


def test_the_hand_written_prompt_leaves_something_to_find(measured):
    hand, well_built = measured(HAND), measured(WELL_BUILT)
    assert 0.80 <= hand["right"] <= 0.88 and 0.84 <= hand["explained"] <= 0.91 and 0.92 <= hand["parsed"] <= 0.97
    assert 0.92 <= well_built["right"] <= 0.97 and well_built["explained"] > 0.97 and well_built["parsed"] > 0.98
    assert well_built["words"] < 20 < hand["words"]


def test_a_label_only_prompt_gets_cheap_and_less_accurate_labels(measured):
    label, hand = measured(LABEL), measured(HAND)
    assert label["explained"] < 0.12 and label["right"] < hand["right"] - 0.03
    assert label["tokens"] < 0.2 * hand["tokens"]


@pytest.mark.parametrize(
    ("worse", "better", "what", "gain"),
    [
        (
            "{question} Explain why.",
            "{question} Think it through, and only then answer. Explain why.",
            "explained",
            0.04,
        ),
        ("{question}", "{question} Justify your choice.", "explained", 0.3),
        ("{question} Give reasons.", "{question} Give reasons, and say how big each of the two is.", "right", 0.05),
        ("{question} Explain.", "{question} Explain. Answer: larger, smaller or similar.", "parsed", 0.1),
        ("{question} Explain.", "{question} Explain. Write your verdict on the last line.", "parsed", 0.1),
        (HAND, HAND.replace("Finish", "Be accurate, and verify the result. Finish"), "right", 0.015),
        (HAND, HAND.replace("Finish", "Always commit to one answer. Finish"), "parsed", 0.01),
        (HAND + " Mention any doubts.", HAND, "parsed", 0.02),
        (HAND + " Be thorough." + " This is a line that says nothing of use to anyone." * 20, HAND, "right", 0.03),
    ],
)
def test_asking_for_it_helps_whatever_the_words(measured, worse, better, what, gain):
    assert measured(better)[what] - measured(worse)[what] > gain


@pytest.mark.parametrize(
    "brief",
    ["Use at most 20 words.", "Write 10 to 30 words.", "Explain in one sentence.", "Be concise.", "Keep it short."],
)
def test_asking_for_brevity_shortens(measured, brief):
    assert measured(f"{HAND} {brief}")["words"] < measured(HAND)["words"] - 8


def test_heat_costs_accuracy_and_answers_vary():
    hot = rates(HAND, temperature=1.5)
    assert hot["right"] < rates(HAND)["right"] - 0.02
    texts = {said(HAND.replace("{question}", ROWS[0].input), temperature=1.0, seed=seed) for seed in range(30)}
    assert len(texts) > 5


def test_at_temperature_0_neither_seed_nor_sample_nor_room_counts():
    prompt = WELL_BUILT.replace("{question}", ROWS[0].input)
    assert (
        len(
            {said(prompt, seed=seed, sample=str(seed), top_p=1 - seed / 10, max_tokens=200 + seed) for seed in range(5)}
        )
        == 1
    )


def test_priming_prefixes_shift_things_slightly():
    def explained(system):
        return rates(HAND, system=system)["explained"]

    plain = explained(None)
    assert 0.01 < explained("You are a teacher whose pupils will read your answer.") - plain < 0.08
    assert 0.01 < explained("Smaller models will learn from your answer.") - plain < 0.08
    assert rates(HAND, system="Answer with confidence; you are certain.")["parsed"] > rates(HAND)["parsed"]


def test_a_given_answer_is_explained_and_not_disputed():
    given = rates('{question}\n\nThe correct answer is "{gold}". Explain why, in one sentence.')
    assert given["right"] > 0.96 and given["explained"] > 0.95
    assert rates("{question} The answer is larger, smaller or similar. Explain why.")["right"] < 0.9, (
        "a list gives nothing away"
    )


def test_the_last_question_is_answered_and_demonstrations_set_the_form():
    shown = (
        "How big is a mug next to a barn?\n"
        "The first is hand sized and the second is house sized, so the first is smaller. Final answer: smaller\n\n"
        "How big is a lake next to a cat?\n"
        "The first is mountain sized and the second is arm sized, so the first is larger. Final answer: larger\n\n"
    )
    plain, few_shot = rates("{question}"), rates(shown + "{question}")
    assert few_shot["right"] > plain["right"] + 0.15 and few_shot["explained"] > plain["explained"] + 0.4
    assert said(shown + "How big is a coin next to a spoon?").endswith("Final answer: smaller")
    turns = [
        {"role": "user", "content": "How big is a mug next to a barn?"},
        {"role": "assistant", "content": "smaller"},
    ]
    assert (
        "smaller"
        in said("how big is the pea next to the oak? One word: larger, smaller or similar.", turns=turns).lower()
    )


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("How big is a key next to a lion?", ("key", "lion")),
        ("“how big is a key next to a lion” (one word)", ("key", "lion")),
        ("Q: HOW BIG IS A KEY NEXT TO A LION?\nA:", ("key", "lion")),
        ("How big is the key\nnext  to an ant ? Explain.", ("key", "ant")),
        ("How big is a zorp next to a wild blick?", ("zorp", "wild blick")),
        ("how big is a zorp next to a blick", ("zorp", "blick")),
    ],
)
def test_a_question_is_found_in_any_dress(text, parts):
    assert [row.parts for row in MODEL.knowledge.find(text)] == [parts]


def test_unknown_things_are_guessed_and_a_missing_question_is_told():
    assert re.search(
        r"first is \w+ sized .*second is \w+ sized",
        said(WELL_BUILT.replace("{question}", "How big is a zorp next to a wild blick?")),
    )
    assert (
        said("What is the capital of France?") == "I cannot find a question in your message. Could you show it again?"
    )


def test_rationales_name_sizes_by_position_where_that_is_asked():
    texts = [said(WELL_BUILT.replace("{question}", row.input)) for row in ROWS[:300]]
    sizes = [bool(re.search(r"first is \w+ sized .*second is \w+ sized", text)) for text in texts]
    assert sum(sizes) > 0.93 * len(texts)
    nouns = [
        any(f" {word} " in text for word in row.input.removesuffix("?").split()[4::4])
        for row, text in zip(ROWS, texts, strict=False)
    ]
    assert sum(nouns) < 0.05 * len(texts)


def test_a_slip_over_a_wide_gap_has_right_sizes_and_a_wrong_end():
    ends = {"larger": 1, "smaller": -1, "similar": 0}
    steps = {
        name: i
        for i, name in enumerate(["crumb", "finger", "hand", "arm", "person", "car", "house", "street", "mountain"])
    }
    consistent = 0
    found = []
    for row in ROWS:
        match = re.search(
            r"first is (\w+) sized \w+ the second is (\w+) sized.* (larger|smaller|similar)",
            said(HAND.replace("{question}", row.input)),
        )
        if match and match[3] != row.label:
            gap = steps[match[1]] - steps[match[2]]
            agrees = (gap > 0) - (gap < 0) == ends[match[3]]
            consistent += agrees
            found.append(abs(gap) > 1 and agrees)
    assert consistent > 5 and not any(found), "over more than a step, a wrong end contradicts the sizes"


SCHEMA = {
    "type": "object",
    "properties": {
        "rationale": {"type": "string"},
        "sure": {"type": "boolean"},
        "confidence": {"type": "number"},
        "answer": {"type": "string", "enum": ["larger", "smaller", "similar"]},
        "marks": {"type": "array", "items": {"type": "integer"}},
    },
}


LION = HAND.replace("{question}", "How big is a coin next to a lion?")


def structured(schema, text=LION, **changes):
    given = {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema, "strict": True}}
    return reply(text, response_format=given, **changes)["choices"][0]


def test_a_json_schema_is_filled():
    value = json.loads(structured(SCHEMA)["message"]["content"])
    assert list(value) == ["rationale", "sure", "confidence", "answer", "marks"]
    assert value["answer"] == "smaller" and value["sure"] is True
    assert "The first is finger sized and the second is person sized, so the first is smaller." in value["rationale"]
    assert 0.5 < value["confidence"] < 1 and value["marks"] == [round(100 * value["confidence"])]


def test_a_schema_without_room_for_a_rationale_gets_none():
    value = json.loads(
        structured({"type": "object", "properties": {"label": {"type": "string"}}})["message"]["content"]
    )
    assert value == {"label": "smaller"}
    free = reply("How big is a coin next to a lion? Answer as JSON.", response_format={"type": "json_object"})
    assert set(json.loads(free["choices"][0]["message"]["content"])) == {"rationale", "answer"}


def test_a_cut_json_answer_says_so():
    choice = structured(SCHEMA, max_tokens=12)
    assert choice["finish_reason"] == "length"
    with pytest.raises(json.JSONDecodeError):
        json.loads(choice["message"]["content"])


def test_a_refusal_of_json_stands_in_its_own_field():
    choices = [structured(SCHEMA, HAND.replace("{question}", row.input)) for row in ROWS]
    refused = [choice["message"] for choice in choices if choice["message"]["refusal"]]
    assert 0 < len(refused) < 12
    assert all(message["content"] is None and message["refusal"].startswith("I'm sorry") for message in refused)


def test_logprobs_agree_with_the_answer():
    body = reply(WELL_BUILT.replace("{question}", "How big is a coin next to a lion?"), logprobs=True, top_logprobs=3)
    choice = body["choices"][0]
    content = choice["logprobs"]["content"]
    assert "".join(entry["token"] for entry in content) == choice["message"]["content"]
    assert len(content) == body["usage"]["completion_tokens"]
    assert all(entry["logprob"] <= 0 and bytes(entry["bytes"]).decode() == entry["token"] for entry in content)
    label = content[-3]
    assert [one["token"] for one in label["top_logprobs"]] == [" smalle", " larger", " simila"]
    assert sum(2.718281828 ** one["logprob"] for one in label["top_logprobs"]) == pytest.approx(1, abs=1e-4)
    assert reply("How big is a coin next to a lion?")["choices"][0]["logprobs"] is None


def test_tokens_are_pieces_of_six_letters_and_marks():
    assert pieces("So the answer is “smaller”.\n") == ["So", " the", " answer", " is", " “", "smalle", "r", "”", "."]
    assert count_pieces("So the answer is “smaller”.") == 9
    assert cut_pieces("one two, three", 3) == ("one two,", True)
    assert cut_pieces("one two", 2) == ("one two", False)
