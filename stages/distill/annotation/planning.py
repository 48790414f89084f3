"""What the next `dvc repro` will ask the teacher, and the most that it can cost: by the settings as they are now.

Nothing is asked. Where `dvc repro` would run a stage again (distill.lock), the plan does in memory what that stage
would do: it reads the task, takes the hand-written prompts, and goes through the prompt search as far as the store has
its answers. A search that the store does not hold whole is priced by the most that it can cost.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from distill import paths
from distill.annotation.asks import annotation_asks, annotation_requests
from distill.annotation.preview import preview
from distill.errors import DataError
from distill.lock import PULL, has_result, why_stale
from distill.prompts.prompt_file import fixed_prompts, hand_written, read_prompts
from distill.rows.records import Example, TaskCard, read_json, read_rows
from distill.search.forecast import SearchAhead, search_ahead
from distill.search.proposals import longest_candidate
from distill.search.tryouts import Most
from distill.settings import Settings
from distill.tasks.registry import get_task
from distill.teacher import open_teacher
from distill.templates import Template

_SEARCH = "optimize_prompt"


@dataclass(frozen=True)
class RunAhead:
    """The next run, up to the annotation.

    `templates` are the prompts that the annotation will send, by what they ask for ("explain", "label"). Where the
    search comes first and its prompt is not known (`search.template` is None), "explain" is the hand-written one.
    `why` says by stage why it will run; a stage that is not in it is up to date.
    """

    settings: Settings
    card: TaskCard
    splits: Mapping[str, Sequence[Example]]
    templates: Mapping[str, Template]
    search: SearchAhead | None
    why: Mapping[str, str]

    @property
    def prompt_is_open(self) -> bool:
        """Whether a search will choose the prompt, and which one is not known."""
        return self.search is not None and self.search.template is None

    def notes(self) -> list[str]:
        """What will run before the annotation, in words."""
        lines = []
        if "prepare" in self.why:
            lines.append(f"prepare runs first: {self.why['prepare']}. The rows were read anew for this plan.")
        if self.prompt_is_open:
            lines.append(
                f"optimize_prompt runs first: {self.why['optimize_prompt']}. Until then the prompt that asks for a"
                " rationale is the hand-written one."
            )
        return lines

    def prompts(self, rows: int) -> str:
        """The requests of the annotation as they will be sent, of each prompt and split the first `rows` rows."""
        requests = preview(self.splits, self.templates, self.card, self.settings, rows)
        return "\n\n".join([*self.notes(), requests])

    def bill(self) -> str:
        """A line a stage: what it will ask, what the store has of it, and the most that is to be paid. Then the sum,
        and the budgets that it can pass."""
        settings = self.settings
        if settings.teacher.provider == "recorded":
            return "teacher.provider is recorded: its answers are in files; nobody is asked, there is nothing to pay"
        lines = self.notes()[: "prepare" in self.why]
        if self.why and has_result("annotate"):
            lines.append(f"dvc.lock has the result of these very settings, and its files are not here: {PULL}. Else:")
        with open_teacher(settings, "plan") as teacher:
            lines.insert(0, f"{teacher.describe()}; teacher.mode {settings.teacher.mode}; store {paths.store()}")
            lines.append(f"optimize_prompt: {self._search_line()}")
            total = self.search.to_pay if self.search else Most()
            if "annotate" in self.why:
                asks = annotation_asks(self.splits, settings)
                plan = teacher.plan(annotation_requests(asks, self._longest_templates(), self.card, settings))
                total += Most.of_estimate(plan.to_pay)
                why = f" ({self.why['annotate']})"
                longest = "; its prompt counts as long as prompt.max_words allows"
                lines.append(f"annotate: {plan}{longest if self.prompt_is_open else why}")
            else:
                lines.append("annotate: up to date, asks nothing")
            lines.append(f"in all: {total}")
            if teacher.may_think(settings.teacher.model, settings.teacher.reasoning_effort):
                lines.append(
                    f"{settings.teacher.model} may think before it answers: thoughts are billed as tokens out and are "
                    "not known in advance; the upper figures, teacher.max_tokens a call, hold where the server counts "
                    "thoughts against that limit"
                )
            lines += teacher.budgets_passed(total.calls, total.tokens, total.usd)
        return "\n".join(lines)

    def _search_line(self) -> str:
        if self.settings.prompt.optimizer == "fixed":
            return "asks nothing (prompt.optimizer is fixed)"
        if self.search is None:
            return "up to date, asks nothing"
        return f"{self.search} ({self.why['optimize_prompt']})"

    def _longest_templates(self) -> Mapping[str, Template]:
        if not self.prompt_is_open:
            return self.templates
        longest = longest_candidate(self.templates["explain"], self.settings.prompt.max_words)
        return {**self.templates, "explain": longest}


def run_ahead(settings: Settings) -> RunAhead:
    """The next run, from params.yaml (which `settings` were read from), the data, dvc.lock and the store.

    Raises UserError where the run would fail: rows that cannot be read, prompts that do not fit them, too few labelled
    rows for the search, limits that are too low for it.
    """
    why: dict[str, str] = {}
    card, splits, rows_differ = _rows(settings, why)
    search = None
    stale = rows_differ or why_stale(_SEARCH)
    if settings.prompt.optimizer == "fixed":
        templates = fixed_prompts(card, settings.prompt)
    elif stale is None:
        templates = read_prompts(paths.PROMPT, card)
    else:
        why[_SEARCH] = stale
        search = search_ahead(card, splits["train"], settings)
        templates = hand_written(card, settings.prompt)
        if search.template is not None:
            templates["explain"] = search.template
    stale = stale or why_stale("annotate")
    if stale is not None:
        why["annotate"] = stale
    return RunAhead(settings, card, splits, templates, search, why)


def _rows(settings: Settings, why: dict[str, str]) -> tuple[TaskCard, dict[str, list[Example]], str | None]:
    """The task's card and rows, and why they will differ from data/prepared; None where they do not."""
    stale = why_stale("prepare")
    if stale is None:
        return *_prepared(), None
    task = get_task(settings.task)
    rows = task.splits()
    splits = {split: sorted(rows[split], key=lambda row: row.id) for split in paths.SPLITS}
    card = task.card()
    try:
        if _prepared() == (card, splits):
            return card, splits, None
    except DataError:
        pass  # there are none yet, or they are an older version's
    if has_result("prepare"):
        return card, splits, None
    why["prepare"] = stale
    return card, splits, f"prepare will write other rows, as {stale}"


def _prepared() -> tuple[TaskCard, dict[str, list[Example]]]:
    splits = {split: read_rows(paths.prepared(split), Example) for split in paths.SPLITS}
    return read_json(paths.TASK_CARD, TaskCard), splits
