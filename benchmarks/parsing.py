"""Measure the response parser on answers that teachers really gave.

    python benchmarks/parsing.py --data PATH             one JSON line a set
    python benchmarks/parsing.py --data PATH --prompts   one more a candidate prompt
    python benchmarks/parsing.py --data PATH --rules     one more a rule that decided
    python benchmarks/parsing.py --data PATH --speed     answers a second instead
    python benchmarks/parsing.py --data PATH --failures 40 --set palm-cqa-train

PATH is a folder with the public files of CommonsenseQA and SVAMP and the answers
that PaLM-540B (Hsieh et al. 2023) and gpt-3.5-turbo (Vöge et al. 2024) gave to
them: `cqa/{cqa_*.json,palm540b/,gpt35/}` and `svamp/{svamp_*.json,palm540b/,gpt35/}`,
and the worked solutions of GSM8K (Cobbe et al. 2021), `gsm8k/{train,test}.jsonl`.
PaLM's completions are cut at the first blank line, as published.

Of each set: `labelled`, the share of its rows that got a label; `right_of_all` and
`right_of_labelled`, the shares whose label is the gold label; `rationale_fragments`
and `rationale_states_verdict`, shares of the rationales (see `damaged` and
`states_verdict`); `ambiguous`, the share of rows with several answers. `first_match`
holds the same for a parser as in the code of Vöge et al.: the first choice, or
number, that the text names is its label, and all around it the rationale.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "stages"))

from distill.answers.parsing import STATUSES, Parsed, same_number
from distill.answers.parsing.parser import read_response
from distill.answers.parsing.rationales import is_fragment


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

    for split in ("train", "test"):
        for line in (data / "gsm8k" / f"{split}.jsonl").open(encoding="utf-8"):
            row = json.loads(line)
            gold = row["answer"].rpartition("####")[2].strip().replace(",", "")
            yield _answer(f"human-gsm8k-{split}", "", row["answer"], {"label": gold, "input": row["question"]})


def _number(file: Path) -> int:
    return int(re.findall(r"\d+", file.stem)[-1])


def _answer(group: str, prompt: str, response: str, row: dict) -> Answer:
    if "choices" in row:
        return Answer(group, prompt, response, row["answer"], tuple(row["choices"]), row["question"])
    return Answer(group, prompt, response, row["label"], (), row["input"])


def summarise(name: str, items: list[tuple[Answer, Parsed, str]]) -> dict:
    """What the parser makes of a set, and what the first match does."""
    counts = Counter(parsed.status for _, parsed, _ in items)
    return {
        "set": name,
        "rows": len(items),
        **shares([(answer, parsed) for answer, parsed, _ in items]),
        "with_rationale": _share(parsed.rationale is not None for _, parsed, _ in items),
        "status": {status: counts[status] for status in STATUSES if counts[status]},
        "first_match": shares([(answer, first_match(answer)) for answer, _, _ in items]),
    }


def shares(read: list[tuple[Answer, Parsed]]) -> dict:
    """The shares that the head of this file explains."""
    labelled = [(answer, parsed) for answer, parsed in read if parsed.label is not None]
    explained = [(answer, parsed) for answer, parsed in labelled if parsed.rationale]
    return {
        "labelled": _share(parsed.label is not None for _, parsed in read),
        "right_of_all": _share(answer.agrees(parsed) for answer, parsed in read),
        "right_of_labelled": _share(answer.agrees(parsed) for answer, parsed in labelled),
        "rationale_fragments": _share(damaged(answer, parsed) for answer, parsed in explained),
        "rationale_states_verdict": _share(states_verdict(answer, parsed) for answer, parsed in explained),
        "ambiguous": _share(parsed.status == "ambiguous" for _, parsed in read),
    }


def _share(truths: Iterable[bool]) -> float | None:
    truths = list(truths)
    return round(sum(truths) / len(truths), 4) if truths else None


def damaged(answer: Answer, parsed: Parsed) -> bool:
    """Whether a rationale is a fragment, or has a sentence that does not stand in the response in one piece."""
    response = f" {' '.join(_words(answer.response))} "
    sentences = re.split(r"(?<=[.!?])[\"'”’)\]*]*\s+", parsed.rationale or "")
    return is_fragment(parsed.rationale or "") or any(f" {' '.join(_words(s))} " not in response for s in sentences)


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", re.sub(r"<<[^<>\n]*>>|^[ \t]*(?:\d{1,2}[.)]|Step \d+:)", " ", text, flags=re.M).lower())


def states_verdict(answer: Answer, parsed: Parsed) -> bool:
    """Whether a rationale, read as a response, states an answer outright."""
    return _states(parsed.rationale or "", answer.kind, answer.choices)


@cache
def _states(rationale: str, kind: str, choices: tuple[str, ...]) -> bool:
    return read_response(rationale, kind=kind, choices=choices, expect_rationale=False)[1].clear


def first_match(answer: Answer) -> Parsed:
    """The first choice or number anywhere in the response, without a look at what is said of it."""
    text = answer.response.lower()
    if answer.choices:
        forms = [(form, choice) for at, choice in enumerate(answer.choices) for form in _forms(at, choice)]
        places = [(text.find(form), at, form, choice) for at, (form, choice) in enumerate(forms) if form in text]
        start, _, form, label = min(places, default=(0, 0, "", None))
        end = start + len(form)
    else:
        match = re.search(r"-?\d+(?:\.\d+)?", text.replace(",", ""))
        label = match and match[0]
        start, end = match.span() if match else (0, 0)
    rationale = f"{answer.response[:start]}{answer.response[end:]}".strip() or None
    if label is None:
        return Parsed(None, rationale, "no_label")
    return Parsed(label, rationale, "ok" if rationale else "no_rationale")


def _forms(at: int, choice: str) -> tuple[str, str]:
    return f"{chr(ord('a') + at)})", choice.lower()


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
