"""Reads what the simulated teacher knows of a task from a small file, whose `kind` says how it is put."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import yaml

from distill.settings.loader import SettingsError, load
from distill.teacher.simulated.comparison import Comparison
from distill.teacher.simulated.keywords import Keywords
from distill.teacher.simulated.knowledge import Knowledge

KINDS: dict[str, type] = {"comparison": Comparison, "keywords": Keywords}


@dataclass(frozen=True)
class Known:
    """A knowledge file that was read; `identity` stands for its content."""

    knowledge: Knowledge
    identity: str


def read_knowledge(path: Path, version: str) -> Known:
    """Reads a knowledge file. Raises SettingsError with file, line and key."""
    try:
        content = path.read_bytes()
        values = yaml.load(content, Loader=yaml.CSafeLoader)
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read ({error.strerror}); teacher.path must name the simulated teacher's knowledge") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: not YAML ({' '.join(str(error).split())})") from error
    kind = values.get("kind") if isinstance(values, dict) else None
    if kind not in KINDS:
        raise SettingsError(f"{path}: kind: is {kind!r}; allowed: {', '.join(KINDS)}")
    return Known(load(KINDS[kind], path), hashlib.sha256(version.encode() + b"\0" + content).hexdigest()[:16])
