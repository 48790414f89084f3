"""What a student loses on a batch: the two-task loss of Distilling Step-by-Step (arXiv 2305.02301, section 3.2)."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor
from torch.nn import functional

from distill.settings.train import TrainSettings

IGNORED = -100  # the target id that cross-entropy skips; the value that all Hugging Face models use


@dataclass(frozen=True)
class LossOptions:
    """What is added to the plain loss of the two tasks: settings of `train` in params.yaml. OFF has all of them off.

    Only training reads them; a student that predicts has none.
    """

    missing_rationale: str
    label_smoothing: float
    mutual_information: float
    soft_labels: float

    @classmethod
    def of(cls, settings: TrainSettings) -> LossOptions:
        return cls(**{option.name: getattr(settings, option.name) for option in fields(cls)})


OFF = LossOptions(missing_rationale="mask", label_smoothing=0.0, mutual_information=0.0, soft_labels=0.0)

# A mean and what it was divided by, both scalars: the number of targets, or the sum of their weights.
Mean = tuple[Tensor, Tensor]


@dataclass(frozen=True)
class Losses:
    """Scalars of one batch: the mean over the target tokens of each task, in nats, and how many those are.

    rationale: 0 where no row has one. mutual: the mutual-information term, the mean over the `mutual_rows` that have
    both targets, and 0 where it is off. The counts serve to make one mean of several batches.
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
        """What this part of a step adds to the means over all targets of the step.

        whole: (3,) counts of the step's label tokens, rationale tokens and mutual rows. The shares of all parts sum up
        to the losses of the step.
        """
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
        """label_weight · label + (1 - label_weight) · rationale + mutual_weight · mutual; for None only the label's."""
        if label_weight is None:
            return self.label
        both = label_weight * self.label + (1 - label_weight) * self.rationale
        return both + mutual_weight * self.mutual if mutual_weight else both


def token_loss(logits: Tensor, targets: Tensor, weights: Tensor | None = None, smoothing: float = 0.0) -> Mean:
    """Mean cross-entropy of logits (rows, tokens, vocabulary) over the targets (rows, tokens) that are not IGNORED.

    The mean over no target is 0, not NaN. `weights` (rows, tokens) or (rows, 1), at least 0: the mean is that of the
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


def joint_mean(left: Mean, right: Mean) -> Mean:
    """The mean over the targets of both."""
    count = left[1] + right[1]
    return (left[0] * left[1] + right[0] * right[1]) / count.clamp(min=1), count


def target_count(targets: Tensor, weights: Tensor | None = None) -> Tensor:
    """What `token_loss` divides by: how many of the targets count, or the sum of their weights."""
    counts = targets != IGNORED
    return (counts.sum() if weights is None else (weights * counts).sum()).float()


def answer_loss(logits: Tensor, labels: Tensor, shares: Tensor | None = None, smoothing: float = 0.0) -> Mean:
    """Mean cross-entropy of logits (rows, answers), -inf where a row has no such answer, with labels (rows,).

    `shares` (rows, answers) is the part of each answer in the row's target, in place of `labels`. `smoothing` gives
    that share of the target to all answers of the row alike.
    """
    if shares is None and not smoothing:
        return token_loss(logits, labels)
    there = torch.isfinite(logits)
    if shares is None:
        shares = functional.one_hot(labels, logits.shape[-1]).float()
    shares = (1 - smoothing) * shares + smoothing * there / there.sum(-1, keepdim=True)
    logs = functional.log_softmax(logits.float(), dim=-1).masked_fill(~there, 0.0)
    count = torch.full_like(labels.sum(), len(labels))
    return -(shares * logs).sum() / count.clamp(min=1), count


def mutual_information(label_logits: Tensor, labels: Tensor, rationale_logits: Tensor, rationales: Tensor) -> Mean:
    """The term by which Chen et al. draw the two tasks together (arXiv 2403.03348), over rows that have both targets.

    Logits (rows, tokens, vocabulary) and targets (rows, tokens) of each task, for the same rows. The mutual information
    of the tasks' features is maximized through a variational bound: a cross-entropy between what the two tasks predict.
    As in the authors' published code (`TaskPrefixTrainer.compute_loss`), each task's probabilities are reduced to
    (rows, vocabulary) by their maximum over the tokens; those of the label, held fixed, are the target; those of the
    rationale go as they are, as probabilities and not logits, into the softmax of the cross-entropy. So a rationale is
    rewarded for saying, somewhere, what the label says. One thing differs: padding has no part in the maximum. The
    authors weigh the term by 0.1, beside task weights of 0.5.
    """
    target, predicted = _greatest(label_logits, labels).detach(), _greatest(rationale_logits, rationales)
    rows = torch.full_like(labels[:, 0].sum(), len(labels))
    return -(target * functional.log_softmax(predicted, dim=-1)).sum() / rows.clamp(min=1), rows


def sequence_log_probabilities(logits: Tensor, targets: Tensor) -> Tensor:
    """Sums of the targets' log probabilities, (rows,), from logits (rows, tokens, vocabulary); IGNORED ones add 0."""
    logits = logits.float()
    counts = targets != IGNORED
    logs = logits.gather(-1, targets.clamp(min=0).unsqueeze(-1)).squeeze(-1) - torch.logsumexp(logits, dim=-1)
    return (logs * counts).sum(-1)


def _greatest(logits: Tensor, targets: Tensor) -> Tensor:
    """The greatest probability of each token of the vocabulary over the places that count, (rows, vocabulary)."""
    return (functional.softmax(logits.float(), dim=-1) * (targets != IGNORED).unsqueeze(-1)).amax(1)
