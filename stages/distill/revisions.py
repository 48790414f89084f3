"""Commits and experiments by name, and what the pipeline made as it was at one of them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from distill.errors import UserError

# The name by which DVC calls what is not committed.
WORKSPACE = "workspace"


class RevisionError(UserError):
    """A revision that is not there, or that lacks what is wanted of it."""


def commit(name: str) -> str:
    """The full hash of what Git knows by this name, else of the DVC experiment of this name.

    Raises RevisionError where there is none, or more than one experiment has the name.
    """
    commit_hash = _git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
    if commit_hash is not None:
        return commit_hash.strip()
    lines = (_git("for-each-ref", "--format=%(objectname) %(refname)", "refs/exps") or "").splitlines()
    # refs/exps/<two letters>/<the rest of the baseline's hash>/<name>
    experiments = [(line.split()[0], line.split("/", 4)[4]) for line in lines if line.count("/") >= 4]
    matching = sorted({commit_hash for commit_hash, other in experiments if other == name})
    if len(matching) == 1:
        return matching[0]
    if matching:
        raise RevisionError(
            f"{name}: {len(matching)} experiments have this name; give the commit instead:"
            f" {', '.join(candidate[:10] for candidate in matching)}"
        )
    raise RevisionError(
        f"{name}: neither a Git revision nor an experiment here; `dvc exp list --all-commits` lists experiments"
    )


def text_at(name: str, path: Path) -> str:
    """A file that Git keeps, as it was at a revision. Raises RevisionError where it was not there."""
    text = _git("show", f"{commit(name)}:{path.as_posix()}")
    if text is None:
        raise RevisionError(f"{path}: not in Git at {name}")
    return text


def out_at(name: str, path: Path, folder: Path) -> Path:
    """Copies a stage's out as it was at a revision into `folder`, from DVC's cache or its remote, and returns its
    place.

    Raises RevisionError with DVC's own words where it can be had from neither.
    """
    folder.mkdir(parents=True, exist_ok=True)
    place = folder / path.name
    command = [
        sys.executable,
        "-m",
        "dvc",
        "get",
        "--force",
        "--rev",
        commit(name),
        "--out",
        str(place),
        ".",
        path.as_posix(),
    ]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        reasons = [line.removeprefix("ERROR: ") for line in done.stderr.splitlines() if line.startswith("ERROR: ")] or [
            done.stderr.strip()
        ]
        raise RevisionError(
            f"{path} at {name}: {'; '.join(reasons)}. `dvc pull {path}` at that revision fetches it, `dvc repro` "
            "makes it anew"
        )
    return place


def _git(*arguments: str) -> str | None:
    """Output, or None where Git refuses."""
    done = subprocess.run(["git", *arguments], capture_output=True, text=True)
    return None if done.returncode else done.stdout
