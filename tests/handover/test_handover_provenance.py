import hashlib
import json
import subprocess
from pathlib import Path

import pytest
import yaml

from distill.errors import DataError
from distill.handover.provenance import lock_hash, lock_hash_of, pipeline_outs, provenance, upstream, verify_provenance
from distill.rows.files import write_json

LOCK = {
    "make": {"cmd": "m", "deps": [{"path": "raw.csv", "md5": "1"}], "outs": [{"path": "data/made", "md5": "2"}]},
    "train": {
        "cmd": "t",
        "deps": [{"path": "data/made/train.jsonl", "md5": "3"}],
        "outs": [{"path": "data/student", "md5": "4.dir"}],
    },
    "hand": {
        "cmd": "h",
        "deps": [{"path": "data/student", "md5": "4.dir"}],
        "outs": [{"path": "data/model", "md5": "5.dir"}],
    },
    "aside": {"cmd": "a", "deps": [{"path": "raw.csv", "md5": "1"}], "outs": [{"path": "data/aside", "md5": "6"}]},
}
PIPELINE = {
    "metrics": ["metrics/runtime.json"],
    "plots": [{"speed": {"x": "step", "y": {"metrics/plots/speed.json": "rows_per_s"}}}],
    "stages": {"train": {"outs": ["data/student"], "metrics": [{"metrics/train.json": {"cache": False}}]}},
}


def test_the_stages_that_paths_come_from_are_found_through_others():
    assert set(upstream(LOCK, [Path("data/student")])) == {"make", "train"}
    assert set(upstream(LOCK, [Path("data/aside")])) == {"aside"}
    assert upstream(LOCK, [Path("raw.csv")]) == {}


def test_the_hash_is_of_the_entries_as_compact_json_with_sorted_keys():
    made = {"make": {"b": 1, "a": "ä"}}
    assert lock_hash(made) == hashlib.sha256('{"make":{"a":"ä","b":1}}'.encode()).hexdigest()
    assert lock_hash_of(yaml.safe_dump({"stages": made | {"other": {}}}), ["make"]) == lock_hash(made)
    assert lock_hash_of("stages: {}", ["make"]) is None


def test_what_the_pipeline_writes_is_no_modification():
    assert pipeline_outs(PIPELINE) == [
        "dvc.lock",
        "metrics/runtime.json",
        "metrics/plots/speed.json",
        "data/student",
        "metrics/train.json",
        "data/.gitignore",
        "metrics/.gitignore",
        "metrics/plots/.gitignore",
    ]


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A commit with code, settings, a lock and a metrics file; the folder `model` with weights."""
    monkeypatch.chdir(tmp_path)
    for name, text in (
        ("dvc.lock", yaml.safe_dump({"stages": LOCK})),
        ("dvc.yaml", yaml.safe_dump(PIPELINE)),
        ("params.yaml", "a: 1\n"),
        ("metrics/train.json", "{}"),
        ("stages/train.py", "pass\n"),
        (".gitignore", "/model\n"),
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "model.safetensors").write_bytes(b"weights")
    identity = ("-c", "user.name=test", "-c", "user.email=test@example.invalid", "-c", "commit.gpgsign=false")
    for command in (("init", "-q"), ("add", "-A"), (*identity, "commit", "-q", "-m", "first")):
        subprocess.run(["git", *command], check=True, capture_output=True)
    return tmp_path


def made(folder):
    return provenance(folder / "model", [Path("data/student")], Path("dvc.lock"), Path("dvc.yaml"))


def test_it_names_commit_lock_weights_and_what_differs(checkout, monkeypatch):
    head = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True).stdout.strip()
    found = made(checkout)
    assert (found.revision, found.modified, found.experiment) == (head, (), None)
    assert found.lock_stages == ("make", "train")
    assert found.lock_sha256 == lock_hash({name: LOCK[name] for name in ("make", "train")})
    assert found.weights == {"model.safetensors": hashlib.sha256(b"weights").hexdigest()}
    assert "torch" in found.packages
    for name in ("metrics/train.json", "params.yaml", "stages/new.py", "notes.txt"):
        (checkout / name).write_text("changed")
    monkeypatch.setenv("DVC_EXP_NAME", "slow-hare")
    found = made(checkout)
    assert found.modified == ("params.yaml", "stages/new.py") and found.experiment == "slow-hare"


def test_outside_git_and_dvc_it_says_so(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    found = made(tmp_path)
    assert (found.revision, found.modified, found.lock_sha256, found.lock_stages) == (None, (), None, ())


def test_a_folder_is_held_against_a_lock(checkout):
    file = checkout / "model" / "provenance.json"
    write_json(file, made(checkout))
    told = json.loads(file.read_text())
    sentence = f"{file.parent} comes from dvc.lock: lock hash {told['lock_sha256']}"
    assert verify_provenance(file, Path("dvc.lock"), None) == sentence
    assert verify_provenance(file, Path("dvc.lock"), "HEAD").endswith(
        f"comes from dvc.lock at HEAD: lock hash {told['lock_sha256']}"
    )
    changed = LOCK | {"train": LOCK["train"] | {"cmd": "other"}}
    (checkout / "dvc.lock").write_text(yaml.safe_dump({"stages": changed}))
    with pytest.raises(DataError, match=r"but dvc.lock has .+; another run made the folder"):
        verify_provenance(file, Path("dvc.lock"), None)
