"""The plan of the whole pipeline, as a person asks for it: `python stages/plan.py` beside the stages."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from decimal import Decimal

import pytest

from house import ROOT, STAGES

pytestmark = pytest.mark.whole


@pytest.fixture
def run(tmp_path):
    """Runs a stage script in a copy of the repository's settings and example data."""
    shutil.copytree(ROOT / "data" / "examples", tmp_path / "data" / "examples")
    params = (ROOT / "params.yaml").read_text()
    for name, value in (
        ("optimizer", "opro"),
        ("steps", "2"),
        ("candidates", "3"),
        ("search_rows", "20"),
        ("holdout_rows", "10"),
        ("finalists", "2"),
    ):
        params = re.sub(rf"^(  {name}:)[^#\n]*", rf"\1 {value}", params, count=1, flags=re.M)
    for name in ("train_rows", "validation_rows", "test_rows"):
        params = re.sub(rf"^(  {name}:) +\d+", r"\1 50", params, count=1, flags=re.M)
    (tmp_path / "params.yaml").write_text(params)
    environment = {**os.environ, "DISTILL_STORE": str(tmp_path / "store.sqlite")}

    def script(name: str, *arguments: str, fails: bool = False, **settings: str) -> str:
        for setting, value in settings.items():
            text = (tmp_path / "params.yaml").read_text()
            changed, found = re.subn(rf"^(  {setting}:)[^#\n]*", rf"\1 {value}", text, count=1, flags=re.M)
            assert found, setting
            (tmp_path / "params.yaml").write_text(changed)
        command = [sys.executable, str(STAGES / f"{name}.py"), *arguments]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)
        assert (done.returncode != 0) is fails, done.stderr
        return done.stderr if fails else done.stdout

    return script


def test_a_plan_says_what_each_stage_will_take_and_what_is_stored(run):
    run("prepare")
    said = run("plan").splitlines()
    assert said[1].startswith("simulated-1, simulated: no LLM was asked; teacher.mode live; store ")
    # 2 steps of 3 proposals; these and the hand-written prompt on 20 rows, 2 finalists and it on 10
    assert said[2].startswith("optimize_prompt: 176 calls at most, of which 0 are stored; to pay: 176 calls, about ")
    # 50 training rows, all 50 validation rows and all 50 test rows
    assert said[3].startswith("annotate: 150 calls at most, of which 0 are stored; to pay: 150 calls, about ")
    assert said[0] == "there is no data/prompt.yaml yet; here are the hand-written prompts of practice"
    run("optimize_prompt")
    assert re.search(
        r"^optimize_prompt: (\d+) calls at most, of which \1 are stored; to pay: 0 calls, about 0 tokens",
        run("plan"),
        re.M,
    ), "a search made is free"
    run("annotate")
    found = re.search(
        r"optimize_prompt: 190 calls at most, of which (\d+) are stored; to pay: (\d+) calls",
        run("plan", search_rows="22"),
    )
    assert found and int(found[1]) + int(found[2]) == 190 and int(found[1]) >= 20, (
        "of another one, the hand-written prompt's answers are stored"
    )
    said = run("plan", search_rows="20").splitlines()
    assert len(said) == 3 and said[2].startswith(
        "annotate: 150 calls at most, of which 150 are stored; to pay: 0 calls"
    )
    assert "10 stored rows asked again: 100.0% the same text" in run("drift", "--rows", "10")


def test_a_batch_halves_the_annotation_and_not_the_search_which_is_always_live(run):
    run("prepare")
    costs = {}
    for mode in ("live", "batch"):
        said = run("plan", provider="openai", mode=mode)
        costs[mode] = [Decimal(low) for low in re.findall(r"\$([\d.]+) to", said)]
        assert ("optimize_prompt: asked live" in said) is (mode == "batch")
    (search, annotation), (search_in_batch, annotation_in_batch) = costs["live"], costs["batch"]
    assert search == search_in_batch > 0 and annotation_in_batch == pytest.approx(annotation / 2, abs=Decimal("0.0001"))


@pytest.mark.parametrize(
    "changed",
    [{"priming": "audience"}, {"show_gold": "true"}, {"temperature": "0.7", "samples": "2", "separate_labels": "0.5"}],
)
def test_the_plan_is_what_the_annotation_then_pays(run, changed):
    run("prepare")
    run("optimize_prompt", optimizer="fixed")
    run("annotate")
    planned = int(re.search(r"to pay: ([\d,]+) calls", run("plan", **changed)).group(1).replace(",", ""))
    paid = int(re.search(r"paid now \S+ \(([\d,]+) calls\)", run("annotate")).group(1).replace(",", ""))
    assert planned == paid > 0
    assert "to pay: 0 calls" in run("plan")
    asked_again = "10 stored rows asked again: " + ("" if "temperature" in changed else "100.0% the same text")
    assert asked_again in run("drift", "--rows", "10")


def test_a_recorded_teacher_has_nothing_to_pay_and_cannot_drift(run):
    run("prepare")
    assert "there is nothing to pay" in run("plan", provider="recorded", optimizer="fixed")
    said = run("drift", fails=True)
    assert "cannot be checked" in said and "Traceback" not in said
