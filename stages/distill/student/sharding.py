"""Weights spread over the processes (FSDP, arXiv 2304.11277), where accelerate's configuration file asks for it.

Each process keeps a part of the weights, gradients and optimizer state, and gathers those of a layer only while it
computes that layer. This is torch's `fully_shard` (FSDP2), set up by accelerate.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import torch
from accelerate import Accelerator
from accelerate.utils import DistributedType, FullyShardedDataParallelPlugin
from torch import nn
from torch.distributed.checkpoint.state_dict import StateDictOptions, get_model_state_dict
from torch.distributed.fsdp import MixedPrecisionPolicy

from distill.settings import SettingsError
from distill.settings.train import TrainSettings
from distill.student import processes
from distill.student.architecture import Architecture, EncodedRows
from distill.student.batching import PaddedTokens, TrainingBatch
from distill.student.losses import IGNORED
from distill.student.plan import DECODER_ONLY, ENCODER

_KEY = "runtime.accelerate_config"


def is_on() -> bool:
    """Whether the processes were launched to share weights."""
    return _launched_with("ACCELERATE_USE_FSDP") == "true"


def launch_options() -> dict[str, str]:
    """What the processes were launched with. The form of their checkpoints depends on it."""
    return {name: value for name, value in sorted(os.environ.items()) if name.startswith("FSDP_")} if is_on() else {}


def check_sharding(student: Architecture, rows: EncodedRows, settings: TrainSettings) -> None:
    """Raises SettingsError where weights are to be shared, and the configuration or the student does not allow it."""
    if _launched_with("ACCELERATE_USE_DEEPSPEED") == "true":
        processes.check_distribution("DEEPSPEED", None)
    if not is_on():
        return
    processes.check_distribution("FSDP", _launched_with("FSDP_VERSION"))
    buffers = sorted(set(student.state_dict()) - {name for name, _ in student.named_parameters(remove_duplicate=False)})
    if buffers and _launched_with("FSDP_CPU_RAM_EFFICIENT_LOADING") == "true":
        raise SettingsError(
            f"{_KEY}: fsdp_cpu_ram_efficient_loading is true, and accelerate cannot hand out {', '.join(buffers)} of"
            " this student; set it to false"
        )
    if student.plan.kind == ENCODER:
        raise SettingsError(f"{_KEY}: asks for FSDP, and an encoder fits into any device whole; choose MULTI_GPU there")
    if settings.optimizer == "adafactor":
        raise SettingsError(
            f"{_KEY}: asks for FSDP, and train.optimizer is adafactor, which needs each weight whole; set it to adamw"
        )
    if settings.mutual_information and rows.coverage < 1:
        raise SettingsError(
            f"train.mutual_information: is {settings.mutual_information}, and some rows have no rationale; with FSDP"
            f" ({_KEY}) every row must have one, as the processes compute the term together; set it to 0, or choose"
            " MULTI_GPU"
        )


def prepare(accelerator: Accelerator) -> None:
    """Has accelerate share the weights on CPUs too, and sum gradients in fp32 where computing is in bf16.

    Torch can share weights on CPUs, but accelerate passes over them. So all of it can be tested without a GPU.
    """
    state = accelerator.state
    if getattr(state, "fsdp_plugin", None) is None:
        state.fsdp_plugin = FullyShardedDataParallelPlugin()
        state.distributed_type = DistributedType.FSDP
    if accelerator.mixed_precision == "bf16":
        state.fsdp_plugin.mixed_precision_policy = MixedPrecisionPolicy(
            torch.bfloat16, torch.float32, cast_forward_inputs=False
        )


def with_same_passes(student: Architecture, batch: TrainingBatch) -> TrainingBatch:
    """The batch as every process computes it: in one pass for the labels, and one for the rationales.

    To gather a layer takes all processes: if one makes fewer passes, the others wait for ever. So no rows are read
    apart, and a batch without any rationale gets a pass of one row without a target.
    """
    batch = replace(batch, unexplained=None)
    if student.plan.mode != "step_by_step" or batch.rationales is not None:
        return batch
    one_row = PaddedTokens(batch.inputs.ids[:1], batch.inputs.mask[:1])
    if student.plan.kind == DECODER_ONLY:
        return replace(batch, rationale_inputs=one_row, rationales=torch.full_like(one_row.ids, IGNORED))
    rationales = batch.labels.new_full((1, 1), IGNORED)
    if student.plan.by_prefix:
        return replace(batch, rationale_inputs=one_row, rationales=rationales)
    return replace(batch, explained=torch.tensor([0]), rationales=rationales)


class WholeStudent:
    """A student with all its weights in the first process: itself, or a copy of one whose weights are spread out."""

    def __init__(self, student: Architecture, where: torch.device):
        self.where = where
        self.student = copy.deepcopy(student) if is_on() and processes.is_first() else student

    @contextmanager
    def gathered(self, trained: nn.Module) -> Iterator[None]:
        """Inside, the first process's `student` has the weights of `trained`, on the device; all processes join in."""
        if not is_on():
            yield
            return
        weights = get_model_state_dict(
            trained, options=StateDictOptions(full_state_dict=True, cpu_offload=True, ignore_frozen_params=True)
        )
        if processes.is_first():
            assert {name for name, weight in self.student.named_parameters() if weight.requires_grad} <= weights.keys()
            self.student.load_state_dict(weights, strict=False)
            self.student.to(self.where)
        try:
            yield
        finally:
            if processes.is_first():
                self.student.to("cpu")


def _launched_with(name: str) -> str:
    return os.environ.get(name, "").lower()
