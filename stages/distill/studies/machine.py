"""What computed a result: the versions of the libraries, and the CPU, whose instructions decide in which order it adds.

A training is chaotic, so that another order of additions gives another student.
"""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

from distill.errors import DataError
from distill.rows.files import read_object

# Of the instructions that a CPU has, those that the libraries choose their kernels by.
FLAGS = ("avx2", "avx512f", "avx512_bf16", "avx512_vnni", "amx_bf16", "fma", "asimd", "sve")
_PACKAGES = ("torch", "transformers", "numpy")


def machine() -> dict[str, Any]:
    """versions by name, cpu (its model; None where that is not known), cores, and flags: those of FLAGS that it has."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    words = {line.partition(":")[0].strip(): line.partition(":")[2].strip() for line in lines}
    flags = (words.get("flags") or words.get("Features") or "").split()
    return {
        "versions": {"python": platform.python_version()} | {name: version(name) for name in _PACKAGES},
        "cpu": words.get("model name") or platform.processor() or None,
        "cores": os.cpu_count(),
        "flags": [flag for flag in FLAGS if flag in flags],
    }


def machines_of(table: Path | None) -> dict[str, Any]:
    """What a study's table (`<study>.json`) says of the commits that its rows were run from: commit -> machine."""
    if table is None or not table.exists():
        return {}
    try:
        return read_object(table).get("made", {})
    except DataError:  # what keeps the rows says so
        return {}
