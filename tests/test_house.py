"""The shape of the house: small files, one direction, light front doors."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys

import pytest

from house import LIBRARY, ROOT, SCRIPTS, STAGES, imports, library_files


@pytest.mark.parametrize("script", sorted(p.name for p in STAGES.glob("*.py")))
def test_a_stage_script_is_a_front_door(script):
    text = (STAGES / script).read_text()
    assert len(text.splitlines()) < 60
    assert ast.get_docstring(ast.parse(text)), "it opens with what it does"


@pytest.mark.parametrize("file", library_files(), ids=lambda file: str(file.relative_to(LIBRARY)))
def test_a_library_file_is_one_idea_and_evaluates_no_text(file):
    text = file.read_text()
    assert len(text.splitlines()) <= 400
    assert [number for number, line in enumerate(text.splitlines(), 1) if len(line) > 120] == []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in ("eval", "exec"), f"line {node.lineno}"
        if isinstance(node, ast.IfExp):
            inner = (node.body, node.test, node.orelse)
            assert not any(isinstance(part, ast.IfExp) for part in inner), (
                f"line {node.lineno}: a conditional in another"
            )
    assert "trust_remote_code=True" not in text and not re.search(
        r"\byaml\.(unsafe_load|full_load|load(?!\([^()]*, Loader=yaml\.C(?:Safe|Base)Loader\)))\(", text
    )


# A file of fewer lines is an idea that belongs to another's, save a section of params.yaml, a data set over its base,
# a package's door, and those named here.
SHORT = {"errors.py", "rows/permutation.py"}


def test_few_library_files_are_short():
    for file in library_files():
        place = str(file.relative_to(LIBRARY))
        if file.name != "__init__.py" and place.split("/")[0] not in ("settings", "tasks") and place not in SHORT:
            assert len(file.read_text().splitlines()) >= 40, place


# Words that fit everything name nothing: a variable is called what it is.
IDLE = {"asked", "found", "given", "known", "made", "one", "said", "shown", "told"}


def names_bound(tree: ast.AST) -> set[tuple[str, int]]:
    """Variables, parameters and functions that code names, with their lines; not fields, whose names files know."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add((node.id, node.lineno))
        elif isinstance(node, ast.arg):
            names.add((node.arg, node.lineno))
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add((node.name, node.lineno))
    return names


@pytest.mark.parametrize(
    "file", [*library_files(), *sorted(STAGES.glob("*.py"))], ids=lambda file: str(file.relative_to(STAGES))
)
def test_a_variable_is_called_what_it_is(file):
    tree = ast.parse(file.read_text())
    fields = {
        field.target.id
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
        for field in node.body
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
    }
    assert sorted(name for name in names_bound(tree) if name[0] in IDLE - fields) == []


def test_a_public_name_exists_once_in_the_library():
    places: dict[str, list[str]] = {}
    for file in library_files():
        for node in ast.parse(file.read_text()).body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                names = [node.name]
            elif isinstance(node, ast.Assign | ast.AnnAssign):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                names = [target.id for target in targets if isinstance(target, ast.Name)]
            else:
                names = []
            for name in names:
                # `main` is what a file that is run as a script calls its own.
                if not name.startswith("_") and name != "main":
                    places.setdefault(name, []).append(str(file.relative_to(LIBRARY)))
    assert {name: files for name, files in places.items() if len(files) > 1} == {}


def test_no_import_goes_in_a_circle():
    done: set = set()

    def walk(file, trail):
        assert file not in trail, " -> ".join(str(f.relative_to(STAGES)) for f in [*trail[trail.index(file) :], file])
        if file in done:
            return
        for other in sorted(imports(file)):
            # A package's own door imports its rooms; that they name the package is no circle.
            if other.name != "__init__.py" or other.parent not in file.parents:
                walk(other, [*trail, file])
        done.add(file)

    for file in library_files():
        walk(file, [])


def test_nothing_in_the_library_imports_a_stage_script_or_dvc():
    for file in library_files():
        for node in ast.walk(ast.parse(file.read_text())):
            names = (
                [a.name for a in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else []
            )
            for name in names:
                assert name.split(".")[0] not in ("dvc", *SCRIPTS), f"{file}:{node.lineno}"


# From the ground up: a room stands on the rooms above it in this list, and on the ground, and on no other.
ROOMS = (
    "answers", "tasks", "teacher", "prompts", "search", "annotation", "selection", "student", "evaluation", "studies",
    "handover", "onnx", "report", "diagnostics", "start",
)  # fmt: skip
GROUND = {
    "settings",
    "rows",
    "errors.py",
    "interrupts.py",
    "intervals.py",
    "lock.py",
    "parents.py",
    "paths.py",
    "progress.py",
    "revisions.py",
    "running.py",
    "sizes.py",
    "templates.py",
    "visible.py",
}


def test_every_file_is_in_a_room_or_on_the_ground():
    assert {file.relative_to(LIBRARY).parts[0] for file in library_files()} == {*ROOMS, *GROUND, "__init__.py"}


def test_no_import_runs_upward():
    def height(file):
        place = file.relative_to(LIBRARY).parts[0]
        return ROOMS.index(place) if place in ROOMS else -1

    upward = [
        f"{file.relative_to(LIBRARY)} imports {used.relative_to(LIBRARY)}"
        for file in library_files()
        for used in imports(file)
        if height(used) > height(file)
    ]
    assert upward == []


@pytest.mark.parametrize(
    "script",
    ["start", "prepare", "optimize_prompt", "annotate", "subsample", "study", "frontier", "hand_over", "report"],
)
def test_a_stage_without_a_model_starts_without_torch(script):
    code = (
        f"import sys, json; sys.path.insert(0, {str(STAGES)!r}); import {script}\n"
        "import distill.teacher.opening, distill.tasks.registry\n"
        "print(json.dumps(sorted({name.split('.')[0] for name in sys.modules})))"
    )
    loaded = json.loads(
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT).stdout
    )
    assert not {"torch", "transformers", "datasets", "dvc", "pandas"} & set(loaded)


def test_the_project_speaks_of_itself_alone():
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    for name in tracked:
        if name.endswith((".py", ".md", ".yaml", ".toml", ".txt")) and name != "tests/test_house.py":
            assert not re.search(r"/work/|/opt/venv", (ROOT / name).read_text(encoding="utf-8")), name
