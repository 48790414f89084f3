"""CommonsenseQA (Talmor et al. 2019) with the human explanations of CoS-E (Rajani et al. 2019).

`task.path` is a folder with `cqa_train.json` and `cqa_test.json` as *Distilling Step-by-Step* (arXiv
2305.02301) publishes them, one object a line; `task.hub` is a data set of the same columns, as
Salesforce/cos_e. The papers' test split is the official validation split (1,221 rows), and 10 % of
the 9,741 train rows are cut off for validation.
"""

from __future__ import annotations

from distill.answers.choices import lettered, with_choices
from distill.rows.records import Example
from distill.tasks.published import Part, Published, PublishedRow, text
from distill.templates import Template


class CommonsenseQA(Published):
    name = "cqa"
    kind = "choices"
    description = "Answer a question of common sense by choosing one of five answers."
    # The configuration whose rows are those of the published files.
    hub_configuration = "v1.11"
    parts = (Part("train", "train", ("cqa_train.json",)), Part("test", "validation", ("cqa_test.json",)))
    fields = ("question", "choices")
    explain = Template(
        system="",
        user=(
            "{question}\n\nAnswer choices:\n{choices}\n\n"
            "Explain in one or two sentences which choice fits best and why. "
            'Then end with "So the answer is (x) choice.", with the letter and the text of your choice.'
        ),
    )
    label_only = Template(
        system="",
        user=(
            "{question}\n\nAnswer choices:\n{choices}\n\nAnswer with the letter and the text of the best choice, and"
            " nothing else."
        ),
    )

    def example(self, row: PublishedRow, split: str, index: int) -> Example:
        question, choices, answer = text(row, "question"), row.get("choices"), text(row, "answer")
        if not isinstance(choices, list) or not choices:
            raise ValueError(f"field 'choices' is {choices!r}; it must be a list that is not empty")
        if answer not in choices:
            raise ValueError(f"the answer {answer!r} is none of the choices {choices}")
        return Example(
            id=text(row, "id"),
            input=with_choices(question, choices),
            fields={"question": question, "choices": lettered(choices)},
            choices=tuple(choices),
            label=answer,
            rationale=row.get("abstractive_explanation") or None,
            source=f"{split}/{index}",
        )
