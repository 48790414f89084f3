from dataclasses import dataclass, replace

import pytest
import torch
from torch import nn
from toy_student import CARD, STUDENT, settings, training_rows

from distill.student import compute
from distill.student.architecture import EncodedRows
from distill.student.batching import BatchSchedule, TensorGroup
from distill.student.compute import gflop_per_step, padded_tokens, pass_flop, passes
from distill.student.loading import new_student
from distill.student.losses import Losses


@dataclass(frozen=True)
class Floats(TensorGroup):
    inputs: torch.Tensor


class Linear(nn.Module):
    """Multiplies a batch's inputs (rows, tokens) by a weight (tokens, 5)."""

    def __init__(self, tokens: int):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(tokens, 5))

    def collate(self, rows, batch):
        return Floats(torch.tensor([rows.inputs[index] for index in batch], dtype=torch.float))

    def forward(self, batch):
        return Losses.of(((batch.inputs @ self.weight).sum(), torch.tensor(len(batch.inputs))))


def students():
    rows = training_rows(0.7)
    for name, task_token in (
        ("encoder_decoder", "decoder"),
        ("encoder_decoder", "prefix"),
        ("decoder_only", "decoder"),
    ):
        scratch = replace(STUDENT.scratch, architecture=name, dropout=0.1)
        student = new_student(rows, CARD, settings(student={"scratch": scratch}, task_token=task_token))
        yield student, student.encode(rows)


def test_a_product_is_two_operations_an_entry_forward_and_as_many_backward():
    student, rows = Linear(3), EncodedRows([[1, 2, 3]] * 8, [[1]] * 8, [None] * 8)
    # The gradient of the weight is a product too; the inputs have none.
    assert pass_flop(student, rows, range(8)) == 2 * (2 * 8 * 3 * 5)
    assert gflop_per_step(student, rows, [range(8), range(4)]) == pytest.approx(2 * (2 * 6 * 3 * 5) / 1e9)


def test_by_shape_as_by_computing_and_nothing_is_left_behind(monkeypatch):
    for student, rows in students():
        weights = {name: value.clone() for name, value in student.state_dict().items()}
        random = torch.get_rng_state()
        computed = pass_flop(student, rows, range(40))
        monkeypatch.setattr(compute, "MOST_COMPUTED", 0)
        assert pass_flop(student, rows, range(40)) == computed > 0
        monkeypatch.undo()
        assert torch.equal(torch.get_rng_state(), random)
        assert all(torch.equal(value, weights[name]) for name, value in student.state_dict().items())
        assert all(parameter.grad is None for parameter in student.parameters())


def test_the_sample_stands_for_all_batches():
    for student, rows in students():
        batches = BatchSchedule(rows.lengths(), 8, 24, 1).batches
        all_of_them = sum(pass_flop(student, rows, batch) for batch in batches) / len(batches) / 1e9
        assert gflop_per_step(student, rows, batches) == pytest.approx(all_of_them, rel=0.01)


def test_padded_tokens_are_those_the_student_sees():
    rows = EncodedRows([[1] * 4, [1] * 2], [[1], [1] * 2], [None, [1] * 9], [[1] * 7, [1] * 5])
    assert padded_tokens(rows, [0, 1]) == 2 * 4 + 2 * 2 + 9 + 5
    assert padded_tokens(rows, [0]) == 4 + 1


def test_a_batch_is_passed_in_parts_where_its_padding_costs_more_than_a_pass(monkeypatch):
    student, rows = Linear(3), EncodedRows([[1, 2, 3]] * 4, [[1]] * 4, [None, [1] * 40, None, None])
    assert passes(student, rows, [3, 1, 2]) == [[3, 1, 2]]
    # 15 parameters: a token costs 45 operations, and the padding of the two short rationales is 80 tokens.
    monkeypatch.setattr(compute, "PASS_FLOP", {"cpu": 80 * 45 - 1})
    assert sorted(map(sorted, passes(student, rows, [3, 1, 2]))) == [[1], [2, 3]]
    assert gflop_per_step(student, rows, [[3, 1, 2]]) == pytest.approx(2 * (2 * 3 * 3 * 5) / 1e9)
    monkeypatch.setattr(compute, "PASS_FLOP", {"cpu": 80 * 45})
    assert passes(student, rows, [3, 1, 2]) == [[3, 1, 2]]
