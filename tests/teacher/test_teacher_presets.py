"""The presets of docs/teachers.md, tried by the stage scripts against a stand-in of each server."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import dialects
import pytest
from dialects import ANSWER, ANSWERED, THOUGHT, THOUGHT_OF, DialectEndpoint

from house import ROOT
from scratch import changed
from test_docs import code_lines, settings_of

PAGE = (ROOT / "docs" / "teachers.md").read_text(encoding="utf-8")
SMALL = {
    "task.train_rows": 12,
    "task.validation_rows": 4,
    "task.test_rows": 4,
    "annotate.validation_rows": 4,
    "prompt.optimizer": "fixed",
}
KEYS = re.findall(r"^export (\w+)=…$", PAGE, re.MULTILINE)
SPEAKS = {
    "OpenAI": (dialects.openai_reasoning, dialects.openai_plain),
    "Azure": (dialects.azure,),
    "Anthropic": (dialects.anthropic,),
    "OpenRouter and its like": (dialects.openrouter,),
    "DeepSeek": (dialects.deepseek,),
    "Mistral": (dialects.mistral,),
    "vLLM": (dialects.vllm,),
    "Ollama": (dialects.ollama,),
    "llama.cpp": (dialects.llama_cpp,),
}


def presets() -> dict[str, list[dict[str, object]]]:
    """The settings of each command under a heading of the section Presets."""
    section = PAGE[PAGE.index("## Presets") : PAGE.index("## Several servers")]
    headings = re.findall(r"^### ([^\n]+)\n(.*?)(?=^### |\Z)", section, re.DOTALL | re.MULTILINE)
    return {
        heading: [settings_of(line)[0] for line in code_lines(text) if line.startswith("dvc exp run")]
        for heading, text in headings
    }


@pytest.fixture(scope="module")
def prepared(tmp_path_factory) -> Path:
    """A folder with a few prepared rows and the hand-written prompt."""
    folder = tmp_path_factory.mktemp("prepared")
    for part in ("examples", "prompts"):
        shutil.copytree(ROOT / "data" / part, folder / "data" / part)
    with DialectEndpoint(dialects.openai_plain) as endpoint:
        settings = {"teacher.provider": "openai", "teacher.base_url": endpoint.base_url}
        for stage in ("prepare", "optimize_prompt"):
            done = run(folder, stage, settings)
            assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def folder(prepared, tmp_path) -> Path:
    return shutil.copytree(prepared, tmp_path / "clone")


def run(
    folder: Path, stage: str, settings: dict[str, object], *, small: bool = True
) -> subprocess.CompletedProcess[str]:
    params = changed((ROOT / "params.yaml").read_text(), (SMALL if small else {}) | settings)
    (folder / "params.yaml").write_text(params)
    environment = os.environ | {
        **{name: f"of-{name}" for name in KEYS},
        "DISTILL_STORE": str(folder / "responses.sqlite"),
        "HOME": str(folder / "home"),
    }
    command = [sys.executable, str(ROOT / "stages" / f"{stage}.py")]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120)


def at(endpoint: DialectEndpoint, settings: dict[str, object]) -> dict[str, object]:
    """The settings with the stand-in in the place of the server, under the same path."""
    path = urlsplit(str(settings.get("teacher.base_url") or "/v1")).path
    return settings | {"teacher.base_url": endpoint.base_url.removesuffix("/v1") + path}


def annotated(folder: Path, split: str = "train") -> list[dict]:
    return [json.loads(line) for line in (folder / "data" / "annotated" / f"{split}.jsonl").read_text().splitlines()]


def test_every_preset_is_tried_here_or_against_the_real_server():
    assert set(presets()) == {*SPEAKS, "transformers"}
    assert all(len(presets()[heading]) == len(dialect) for heading, dialect in SPEAKS.items())


@pytest.mark.parametrize(
    ("heading", "number"), [(heading, number) for heading in SPEAKS for number in range(len(SPEAKS[heading]))]
)
def test_a_preset_is_taken_by_its_server_and_every_row_is_labelled(folder, heading, number):
    settings = presets()[heading][number]
    with DialectEndpoint(SPEAKS[heading][number]) as endpoint:
        done = run(folder, "annotate", at(endpoint, settings))
        assert done.returncode == 0, done.stderr
    assert set(endpoint.keys) == {f"Bearer of-{settings.get('runtime.key_env', 'OPENAI_API_KEY')}"}
    vendor = str(settings.get("teacher.base_url", "")).startswith("https://")
    assert vendor is ("runtime.key_env" in settings), "no vendor gets another's key"
    rows = annotated(folder)
    assert [(row["status"], row["label"], row["response"]) for row in rows] == [("ok", "smaller", ANSWER)] * 12
    assert all(THOUGHT not in (row["rationale"] or "") for row in rows)
    thinks = settings.get("teacher.reasoning_effort") == "low"
    assert {row["tokens_out"] for row in rows} == {ANSWERED + THOUGHT_OF if thinks else ANSWERED}
    learnt = "annotate: this model wants max_completion_tokens in place of max_tokens" in done.stderr
    assert learnt is thinks
    assert len(endpoint.calls) == 20 and (set(endpoint.calls.values()) == {1}) is not learnt


def test_messages_lead_from_the_default_settings_to_those_that_a_reasoning_model_takes(folder):
    """Each run stops at its first call and names one setting; a user who does as it says gets there."""
    settings: dict[str, object] = {"teacher.provider": "openai", "teacher.max_tokens": 2000, "runtime.concurrency": 1}
    changes = []
    with DialectEndpoint(dialects.openai_reasoning) as endpoint:
        while (done := run(folder, "annotate", at(endpoint, settings))).returncode:
            advice = re.search(r"What to do: set (teacher\.\w+).*? to null", done.stderr)
            assert advice and "Traceback" not in done.stderr, done.stderr
            changes.append(advice[1])
            settings[advice[1]] = None
        assert endpoint.total == 20 + 2 * 3 + 1, "20 rows; two tries of each refused call; one that taught the field"
    assert changes == ["teacher.temperature", "teacher.top_p", "teacher.seed"]
    assert {row["label"] for row in annotated(folder)} == {"smaller"}


@pytest.mark.parametrize("dialect", [dialects.ollama, dialects.llama_cpp, dialects.vllm, dialects.deepseek])
def test_thoughts_become_rationales_where_they_are_asked_for(folder, dialect):
    settings = {"teacher.provider": "openai", "teacher.max_tokens": 2000, "annotate.rationale_from": "thought"}
    with DialectEndpoint(dialect) as endpoint:
        done = run(folder, "annotate", at(endpoint, settings))
    assert done.returncode == 0, done.stderr
    rows = annotated(folder)
    assert {row["label"] for row in rows} == {"smaller"} and all("Let me think" in row["rationale"] for row in rows)


def test_the_readmes_ollama_model_needs_no_more_than_its_recipe(folder):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    [model] = re.findall(r"stages/start\.py \S+ --model (\S+) --base-url http://localhost:11434/v1", readme)
    with DialectEndpoint(dialects.ollama) as endpoint:
        settings = at(endpoint, {"teacher.provider": "openai", "teacher.model": model})
        done = run(folder, "annotate", settings)
        assert done.returncode == 0, done.stderr
        assert {row["label"] for row in annotated(folder)} == {"smaller"}
        done = run(folder, "annotate", settings | {"teacher.reasoning_effort": "none"})
    assert done.returncode == 1 and "set teacher.reasoning_effort to null" in done.stderr


def test_a_search_asks_a_reasoning_model_for_every_proposal(folder):
    """Without a seed the rounds' questions are alike, and each is asked all the same."""
    settings = presets()["OpenAI"][0] | {
        "prompt.optimizer": "opro",
        "prompt.steps": 2,
        "prompt.candidates": 3,
        "prompt.search_rows": 4,
        "prompt.first_rows": 2,
        "prompt.holdout_rows": 4,
        "prompt.exemplars": 0,
        "task.train_rows": 12,
    }
    with DialectEndpoint(dialects.openai_reasoning) as endpoint:
        done = run(folder, "optimize_prompt", at(endpoint, settings))
        assert done.returncode == 0, done.stderr
    proposing = [body for body in endpoint.bodies if "<PROMPT>" in body["messages"][-1]["content"]]
    assert len(proposing) == 6
    for body in endpoint.bodies[1:]:
        assert not {"temperature", "top_p", "seed"} & set(body) and body["reasoning_effort"] == "low"
