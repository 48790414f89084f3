"""Scratch repositories in which tests drive the real DVC, as a user does at a prompt."""

from __future__ import annotations

import atexit
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from house import ROOT


class Repository:
    """A clone-like folder under Git and DVC, with commands run in it as at a prompt."""

    def __init__(self, path: Path, home: Path):
        self.path, self.home = path, home

    def run(self, *command: str, check: bool = True, **env: str) -> str:
        """Output of a command, to a file and not a pipe: a DVC queue worker would hold the pipe open."""
        log = self.home / "command.log"
        with open(log, "w") as out:
            done = subprocess.run(
                command, cwd=self.path, env=self.env() | env, stdout=out, stderr=subprocess.STDOUT, timeout=400
            )
        text = log.read_text()
        assert not check or done.returncode == 0, f"{' '.join(command)}\n{text}"
        return text

    def env(self) -> dict[str, str]:
        kept = {
            k: v for k, v in os.environ.items() if not k.startswith(("DVC_", "DISTILL_", "GIT_", "OPENAI_", "PYTEST_"))
        }
        return kept | {
            "PATH": os.pathsep.join([str(warm_python().parent), str(Path(sys.executable).parent), os.environ["PATH"]]),
            "HOME": str(self.home),
            "DVC_NO_ANALYTICS": "1",
            "HF_HUB_OFFLINE": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONUNBUFFERED": "1",
        }

    def python(self, *arguments: str, check: bool = True, **env: str) -> str:
        """Output of Python: of a script in a fork of a process that has the script's imports already."""
        return self.run(str(warm_python()), *arguments, check=check, **env)

    def dvc(self, *arguments: str, check: bool = True, **env: str) -> str:
        return self.python("-m", "dvc", *arguments, check=check, **env)

    def git(self, *arguments: str) -> str:
        return self.run("git", *arguments)

    def identify(self) -> None:
        """Says who commits here."""
        for key, value in (("user.name", "test"), ("user.email", "test@example.invalid"), ("commit.gpgsign", "false")):
            self.git("config", key, value)

    def commit(self, message: str = "state") -> None:
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)

    def repro(self, *arguments: str, **env: str) -> list[str]:
        """The stages that `dvc repro` ran, in order."""
        return ran(self.dvc("repro", *arguments, **env))

    def set(self, **changes: Any) -> None:
        """Changes settings: set(**{"train.steps": 3})."""
        path = self.path / "params.yaml"
        path.write_text(changed(path.read_text(), changes))

    def json(self, path: str) -> Any:
        return json.loads((self.path / path).read_text())


@cache
def warm_python() -> Path:
    """The `python` that warm_client.py is, and behind it the process of warm_python.py, which ends with this one."""
    folder = Path(tempfile.mkdtemp(prefix="warm-"))
    client = folder / "python"
    client.write_text(f"#!{sys.executable} -IS\n" + (ROOT / "tests" / "warm_client.py").read_text())
    client.chmod(0o755)
    (folder / "dvc").symlink_to(client)
    kept = {key: value for key, value in os.environ.items() if not key.startswith("DVC_")} | {"HF_HUB_OFFLINE": "1"}
    command = [sys.executable, ROOT / "tests" / "warm_python.py", folder]
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=kept)
    atexit.register(lambda: (server.communicate(), shutil.rmtree(folder)))
    assert server.stdout.readline() == b"ready\n"
    return client


def ran(output: str) -> list[str]:
    return re.findall(r"Running stage '(\w+)'", output)


def changed(text: str, changes: dict[str, Any]) -> str:
    """params.yaml with other values; comments are lost, as nothing reads them."""
    params = yaml.safe_load(re.sub(r"(?m): (\d+)e-(\d+)\b", r": \1.0e-\2", text))
    for dotted, value in changes.items():
        *sections, key = dotted.split(".")
        place = params
        for section in sections:
            place = place[section]
        assert key in place, f"{dotted} is not in params.yaml"
        place[key] = value
    return yaml.safe_dump(params, sort_keys=False)


def new(tmp: Path, *, stages: Path = ROOT / "stages", **settings: Any) -> Repository:
    """A repository with this project's pipeline, its example data and these settings, and nothing run yet."""
    path, home = tmp / "clone", tmp / "home"
    path.mkdir(parents=True)
    home.mkdir()
    for name in ("dvc.yaml", ".dvcignore", ".gitignore"):
        shutil.copy(ROOT / name, path / name)
    shutil.copytree(stages, path / "stages", ignore=shutil.ignore_patterns("__pycache__"))
    for folder in ("examples", "prompts"):
        shutil.copytree(ROOT / "data" / folder, path / "data" / folder)
    (path / "params.yaml").write_text(changed((ROOT / "params.yaml").read_text(), settings))
    (path / "metrics" / "plots").mkdir(parents=True)
    for name in ("runtime.json", "frontier.json", "plots/frontier.json", "plots/training_speed.json"):
        (path / "metrics" / name).write_text("[]\n" if "plots" in name else "{}\n")
    repository = Repository(path, home)
    repository.git("init", "-q", "-b", "main")
    repository.identify()
    repository.dvc("init", "-q")
    shutil.copy(ROOT / ".dvc" / "config", path / ".dvc" / "config")
    shutil.copytree(ROOT / ".dvc" / "plots", path / ".dvc" / "plots", dirs_exist_ok=True)
    repository.commit("clone")
    return repository
