"""dvc.yaml against the code: what each stage lists is what it uses, no more and no less."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from distill import paths
from house import LIBRARY, ROOT, SCRIPTS, STAGES, closure, has_code

PIPELINE = yaml.safe_load((ROOT / "dvc.yaml").read_text())

# They cannot change a result: values and paths are watched as such, and the rest is how a stage starts and stops.
VISIBLE = LIBRARY / "visible.py"  # changes what a page shows
UNLISTED = (
    *("settings", "__init__.py", "paths.py", "errors.py", "interrupts.py", "lock.py", "parents.py", "progress.py"),
    *("running.py", "visible.py"),
)
# But the values of presets are code.
PRESETS = LIBRARY / "settings" / "presets.py"

DATA = {
    "prepare": {"${task.path}"},
    "optimize_prompt": {"${teacher.path}", "data/prepared/task.json", "data/prepared/train.jsonl", "data/prompts"},
    "annotate": {
        "${teacher.path}",
        *(f"data/prepared/{name}" for name in ("task.json", "test.jsonl", "train.jsonl", "validation.jsonl")),
        "data/prompt.yaml",
    },
    "subsample": {"data/prepared/task.json", "data/prepared/train.jsonl", "data/annotated/train.jsonl"},
    "train": {"data/prepared/task.json", "data/prepared/validation.jsonl", "data/training/train.jsonl"},
    "evaluate": {
        "data/annotated/test.jsonl",
        "data/annotated/train.jsonl",
        "data/annotated/validation.jsonl",
        "data/student",
        "data/prepared/task.json",
        "data/prepared/test.jsonl",
        "data/prepared/train.jsonl",
        "data/prepared/validation.jsonl",
        "data/training/train.jsonl",
        "metrics/annotate.json",
        "metrics/optimize_prompt.json",
        "metrics/train.json",
    },
    "hand_over": {
        "data/annotated/train.jsonl",
        "data/prepared/task.json",
        "data/prompt.yaml",
        "data/student",
        "data/training/train.jsonl",
        *(str(paths.metrics(stage)) for stage in SCRIPTS[:6]),
    },
    "report": {
        "data/annotated/train.jsonl",
        "data/judged.jsonl",
        "data/prepared/task.json",
        "data/prompt.yaml",
        *(
            f"metrics/{stage}.json"
            for stage in ("annotate", "evaluate", "frontier", "optimize_prompt", "prepare", "subsample", "train")
        ),
        *(f"metrics/plots/{plot}.json" for plot in ("cascade", "confusion", "frontier", "prompt_search", "training")),
    },
}
PARAMS = {
    "prepare": ["task"],
    "optimize_prompt": ["teacher", "prompt"],
    "annotate": ["teacher", "annotate"],
    "subsample": ["subsample"],
    "train": ["preset", "student", "train"],
    "evaluate": ["evaluate"],
    "hand_over": ["task", "teacher", "subsample", "preset", "student", "train", "evaluate", "hand_over"],
    "report": ["teacher", "annotate", "subsample", "preset", "student", "train", "evaluate", "report"],
}


def listed(stage: str, *kinds: str) -> list[str]:
    entries = [entry for kind in kinds for entry in PIPELINE["stages"][stage].get(kind, [])]
    return [next(iter(entry)) if isinstance(entry, dict) else entry for entry in entries]


def test_the_stages_are_the_scripts_in_their_order_and_the_headline_is_seen_first():
    stages = list(PIPELINE["stages"])
    assert stages[0] == "evaluate" and next(iter(listed("evaluate", "metrics"))) == str(paths.HEADLINE_METRICS)
    assert tuple(stages[1:]) == tuple(stage for stage in SCRIPTS if stage != "evaluate")
    for stage, declared in PIPELINE["stages"].items():
        assert declared["cmd"] == f"python stages/{stage}.py"


@pytest.mark.parametrize("stage", SCRIPTS)
def test_code_deps_are_the_modules_that_the_stage_imports(stage):
    used = set()
    for file in closure(STAGES / f"{stage}.py"):
        place = file.relative_to(LIBRARY)
        if has_code(file) and (
            not any(place.parts[0] == name for name in UNLISTED)
            or (file == PRESETS and "preset" in PARAMS[stage])
            or (file == VISIBLE and stage == "report")
        ):
            used.add(file)
    deps = [ROOT / dep for dep in listed(stage, "deps") if dep.startswith("stages/distill")]
    covered = {file: [dep for dep in deps if dep == file or dep in file.parents] for file in used}
    assert [str(file.relative_to(ROOT)) for file, by in covered.items() if not by] == [], "imported but not listed"
    assert {dep for by in covered.values() for dep in by} == set(deps), "listed but not imported"
    assert f"stages/{stage}.py" in listed(stage, "deps")


@pytest.mark.parametrize("stage", SCRIPTS)
def test_data_deps_and_params_are_as_the_design_says(stage):
    assert {dep for dep in listed(stage, "deps") if not dep.startswith("stages/")} == DATA[stage]
    assert listed(stage, "params") == PARAMS[stage]
    assert "runtime" not in listed(stage, "params")


def test_every_path_is_the_one_in_paths_py():
    known = {str(value) for value in vars(paths).values() if isinstance(value, Path)}
    known |= {str(make(split)) for make in (paths.prepared, paths.annotated) for split in paths.SPLITS}
    known |= {str(paths.metrics(stage)) for stage in SCRIPTS}
    for stage in SCRIPTS:
        for path in [*listed(stage, "outs", "metrics", "plots"), *(DATA[stage] - {"${task.path}", "${teacher.path}"})]:
            assert path in known, path
    plotted = {path for plot in PIPELINE["plots"] for shown in plot.values() for path in shown["y"]}
    assert plotted | set(PIPELINE["metrics"]) <= known


def test_no_out_is_written_by_two_stages():
    outs = [path for stage in SCRIPTS for path in listed(stage, "outs", "metrics", "plots")]
    assert len(outs) == len(set(outs)) and all(a == b or Path(a) not in Path(b).parents for a in outs for b in outs)


def test_the_test_rows_reach_evaluate_alone_save_those_the_teacher_is_asked_about():
    for stage in set(SCRIPTS) - {"annotate", "evaluate", "prepare"}:
        assert not any("test" in Path(dep).name or dep in ("data/prepared", "data/annotated") for dep in DATA[stage])


def test_no_stage_reads_a_file_inside_a_folder_that_another_writes():
    """DVC 3.67 then fails to queue it in a clone whose cache has not the folder that dvc.lock names."""
    outs = [path for stage in SCRIPTS for path in listed(stage, "outs")]
    assert [
        dep for stage in SCRIPTS for dep in listed(stage, "deps") for out in outs if Path(out) in Path(dep).parents
    ] == []
