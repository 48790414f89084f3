"""Scratch repositories in which tests drive the real DVC, as a user does at a prompt."""

from __future__ import annotations

import atexit
import json
import os
import re
import shutil
import subprocess
import sys
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
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(self.home),
            "DVC_NO_ANALYTICS": "1",
            "HF_HUB_OFFLINE": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONUNBUFFERED": "1",
        }

    def dvc(self, *arguments: str, check: bool = True, **env: str) -> str:
        """Output of a DVC command, run in a fork of a process that has DVC imported already."""
        log = self.home / "command.log"
        order = {"arguments": arguments, "folder": str(self.path), "environment": self.env() | env, "log": str(log)}
        server = warm_dvc()
        server.stdin.write(json.dumps(order) + "\n")
        server.stdin.flush()
        code = int(server.stdout.readline())
        text = log.read_text()
        assert not check or code == 0, f"dvc {' '.join(arguments)}\n{text}"
        return text

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
def warm_dvc() -> subprocess.Popen[str]:
    """The process of warm_dvc.py, which ends with this one."""
    server = subprocess.Popen(
        [sys.executable, ROOT / "tests" / "warm_dvc.py"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    atexit.register(server.communicate)
    return server


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
    for name, empty in (("runtime.json", "{}\n"), ("frontier.json", "{}\n"), ("plots/frontier.json", "[]\n")):
        (path / "metrics" / name).write_text(empty)
    repository = Repository(path, home)
    repository.git("init", "-q", "-b", "main")
    repository.identify()
    repository.dvc("init", "-q")
    shutil.copy(ROOT / ".dvc" / "config", path / ".dvc" / "config")
    shutil.copytree(ROOT / ".dvc" / "plots", path / ".dvc" / "plots", dirs_exist_ok=True)
    repository.commit("clone")
    return repository
