import math

import pytest
import torch

from distill.student.losses import (
    IGNORED,
    Losses,
    answer_loss,
    mutual_information,
    sequence_log_probabilities,
    token_loss,
)

# Logits whose softmax is known: log of the probabilities themselves.
HALVES = torch.log(torch.tensor([[[0.5, 0.25, 0.25], [0.1, 0.8, 0.1]], [[0.2, 0.2, 0.6], [0.4, 0.3, 0.3]]]))


def test_token_loss_is_the_mean_over_targets_that_count():
    targets = torch.tensor([[0, 1], [2, IGNORED]])
    expected = -(math.log(0.5) + math.log(0.8) + math.log(0.6)) / 3
    mean, count = token_loss(HALVES, targets)
    assert mean.item() == pytest.approx(expected, abs=1e-6)
    assert count.item() == 3


def test_weights_make_it_the_mean_of_the_weighted_targets():
    targets = torch.tensor([[0, 1], [2, IGNORED]])
    mean, count = token_loss(HALVES, targets, weights=torch.tensor([[1.0, 3.0], [0.5, 9.0]]))
    assert count.item() == 4.5
    assert mean.item() == pytest.approx(-(math.log(0.5) + 3 * math.log(0.8) + 0.5 * math.log(0.6)) / 4.5, abs=1e-6)
    by_row, count = token_loss(HALVES, targets, weights=torch.tensor([[0.25], [0.5]]))
    assert count.item() == 1.0
    assert by_row.item() == pytest.approx(-(0.25 * math.log(0.5 * 0.8) + 0.5 * math.log(0.6)), abs=1e-6)
    assert [part.item() for part in token_loss(HALVES, targets, weights=torch.zeros(2, 1))] == [0.0, 0.0]
    ones, plain = token_loss(HALVES, targets, weights=torch.ones(2, 2)), token_loss(HALVES, targets)
    assert [part.item() for part in ones] == pytest.approx([part.item() for part in plain], abs=1e-6)


@pytest.mark.parametrize("weights", [None, torch.ones(2, 2)])
def test_smoothing_shares_a_part_of_the_target_among_all_tokens(weights):
    mean, _ = token_loss(HALVES, torch.tensor([[0, IGNORED], [IGNORED, IGNORED]]), weights, smoothing=0.3)
    assert mean.item() == pytest.approx(-(0.7 * math.log(0.5) + 0.1 * (math.log(0.5) + 2 * math.log(0.25))), abs=1e-6)


def test_token_loss_of_no_target_is_zero_with_zero_gradient():
    logits = HALVES.clone().requires_grad_()
    loss, count = token_loss(logits, torch.full((2, 2), IGNORED))
    loss.backward()
    assert loss.item() == count.item() == 0.0
    assert torch.equal(logits.grad, torch.zeros_like(logits))


@pytest.mark.parametrize(("weight", "expected"), [(0.0, 3.0), (0.2, 2.8), (1.0, 2.0), (None, 2.0)])
def test_label_weight_mixes_the_two_losses(weight, expected):
    losses = Losses.of((torch.tensor(2.0), torch.tensor(4)), (torch.tensor(3.0), torch.tensor(9)))
    assert losses.total(weight).item() == pytest.approx(expected)
    assert (losses.label_tokens.item(), losses.rationale_tokens.item(), losses.mutual_rows.item()) == (4, 9, 0)


def test_the_mutual_term_is_added_by_its_weight_and_a_missing_mean_is_zero():
    label, mutual = (torch.tensor(2.0), torch.tensor(4)), (torch.tensor(5.0), torch.tensor(3))
    losses = Losses.of(label, mutual=mutual)
    assert losses.total(0.5, 0.1).item() == pytest.approx(1.5)
    assert losses.total(0.5).item() == 1.0
    assert losses.rationale.item() == losses.rationale_tokens.item() == 0


def test_means_are_the_three_numbers_without_a_graph():
    losses = Losses.of(
        (torch.tensor(2.0, requires_grad=True), torch.tensor(4)), mutual=(torch.tensor(5.0), torch.tensor(3))
    )
    assert losses.means().tolist() == [2.0, 0.0, 5.0] and not losses.means().requires_grad


def test_the_shares_of_the_parts_sum_up_to_the_mean_over_all_targets():
    targets = torch.tensor([[0, 1], [2, IGNORED]])
    parts = [Losses.of(token_loss(HALVES[row, None], targets[row, None])) for row in range(2)]
    shares = [part.shares(torch.tensor([3.0, 0.0, 0.0])) for part in parts]
    whole = token_loss(HALVES, targets)[0].item()
    assert sum(share.label.item() for share in shares) == pytest.approx(whole, abs=1e-6)
    assert sum(part.label.item() for part in parts) / 2 != pytest.approx(whole, abs=1e-3)
    assert [share.rationale.item() for share in shares] == [0.0, 0.0]


def test_sequence_log_probability_is_the_sum_over_targets():
    found = sequence_log_probabilities(HALVES, torch.tensor([[0, 1], [2, IGNORED]]))
    assert found.tolist() == pytest.approx([math.log(0.5 * 0.8), math.log(0.6)], abs=1e-6)


def test_the_mutual_term_of_known_probabilities_leaves_the_label_alone_and_raises_what_it_says_in_the_rationale():
    label, told = HALVES[:1].clone().requires_grad_(), HALVES[1:].clone().requires_grad_()
    mean, rows = mutual_information(label, torch.tensor([[0, 1]]), told, torch.tensor([[2, IGNORED]]))
    # The label's most over its two places, the rationale's at its one.
    target, said = torch.tensor([0.5, 0.8, 0.25]), torch.tensor([0.2, 0.2, 0.6])
    assert (mean.item(), rows.item()) == (
        pytest.approx(-(target * torch.log_softmax(said, -1)).sum().item(), abs=1e-6),
        1,
    )
    mean.backward()
    assert label.grad is None
    assert told.grad[0, 0].tolist()[1] < 0 < told.grad[0, 0].tolist()[2]
    assert torch.equal(told.grad[0, 1], torch.zeros(3))


def test_answers_that_a_row_does_not_have_take_no_part():
    logits = torch.tensor([[1.0, 2.0, -torch.inf], [0.0, 0.0, 0.0]], requires_grad=True)
    logs = torch.log_softmax(logits.detach(), -1)
    mean, rows = answer_loss(logits, torch.tensor([1, 0]), smoothing=0.3)
    expected = 0.7 * logs[0, 1] + 0.3 * (logs[0, 0] + logs[0, 1]) / 2 + logs[1, 0]
    assert (mean.item(), rows.item()) == (pytest.approx(-expected.item() / 2, abs=1e-6), 2)
    mean.backward()
    assert torch.isfinite(logits.grad).all()
    mean, _ = answer_loss(logits, torch.tensor([1, 0]), torch.tensor([[0.25, 0.75, 0.0], [0.0, 0.5, 0.5]]))
    assert mean.item() == pytest.approx(-(0.25 * logs[0, 0] + 0.75 * logs[0, 1] + logs[1, 0]).item() / 2, abs=1e-6)
    hard, plain = answer_loss(logits, torch.tensor([1, 0])), token_loss(logits, torch.tensor([1, 0]))
    assert [part.item() for part in hard] == [part.item() for part in plain]
