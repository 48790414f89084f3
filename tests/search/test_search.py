"""The search, with a teacher whose accuracy and explanations are known exactly."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from distill.errors import DataError
from distill.prompts.early_stop import UnusableAnswers
from distill.rows.records import Annotation, Example, TaskCard
from distill.search.few_shot import demonstrations, few_shot_saving
from distill.search.optimizers.opro import meta_prompt
from distill.search.outcome import trace_table, unsearched
from distill.search.scoring import score
from distill.search.search import Search, slices
from distill.search.tryouts import LimitReached
from distill.settings.prompt import ScoreWeights
from distill.teacher.exchange import Reply, Usage
from distill.templates import Template

CARD = TaskCard(
    "t",
    "classes",
    "Say yes or no.",
    ("q",),
    {"explain": {"system": "", "user": "{q} plain"}, "label": {"system": "", "user": "{q}"}},
    ("yes", "no"),
)
ROWS = [Example(f"r{i:02}", f"row {i}", {"q": f"row {i}?"}, label="yes" if i % 2 else "no") for i in range(30)]
# right: of how many rows of 10 the answer is right; explains: whether a rationale comes with it.
PROMPTS = {"plain": (6, True), "better": (8, True), "mute": (10, False), "lucky": (9, True)}


class Teacher:
    """Proposes the given prompts; a prompt's word decides how its rows are answered.

    `lucky` is good on search rows alone.
    """

    def __init__(self, proposals, search_ids=()):
        self.proposals, self.search_ids, self.asked = list(proposals), set(search_ids), []

    def ask(self, requests, total=None, title=""):
        replies = [self.reply(request) for request in requests]
        yield from reversed(replies)

    def reply(self, request):
        text = request.messages[-1]["content"]
        self.asked.append(request)
        if request.purpose == "propose":
            text = self.proposals.pop(0)
        else:
            row, word = request.row_id.split("#")[0], text.split()[-1]
            right, explains = PROMPTS[word]
            if word == "lucky" and row not in self.search_ids:
                right = 2
            gold = ["no", "yes"][int(row[1:]) % 2]
            label = gold if int(row[1:]) % 10 < right else {"yes": "no", "no": "yes"}[gold]
            text = f"The row says so in as many words as that. So the answer is {label}." if explains else label
        return Reply(request.row_id, request.sample, text, "stop", "m", Usage(10, 0, 10, "reported"), None, False)


SIZES = {
    "prompt.steps": 1, "prompt.candidates": 4, "prompt.search_rows": 10, "prompt.first_rows": 5,
    "prompt.holdout_rows": 20,
    "prompt.rationale_words": [3, 20], "prompt.finalists": 2, "prompt.race_confidence": 0.9,
    "prompt.weights.in_band": 0.2,
}  # fmt: skip


@pytest.fixture
def settings(make_settings):
    return make_settings(**SIZES)


def proposal(word):
    return f"<PROMPT>{{q}} {word}</PROMPT>"


def run(settings, *words):
    search_rows, _ = slices(ROWS, settings.prompt)
    teacher = Teacher([proposal(word) if word in PROMPTS else word for word in words], [row.id for row in search_rows])
    return Search(teacher, CARD, ROWS, settings).run(), teacher


def test_the_winner_is_the_best_on_rows_that_the_search_never_saw(make_settings):
    settings = make_settings(**SIZES | {"prompt.confidence": 0.5})
    outcome, _ = run(settings, "better", "lucky", "<PROMPT>no field</PROMPT>", proposal("better"))
    assert outcome.winner.template.user == "{q} better"
    found = outcome.metrics()
    assert found["candidates"] == {
        "proposed": 4,
        "scored": 2,
        "dropped": 0,
        "answers_on_search_rows": 30,
        "rejected": {"no_answer": 0, "cut": 0, "no_tags": 0, "placeholders": 1, "too_long": 0, "repeated": 1},
    }
    held_out = slices(ROWS, settings.prompt)[1]
    right = {
        word: sum(int(row.id[1:]) % 10 < PROMPTS[word][0] for row in held_out) / 20 for word in ("better", "plain")
    }
    assert (
        found["winner"]["label"]["accuracy"]
        == right["better"]
        > found["hand_written"]["label"]["accuracy"]
        == right["plain"]
    )
    assert found["winner"]["rows"] == 20
    assert found["optimism"] == outcome.winner.search.total - outcome.winner.held_out.total


def test_a_prompt_that_does_not_explain_cannot_win_however_accurate(make_settings):
    weights = {
        f"prompt.weights.{name}": float(name == "accuracy")
        for name in ("accuracy", "parsed", "explained", "in_band", "tokens")
    }
    outcome, _ = run(make_settings(**SIZES | weights), "mute", "plain", "plain", "plain")
    assert outcome.winner.number == 0 and outcome.rejected["repeated"] == 3
    assert outcome.candidates[1].held_out.accuracy == 1.0


def test_a_close_winner_is_quoted_by_the_rows_that_did_not_choose_it(make_settings):
    outcome, _ = run(make_settings(**SIZES, **{"prompt.seed": 12}), "better", "lucky", "", "")
    found, best = outcome.metrics(), outcome.candidates[1]
    assert outcome.winner is best and best.held_out.accuracy == 0.75
    # For 6 of the 20 rows the 18 others cannot tell it from the hand-written prompt, which is right on 11 of all.
    assert found["winner"]["chosen_again"] == 0.7 and found["winner"]["label"]["accuracy"] == 0.55
    assert found["held_out_optimism"] == best.held_out.total - found["winner"]["score"] > 0
    assert outcome.origin("opro")["held_out"]["accuracy"] == found["winner"]["label"]["accuracy"]


def test_the_hand_written_prompt_is_always_a_finalist_and_keeps_its_place_when_nothing_beats_it(settings):
    outcome, _ = run(settings, "", "x", "<PROMPT></PROMPT>", "y")
    assert outcome.winner.number == 0 and outcome.winner.held_out is not None
    assert outcome.origin("opro")["step"] == 0


def test_the_search_says_what_became_of_its_proposals(settings):
    outcome, _ = run(settings, "better", "lucky", "<PROMPT>no field</PROMPT>", proposal("better"))
    assert outcome.closing_line() == (
        "4 proposals: 2 tried, 1 without a placeholder that is needed, or with an unknown one, 1 seen before;"
        " candidate 1 is taken"
    )
    outcome, _ = run(settings, *["<prompt>{q} better</prompt>"] * 4)
    assert outcome.closing_line() == (
        "4 proposals: 0 tried, 4 without a prompt between <PROMPT> and </PROMPT>; the hand-written prompt is taken. "
        "The proposing model never gave a prompt that can be used: set prompt.model to a stronger one"
    )


def test_search_and_held_out_rows_share_none_and_come_from_labelled_rows(settings):
    search, held_out = slices(ROWS, settings.prompt)
    assert (len(search), len(held_out)) == (10, 20) and not {r.id for r in search} & {r.id for r in held_out}
    with pytest.raises(
        DataError, match=r"needs 30 labelled train rows .*; there are 29: lower them, or set prompt.optimizer to fixed"
    ):
        slices([*ROWS[1:], Example("u", "?", {})], settings.prompt)


def test_the_trace_has_a_row_a_candidate_with_the_best_so_far(settings):
    outcome, _ = run(settings, "better", "plain", "lucky", "mute")
    trace = outcome.trace()
    assert [(row["candidate"], row["step"], row["prompt"]) for row in trace] == [
        (0, 0, "{q} plain"), (1, 1, "{q} better"), (2, 1, "{q} lucky"), (3, 1, "{q} mute")
    ]  # fmt: skip
    assert [row["best_score"] for row in trace] == sorted(row["best_score"] for row in trace)
    assert sum(row["held_out_score"] is not None for row in trace) == 3


def test_the_same_search_twice_sends_the_same_requests(settings):
    words = ("better", "lucky", "mute", "plain")
    assert run(settings, *words)[1].asked == run(settings, *words)[1].asked


def test_the_meta_prompt_shows_the_best_prompts_in_ascending_order(make_settings):
    made = make_settings(
        **{"prompt.history": 2, "prompt.exemplars": 2, "prompt.candidates": 3, "prompt.weights.in_band": 0.2}
    )

    def scored(word, right):
        annotations = [
            Annotation(f"r{i}", "explain", "yes" if i < right else "no", "why", "ok", "", "", "m") for i in range(10)
        ]
        gold = {f"r{i}": "yes" for i in range(10)}
        return Template("", f"{{q}} {word}"), score(annotations, gold, "classes", made.prompt.weights, (1, 9)).total

    scores = [scored("good", 9), scored("bad", 1), scored("middle", 5)]
    text = meta_prompt(scores, 1, Template("", "{q} plain"), ROWS[:5], CARD, made.prompt)
    assert (
        text.index("{q} middle\n</PROMPT>\nScore: 77") < text.index("{q} good\n</PROMPT>\nScore: 95")
        and "bad" not in text
    )
    assert "written exactly so: {q}" in text and text.count("Right answer:") == 2 and "Say yes or no." in text


def test_the_proposals_of_a_round_are_one_question_with_a_seed_each(make_settings):
    _, teacher = run(make_settings(**SIZES), "better", "lucky", "mute", "plain")
    first, *others = [request for request in teacher.asked if request.purpose == "propose"]
    assert [request.seed - first.seed for request in others] == [1, 2, 3]
    assert all(request.messages == first.messages for request in others)


def test_nothing_is_asked_where_the_prompt_is_fixed():
    found, metrics, trace = unsearched(Template("", "{q}"), "the task")
    assert (
        metrics["cost"]["calls"] == 0
        and trace[0]["prompt"] == "{q}"
        and found == {"optimizer": "fixed", "from": "the task", "step": 0}
    )
    assert trace_table(trace).splitlines()[2].startswith("| 0 (hand-written) | 0 |")


def test_a_candidate_clearly_behind_is_dropped_after_the_first_rows_and_the_others_see_them_all(settings):
    outcome, _ = run(settings, "mute", "better", "", "")
    mute, better = outcome.candidates[1:]
    assert mute.dropped and mute.search.rows == 5 and not better.dropped and better.search.rows == 10
    first_rows = {a.id for a in mute.answers}
    assert first_rows < {a.id for a in better.answers}, "the same rows, so that they are compared in pairs"
    assert outcome.metrics()["candidates"]["answers_on_search_rows"] == 25
    assert mute.held_out is None, "what was dropped is no finalist"


def test_the_hand_written_prompt_is_replaced_only_where_the_interval_of_the_difference_is_above_0(make_settings):
    few = make_settings(**SIZES | {"prompt.holdout_rows": 2, "prompt.least_parsed": 0.0, "prompt.least_explained": 0.0})
    outcome, _ = run(few, "better", "", "", "")
    assert outcome.winner.number == 0 and outcome.lead.mean == 0
    outcome, _ = run(make_settings(**SIZES | {"prompt.confidence": 0.5}), "better", "", "", "")
    assert outcome.winner.number == 1 and outcome.lead.low > 0 and outcome.lead.rows == 20


@pytest.mark.parametrize(("limit", "value"), [("max_calls", 75), ("max_tokens", 35_500), ("max_usd", 0.0318)])
def test_the_search_ends_before_it_could_pass_a_limit_and_still_confirms(make_settings, limit, value, capsys):
    free, _ = run(make_settings(**SIZES | {"prompt.steps": 3}), *["better", "lucky", "", ""] * 3)
    held = make_settings(**SIZES | {"prompt.steps": 3, f"prompt.{limit}": value})
    outcome, teacher = run(held, *["better", "lucky", "", ""] * 3)
    assert f"the search ends here: prompt.{limit}" in capsys.readouterr().out
    assert len(teacher.asked) <= 75 < 200 and outcome.winner.held_out.rows == 20
    assert outcome.cost["all"]["calls"] == len(teacher.asked) and len(free.candidates) == 3
    with pytest.raises(LimitReached, match=rf"prompt\.{limit} \(.*due: too little for any search. Raise it"):
        run(replace(held, prompt=replace(held.prompt, **{limit: value // 10})))


@pytest.mark.parametrize("returned", ["an alias that no table of prices has", None])
def test_prices_go_by_the_name_that_was_asked_for_whatever_the_server_returns(make_settings, returned):
    class Renaming(Teacher):
        def reply(self, request):
            return replace(super().reply(request), model=returned)

    made = make_settings(**SIZES, **{"prompt.few_shot": 4, "prompt.max_usd": 1.0})
    outcome = Search(Renaming([proposal("better"), "", "", ""]), CARD, ROWS, made).run()
    spent = outcome.cost["all"]
    assert spent["tokens_in"] == spent["tokens_out"] == 10 * spent["calls"]
    assert spent["usd"] == pytest.approx(spent["calls"] * 10 * (0.5 + 1.5) / 1e6)
    row = {"tokens_in": 10.0, "tokens_out": 10.0, "usd": pytest.approx(20e-6)}
    assert outcome.few_shot["few_shot"]["cost_per_row"] == outcome.few_shot["zero_shot"]["cost_per_row"] == row


def test_proposals_are_priced_as_the_model_that_was_asked_for_them(make_settings):
    made = make_settings(**SIZES, **{"prompt.model": "unlisted"})
    outcome = Search(Teacher([""] * 4), CARD, ROWS, made).run()
    assert outcome.cost["all"]["usd"] is None, "simulated-1 has a price, and the proposer has none"


def test_a_shorter_prompt_is_taken_within_the_margin_and_only_there(make_settings):
    for words, margin, taken in (("plain", 0.02, False), ("plain", 0.5, True)):
        made = make_settings(
            **SIZES | {"prompt.compress": 1, "prompt.compress_margin": margin, "prompt.confidence": 0.5}
        )
        start = Template("", "{q} It says so, does it not? better")
        card = replace(
            CARD, prompts={"explain": {"system": "", "user": start.user}, "label": {"system": "", "user": "{q}"}}
        )
        teacher = Teacher(["", "", "", "", f"<PROMPT>{{q}} {words}</PROMPT>"])
        outcome = Search(teacher, card, ROWS, made).run()
        found = outcome.metrics()["compress"]
        assert found["tried"] == 1 and found["words_before"] == 8
        assert outcome.template.user == (f"{{q}} {words}" if taken else start.user)
        assert outcome.metrics()["winner"]["words"] == (2 if taken else 8)


def test_few_shot_and_zero_shot_are_compared_on_the_same_held_out_rows(make_settings):
    made = make_settings(**SIZES, **{"prompt.few_shot": 4})
    outcome, teacher = run(made, "better", "", "", "")
    held_out = {row.id for row in slices(ROWS, made.prompt)[1]}
    shown = [request for request in teacher.asked if len(request.messages) > 1]
    assert {request.row_id for request in shown} == held_out and len(shown) == 20
    turns = shown[0].messages
    assert [turn["role"] for turn in turns] == ["user", "assistant"] * 4 + ["user"]
    search_questions = {row.fields["q"] for row in slices(ROWS, made.prompt)[0]}
    assert {turn["content"] for turn in turns[:-1:2]} <= search_questions
    answers = [turn["content"] for turn in turns[1::2]]
    assert sum("So the answer is yes." in text for text in answers) == 2, "labels take turns"
    found = outcome.metrics()["few_shot"]
    assert found["few_shot"]["rows"] == found["zero_shot"]["rows"] == 20 and found["demonstrations"] == 4
    assert found["search_cost"]["calls"] == len(teacher.asked) - 20


def test_the_price_is_that_of_the_prompt_to_use_whatever_other_parts_chose(make_settings, monkeypatch):
    """The cross-fitted answers may be another prompt's, as here all are: of other length and price."""

    class Wordy(Teacher):
        def reply(self, request):
            better = "better" in request.messages[-1]["content"]
            return replace(super().reply(request), usage=Usage(70 if better else 10, 0, 10, "reported"))

    def crossed(answers, rows, chosen):
        first = next(iter(answers))
        return sorted(answers[first], key=lambda answer: answer.id), Counter({first: len(rows)})

    monkeypatch.setattr("distill.search.outcome.cross_fitted", crossed)
    made = make_settings(**SIZES, **{"prompt.few_shot": 4})
    outcome = Search(Wordy([proposal("better"), "", "", ""]), CARD, ROWS, made).run()
    assert outcome.winner.number == 1
    found = outcome.metrics()["few_shot"]
    assert (
        found["zero_shot"]["cost_per_row"]["tokens_in"] == 70 and found["few_shot"]["cost_per_row"]["tokens_in"] == 10
    )


def test_demonstrations_are_rows_with_a_reason_labels_take_turns_and_choices_have_their_letter():
    rows = [
        Example(f"r{i}", "", {"q": f"{i}?"}, label="yes" if i < 3 else "no", rationale="own" if i == 1 else None)
        for i in range(5)
    ]
    told = [Annotation(f"r{i}", "explain", "yes", f"told {i}", "ok", "", "", "m") for i in range(5)]
    assert demonstrations(rows, told, 9, CARD) == tuple(
        (f"{i}?", f"{why} So the answer is yes.") for i, why in enumerate(["told 0", "own", "told 2"])
    )
    assert [
        said for said, _ in demonstrations(rows, told[:1] + [replace(a, label="no") for a in told[1:]], 3, CARD)
    ] == ["0?", "3?", "1?"]
    choice = [Example("c", "", {"q": "?"}, choices=("park", "bank"), label="bank", rationale="Money.")]
    assert demonstrations(choice, [], 1, CARD)[0][1] == "Money. So the answer is (b) bank."
    assert demonstrations(rows, [], 0, CARD) == ()


def test_the_break_even_is_what_was_spent_over_what_a_row_saves():
    some = score(
        [Annotation("a", "explain", "yes", "why", "ok", "", "", "m")],
        {"a": "yes"},
        "classes",
        ScoreWeights(1, 1, 1, 1, 0),
        (1, 9),
    )
    few, zero = (
        {"tokens_in": 400.0, "tokens_out": 50.0, "usd": 0.0003},
        {"tokens_in": 100.0, "tokens_out": 50.0, "usd": 0.0001},
    )
    spent = {"usd": 0.5, "tokens_in": 50_000, "tokens_out": 10_001, "calls": 500}
    found = few_shot_saving(some, some, few, zero, spent, 0.9)
    assert found["break_even_rows"] == {"usd": 2500, "tokens": 201} and found["tokens_saved_share"] == pytest.approx(
        2 / 3
    )
    assert few_shot_saving(some, some, few | {"usd": None}, zero, spent, 0.9)["break_even_rows"]["usd"] is None
    assert few_shot_saving(some, some, zero, few, spent, 0.9)["break_even_rows"] == {"usd": None, "tokens": None}


def test_a_teacher_that_never_answers_the_question_is_not_asked_about_every_row(settings):
    class Chatty(Teacher):
        def reply(self, request):
            return replace(super().reply(request), text="I like trains.")

    search_rows, _ = slices(ROWS, settings.prompt)
    teacher = Chatty([""] * 20, [row.id for row in search_rows])
    with pytest.raises(
        UnusableAnswers, match=r"all of the first 10 .* have no label.*One of them is 'I like trains\.'"
    ):
        Search(teacher, CARD, ROWS, settings).run()
    patient = replace(settings, runtime=replace(settings.runtime, stop_early=False))
    with pytest.raises(
        DataError, match=r"at best 0% of the held-out answers have a label.*One of the answers is 'I like trains\.'"
    ):
        Search(teacher, CARD, ROWS, patient).run()


def test_proposals_that_are_cut_ask_for_more_tokens(settings):
    class Brief(Teacher):
        def reply(self, request):
            reply = super().reply(request)
            return replace(reply, text="<PROMPT>{q}", finish_reason="length") if request.purpose == "propose" else reply

    search_rows, _ = slices(ROWS, settings.prompt)
    outcome = Search(Brief([""] * 4, [row.id for row in search_rows]), CARD, ROWS, settings).run()
    assert "4 cut at prompt.proposal_tokens" in outcome.closing_line()
    assert outcome.closing_line().endswith("raise prompt.proposal_tokens, as the thoughts of a reasoning model count")
