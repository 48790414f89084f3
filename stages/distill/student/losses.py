"""What a student loses on a batch: the two-task loss of Distilling Step-by-Step (arXiv 2305.02301, section 3.2)."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor
from torch.nn import functional

from distill.settings.train import TrainSettings

IGNORED = -100  # the target id that cross-entropy skips; the value all Hugging Face models use


@dataclass(frozen=True)
class LossOptions:
    """What a student's loss adds to the two tasks' plain one, as in params.yaml, section `train`; each off as in OFF.

    Only training reads them; a student that predicts has none.
    """

    missing_rationale: str
    label_smoothing: float
    mutual_information: float
    soft_labels: float

    @classmethod
    def of(cls, settings: TrainSettings) -> LossOptions:
        return cls(**{option.name: getattr(settings, option.name) for option in fields(cls)})

    def used(self) -> list[str]:
        """The options that are on."""
        return [option.name for option in fields(self) if getattr(self, option.name) != getattr(OFF, option.name)]


OFF = LossOptions(missing_rationale="mask", label_smoothing=0.0, mutual_information=0.0, soft_labels=0.0)

# A mean and what it was divided by, both scalars: how many targets, or the sum of their weights.
Mean = tuple[Tensor, Tensor]


@dataclass(frozen=True)
class Losses:
    """Scalars of one batch: the mean over the target tokens of each task, in nats, and how many those are.

    `rationale` is 0 where no row has one. `mutual` is the mutual-information term, the mean over the
    `mutual_rows` that have both targets, and 0 where it is off. The counts make one mean of several batches'.
    """

    label: Tensor
    rationale: Tensor
    label_tokens: Tensor
    rationale_tokens: Tensor
    mutual: Tensor
    mutual_rows: Tensor

    @classmethod
    def of(cls, label: Mean, rationale: Mean | None = None, mutual: Mean | None = None) -> Losses:
        """A mean that is missing is 0, over no target."""
        none = (torch.zeros_like(label[0]), torch.zeros_like(label[1]))
        rationale, mutual = rationale or none, mutual or none
        return cls(label[0], rationale[0], label[1], rationale[1], mutual[0], mutual[1])

    def shares(self, whole: Tensor) -> Losses:
        """What a part of a step adds to the means over all of its targets, of which there are `whole`: (3,) of label
        tokens, rationale tokens and mutual rows. The shares of all parts sum up to the step's losses."""
        label, rationale, mutual = whole.clamp(min=torch.finfo(torch.float32).tiny)
        return replace(
            self,
            label=self.label * (self.label_tokens / label),
            rationale=self.rationale * (self.rationale_tokens / rationale),
            mutual=self.mutual * (self.mutual_rows / mutual),
        )

    def means(self) -> Tensor:
        """(3,) of label, rationale and mutual losses, without the graph they came from."""
        return torch.stack([self.label, self.rationale, self.mutual]).detach()

    def total(self, label_weight: float | None, mutual_weight: float = 0.0) -> Tensor:
        """label_weight · label + (1 - label_weight) · rationale + mutual_weight · mutual; the label's
        alone for None.
        """
        if label_weight is None:
            return self.label
        both = label_weight * self.label + (1 - label_weight) * self.rationale
        return both + mutual_weight * self.mutual if mutual_weight else both


def token_loss(logits: Tensor, targets: Tensor, weights: Tensor | None = None, smoothing: float = 0.0) -> Mean:
    """Mean cross-entropy of (rows, tokens, vocabulary) logits over the targets (rows, tokens) that are not IGNORED.

    0, not NaN, where every target is. `weights` (rows, tokens) or (rows, 1), of at least 0: the mean is that of the
    weighted tokens, over the sum of their weights. `smoothing` gives that share of each target to all tokens alike
    (label smoothing: arXiv 1512.00567, section 7; arXiv 1706.03762, section 5.4).
    """
    return mean_loss(token_losses(logits, targets, smoothing), targets, weights)


def token_losses(logits: Tensor, targets: Tensor, smoothing: float = 0.0) -> Tensor:
    """Cross-entropy of each target, (rows, tokens), 0 where it is IGNORED; see `token_loss`."""
    flat = logits.flatten(0, -2).float()
    return functional.cross_entropy(
        flat, targets.flatten(), ignore_index=IGNORED, reduction="none", label_smoothing=smoothing
    ).view_as(targets)


def mean_loss(each: Tensor, targets: Tensor, weights: Tensor | None = None) -> Mean:
    """The mean of `token_losses`; see `token_loss`."""
    if weights is None:
        count = (targets != IGNORED).sum()
        return each.sum() / count.clamp(min=1), count
    weights = (weights * (targets != IGNORED)).float()
    count = weights.sum()
    return (each * weights).sum() / count.clamp(min=torch.finfo(torch.float32).tiny), count


def merged(one: Mean, other: Mean) -> Mean:
    """The mean over the targets of both."""
    count = one[1] + other[1]
    return (one[0] * one[1] + other[0] * other[1]) / count.clamp(min=1), count


def counted(targets: Tensor, weights: Tensor | None = None) -> Tensor:
    """What `token_loss` divides by: how many of the targets count, or the sum of their weights."""
    known = targets != IGNORED
    return (known.sum() if weights is None else (weights * known).sum()).float()


def answer_loss(logits: Tensor, labels: Tensor, parts: Tensor | None = None, smoothing: float = 0.0) -> Mean:
    """Mean cross-entropy of logits (rows, answers), -inf where a row has no such answer, with labels (rows,).

    `parts` (rows, answers) are what each answer has of the row's target, in place of `labels`. `smoothing` gives that
    share of it to all answers of the row alike.
    """
    if parts is None and not smoothing:
        return token_loss(logits, labels)
    there = torch.isfinite(logits)
    if parts is None:
        parts = functional.one_hot(labels, logits.shape[-1]).float()
    parts = (1 - smoothing) * parts + smoothing * there / there.sum(-1, keepdim=True)
    logs = functional.log_softmax(logits.float(), dim=-1).masked_fill(~there, 0.0)
    count = torch.full_like(labels.sum(), len(labels))
    return -(parts * logs).sum() / count.clamp(min=1), count


def mutual_information(label_logits: Tensor, labels: Tensor, rationale_logits: Tensor, rationales: Tensor) -> Mean:
    """The term by which Chen et al. draw the two tasks together (arXiv 2403.03348), over rows that have both targets.

    Logits (rows, tokens, vocabulary) and targets (rows, tokens) of each task, the rows alike in both. The mutual
    information of the tasks' features is maximized through a variational bound, as a cross-entropy between what
    the two predict. As in the authors' published code (`TaskPrefixTrainer.compute_loss`): each task's probabilities are
    reduced to (rows, vocabulary) by their maximum over the tokens, the label's, held fixed, are the target,
    and the rationale's go as they are, probabilities and not logits, into the cross-entropy's own softmax. So a
    rationale is rewarded for saying, somewhere, what the label says. One difference: padding has no part in the
    maximum. Their weight is 0.1, beside task weights of 0.5.
    """
    target, told = _most(label_logits, labels).detach(), _most(rationale_logits, rationales)
    rows = torch.full_like(labels[:, 0].sum(), len(labels))
    return -(target * functional.log_softmax(told, dim=-1)).sum() / rows.clamp(min=1), rows


def _most(logits: Tensor, targets: Tensor) -> Tensor:
    """The largest probability of each token of the vocabulary over the places that count, (rows, vocabulary)."""
    return (functional.softmax(logits.float(), dim=-1) * (targets != IGNORED).unsqueeze(-1)).amax(1)


def sequence_log_probabilities(logits: Tensor, targets: Tensor) -> Tensor:
    """Sum of the targets' log probabilities, (rows,), from (rows, tokens, vocabulary) logits; IGNORED
    targets count 0.
    """
    logits = logits.float()
    known = targets != IGNORED
    chosen = logits.gather(-1, targets.clamp(min=0).unsqueeze(-1)).squeeze(-1) - torch.logsumexp(logits, dim=-1)
    return (chosen * known).sum(-1)
