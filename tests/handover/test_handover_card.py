"""The card tells the run, parses as the hub's cards do, and no text of users or models breaks it."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
import yaml
from handed_over import code_blocks
from huggingface_hub import ModelCard

from distill.handover.card import model_card
from distill.handover.provenance import Provenance
from distill.handover.results import CARD_INPUTS, STAGES, RunResults
from distill.handover.sections import scores_section
from distill.handover.usage import usage_example
from distill.rows.records import Example, TaskCard
from distill.student.plan import StudentPlan
from distill.templates import Template
from house import ROOT

PLAN = StudentPlan(
    "encoder_decoder", "step_by_step", "decoder", "classes", ("larger", "smaller", "similar"), 128, 4, 64,
    name="scratch", revision=None, seed=1,
)  # fmt: skip
ORIGIN = Provenance(
    "abc123",
    ("params.yaml",),
    "slow-hare",
    "f00d",
    ("evaluate", "train"),
    {"model.safetensors": "beef"},
    {"torch": "2.13.0"},
)
EXAMPLE = Example("1", "How big is a \"ladle\"\nnext to a 'tram'? ```", {})


SPENT = {"calls": 1500, "tokens_in": 246146, "tokens_out": 41489, "usd": 0.1853}
METRICS = {
    "prepare": {"train": {"rows": 1500, "labelled": 150}, "validation": {"rows": 300, "labelled": 300},
        "test": {"rows": 0, "labelled": 0}},
    "optimize_prompt": {},
    "annotate": {
        "teacher": "simulated-1, simulated: no LLM was asked",
        "train": {"rows": 1500, "parse": {"failure_rate": 0.01}, "rationale": {"coverage": 0.969}},
    },
    "subsample": {"rows": {"trained_on": 1485}, "rationale": {"coverage": 0.971}},
    "train": {
        "parameters": 267136, "steps": 1600, "best_step": 1500, "label": {"validation_accuracy": 0.866},
        "truncated": {"input": 7}, "seeds": {"count": 1, "failures": 0},
    },
    "evaluate": {
        "rows": 600,
        "student": {"label": {"accuracy": 0.8, "accuracy_ci_low": 0.74, "accuracy_ci_high": 0.85, "macro_f1": 0.79,
            "calibration_error": 0.092}},
        "teacher": {"rows": 500,
            "label": {"accuracy": 0.927, "accuracy_ci_low": 0.903, "accuracy_ci_high": 0.945, "macro_f1": 0.929}},
        "majority": {"label": {"accuracy": 0.333, "accuracy_ci_low": 0.297, "accuracy_ci_high": 0.372,
            "macro_f1": 0.167}},
        "untrained": {"label": {"accuracy": 0.31, "accuracy_ci_low": 0.2, "accuracy_ci_high": 0.4}},
        "cascade": {"threshold": 0.87654, "sent": 0.25, "rows": 500,
            "label": {"accuracy": 0.91, "accuracy_ci_low": 0.88, "accuracy_ci_high": 0.93}},
        "student_less_teacher": {"difference": -0.05, "ci_low": -0.078, "ci_high": -0.022, "p_value": 0.000901},
        "cost": {"search": SPENT | {"usd": 0.3126}, "annotation": SPENT,
            "total": SPENT | {"usd": 0.4979, "calls": 3880}},
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def facts():
    """Of a run whose figures are easy to tell apart."""
    task = TaskCard("practice", "classes", "Say how big.", ("question",), {}, ("larger", "smaller", "similar"))
    prompts = {
        "explain": Template("", "{question}\n```\n</details><script>alert(1)</script>\n---\nEND"),
        "label": Template("", "{question}"),
    }
    return RunResults(task, METRICS, prompts, {"simulated-1-2026": 1500}, {"explain": 1500}, EXAMPLE)


def written(facts, settings, plan=PLAN):
    use = usage_example(plan, "model", facts.example, chat=False)
    return model_card(facts, settings, plan, use, ORIGIN, 1_073_768), use


def outside_fences(text):
    """The card's lines that are not in a code block, by the rule of CommonMark: a fence is closed by one as long."""
    kept, fence = [], ""
    for line in text.splitlines():
        found = re.match(r"`{3,}", line)
        if fence:
            if found and len(found[0]) >= len(fence) and not line.strip("`"):
                fence = ""
        elif found:
            fence = found[0]
        else:
            kept.append(line)
    assert not fence
    return kept


def test_the_hub_reads_its_front(facts, make_settings):
    settings = make_settings(
        **{
            "hand_over.license": "mit",
            "hand_over.language": "en",
            "hand_over.name": "Sizes: a `test`",
            "student.name": "google/t5-v1_1-base",
            "student.revision": "a" * 40,
        }
    )
    told = ModelCard(written(facts, settings)[0], ignore_metadata_errors=False).data
    assert (told.license, told.language, told.base_model, told.pipeline_tag) == (
        "mit",
        ["en"],
        "google/t5-v1_1-base",
        "text2text-generation",
    )
    found = {result.metric_type: result for result in told.eval_results}
    assert (
        told.model_name == "Sizes: a `test`"
        and found["accuracy"].metric_value == 0.8
        and found["f1"].metric_value == 0.79
    )
    assert (
        found["accuracy"].metric_name == "Accuracy (95 % interval 0.74 to 0.85)"
        and found["accuracy"].dataset_name == "practice"
    )
    told = ModelCard(written(facts, make_settings())[0]).data
    assert (
        told.license == "unknown"
        and told.base_model is None
        and told.language is None
        and told.model_name == "practice-student"
    )


def test_it_tells_task_scores_teacher_cost_training_and_origin(facts, make_settings):
    text, use = written(facts, make_settings())
    for told in (
        "Say how big. The answer is larger or smaller or similar. A model of 267,136 parameters (1.1 MB), distilled "
        "from simulated-1, simulated",
        "**The teacher of this run was simulated: no LLM was asked.**",
        "| this model | 80.0 % | 74.0 to 85.0 % | 79.0 % | 600 |",
        "| its teacher | 92.7 % | 90.3 to 94.5 % | 92.9 % | 500 |",
        "| the student, untrained | 31.0 % | 20.0 to 40.0 % |  | 600 |",
        "| this model, and its teacher where the label's probability is below 0.877 (25.0 % of rows) | 91.0 % | 88.0 "
        "to 93.0 % |  | 500 |",
        "on the same rows: −5.0 points (−7.8 to −2.2; McNemar's exact test p = 0.0009)",
        "| train | 1,500 | 10.0 % |",
        "| test | 0 | none |",
        "- 7 training inputs were longer than it reads, and were cut.",
        "Trained on 1,485 of the train rows; their labels are the teacher's. 97.1 % of them have a rationale.",
        "| returned model | simulated-1-2026 (1,500 answers) |",
        "| together | $0.4979 | 3,880 | 246,146 | 41,489 |",
        "- About 20.0 % of its answers to test rows are wrong.",
        "the interval above is 11 points wide",
        "`abc123`, modified: params.yaml |",
        "| DVC experiment | slow-hare |",
        "| lock hash | `f00d` |",
        "| model.safetensors | `beef` (SHA-256) |",
    ):
        assert told in text, told
    assert code_blocks(text)[:2] == [use.label, use.rationale] or use.label in text
    assert "control" not in text
    for control in ("shuffled", "same_label", "codes", "conclusion"):
        controlled = written(facts, make_settings(**{"subsample.rationales": control}))[0]
        assert "**As a control, " in controlled and "for comparison alone" in controlled


def test_it_tells_how_the_answers_were_drawn(facts, make_settings):
    assert "| sampling | temperature 0, top\\_p 1, at most 200 tokens |" in written(facts, make_settings())[0]
    settings = make_settings(
        **{
            "teacher.temperature": None,
            "teacher.top_p": None,
            "teacher.reasoning_effort": "low",
            "teacher.extra": {"top_k": 1},
            "teacher.base_url": ["http://a/v1", "http://b/v1"],
            "teacher.endpoint_name": "ours",
        }
    )
    text = written(facts, settings)[0]
    assert "temperature not sent, top\\_p not sent, at most 200 tokens, reasoning effort low, and " in text
    assert "top\\_k" in text and "provider simulated, ours |" in text


def test_a_local_teacher_is_named_by_the_hash_of_its_file(facts, make_settings):
    settings = make_settings(**{"teacher.provider": "local", "teacher.local.sha256": "0f" * 32})
    assert f"provider local, GGUF file with SHA-256 {'0f' * 32} |" in written(facts, settings)[0]


def test_hostile_text_stays_text(facts, make_settings):
    hostile = "</p><img src=x onerror=alert(1)> `x` [y](javascript:z)\n---\nlicense: mit\n# Heading | cell"
    names = ("</b>larger", "a|b", "similar")
    task = replace(facts.task, description=hostile, classes=names)
    metrics = json.loads(json.dumps(facts.metrics))
    metrics["annotate"]["teacher"] = hostile
    metrics["evaluate"]["student"]["label"]["class"] = {
        name: {"recall": 0.5, "precision": None, "rows": 2} for name in names
    }
    text, _ = written(
        replace(facts, task=task, metrics=metrics, returned_models={hostile: 3}),
        make_settings(**{"teacher.model": hostile, "task.path": hostile}),
    )
    front, body = text.removeprefix("---\n").split("\n---\n", 1)
    assert yaml.safe_load(front)["license"] == "unknown"
    lines = outside_fences(body)
    assert not any(re.search(r"<(?!/?br)", line) for line in lines), "no HTML"
    assert [line for line in lines if line.startswith("#")] == [
        line for line in lines if re.match(r"##? [A-Z]|# practice-student$", line)
    ]
    assert "---" not in lines and not any("](javascript" in line for line in lines)
    inside = set(body.splitlines()) - set(lines)
    assert {"</details><script>alert(1)</script>", "END"} <= inside, "the prompt stands in its block, whole"
    assert "| &lt;/b&gt;larger | 50.0 % | unknown | 2 |" in lines and "| a\\|b | 50.0 % | unknown | 2 |" in lines


def test_what_is_not_known_is_said(facts, make_settings):
    metrics = json.loads(json.dumps(facts.metrics))
    metrics["evaluate"]["cascade"] = {"threshold": None, "reason": "none"}
    metrics["evaluate"]["untrained"] = {"label": None, "reason": "none"}
    metrics["evaluate"]["cost"]["total"] |= {"usd": None, "tokens_in": None}
    text, _ = written(replace(facts, metrics=metrics, returned_models={}), make_settings())
    assert (
        "| together | unknown: no price | 3,880 | unknown | 41,489 |" in text
        and "| returned model | none: the rationales are people's |" in text
    )
    assert "untrained" not in text and "below" not in text.split("## Limits")[0]
    origin = Provenance(None, (), None, None, (), {}, {})
    bare = model_card(facts, make_settings(), PLAN, usage_example(PLAN, "model", EXAMPLE, chat=False), origin, 1)
    assert "made outside Git" in bare and "made outside DVC" in bare and "--check" not in bare


def test_figures_are_of_every_stage():
    assert tuple(METRICS) == STAGES


def test_what_the_stage_reads_is_what_dvc_watches():
    declared = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]["hand_over"]
    data = {dep for dep in declared["deps"] if not dep.startswith("stages/")}
    assert {path.as_posix() for path in CARD_INPUTS} == data


@pytest.mark.parametrize(
    ("overlap", "clean", "words"),
    [
        ({"rule": "refuse", "train": 0, "validation": 0}, True, "chosen on; Wilson"),
        ({"rule": "drop_from_train", "train": 7, "validation": 2}, True, "as 7 rows of train and 2 of validation"),
        ({"rule": "allow", "train": 7, "validation": 2}, False, "share rows:** 7 rows of train and 2 of validation"),
        (None, False, "share rows:** 3 rows of train"),
    ],
)
def test_the_card_says_that_nothing_was_trained_on_the_test_rows_only_where_it_is_so(
    facts, make_settings, overlap, clean, words
):
    duplicates = {"across_splits": 3} | ({"overlap": overlap} if overlap else {})
    metrics = METRICS | {"prepare": METRICS["prepare"] | {"duplicates": duplicates}}
    text = scores_section(replace(facts, metrics=metrics), make_settings())
    assert ("nothing was trained or chosen on" in text) is clean and words in text
