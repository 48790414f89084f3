"""SVAMP (Patel et al. 2021): 800 / 200 word problems whose labels are equations, as `( 84.0 / 2.0 )`.

`task.path` is a folder with `svamp_train.json` and `svamp_test.json` as *Distilling Step-by-Step* (arXiv
2305.02301) publishes them, one object a line; the papers' split is that of these files. `task.hub` is a
data set like ChilleD/SVAMP, which is split 700 / 300.
"""

from __future__ import annotations

import hashlib

from distill.answers.parsing import evaluate_expression
from distill.rows.records import Example
from distill.tasks.published import Arithmetic, Part, PublishedRow, text


class Svamp(Arithmetic):
    name = "svamp"
    parts = (Part("train", "train", ("svamp_train.json",)), Part("test", "test", ("svamp_test.json",)))

    def example(self, row: PublishedRow, split: str, index: int) -> Example:
        if "Body" in row:
            question, equation = f"{text(row, 'Body').rstrip(' .')}. {text(row, 'Question')}", text(row, "Equation")
        else:
            question, equation = text(row, "input"), text(row, "label")
        evaluate_expression(equation)
        # Some problems are there twice, so the place is part of the id.
        code = hashlib.sha256(question.encode()).hexdigest()[:12]
        return Example(
            f"svamp-{split}-{index:04}-{code}",
            question,
            {"question": question},
            label=equation,
            source=f"{split}/{index}",
        )
