"""A made-up task on real words: which of two everyday things is larger?

`task.path` is a YAML file with a scale of sizes and the things on each step. A question names two
things; its answer needs their sizes, which no question holds and every rationale states. A rationale
refers to the things by position, so that it says nothing without its question.
"""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any

import yaml

from distill.errors import DataError, UserError
from distill.paths import source
from distill.rows.permutation import share
from distill.rows.records import Example
from distill.settings.composing import composed
from distill.sizes import AUTO, auto_test_rows, auto_validation_rows
from distill.tasks.base import Task
from distill.templates import Template

RATIONALE_WORDS = (10, 40)
# Words that begin with a vowel's letter and a consonant's sound.
_AN = re.compile(r"(?!eu|one|uk|uni)[aeiou]|hour|heir|honest", re.IGNORECASE)


class Practice(Task):
    name = "practice"
    kind = "classes"
    description = "Say how big the first of two everyday things is next to the second."
    classes = ("larger", "smaller", "similar")
    fields = ("question",)
    explain = Template(
        system="",
        user=(
            "{question}\n\nSay the size class of the first and of the second (hand sized or house sized, for example) "
            'and explain your answer. Finish with "So the answer is X.", where X is larger, smaller or similar.'
        ),
    )
    label_only = Template(system="", user="{question}\n\nAnswer with one word: larger, smaller or similar.")

    def splits(self) -> dict[str, list[Example]]:
        settings = self.settings
        counts = {"test": settings.test_rows, "train": settings.train_rows}
        for split, count in counts.items():
            if count == "all":
                raise DataError(
                    f"task.{split}_rows: is all; the practice task is generated, so give a count of rows, at least 1"
                )
        rows = int(settings.train_rows)
        if settings.test_rows == AUTO:
            counts["test"] = auto_test_rows(rows)
        wanted = settings.validation_rows
        if wanted == AUTO:
            counts["validation"] = auto_validation_rows(rows)
        else:
            counts["validation"] = wanted if isinstance(wanted, int) else max(1, share(rows, wanted))
        scale = read_scale(source(settings.path))
        if sum(counts.values()) > scale.capacity:
            raise DataError(
                f"{scale.path}: gives {scale.capacity} rows at most, and task.train_rows, validation_rows and test_rows"
                f" ask for {sum(counts.values())}; lower them, or add things to the scale"
            )
        used: set[frozenset[str]] = set()
        # The order matters: test rows stay the same whatever is asked for train, and train rows come last,
        # so that more of them begin with the fewer.
        return {
            split: list(_rows(scale, int(counts[split]), f"{settings.seed}/{split}", used))
            for split in ("test", "validation", "train")
        }


@dataclass(frozen=True, slots=True)
class Scale:
    """The task's file. `steps` are (name, things), smallest first; `conclusions` goes by label."""

    path: Path
    question: str
    rationale: str
    conclusions: dict[str, str]
    steps: tuple[tuple[str, tuple[str, ...]], ...]

    @property
    def capacity(self) -> int:
        """Rows that all splits can hold together, the labels balanced and no pair twice."""
        sizes = [len(things) for _, things in self.steps]
        alike = sum(n * (n - 1) // 2 for n in sizes)
        unlike = (sum(sizes) ** 2 - sum(n * n for n in sizes)) // 2
        return 3 * min(alike, unlike // 2)

    def example(self, first: tuple[int, str], second: tuple[int, str]) -> Example:
        """The row for two (step, thing)."""
        more, less, equal = Practice.classes
        label = equal
        if first[0] != second[0]:
            label = more if first[0] > second[0] else less
        question = self.question.format(first=with_article(first[1]), second=with_article(second[1]))
        names = self.steps[first[0]][0], self.steps[second[0]][0]
        rationale = self.rationale.format(first=names[0], second=names[1], conclusion=self.conclusions[label])
        code = hashlib.sha256(f"{first[1]}\0{second[1]}".encode()).hexdigest()[:12]
        return Example(f"practice-{code}", question, {"question": question}, label=label, rationale=rationale)


def read_scale(path: Path) -> Scale:
    """Reads the task's file. Raises DataError with file and key; what the simulated teacher reads is left alone."""
    try:
        text = path.read_text(encoding="utf-8")
        composed(text, str(path))  # of no depth and no alias that would be too much
        values = yaml.safe_load(text)
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such file; task.path must name the practice task's scale") from error
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); task.path must name a file") from error
    except UserError as error:
        raise DataError(str(error)) from error
    except (yaml.YAMLError, ValueError) as error:
        raise DataError(f"{path}: not YAML ({' '.join(str(error).split())})") from error
    if not isinstance(values, dict) or values.get("kind") != "comparison":
        raise DataError(f"{path}: kind must be comparison; task.path must name the practice task's scale")
    try:
        outcomes = [values["outcomes"][key] for key in ("more", "less", "same")]
        labels = tuple(outcome["label"] for outcome in outcomes)
        conclusions = {outcome["label"]: outcome["conclusion"] for outcome in outcomes}
        steps = tuple((step["name"], tuple(step["items"])) for step in values["scale"])
        scale = Scale(path, values["question"], values["rationale"], conclusions, steps)
        for text in (scale.question, scale.rationale, *conclusions.values(), *(name for name, _ in steps)):
            if not isinstance(text, str):
                raise TypeError(f"{text!r} is no text")
    except (KeyError, TypeError) as error:
        raise DataError(
            f"{path}: a key is missing or not of its kind ({error}); see data/examples/practice.yaml"
        ) from error
    if labels != Practice.classes:
        raise DataError(
            f"{path}: outcomes: the labels are {', '.join(map(str, labels))}; allowed: {', '.join(Practice.classes)}"
        )
    _check(scale)
    return scale


def _check(scale: Scale) -> None:
    if len(scale.steps) < 2:
        raise DataError(f"{scale.path}: scale: has {len(scale.steps)} steps; at least 2 are needed")
    seen: dict[str, str] = {}
    for name, things in scale.steps:
        if len(things) < 2:
            raise DataError(f"{scale.path}: scale: {name!r} has {len(things)} items; at least 2 are needed")
        for thing in things:
            if not isinstance(thing, str) or not thing.strip():
                raise DataError(f"{scale.path}: scale: {name!r} has the item {thing!r}; each must be a word (quote it)")
            if thing in seen:
                raise DataError(
                    f"{scale.path}: scale: {thing!r} is in {seen[thing]!r} and in {name!r}; each thing has one size"
                )
            seen[thing] = name
    try:
        sentences = {
            name: [scale.rationale.format(first=name, second=name, conclusion=c) for c in scale.conclusions.values()]
            for name, _ in scale.steps
        }
        scale.question.format(first="", second="")
    except (KeyError, IndexError, ValueError, AttributeError) as error:
        raise DataError(
            f"{scale.path}: unknown placeholder {error}; question has {{first}} and {{second}}, rationale"
            " {conclusion} as well"
        ) from error
    least, most = RATIONALE_WORDS
    for name, rationales in sentences.items():
        for words in (len(rationale.split()) for rationale in rationales):
            if not least <= words <= most:
                raise DataError(f"{scale.path}: rationale: has {words} words for {name!r}; allowed: {least} to {most}")


def with_article(thing: str) -> str:
    """ "a ladle", "an oar"."""
    return f"{'an' if _AN.match(thing) else 'a'} {thing}"


def _rows(scale: Scale, count: int, seed: str, used: set[frozenset[str]]) -> Iterator[Example]:
    """`count` rows, labels in equal number (give or take one), things about equally often, no pair of `used`."""
    rng = random.Random(seed)
    things = [(step, thing) for step, (_, items) in enumerate(scale.steps) for thing in items]
    uses: dict[Any, int] = dict.fromkeys(things, 0)
    for _, label in zip(range(count), cycle(Practice.classes), strict=False):
        rng.shuffle(things)
        first, second = _pair(sorted(things, key=uses.__getitem__), label == "similar", used)
        turned = rng.random() < 0.5 if label == "similar" else (label == "larger") == (first[0] < second[0])
        if turned:
            first, second = second, first
        used.add(frozenset((first[1], second[1])))
        uses[first] += 1
        uses[second] += 1
        yield scale.example(first, second)


def _pair(
    things: list[tuple[int, str]], alike: bool, used: set[frozenset[str]]
) -> tuple[tuple[int, str], tuple[int, str]]:
    """The least used two of a free pair, on the same step or on two."""
    for first in things:
        for second in things:
            if (first[0] == second[0]) == alike and first != second and frozenset((first[1], second[1])) not in used:
                return first, second
    raise DataError("the scale's pairs are used up; lower task.train_rows")
