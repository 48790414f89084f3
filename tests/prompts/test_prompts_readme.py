"""The recipes of the room's README name settings that there are, with values that they take."""

from __future__ import annotations

import re

import pytest
import yaml

from house import LIBRARY

TEXT = (LIBRARY / "prompts" / "README.md").read_text()
COMMANDS = re.findall(r"dvc exp run (.+?)(?=\n(?:```|dvc))", TEXT.replace("\\\n", " "), re.DOTALL)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_recipe_can_be_followed(command, make_settings):
    changes = dict(pair.split("=", 1) for pair in re.findall(r"-S '?([\w.]+=(?:\[[^\]]*\]|[^\s']+))", command))
    assert changes
    make_settings(**{name: yaml.safe_load(value) for name, value in changes.items()})


def test_every_file_of_the_room_has_its_question():
    named = set(re.findall(r"[\w/]+\.py", TEXT))
    files = {
        str(file.relative_to(LIBRARY / "prompts"))
        for file in (LIBRARY / "prompts").rglob("*.py")
        if file.name != "__init__.py"
    }
    assert {name for name in files if not name.startswith("parsing/")} <= named | {"stages/show_prompts.py"}
