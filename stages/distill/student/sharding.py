"""Weights spread over the processes (FSDP, arXiv 2304.11277), where accelerate's configuration file asks for it.

Each process keeps a part of the weights, gradients and optimizer state, and gathers a layer's only while it computes
that layer. It is torch's `fully_shard` (FSDP2), set up by accelerate.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from accelerate import Accelerator
from accelerate.utils import DistributedType, FullyShardedDataParallelPlugin
from torch import nn
from torch.distributed.checkpoint.state_dict import StateDictOptions, get_model_state_dict
from torch.distributed.fsdp import MixedPrecisionPolicy

from distill.settings import SettingsError
from distill.settings.train import TrainSettings
from distill.student import processes
from distill.student.architecture import Architecture, Batch, Encoded
from distill.student.losses import IGNORED

KEY = "runtime.accelerate_config"


def asked() -> bool:
    """Whether the processes were launched to share weights."""
    return _told("ACCELERATE_USE_FSDP") == "true"


def told() -> dict[str, str]:
    """What the processes were launched with, on which the form of their checkpoints depends."""
    return {name: value for name, value in sorted(os.environ.items()) if name.startswith("FSDP_")} if asked() else {}


def check(student: Architecture, rows: Encoded, settings: TrainSettings) -> None:
    """Raises SettingsError where the configuration, or what is to be trained, does not allow it."""
    deepspeed = _told("ACCELERATE_USE_DEEPSPEED") == "true"
    processes.check("DEEPSPEED" if deepspeed else "FSDP" if asked() else None, _told("FSDP_VERSION"))
    if not asked():
        return
    buffers = sorted(set(student.state_dict()) - {name for name, _ in student.named_parameters(remove_duplicate=False)})
    if buffers and _told("FSDP_CPU_RAM_EFFICIENT_LOADING") == "true":
        raise SettingsError(
            f"{KEY}: fsdp_cpu_ram_efficient_loading is true, and accelerate cannot hand out {', '.join(buffers)} of"
            " this student; set it to false"
        )
    if student.kind == "encoder":
        raise SettingsError(f"{KEY}: asks for FSDP, and an encoder fits into any device whole; choose MULTI_GPU there")
    if settings.optimizer == "adafactor":
        raise SettingsError(
            f"{KEY}: asks for FSDP, and train.optimizer is adafactor, which needs each weight whole; set it to adamw"
        )
    if settings.mutual_information and rows.coverage < 1:
        raise SettingsError(
            f"train.mutual_information: is {settings.mutual_information}, and some rows have no rationale; with FSDP"
            f" ({KEY}) every row must have one, as the processes compute the term together; set it to 0, or choose"
            " MULTI_GPU"
        )


def prepare(accelerator: Accelerator) -> None:
    """Has accelerate share the weights on CPUs too, which torch can do while accelerate passes over them, so that all
    of it can be tried, and tested, without a GPU; and has gradients summed up in fp32 where computing is in bf16.
    """
    state = accelerator.state
    if getattr(state, "fsdp_plugin", None) is None:
        state.fsdp_plugin = FullyShardedDataParallelPlugin()
        state.distributed_type = DistributedType.FSDP
    if accelerator.mixed_precision == "bf16":
        state.fsdp_plugin.mixed_precision_policy = MixedPrecisionPolicy(
            torch.bfloat16, torch.float32, cast_forward_inputs=False
        )


def in_step(student: Architecture, batch: Batch) -> Batch:
    """The batch with a pass for the rationale, of one row and no target, where no row of it has one, and without the
    list of rows to be read apart from the others.

    To gather a layer takes all processes: all must make the same passes, or they wait for each other for ever.
    """
    batch = {name: tensor for name, tensor in batch.items() if name != "unexplained"}
    if student.plan.mode != "step_by_step" or "rationales" in batch or "rationale_labels" in batch:
        return batch
    again = {f"rationale_{name}": batch[name][:1] for name in ("input_ids", "attention_mask")}
    if student.kind == "decoder_only":
        return batch | again | {"rationale_labels": torch.full_like(again["rationale_input_ids"], IGNORED)}
    batch = batch | {"rationales": batch["labels"].new_full((1, 1), IGNORED)}
    return batch | (again if student.by_prefix else {"explained": torch.tensor([0])})


class Whole:
    """A student with all its weights in the first process: itself, or a copy of one whose weights are spread out."""

    def __init__(self, student: Architecture, where: torch.device):
        self.where = where
        self.student = copy.deepcopy(student) if asked() and processes.first() else student

    @contextmanager
    def gathered(self, trained: nn.Module) -> Iterator[None]:
        """Inside, the first process's `student` has the weights of `trained`, on the device; all processes
        take part.
        """
        if not asked():
            yield
            return
        weights = get_model_state_dict(
            trained, options=StateDictOptions(full_state_dict=True, cpu_offload=True, ignore_frozen_params=True)
        )
        if processes.first():
            assert {name for name, weight in self.student.named_parameters() if weight.requires_grad} <= weights.keys()
            self.student.load_state_dict(weights, strict=False)
            self.student.to(self.where)
        try:
            yield
        finally:
            if processes.first():
                self.student.to("cpu")


def _told(name: str) -> str:
    return os.environ.get(name, "").lower()
