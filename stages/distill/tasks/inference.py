"""What the natural language inference tasks share: their labels, fields and prompts."""

from __future__ import annotations

from typing import ClassVar

from distill.rows.records import Example
from distill.tasks.published import Published, PublishedRow
from distill.templates import Template

# The order of the hub data sets' class numbers.
INFERENCE_LABELS = ("entailment", "neutral", "contradiction")
_SHOWN = "Premise: {premise}\n\nHypothesis: {hypothesis}\n\n"
_MEANING = (
    "Does the premise make the hypothesis certain (entailment), rule it out (contradiction), or neither (neutral)? "
)


class Inference(Published):
    kind = "classes"
    description = "Say whether a premise entails a hypothesis, contradicts it, or neither."
    classes = INFERENCE_LABELS
    # Published answers, and teachers who are asked whether the hypothesis is true, call the classes so.
    aliases: ClassVar[dict[str, tuple[str, ...]]] = {
        "entailment": ("true", "yes", "entails", "entailed", "definitely true", "correct"),
        "neutral": (
            "inconclusive", "maybe", "unknown", "undetermined", "it is not possible to tell", "cannot be determined",
        ),
        "contradiction": (
            "false", "no", "contradicts", "contradicted", "contradictory", "definitely false", "incorrect",
        ),
    }  # fmt: skip
    fields = ("premise", "hypothesis")
    explain = Template(
        system="",
        user=_SHOWN
        + _MEANING
        + 'Explain in one or two sentences. Then end with "So the answer is X.", where X is entailment, neutral or'
        " contradiction.",
    )
    label_only = Template(
        system="", user=_SHOWN + _MEANING + "Answer with one word: entailment, neutral or contradiction."
    )

    def pair(
        self, id: str, premise: str, hypothesis: str, label: str, rationale: str | None, split: str, index: int
    ) -> Example:
        """A row of a premise and a hypothesis. The hypothesis comes first for the student, whom a long premise may be
        cut for.
        """
        return Example(
            id=id,
            input=f"Hypothesis: {hypothesis}\nPremise: {premise}",
            fields={"premise": premise, "hypothesis": hypothesis},
            label=label,
            rationale=(rationale or "").strip() or None,
            source=f"{split}/{index}",
        )


def label_name(row: PublishedRow, name: str, short: dict[str, str] | None = None) -> str:
    """A label by its name, from the name, a short form of it, or the hub's number. Raises ValueError."""
    value = row.get(name)
    if isinstance(value, int) and 0 <= value < len(INFERENCE_LABELS):
        return INFERENCE_LABELS[value]
    label = (short or {}).get(str(value), value)
    if label not in INFERENCE_LABELS:
        raise ValueError(f"the label {value!r} is none of {', '.join(INFERENCE_LABELS)}")
    return str(label)
