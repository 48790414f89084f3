"""Folders handed over from the toy student's kind, and the three lines of their cards, run as a stranger would."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from distill.handover.folder import has_chat_template
from distill.handover.usage import UsageExample, usage_example
from distill.rows.records import Example
from distill.student.plan import StudentPlan

_RUN = """
import json, sys
import torch
torch.set_num_threads(1)
assert not any("distill" in name or "stages" in name for name in sys.path), sys.path
found = []
for code in json.load(open(sys.argv[1])):
    place = {}
    exec(code, place)
    found.append(place.get("label", place.get("rationale")))
assert not any(name.split(".")[0] == "distill" for name in sys.modules)
json.dump(found, open(sys.argv[2], "w"))
"""


def lines(folder: Path, plan: StudentPlan, row: Example) -> UsageExample:
    return usage_example(plan, folder.name, row, has_chat_template(folder))


def answers_of_strangers(codes: Sequence[str], where: Path) -> list[str]:
    """What these lines of code leave in `label` or `rationale`, in a fresh, isolated process in the folder `where`."""
    asked, said, script = where / "asked.json", where / "said.json", where / "run.py"
    asked.write_text(json.dumps(list(codes)))
    script.write_text(_RUN)
    done = subprocess.run(
        [sys.executable, "-I", str(script), str(asked), str(said)],
        cwd=where,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(said.read_text())


def code_blocks(card: str, language: str = "python") -> list[str]:
    """The card's code blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)\n```$", card, re.DOTALL | re.MULTILINE)
