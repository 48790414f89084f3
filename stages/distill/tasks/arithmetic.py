"""What the tasks of word problems share: their field and prompts. Answers are compared by value."""

from __future__ import annotations

from distill.tasks.published import Published
from distill.templates import Template


class Arithmetic(Published):
    kind = "number"
    description = "Solve a word problem of arithmetic."
    fields = ("question",)
    explain = Template(
        system="",
        user='{question}\n\nWork it out step by step, in a few short sentences. Then end with "So the answer is N.", where N is a number without its unit.',
    )
    label_only = Template(system="", user="{question}\n\nAnswer with a number and nothing else.")
