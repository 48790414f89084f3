"""GSM8K (Cobbe et al. 2021): 7,473 / 1,319 word problems with worked solutions, which are the human rationales.

`task.path` is a folder with `train.jsonl` and `test.jsonl` as the authors publish them; `task.hub` is a
data set like openai/gsm8k. A solution ends with `#### number`; its calculator notes, as `<<48/2=24>>`, are
taken out.
"""

from __future__ import annotations

import hashlib
import re

from distill.answers.parsing import evaluate_expression
from distill.rows.records import Example
from distill.tasks.published import Arithmetic, Part, PublishedRow, text

_NOTE = re.compile(r"<<[^<>]*>>")


class Gsm8k(Arithmetic):
    name = "gsm8k"
    hub_configuration = "main"
    parts = (Part("train", "train", ("train.jsonl",)), Part("test", "test", ("test.jsonl",)))

    def example(self, row: PublishedRow, split: str, index: int) -> Example:
        question = text(row, "question")
        solution, mark, answer = text(row, "answer").rpartition("####")
        if not mark:
            raise ValueError("field 'answer' has no '####' before its number")
        answer = answer.strip().replace(",", "")
        evaluate_expression(answer)
        return Example(
            id=f"gsm8k-{split}-{index:04}-{hashlib.sha256(question.encode()).hexdigest()[:12]}",
            input=question,
            fields={"question": question},
            label=answer,
            rationale=" ".join(_NOTE.sub("", solution).split()) or None,
            source=f"{split}/{index}",
        )
