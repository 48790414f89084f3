"""The README says what is there: its recipes' settings, its files, its figures."""

from __future__ import annotations

import json
import re
import subprocess

import pytest
import yaml

from distill.studies.table import printed
from house import ROOT

TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```bash\n(.*?)```", TEXT, re.DOTALL)
COMMANDS = [line for block in BLOCKS for line in re.sub(r"\\\n\s*", "", block).splitlines() if " -S " in line]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_recipes_settings_are_there_and_take_its_values(command, make_settings):
    pairs = re.findall(r"-S (\S+?)=(\S+)", command)
    assert pairs
    swept = max(len(value.split(",")) for _, value in pairs)
    for place in range(swept):
        chosen = {name: value.split(",")[place] if "," in value else value for name, value in pairs}
        make_settings(**{name: yaml.safe_load(value) for name, value in chosen.items()})


def test_its_scripts_links_and_rooms_exist():
    for path in re.findall(r"python ((?:stages|benchmarks)/\w+\.py)", TEXT) + re.findall(r"\]\(([^)#:]+)\)", TEXT):
        assert (ROOT / path).exists(), path
    tree = TEXT[TEXT.index("## The tree") :]
    for name in re.findall(r"^(?: {2}| {4})?([a-z_]+(?:/|\.py))(?= |$)", tree, re.MULTILINE):
        places = [ROOT / name, ROOT / "stages" / name, ROOT / "stages" / "distill" / name]
        assert any(place.exists() for place in places), name


def test_an_option_that_is_told_is_one_that_its_script_takes():
    """In the READMEs, in what a script says of itself, and where a benchmark starts a stage."""
    scripts = [file for folder in ("stages", "benchmarks") for file in (ROOT / folder).glob("*.py")]
    for file in [ROOT / "README.md", *(ROOT / "stages").rglob("README.md"), *scripts]:
        text = file.read_text(encoding="utf-8").replace("\\\n", " ")
        told = re.findall(r"python ((?:stages|benchmarks)/\w+\.py)([^\n`#]*)", text) + re.findall(
            r'"((?:stages|benchmarks)/\w+\.py)"(.*)', text
        )
        for script, line in told:
            for option in re.findall(r"(?<![\w-])--[a-z][\w-]*", line):
                assert f'"{option}"' in (ROOT / script).read_text(encoding="utf-8"), f"{file.name}: {script} {option}"


def committed(name: str) -> dict:
    """Metrics as Git has them: those in the workspace may be of somebody's own experiment. As the file has them where
    there is no Git repository."""
    shown = subprocess.run(["git", "show", f"HEAD:metrics/{name}"], cwd=ROOT, capture_output=True, text=True)
    return json.loads(shown.stdout if shown.returncode == 0 else (ROOT / "metrics" / name).read_text(encoding="utf-8"))


def test_its_result_is_the_committed_runs():
    found = committed("evaluate.json")
    for who in [who for who in ("student", "teacher", "majority", "untrained", "cascade") if who in found]:
        label = found[who]["label"]
        row = (
            f"| {100 * label['accuracy']:.1f} % | {100 * label['accuracy_ci_low']:.1f} to "
            f"{100 * label['accuracy_ci_high']:.1f} % |"
        )
        assert row in TEXT, row
    assert f"${found['cost']['annotation']['usd']:.2f}" in TEXT and f"${found['cost']['search']['usd']:.2f}" in TEXT
    if "cascade" in found:
        assert f"the {100 * found['cascade']['sent']:.0f} % of which it is least sure" in TEXT
        assert (
            f"${found['cascade']['usd_per_1000']:.3f} per 1,000 rows" in TEXT
            and f"all ${found['teacher']['usd_per_1000']:.3f};" in TEXT
        )
    annotated = committed("annotate.json")
    assert f"right in {100 * annotated['train']['label']['accuracy']:.1f} % of them" in TEXT


def test_its_study_is_the_committed_table():
    found = committed("studies/practice.json")
    table = printed(found["arms"], found["confidence"])
    assert table in TEXT, table
