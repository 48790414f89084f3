"""e-SNLI (Camburu et al. 2018): 549,367 / 9,842 / 9,824 rows with human explanations.

`task.path` is a folder with `esnli_train_1.csv`, `esnli_train_2.csv`, `esnli_dev.csv` and `esnli_test.csv`
as the authors publish them; `task.hub` is a data set like esnli, at a revision whose files are Parquet.
Pairs whose annotators found no majority (label "-" or -1) are passed over.
"""

from __future__ import annotations

from distill.rows.records import Example
from distill.tasks.inference import Inference, label_name
from distill.tasks.published import Part, PublishedRow, text


class ESnli(Inference):
    name = "esnli"
    parts = (
        Part("train", "train", ("esnli_train_1.csv", "esnli_train_2.csv")),
        Part("validation", "validation", ("esnli_dev.csv",)),
        Part("test", "test", ("esnli_test.csv",)),
    )

    def example(self, row: PublishedRow, split: str, index: int) -> Example | None:
        published = "gold_label" in row
        label = "gold_label" if published else "label"
        if row.get(label) in ("-", "", -1, None):
            return None
        names = ("Sentence1", "Sentence2", "Explanation_1") if published else ("premise", "hypothesis", "explanation_1")
        premise, hypothesis = text(row, names[0]), text(row, names[1])
        # A pair id of the files is there twice where one pair was annotated twice; the place is not.
        return self.pair(
            f"{split}-{index}", premise, hypothesis, label_name(row, label), row.get(names[2]), split, index
        )
