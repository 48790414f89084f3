"""An encoder whose label is one of the row's own choices: the one most like the question.

Question and choices are encoded apart, as sentence encoders do (Sentence-BERT, arXiv 1908.10084): the mean of the
last states over the tokens, compared by cosine similarity. So a pretrained sentence encoder answers better than
chance before it is trained, and an answer that many questions share is encoded once.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from distill.answers.choices import apart
from distill.errors import DataError
from distill.rows.files import write_json
from distill.rows.records import TrainingRow
from distill.student.architecture import Batch, Encoded, Plan
from distill.student.batching import by_length, padded
from distill.student.encoder import Encoder
from distill.student.losses import Losses

# Choices of like length that are encoded together: most have one word, and one long name would pad them all.
TOGETHER = 40
GROUP = "choices_"


class ChoiceEncoder(Encoder):
    """The list of choices that ends an input is left out of the question. The saved folder is that of the plain
    encoder, and one that sentence-transformers loads.
    """

    task_kind = "choices"

    def __init__(self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, plan: Plan):
        super().__init__(model, tokenizer, plan)
        # Sentence encoders pool otherwise. It is kept as it came, so that the saved folder is whole.
        if getattr(model, "pooler", None) is not None:
            model.pooler.requires_grad_(False)

    def label_targets(self, rows: Sequence[TrainingRow]) -> list[int]:
        for row in rows:
            if row.label not in row.choices:
                raise DataError(
                    f"training row {row.id!r} has the label {row.label!r}; its choices are"
                    f" {', '.join(row.choices) or 'missing'}"
                )
        return [row.choices.index(row.label) for row in rows]

    def encode(self, rows: Sequence[TrainingRow]) -> Encoded:
        encoded = super().encode(rows)
        distinct = list(dict.fromkeys(itertools.chain(*(row.choices for row in rows))))
        ids = dict(zip(distinct, super()._inputs(distinct)[0], strict=True))
        encoded.choices = [[ids[choice] for choice in row.choices] for row in rows]
        return encoded

    def collate(self, rows: Encoded, indices: Sequence[int]) -> Batch:
        assert rows.choices is not None
        return super().collate(rows, indices) | _offered([rows.choices[index] for index in indices])

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor,
        labels: Tensor,
        offered: Tensor,
        rationales: Tensor | None = None,
        explained: Tensor | None = None,
        label_parts: Tensor | None = None,
        **choices: Tensor,
    ) -> Losses:
        """Ids and mask (rows, tokens) of questions; `choices` as `_offered` makes them, offered (rows, choices) their
        places, -1 none; labels (rows,) which of a row's is right; `rationales` (rows with one, tokens) are of the
        rows in `explained`."""
        states = self.states(input_ids, attention_mask)
        logits = self._logits(pooled(states, attention_mask), self._choices(choices), offered)
        return self.losses(logits, labels, states, attention_mask, rationales, explained, label_parts)

    def score(self, inputs: Sequence[Sequence[int]], candidates: Sequence[Sequence[str]]) -> list[Tensor]:
        """Log probability of each candidate among the row's own."""
        distinct = list(dict.fromkeys(itertools.chain(*candidates)))
        ids = dict(zip(distinct, super()._inputs(distinct)[0], strict=True))
        batch = {
            name: value.to(self.model.device)
            for name, value in _offered([[ids[text] for text in row] for row in candidates]).items()
        }
        logs = torch.log_softmax(self._logits(pooled(*self.memory(inputs)), self._choices(batch), batch["offered"]), -1)
        return [row[: len(texts)] for row, texts in zip(logs, candidates, strict=True)]

    def save(self, folder: Path) -> None:
        """With the files by which sentence-transformers knows how the states become one vector a text."""
        super().save(folder)
        width, most = self.model.config.hidden_size, self.plan.max_input_tokens
        parts = {"Transformer": "", "Pooling": "1_Pooling", "Normalize": "2_Normalize"}
        modules = [
            {"idx": place, "name": str(place), "path": path, "type": f"sentence_transformers.models.{name}"}
            for place, (name, path) in enumerate(parts.items())
        ]
        write_json(folder / "modules.json", modules)
        write_json(folder / "sentence_bert_config.json", {"max_seq_length": most, "do_lower_case": False})
        write_json(
            folder / "1_Pooling" / "config.json", {"word_embedding_dimension": width, "pooling_mode_mean_tokens": True}
        )

    def _inputs(self, texts: Sequence[str]) -> tuple[list[list[int]], int]:
        return super()._inputs([apart(text)[0] for text in texts])

    def _choices(self, groups: Batch) -> Tensor:
        """Vectors (choices, width) of all groups, one after the other."""
        found = []
        for name in sorted(name for name in groups if name.startswith(GROUP)):
            seen = (groups[name] >= 0).long()
            found.append(pooled(self.states(groups[name].masked_fill(seen == 0, self.pad), seen), seen))
        return torch.cat(found)

    def _logits(self, questions: Tensor, choices: Tensor, offered: Tensor) -> Tensor:
        """Cosine similarity over the temperature, (rows, choices); -inf where a row has no such choice."""
        questions, choices = functional.normalize(questions, dim=-1), functional.normalize(choices, dim=-1)
        # A sum and no matrix product, which autocast would round to 8 bits: the temperature makes small differences
        # large.
        alike = (questions[:, None] * choices[offered.clamp(min=0)]).sum(-1) / self.plan.temperature
        return alike.masked_fill(offered < 0, -torch.inf)


def pooled(states: Tensor, seen: Tensor) -> Tensor:
    """Mean over the tokens that are there: (rows, width) from (rows, tokens, width) and their mask (rows, tokens)."""
    weight = seen.unsqueeze(-1).float()
    return (states.float() * weight).sum(1) / weight.sum(1).clamp(min=1)


def _offered(rows: Sequence[Sequence[Sequence[int]]]) -> Batch:
    """The distinct choices of some rows, in groups of like length, and where each row's stand among all of them.

    A group (choices, tokens) holds token ids, -1 where there is none; `offered` (rows, choices) holds places, likewise.
    """
    distinct = list(dict.fromkeys(tuple(ids) for row in rows for ids in row))
    groups = by_length([len(ids) for ids in distinct], TOGETHER)
    place = {distinct[index]: place for place, index in enumerate(itertools.chain(*groups))}
    batch = {
        f"{GROUP}{number:04}": padded([distinct[index] for index in group], -1) for number, group in enumerate(groups)
    }
    return batch | {"offered": padded([[place[tuple(ids)] for ids in row] for row in rows], -1)}
