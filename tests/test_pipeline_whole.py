"""The whole pipeline as a user runs it: a clone, `dvc repro`, changes, experiments, a colleague. The real
stages, the real DVC, the simulated teacher over HTTP; only the sizes are tiny."""

from __future__ import annotations

import json
import shlex
import sqlite3
import subprocess
import time
from contextlib import closing
from pathlib import Path

import pytest
import yaml

from house import ROOT, SCRIPTS
from scratch import Repository, new, ran

pytestmark = pytest.mark.whole

TINY = {
    "task.train_rows": 120,
    "task.validation_rows": 24,
    "task.test_rows": 30,
    "prompt.steps": 2,
    "prompt.candidates": 2,
    "prompt.search_rows": 12,
    "prompt.holdout_rows": 12,
    "student.scratch.d_model": 16,
    "student.scratch.d_ff": 16,
    "student.scratch.vocabulary": 600,
    "student.scratch.encoder_layers": 1,
    "student.scratch.decoder_layers": 1,
    "train.steps": 6,
    "train.batch_rows": 8,
    "train.warmup_steps": 1,
    "train.evaluate_every": 3,
    "evaluate.rationale_rows": 3,
    "runtime.speed_rows": 0,
}


@pytest.fixture(scope="module")
def clone(tmp_path_factory) -> Repository:
    """A clone in which the pipeline ran once, watched, committed and pushed to a DVC remote."""
    tmp = tmp_path_factory.mktemp("whole")
    made = new(tmp, **TINY)
    assert made.repro(PYTHONPATH=str(ROOT / "tests" / "watch"), OPENED=str(made.home / "opened")) == list(SCRIPTS)
    made.dvc("remote", "add", "--default", "storage", str(tmp / "remote"))
    made.dvc("push")
    made.commit("first run")
    return made


def lock(repository: Repository) -> dict:
    return yaml.safe_load((repository.path / "dvc.lock").read_text())["stages"]


def outs(repository: Repository) -> dict[str, str]:
    """Hashes of all outs but the two at the ends, on which nothing depends: the card of the folder that is handed
    over names the Git revision, and the report has the seconds and dollars of the run."""
    found = {out["path"]: out["md5"] for stage in lock(repository).values() for out in stage["outs"]}
    return {path: md5 for path, md5 in found.items() if path not in ("data/model", "metrics/report.html")}


def test_it_ends_with_student_and_teacher_on_the_same_rows_and_what_it_cost(clone):
    found = clone.json("metrics/evaluate.json")
    assert found["rows"] == found["teacher"]["rows"] == 30
    assert 0 <= found["student"]["label"]["accuracy"] <= 1 and found["teacher"]["label"]["accuracy"] > 0.5
    assert "simulated" in found["teacher"]["name"]
    annotated = clone.json("metrics/annotate.json")
    assert found["cost"]["annotation"] == annotated["cost"]["train"] and annotated["cost"]["train"]["calls"] == 120
    parts = found["cost"]["search"]["usd"], found["cost"]["annotation"]["usd"]
    assert found["cost"]["total"]["usd"] == pytest.approx(sum(parts), abs=2e-6) and min(parts) > 0
    assert found["cascade"]["rows"] == 30 and found["cascade"]["validation"]["rows"] == 24
    assert found["cost"]["judging"]["calls"] == 54
    first = clone.json("metrics/headline.json")
    assert first["student_accuracy"] == found["student"]["label"]["accuracy"]
    assert first["cascade_sent"] == found["cascade"]["sent"] and first["usd_search"] == parts[0]
    assert all(split["tokens_from"] == {"reported": split["rows"]} for split in (annotated["train"], annotated["test"]))


def read_by(clone: Repository) -> dict[str, set[str]]:
    """The files below data/ and metrics/ that each script of the first run opened for reading."""
    found: dict[str, set[str]] = {}
    for line in (clone.home / "opened").read_text().splitlines():
        who, how, path = line.split("\t")
        # What is hidden is a file or folder that is still being written.
        if how == "r" and path.startswith(("data/", "metrics/")) and "/." not in path and not who.startswith("-m dvc"):
            found.setdefault(who, set()).add(path)
    return found


def test_the_test_rows_are_opened_by_evaluate_alone_save_that_the_teacher_is_asked_about_them(clone):
    found = read_by(clone)
    assert {who for who, paths in found.items() if "data/prepared/test.jsonl" in paths} == {
        "stages/annotate.py",
        "stages/evaluate.py",
    }
    assert {who for who, paths in found.items() if "data/annotated/test.jsonl" in paths} == {"stages/evaluate.py"}


def test_a_stage_opens_nothing_that_it_does_not_declare(clone):
    found, stages = read_by(clone), lock(clone)
    assert set(found) - {"stages/prepare.py"} <= {f"stages/{stage}.py" for stage in stages}
    for stage, made in stages.items():
        declared = [entry["path"] for kind in ("deps", "outs") for entry in made.get(kind, [])] + [
            "metrics/runtime.json"
        ]
        strange = [
            path
            for path in found.get(f"stages/{stage}.py", ())
            if not any(path == one or path.startswith(one + "/") for one in declared)
        ]
        assert strange == [], stage


def test_the_report_is_one_page_with_every_test_row(clone):
    page = (clone.path / "metrics" / "report.html").read_text(encoding="utf-8")
    rows = json.loads(page.split('id="data">', 1)[1].split("</script>", 1)[0])
    judged = [json.loads(line)["id"] for line in (clone.path / "data" / "judged.jsonl").read_text().splitlines()]
    assert [row[0] for row in rows["rows"]] == judged and rows["total"] == 30
    assert "no language model was asked" in page and "saved by the store" not in page
    assert "report.html" not in clone.git("ls-files")


def test_the_report_is_the_same_whatever_was_paid_when(clone):
    """As after an interruption, whose second part pays the rest alone."""
    page, runtime = (clone.path / "metrics" / name for name in ("report.html", "runtime.json"))
    before = page.read_bytes(), runtime.read_bytes()
    other = {"usd": 99.0, "calls": 3, "tokens_in": 5, "tokens_out": 7}
    runtime.write_text(json.dumps({"annotate": {"paid": other, "saved": other}, "evaluate": {"latency_p50_ms": 4.5}}))
    clone.python("stages/report.py")
    assert page.read_bytes() == before[0]
    runtime.write_bytes(before[1])


def paid_calls(repository: Repository) -> int:
    """Calls that were ever paid for, as the clone's store has them."""
    with closing(sqlite3.connect(repository.path / ".distill" / "responses.sqlite")) as store:
        return store.execute("SELECT sum(calls) FROM payments").fetchone()[0]


def test_every_answer_is_in_the_store_of_the_clone_and_the_store_is_in_neither_git_nor_dvc(clone):
    assert paid_calls(clone) == sum(
        clone.json("metrics/runtime.json")[stage]["paid"]["calls"] for stage in ("optimize_prompt", "annotate")
    )
    assert ".distill" not in clone.git("status", "--short", "--untracked-files=all") + clone.git("ls-files")


def test_money_paid_is_told_apart_and_no_stage_depends_on_it(clone):
    runtime = clone.json("metrics/runtime.json")
    assert runtime["annotate"]["paid"]["calls"] + runtime["annotate"]["saved"]["calls"] == 120 + 24 + 30
    assert "metrics/runtime.json" not in (clone.path / "dvc.lock").read_text()


def test_nothing_changed_nothing_runs(clone):
    assert clone.repro() == []


def test_the_same_inputs_and_settings_give_the_same_bytes(clone, tmp_path):
    """All of it anew in another clone, with an empty store; the weights too, as on one machine with one torch
    build and thread count the training repeats bit for bit on a CPU."""
    again = new(tmp_path, **TINY)
    assert again.repro() == list(SCRIPTS)
    assert outs(again) == outs(clone)
    text = (again.path / "data/annotated/train.jsonl").read_text()
    ids = [json.loads(line)["id"] for line in text.splitlines()]
    assert ids == sorted(ids) and len(ids) == 120


@pytest.fixture(scope="module")
def colleague(clone, tmp_path_factory) -> Repository:
    """A clone of the clone by somebody without key and store, who pulled the data."""
    tmp = tmp_path_factory.mktemp("colleague")
    made = Repository(tmp / "clone", tmp / "home")
    made.home.mkdir()
    subprocess.run(["git", "clone", "-q", str(clone.path), str(made.path)], check=True, env=clone.env())
    made.identify()
    made.dvc("pull")
    return made


def test_a_colleague_runs_nothing_again(colleague):
    assert colleague.repro() == []


def test_without_data_the_lock_still_tells_that_all_is_up_to_date(clone, tmp_path):
    subprocess.run(["git", "clone", "-q", str(clone.path), str(tmp_path / "bare")], check=True, env=clone.env())
    bare = Repository(tmp_path / "bare", clone.home)
    assert ran(bare.dvc("repro", "--dry", "--allow-missing")) == []


def shown_by_the_line_of_the_headline(repository: Repository) -> list[str]:
    """The columns that the line of README.md and docs/experiments.md shows: of the headline those that differ."""
    pages = [(ROOT / page).read_text() for page in ("README.md", "docs/experiments.md")]
    line, other = (next(line for line in page.splitlines() if line.startswith("dvc exp show")) for page in pages)
    assert shlex.split(line) == shlex.split(other, comments=True)
    return [cell.strip() for cell in repository.dvc(*shlex.split(line)[1:]).splitlines()[0].strip("| ").split("|")]


def test_a_colleagues_experiment_asks_no_teacher_and_has_figures_and_plots(colleague):
    changes = [
        part
        for change in ("subsample.explanation_rate=0.25", "train.steps=3", "train.mode=standard")
        for part in ("-S", change)
    ]
    assert ran(colleague.dvc("exp", "run", "--name", "short", *changes)) == [
        "subsample",
        "train",
        "evaluate",
        "hand_over",
        "report",
    ]
    assert colleague.json("metrics/subsample.json")["rationale"]["kept"] == round(
        0.25 * colleague.json("metrics/subsample.json")["rows"]["trained_on"]
    )
    assert not (colleague.path / ".distill" / "responses.sqlite").exists(), "the teacher was asked nothing"
    assert colleague.json("metrics/evaluate.json")["student"]["rationale"] == {"rows": 0}
    shown = json.loads(colleague.dvc("exp", "show", "--json"))
    names = [exp["name"] for revision in shown for exp in revision.get("experiments") or []]
    assert names == ["short"]
    difference = json.loads(colleague.dvc("metrics", "diff", "--json"))
    assert difference["metrics/train.json"]["steps"] == {"old": 6, "new": 3, "diff": -3}
    assert "metrics/annotate.json" not in difference
    assert shown_by_the_line_of_the_headline(colleague) == [
        "Experiment",
        "Created",
        *(name for name in colleague.json("metrics/headline.json") if name in difference["metrics/headline.json"]),
        "subsample.explanation_rate",
    ]
    colleague.python("stages/diagnose.py", "HEAD", "short", "--rows", "4")
    described = colleague.json("diagnostics/diagnostics.json")
    assert [one["student"]["mode"] for one in described["experiments"]] == ["step_by_step", "standard"]
    assert len(described["rows"]) == 4 and (colleague.path / "diagnostics" / "index.html").exists()

    assert "failed" not in colleague.dvc("plots", "diff", "HEAD", "short")
    assert "dvc_plots" not in colleague.git("status", "--short", "--untracked-files=all")
    assert json.loads(colleague.dvc("plots", "show", "--json"))
    colleague.dvc("plots", "show")
    page = (colleague.path / "dvc_plots" / "index.html").read_text()
    plots = [
        shown for plot in yaml.safe_load((colleague.path / "dvc.yaml").read_text())["plots"] for shown in plot.values()
    ]
    there = sum(all((colleague.path / file).exists() for file in shown["y"]) for shown in plots)
    assert "<script src=" not in page and page.count("vegaEmbed('#") == there >= 5
    for title in (
        "Prompt search",
        "Training loss",
        "Accuracy on the validation rows",
        "Student on the test rows",
        "Cascade on the test rows",
    ):
        assert title in page


def test_queued_experiments_run_side_by_side_and_ask_the_teacher_nothing_again(clone):
    rows = clone.json("metrics/subsample.json")["rows"]["trained_on"]
    before = paid_calls(clone)
    clone.dvc("exp", "run", "--queue", "-S", "subsample.explanation_rate=0.0,0.5", "train")
    clone.python("-m", "dvc", "queue", "start", "-j", "2")
    try:
        until = time.monotonic() + 300
        while (
            any(word in (status := clone.dvc("queue", "status")) for word in ("Queued", "Running"))
            and time.monotonic() < until
        ):
            time.sleep(1)
        assert status.count("Success") == 2, status + clone.dvc("queue", "logs", status.split()[8], check=False)
    finally:
        clone.dvc("queue", "stop", "--kill", check=False)
    shown = json.loads(clone.dvc("exp", "show", "--json"))
    found = {}
    for revision in shown:
        for experiment in revision.get("experiments") or []:
            data = experiment["revs"][0]["data"]
            rate = data["params"]["params.yaml"]["data"]["subsample"]["explanation_rate"]
            found[rate] = data["metrics"]["metrics/subsample.json"]["data"]["rationale"]["kept"]
    assert found[0.0] == 0 and found[0.5] == round(0.5 * rows)
    assert paid_calls(clone) == before


def test_a_bad_setting_stops_the_first_stage_before_any_work(clone):
    before = (clone.path / "params.yaml").read_text()
    clone.set(**{"subsample.explanation_rate": 1.5, "task.seed": 9})
    output = clone.dvc("repro", check=False)
    assert (
        "prepare: params.yaml:" in output
        and "subsample.explanation_rate: is 1.5; allowed: at least 0 and at most 1" in output
    )
    assert "Traceback" not in output
    (clone.path / "params.yaml").write_text(before)


def test_the_model_that_is_handed_over_is_an_artifact_and_says_where_it_comes_from(clone):
    declared = yaml.safe_load((Path(clone.path) / "dvc.yaml").read_text())["artifacts"]["student"]
    assert declared == {"path": "data/model", "type": "model", "desc": declared["desc"]}
    folder, student = clone.path / "data" / "model", clone.path / "data" / "student"
    assert (folder / "model.safetensors").read_bytes() == (student / "model.safetensors").read_bytes()
    told = clone.json("data/model/provenance.json")
    # The pipeline ran in a fresh clone, whose commit is the first one: what it writes itself is no modification.
    assert told["revision"] == clone.git("rev-list", "--max-parents=0", "HEAD").strip() and told["modified"] == []
    assert told["lock_stages"] == sorted(set(SCRIPTS) - {"hand_over", "report"})
    check = ("stages/hand_over.py", "--check")
    assert told["lock_sha256"] in clone.python(*check) and told["lock_sha256"] in clone.python(*check, "HEAD")
    assert "hand_over: dvc.lock: not in Git at HEAD~1" in clone.python(*check, "HEAD~1", check=False)


def test_a_folder_made_in_a_temporary_checkout_says_where_it_comes_from(clone, tmp_path):
    head = clone.git("rev-parse", "HEAD").strip()
    assert ran(clone.dvc("exp", "run", "--temp", "--name", "licensed", "-S", "hand_over.license=mit")) == ["hand_over"]
    commit = clone.git("for-each-ref", "--format=%(objectname)", "refs/exps").splitlines()
    named = next(
        one
        for one in commit
        if clone.git("for-each-ref", "--points-at", one, "--format=%(refname)", "refs/exps")
        .strip()
        .endswith("/licensed")
    )
    clone.dvc("get", ".", "data/model", "--rev", named, "--out", str(tmp_path / "model"))
    told = json.loads((tmp_path / "model" / "provenance.json").read_text())
    assert (told["revision"], told["modified"], told["experiment"]) == (head, ["params.yaml"], "licensed")
    assert "\nlicense: mit\n" in (tmp_path / "model" / "README.md").read_text()
