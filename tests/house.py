"""What the tests of the house share: the imports of the code, read from its source."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

# How a registry names what it imports only when asked for: "distill.tasks.cqa:CommonsenseQA".
_NAMED = re.compile(r"distill(?:\.\w+)+:\w+")

ROOT = Path(__file__).resolve().parent.parent
STAGES = ROOT / "stages"
LIBRARY = STAGES / "distill"
SCRIPTS = ("prepare", "optimize_prompt", "annotate", "subsample", "train", "evaluate", "hand_over", "report")


def library_files() -> list[Path]:
    return sorted(LIBRARY.rglob("*.py"))


def module_file(name: str) -> Path | None:
    """The file of `distill.a.b`, whether module or package."""
    place = STAGES / Path(*name.split("."))
    for file in (place.with_suffix(".py"), place / "__init__.py"):
        if file.exists():
            return file
    return None


def has_code(file: Path) -> bool:
    """Whether a file holds more than a docstring, as a room's `__init__.py` does not."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return len(tree.body) > (ast.get_docstring(tree) is not None)


@cache
def imports(file: Path) -> frozenset[Path]:
    """The library files that a file imports anywhere in it, also within functions or by a registry's name for
    them, but not for types alone."""
    found: set[Path] = set()
    for node in _executed(ast.parse(file.read_text(encoding="utf-8"))):
        names: list[str] = []
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and _NAMED.fullmatch(node.value):
            names = [node.value.split(":")[0]]
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative import"
            names = [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
        for name in names:
            if name == "distill" or name.startswith("distill."):
                parts = name.split(".")
                for length in range(1, len(parts) + 1):
                    inner = module_file(".".join(parts[:length]))
                    if inner:
                        found.add(inner)
    return frozenset(found - {file})


def _executed(tree: ast.AST) -> list[ast.AST]:
    nodes: list[ast.AST] = []
    for child in ast.iter_child_nodes(tree):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test):
            continue
        nodes += [child, *_executed(child)]
    return nodes


def closure(file: Path) -> set[Path]:
    """All library files that running `file` can import."""
    seen: set[Path] = set()
    waiting = [file]
    while waiting:
        for one in imports(waiting.pop()):
            if one not in seen:
                seen.add(one)
                waiting.append(one)
    return seen
