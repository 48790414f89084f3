"""What the pipeline made, as it was at a commit or an experiment: a small repository under the real Git and DVC."""

from __future__ import annotations

from pathlib import Path

import pytest

from distill.revisions import RevisionError, commit, out_at, text_at
from scratch import Repository

STAGE = (
    "stages:\n  make:\n    cmd: mkdir -p data/out && cp params.yaml data/out/copy\n    deps: [params.yaml]\n"
    "    outs: [data/out]\n"
)


@pytest.fixture(scope="module")
def repository(tmp_path_factory) -> Repository:
    """Two commits, whose out differs, and an experiment on the first with the second's content."""
    home = tmp_path_factory.mktemp("revisions")
    path = home / "clone"
    path.mkdir()
    made = Repository(path, home)
    made.git("init", "-q", "-b", "main")
    for key, value in (("user.name", "test"), ("user.email", "test@example.invalid"), ("commit.gpgsign", "false")):
        made.git("config", key, value)
    made.dvc("init", "-q")
    (path / "dvc.yaml").write_text(STAGE)
    for content in ("a: 1\n", "a: 2\n"):
        (path / "params.yaml").write_text(content)
        made.repro("--quiet")
        made.commit(content)
    made.git("update-ref", "refs/exps/ab/cdef/slow-hare", "HEAD")
    return made


def test_an_out_and_a_file_are_as_they_were(repository, tmp_path, monkeypatch):
    monkeypatch.chdir(repository.path)
    first = out_at("HEAD~1", Path("data/out"), tmp_path / "first")
    assert first == tmp_path / "first" / "out" and (first / "copy").read_text() == "a: 1\n"
    assert (out_at("slow-hare", Path("data/out"), tmp_path / "second") / "copy").read_text() == "a: 2\n"
    assert text_at("HEAD~1", Path("params.yaml")) == "a: 1\n"
    assert commit("slow-hare") == commit("main") != commit("HEAD~1")


def test_what_is_not_there_is_said_with_what_to_do(repository, tmp_path, monkeypatch):
    monkeypatch.chdir(repository.path)
    with pytest.raises(RevisionError, match="quick-fox: neither a Git revision nor an experiment here; `dvc exp list"):
        commit("quick-fox")
    with pytest.raises(RevisionError, match=r"metrics.json: not in Git at main"):
        text_at("main", Path("metrics.json"))
    with pytest.raises(RevisionError, match=r"data/none at main: .+ `dvc pull data/none` at that revision"):
        out_at("main", Path("data/none"), tmp_path)
    repository.git("update-ref", "refs/exps/12/3456/slow-hare", "HEAD~1")
    with pytest.raises(RevisionError, match="slow-hare: 2 experiments have this name; give the commit instead: "):
        commit("slow-hare")
