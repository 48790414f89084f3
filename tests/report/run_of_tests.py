"""A small run to report on, whose texts are as hostile as a teacher, a user or a file can make them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from distill.report.run import Run
from distill.rows.records import Annotation, Judged, TaskCard
from distill.settings import Settings
from distill.templates import Template

SCRIPT = "</script><script>window.ran = 'script'</script>"
IMAGE = "<img src=x onerror=\"window.ran = 'image'\">"
HOSTILE = (
    SCRIPT,
    IMAGE,
    "<svg/onload=window.ran='svg'><style>body{display:none}</style>",
    "<a href=\"javascript:window.ran='link'\">click</a>",
    "{{ 7 * 7 }} {% for x in y %} ${7*7} `${window.ran = 1}`",
    "a null \0 byte, an escape \x1b[31m, a separator \u2028 and a half pair \ud83d",
    "reads \u202ebackwards\u202c and \u2066isolated\u2069",
    "<!--<script> and ]]> and &lt;b&gt; and &#60;i&#62;",
)
COST = {"calls": 60, "tokens_in": 6000, "tokens_cached": 0, "tokens_out": 1200, "usd": 0.0048}
NOTHING = {"calls": 0, "tokens_in": 0, "tokens_cached": 0, "tokens_out": 0, "usd": 0.0}


def label(accuracy: float, low: float, high: float, **more: Any) -> dict[str, Any]:
    return {
        "accuracy": accuracy,
        "accuracy_ci_low": low,
        "accuracy_ci_high": high,
        "accuracy_when_parsed": accuracy,
    } | more


def score(accuracy: float, total: float) -> dict[str, Any]:
    of_label = label(accuracy, accuracy - 0.1, accuracy + 0.05)
    return {
        "rows": 40,
        "score": total,
        "label": of_label,
        "parse": {"failure_rate": 0.05},
        "rationale": {"coverage": 0.9},
    }


def judged(number: int = 60) -> list[Judged]:
    """Of every ten rows the student is wrong in three, the teacher in one, and one of its answers has no label."""
    rows = []
    for i in range(number):
        gold, other = ("up", "down") if i % 2 else ("down", "up")
        wrong, teacher_wrong, unread = i % 10 in (0, 1, 2), i % 10 == 1, i % 10 == 9
        taught = None if unread else other if teacher_wrong else gold
        rows.append(
            Judged(
                id=f"row-{i:04}",
                input=f"question {i} {HOSTILE[i % len(HOSTILE)]}",
                gold=gold,
                student_label=other if wrong else gold,
                student_right=not wrong,
                student_probability=0.5 + (i % 50) / 100,
                student_rationale=f"because {HOSTILE[(i + 1) % len(HOSTILE)]}" if i < 20 else None,
                teacher_label=taught,
                teacher_right=taught == gold,
                teacher_status="no_label" if unread else "ok",
                teacher_rationale=None if unread else f"since {i} {HOSTILE[(i + 2) % len(HOSTILE)]}",
                teacher_response=f"I cannot say {IMAGE}" if unread else None,
            )
        )
    return rows


def answer(row: Judged) -> Annotation:
    return Annotation(
        row.id,
        "explain",
        row.teacher_label,
        row.teacher_rationale,
        row.teacher_status or "ok",
        row.teacher_response,
        "stop",
        "m",
    )


def make_run(settings: Settings, **changes: Any) -> Run:
    """The run: two classes, a prompt search and a cascade; no frontier (see `surveyed`)."""
    rows = judged()
    template = Template("", f"The prompt {SCRIPT}\n{{question}}")
    made = Run(
        settings=settings,
        card=TaskCard("a task " + IMAGE, "classes", "Say which way " + SCRIPT + ".", ("question",), {}, ("up", "down")),
        prompts={"explain": template, "label": template},
        prepare={"duplicates": {"across_splits": 0}},
        search={
            "cost": {"calls": 30, "tokens_in": 3000, "tokens_cached": 0, "tokens_out": 600, "usd": 0.0024},
            "hand_written": score(0.70, 0.61),
            "winner": score(0.90, 0.9) | {"chosen_again": 0.9},
        },
        annotate={
            "teacher": "m, simulated: no LLM was asked",
            "cost": {"train": COST, "test": COST, "validation": NOTHING},
            "train": {
                "rows": 60,
                "label": label(0.8, 0.7, 0.9, gold_rows=60),
                "parse": {"failure_rate": 0.1},
                "rationale": {"coverage": 0.9, "words_mean": 5.0, "words_p50": 5},
            },
            "test": {"rows": 60, "rationale": {"coverage": 0.9, "words_mean": 6.0, "words_p50": 6}},
        },
        subsample={"rows": {"trained_on": 54}},
        train={
            "rows": 54,
            "parameters": 267_136,
            "best_step": 200,
            "rationale": {"coverage": 0.9},
            "seeds": {"count": 1, "failures": 0, "validation_accuracy": {"each": {"1": 0.7}}},
            "truncated": {"input": 0, "rationale": 6},
        },
        evaluate={
            "rows": 60,
            "student": {
                "label": label(0.7, 0.575, 0.801, macro_f1=0.7, calibration_error=0.09),
                "parse": {"failure_rate": 0.0},
                "rationale": {
                    "rows": 20,
                    "words_mean": 7.0,
                    "words_p50": 7,
                    "coverage": 1.0,
                    "states_label": 0.9,
                    "agrees_with_label": 0.5,
                },
            },
            "teacher": {
                "rows": 60,
                "label": label(0.8, 0.682, 0.882) | {"accuracy_when_parsed": 0.889},
                "parse": {"failure_rate": 0.1},
            },
            "majority": {"label": label(0.5, 0.377, 0.623)},
            "student_less_teacher": {
                "rows": 60,
                "difference": -0.1,
                "ci_low": -0.25,
                "ci_high": 0.05,
                "p_value": 0.18,
                "first_only": 12,
                "second_only": 18,
            },
            "cost": {"total": {"calls": 90, "tokens_in": 9000, "tokens_cached": 0, "tokens_out": 1800, "usd": 0.0072}},
            "cascade": {"threshold": 0.7, "sent": 0.4, "label": label(0.9, 0.8, 0.95), "usd_per_1000": 0.032},
        },
        trace=[
            candidate(0, 0.6, 0.6, 0.61, f"The first {IMAGE}"),
            candidate(1, 0.4, 0.6, None, "worse") | {"dropped": True},
            candidate(2, 0.92, 0.92, 0.9, template.user),
        ],
        curve=[
            {"step": step, "label_loss": 1 / step, "rationale_loss": 2 / step, "validation_accuracy": 0.4 + step / 1000}
            for step in (100, 200, 300)
        ],
        confusion=[{"gold": row.gold or "", "predicted": row.student_label or ""} for row in rows],
        cascade=[sent(0.0, 0.0, 0.7), sent(0.7, 0.4, 0.9) | {"chosen": True}, sent(1.01, 1.0, 0.8)],
        frontier={},
        frontier_points=[],
        train_answers=[answer(row) for row in rows],
        judged=rows,
    )
    return replace(made, **changes)


def candidate(number: int, found: float, best: float, held_out: float | None, prompt: str) -> dict[str, Any]:
    row = {"candidate": number, "step": min(number, 1), "score": found, "best_score": best, "held_out_score": held_out}
    return row | {"dropped": False, "rows": 20, "prompt": prompt}


def sent(threshold: float, share: float, accuracy: float) -> dict[str, Any]:
    low, high = accuracy - 0.1, accuracy + 0.05
    point = {
        "threshold": threshold,
        "sent": share,
        "accuracy": accuracy,
        "accuracy_ci_low": low,
        "accuracy_ci_high": high,
    }
    return point | {"at_random": 0.7 + 0.1 * share, "usd_per_1000": 0.08 * share, "chosen": False}


def surveyed(run: Run) -> dict[str, Any]:
    """What makes a frontier of this task and teacher, on which the run is a point."""
    point = {
        "accuracy_ci_low": 0.5,
        "accuracy_ci_high": 0.8,
        "seeds": 1,
        "failures": 0,
        "usd_from": "measured",
        "front": None,
        "knee": None,
    }
    saving = {
        "break_even_rows": 90,
        "student_usd_once": 0.0072,
        "student_usd_per_row": None,
        "teacher_usd_per_row": 0.00008,
    }
    return {
        "frontier": {
            "task": run.card.name,
            "of": run.annotate["teacher"],
            "experiments": 3,
            "front": {"knee": {"share_of_gain": 0.9, "share_of_money": 0.5}},
            "saving": saving
            | {
                "rows_1000": {"teacher_usd": 0.08, "student_usd": 0.0072, "saved_usd": 0.0728},
                "rows_10": {"teacher_usd": 0.0008, "student_usd": 0.0072, "saved_usd": -0.0064},
            },
        },
        "frontier_points": [
            point
            | {"usd": 0.0036, "accuracy": 0.65, "front": 0.65, "knee": 0.65, "label": f"explanation_rate 0.5 {SCRIPT}"},
            point | {"usd": 0.0050, "accuracy": 0.5, "label": "mode standard"},
            point | {"usd": 0.0072, "accuracy": 0.7, "front": 0.7, "label": "all $x_1$ of it"},
        ],
    }
