"""Measure the response parser on answers that teachers really gave.

    python benchmarks/parsing.py --data PATH             one JSON line a set
    python benchmarks/parsing.py --data PATH --prompts   one more a candidate prompt
    python benchmarks/parsing.py --data PATH --rules     one more a rule that decided
    python benchmarks/parsing.py --data PATH --speed     answers a second instead
    python benchmarks/parsing.py --data PATH --failures 40 --set palm-cqa-train

PATH is a folder with the public files of CommonsenseQA and SVAMP and the answers
that PaLM-540B (Hsieh et al. 2023) and gpt-3.5-turbo (Vöge et al. 2024) gave to
them: `cqa/{cqa_*.json,palm540b/,gpt35/}` and `svamp/{svamp_*.json,palm540b/,gpt35/}`.
PaLM's completions are cut at the first blank line, as published.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "stages"))

from distill.answers.parsing import STATUSES, Parsed, same_number
from distill.answers.parsing.parser import read_response


@dataclass(frozen=True, slots=True)
class Answer:
    """One teacher's response to one row."""

    group: str
    prompt: str
    response: str
    gold: str
    choices: tuple[str, ...]
    question: str

    @property
    def kind(self) -> str:
        return "choices" if self.choices else "number"

    def agrees(self, parsed: Parsed) -> bool:
        if parsed.label is None:
            return False
        return parsed.label == self.gold if self.choices else same_number(parsed.label, self.gold)


def load_answers(data: Path) -> Iterator[Answer]:
    """Every stored answer under `data`, set by set."""
    for task in ("cqa", "svamp"):
        for split in ("train", "test"):
            rows = [json.loads(line) for line in (data / task / f"{task}_{split}.json").open(encoding="utf-8")]
            files = sorted((data / task / "palm540b").glob(f"{split}_CoT_*.json"), key=_number)
            texts = [text for file in files for text in json.loads(file.read_text(encoding="utf-8"))]
            if len(texts) != len(rows):
                raise ValueError(f"{len(texts)} answers for {len(rows)} rows of {task} {split}")
            for row, text in zip(rows, texts, strict=True):
                yield _answer(f"palm-{task}-{split}", "", re.split(r"\n[ \t]*\n", text.strip())[0], row)
            for file in sorted((data / task / "gpt35").glob(f"{split}_*.jsonl")):
                for line in file.open(encoding="utf-8"):
                    item = json.loads(line)
                    yield _answer(
                        f"gpt35-{task}-{split}",
                        str(item["prompt_template_id"]),
                        item["response"] or "",
                        rows[item["idx"]],
                    )


def _number(file: Path) -> int:
    return int(re.findall(r"\d+", file.stem)[-1])


def _answer(group: str, prompt: str, response: str, row: dict) -> Answer:
    if "choices" in row:
        return Answer(group, prompt, response, row["answer"], tuple(row["choices"]), row["question"])
    return Answer(group, prompt, response, row["label"], (), row["input"])


def summarise(name: str, items: list[tuple[Answer, Parsed, str]]) -> dict:
    """Rows, share with a label, agreement with gold, and counts of each status."""
    labelled = sum(parsed.label is not None for _, parsed, _ in items)
    agreeing = sum(answer.agrees(parsed) for answer, parsed, _ in items)
    counts = Counter(parsed.status for _, parsed, _ in items)
    return {
        "set": name,
        "rows": len(items),
        "with_label": round(labelled / len(items), 4),
        "agreement": round(agreeing / len(items), 4),
        "agreement_of_labelled": round(agreeing / labelled, 4) if labelled else None,
        "with_rationale": round(sum(parsed.rationale is not None for _, parsed, _ in items) / len(items), 4),
        "status": {status: counts[status] for status in STATUSES if counts[status]},
    }


def show(answer: Answer, parsed: Parsed, rule: str) -> str:
    """One answer with what became of it, to be read by a person."""
    return "\n".join(
        [
            f"--- {answer.group} {answer.prompt} [{rule}] {parsed.status}: {parsed.label!r}, gold {answer.gold!r}",
            f"Q {answer.question[:160]!r} {list(answer.choices) or ''}",
            f"R {answer.response[:700]!r}",
            f"> {parsed.rationale!r}"[:300],
        ]
    )


def speed(answers: list[Answer]) -> dict:
    """Answers a second of one process, by its CPU time, each row's choices met for the first time.

    Measured on answers of 30 to 50 words to questions with five choices.
    """
    usual = [a for a in answers if len(a.choices) == 5 and 30 <= len(a.response.split()) <= 50]
    started = time.process_time()
    for answer in usual:
        read_response(answer.response, kind=answer.kind, choices=answer.choices)
    spent = time.process_time() - started
    return {
        "answers": len(usual),
        "sets_of_choices": len({a.choices for a in usual}),
        "words_mean": round(sum(len(a.response.split()) for a in usual) / len(usual), 1),
        "answers_per_s": round(len(usual) / spent),
        "microseconds_each": round(1e6 * spent / len(usual)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--set", help="only the sets whose name begins so, e.g. gpt35-cqa")
    parser.add_argument("--prompts", action="store_true", help="one more line for each prompt")
    parser.add_argument("--rules", action="store_true", help="one more line for each deciding rule")
    parser.add_argument("--speed", action="store_true", help="print answers a second instead")
    parser.add_argument("--failures", type=int, metavar="N", help="print N answers without a label instead")
    parser.add_argument("--disagreeing", type=int, metavar="N", help="print N answers unlike gold instead")
    parser.add_argument("--seed", type=int, default=0, help="which N")
    options = parser.parse_args()

    if options.speed:
        print(json.dumps(speed(list(load_answers(options.data)))))
        return
    groups: dict[str, list[tuple[Answer, Parsed, str]]] = {}
    started = time.perf_counter()
    for answer in load_answers(options.data):
        if answer.group.startswith(options.set or ""):
            parsed, finding = read_response(answer.response, kind=answer.kind, choices=answer.choices)
            groups.setdefault(answer.group, []).append((answer, parsed, finding.rule))
    spent = time.perf_counter() - started
    everything = [item for items in groups.values() for item in items]
    if not everything:
        parser.error(f"no set's name begins with {options.set!r}")

    if options.failures is not None or options.disagreeing is not None:
        lost = [item for item in everything if item[1].label is None]
        unlike = [item for item in everything if item[1].label is not None and not item[0].agrees(item[1])]
        pool, wanted = (lost, options.failures) if options.failures is not None else (unlike, options.disagreeing)
        print(f"{len(pool)} of {len(everything)}")
        for item in random.Random(options.seed).sample(pool, min(wanted, len(pool))):
            print(show(*item))
        return
    for name, items in groups.items():
        print(json.dumps(summarise(name, items)))
        for wanted, key in ((options.prompts, lambda item: item[0].prompt), (options.rules, lambda item: item[2])):
            if wanted:
                for part in sorted({key(item) for item in items}, key=lambda text: (len(text), text)):
                    print(json.dumps(summarise(f"{name}/{part}", [item for item in items if key(item) == part])))
    print(json.dumps({"answers": len(everything), "microseconds_each": round(1e6 * spent / len(everything))}))


if __name__ == "__main__":
    main()
