"""What the next run will ask and cost, said beforehand, against the run that then follows."""

from __future__ import annotations

import re
import shutil
from decimal import Decimal

import pytest

from scratch import Repository, new

pytestmark = pytest.mark.whole

STAGES = ("prepare", "optimize_prompt", "annotate")
# The hand-written prompt and 2 rounds of 3 on 20 rows, 6 proposals, it and 2 finalists on 10 rows.
SEARCH_CALLS = 7 * 20 + 6 + 3 * 10
SMALL = {
    "task.train_rows": 50, "task.validation_rows": 50, "task.test_rows": 50, "annotate.validation_rows": 50,
    "prompt.steps": 2, "prompt.candidates": 3, "prompt.search_rows": 20, "prompt.holdout_rows": 10,
    "prompt.finalists": 2,
}  # fmt: skip


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Repository:
    """A repository in which DVC has run all stages that ask."""
    repository = new(tmp_path_factory.mktemp("planning"), **SMALL)
    assert repository.repro("annotate") == list(STAGES)
    return repository


class Copy(Repository):
    """A copy of a repository, with its store."""

    def script(self, name: str, *arguments: str, check: bool = True) -> str:
        return self.python(f"stages/{name}.py", *arguments, check=check)

    def plan(self) -> str:
        return self.script("plan")

    def paid(self) -> tuple[int, Decimal]:
        """Calls and dollars of a run of all stages that ask."""
        output = "".join(self.script(stage) for stage in STAGES)
        lines = re.findall(r"paid now \$([\d.,]+) \(([\d,]+) calls\)", output)
        return sum(number(calls) for _, calls in lines), sum((Decimal(usd) for usd, _ in lines), Decimal(0))


@pytest.fixture
def repository(finished, tmp_path) -> Copy:
    shutil.copytree(finished.path, tmp_path / "clone")
    (tmp_path / "home").mkdir()
    return Copy(tmp_path / "clone", tmp_path / "home")


def number(text: str) -> int:
    return int(text.replace(",", ""))


def total(plan: str) -> tuple[int, Decimal]:
    """The most calls and dollars that a plan says are to be paid."""
    if "in all: nothing" in plan:
        return 0, Decimal(0)
    calls, usd = re.search(
        r"^in all: ([\d,]+) calls and [\d,]+ tokens at most, \$([\d.,]+) at most$", plan, re.M
    ).groups()
    return number(calls), Decimal(usd)


def test_after_a_run_nothing_is_asked_also_where_a_colleague_has_the_results_and_no_answers(repository):
    lines = repository.plan().splitlines()
    assert lines[0].startswith("simulated-1, simulated: no LLM was asked; teacher.mode live; store ")
    assert lines[1:] == [
        "optimize_prompt: up to date, asks nothing",
        "annotate: up to date, asks nothing",
        "in all: nothing",
    ]
    shutil.rmtree(repository.path / ".distill")
    assert repository.plan().splitlines()[1:] == lines[1:]
    (repository.path / "data/annotated/test.jsonl").unlink()
    plan = repository.plan()
    assert "annotate: 150 calls at most, of which 0 are stored; to pay: 150 calls" in plan
    assert "dvc.lock has the result of these very settings, and its files are not here: `git checkout . && dvc" in plan


def test_a_search_whose_results_were_lost_is_found_in_the_store(repository):
    before = (repository.path / "data/prompt.yaml").read_text()
    (repository.path / "metrics/optimize_prompt.json").unlink()
    plan = repository.plan()
    line = r"^optimize_prompt: (\d+) calls, all of them stored: nothing to pay \(metrics/optimize_prompt"
    calls = re.search(line, plan, re.M)
    assert calls and 100 < int(calls[1]) <= SEARCH_CALLS
    assert "annotate: 150 calls at most, of which 150 are stored; to pay: 0 calls" in plan
    assert total(plan) == repository.paid() == (0, 0)
    assert (repository.path / "data/prompt.yaml").read_text() == before


@pytest.mark.parametrize(
    ("changes", "why", "shown"),
    [
        ({"prompt.explain": "Mine: {question}\nSay why."}, "prompt.explain has changed", "Mine: How big is"),
        ({"teacher.max_tokens": 120}, "teacher.max_tokens has changed", "at most 18,000 out"),
        ({"prompt.seed": 2, "prompt.few_shot": 2, "prompt.compress": 2}, "prompt.few_shot has changed", "How big is"),
        ({"prompt.optimizer": "gepa", "prompt.few_shot": 2}, "prompt.optimizer has changed", "How big is"),
        ({"task.seed": 3}, "prepare will write other rows, as task.seed has changed", "How big is"),
        ({"prompt.steps": 3}, "prompt.steps has changed", "How big is"),
    ],
    ids=lambda value: "+".join(value) if isinstance(value, dict) else "",
)
def test_a_changed_setting_is_in_the_prompts_shown_and_the_run_pays_no_more_than_planned(
    repository, changes, why, shown
):
    if changes.get("prompt.optimizer") == "gepa":
        pytest.importorskip("gepa")
    repository.set(**changes)
    text = repository.script("show_prompts")
    assert shown in text
    plan = repository.plan()
    assert f"optimize_prompt runs first: {why}" in text and f"({why})" in plan
    assert "; its prompt counts as long as prompt.max_words allows" in plan
    if "prompt.steps" in changes:
        assert re.search(r"optimize_prompt: 239 calls at most, of which 1\d\d are stored; ", plan), (
            "two rounds of three"
        )
    calls, usd = total(plan)
    paid_calls, paid_usd = repository.paid()
    assert 0 < paid_calls <= calls and 0 < paid_usd <= usd


def test_a_prompt_file_is_shown_and_priced_as_it_stands_now(repository):
    mine = repository.path / "data/prompts/mine.yaml"
    mine.write_text((repository.path / "data/prompt.yaml").read_text().replace("{question}", "Which? {question}"))
    repository.set(**{"prompt.optimizer": "fixed", "prompt.file": "mine.yaml"})
    assert "Which? How big is" in repository.script("show_prompts")
    plan = repository.plan()
    assert "optimize_prompt: asks nothing (prompt.optimizer is fixed)" in plan
    assert total(plan)[0] == repository.paid()[0] == 150
    mine.write_text(mine.read_text().replace("Which? ", "Hm? "))
    assert "Hm? How big is" in repository.script("show_prompts") and total(repository.plan())[0] == 150


def test_another_task_is_read_anew_with_its_classes_and_its_hand_written_prompts(repository):
    repository.set(
        **{
            "task.name": "table", "task.path": "data/examples/routing.csv",
            "teacher.path": "data/examples/routing.yaml", "task.table.description": "Which desk?",
            "task.table.columns": ["message"], "task.table.label": "desk", "task.train_rows": 60,
            "task.validation_rows": 20, "task.test_rows": 20,
        }
    )  # fmt: skip
    text = repository.script("show_prompts")
    assert "prepare runs first: task.name has changed. The rows were read anew for this plan." in text
    assert "How big is" not in text and "Which desk?" in text
    assert "nowhere" not in text
    repository.set(**{"task.table.classes": ["account", "advice", "billing", "delivery", "returns", "nowhere"]})
    assert "nowhere" in repository.script("show_prompts")
    calls, usd = total(repository.plan())
    paid_calls, paid_usd = repository.paid()
    assert 0 < paid_calls <= calls and 0 < paid_usd <= usd


def test_of_another_model_nothing_is_stored_and_an_unknown_price_is_said(repository):
    repository.set(**{"teacher.model": "simulated-2"})
    plan = repository.plan()
    assert "(teacher.model has changed)" in plan
    assert f"optimize_prompt: {SEARCH_CALLS} calls at most, of which 0 are stored; to pay: {SEARCH_CALLS} calls" in plan
    assert re.search(r"^in all: 326 calls and [\d,]+ tokens at most, at an unknown price$", plan, re.M)
    repository.set(**{"runtime.budget_usd": 1.0})
    assert "runtime.budget_usd cannot be kept: a price is unknown" in repository.plan()


def test_a_plan_for_a_model_that_thinks_says_what_it_cannot_know(repository):
    assert "may think" not in repository.plan()
    repository.set(**{"teacher.reasoning_effort": "low"})
    assert "simulated-1 may think before it answers: thoughts are billed as tokens out and are not known" in (
        repository.plan()
    )


def test_the_budget_that_a_plan_passes_is_named_with_what_is_spent(repository):
    repository.set(**{"prompt.seed": 2, "runtime.budget_calls": 400, "runtime.budget_usd": 0.01})
    lines = repository.plan().splitlines()
    calls, _ = total("\n".join(lines))
    budgets = [line for line in lines if line.startswith("runtime.")]
    assert re.fullmatch(rf"runtime\.budget_calls 400 can be passed: \d+ made, up to {calls} more", budgets[0])
    spent = r"runtime\.budget_usd \$0\.0100 can be passed: \$0\.0\d+ spent, up to \$[\d.]+ more"
    assert re.fullmatch(spent, budgets[1])
    repository.set(**{"runtime.budget_calls": 4000, "runtime.budget_usd": 10.0})
    assert not [line for line in repository.plan().splitlines() if line.startswith("runtime.")]


def test_limits_of_the_search_are_the_most_that_it_can_cost(repository):
    repository.set(**{"prompt.seed": 2, "prompt.max_calls": 120, "prompt.max_usd": 0.05})
    limited = r"^optimize_prompt: 120 calls at most, .* \$0\.0[45]\d+ at most \(prompt\.max_calls has changed"
    assert re.search(limited, repository.plan(), re.M)


def test_a_batch_halves_the_annotation_and_not_the_search_which_is_always_live(repository):
    costs = {}
    for mode in ("live", "batch"):
        repository.set(**{"teacher.provider": "openai", "teacher.mode": mode})
        plan = repository.plan()
        search = Decimal(re.search(r"^optimize_prompt: .*, \$([\d.]+) at most", plan, re.M)[1])
        annotation = Decimal(re.search(r"^annotate: .*\$[\d.]+ to \$([\d.]+);", plan, re.M)[1])
        costs[mode] = search, annotation
    (search, annotation), (search_in_batch, annotation_in_batch) = costs["live"], costs["batch"]
    assert search == search_in_batch > 0 and annotation_in_batch == pytest.approx(annotation / 2, abs=Decimal("0.0001"))


@pytest.mark.parametrize(
    "changes",
    [
        {"annotate.show_gold": True},
        {"teacher.temperature": 0.7, "annotate.samples": 2, "annotate.separate_labels": 0.5},
    ],
)
def test_with_a_fixed_prompt_the_plan_is_what_the_annotation_then_pays(repository, changes):
    repository.set(**{"prompt.optimizer": "fixed"})
    repository.paid()
    repository.set(**changes)
    calls, _ = total(repository.plan())
    assert repository.paid()[0] == calls > 0
    assert "in all: nothing" in repository.plan()
    again = "10 stored rows asked again: " + ("" if "teacher.temperature" in changes else "100.0% the same text")
    assert again in repository.script("drift", "--rows", "10")


def test_a_recorded_teacher_has_nothing_to_pay_and_cannot_drift(repository):
    repository.set(**{"teacher.provider": "recorded", "prompt.optimizer": "fixed"})
    assert "there is nothing to pay" in repository.plan()
    said = repository.script("drift", check=False)
    assert "cannot be checked" in said and "Traceback" not in said
