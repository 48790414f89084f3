"""Hugging Face's Trainer with our batches, our losses and a learning rate for each group of parameters."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.utils.data import DataLoader, Sampler
from transformers import Adafactor, PreTrainedModel, PrinterCallback, Trainer, TrainerCallback, TrainingArguments
from transformers.utils import SAFE_WEIGHTS_NAME

from distill.settings import SettingsError
from distill.settings.train import TrainSettings
from distill.student import processes, sharding
from distill.student.architecture import Architecture, EncodedRows
from distill.student.batching import BatchSchedule, TrainingBatch
from distill.student.compute import passes

SCHEDULES = {"constant": "constant_with_warmup", "linear": "linear"}


class MicroBatches(Sampler[list[int]]):
    """The batches of a schedule, each cut into `parts` of neighbouring rows, one after another."""

    def __init__(self, schedule: BatchSchedule, parts: int):
        self.schedule, self.parts = schedule, parts
        self.batch_size, self.drop_last = schedule.batch_size // parts, False

    def __iter__(self) -> Iterator[list[int]]:
        for batch in self.schedule:
            for start in range(0, len(batch), self.batch_size):
                yield batch[start : start + self.batch_size]

    def __len__(self) -> int:
        return len(self.schedule) * self.parts


class TwoTaskTrainer(Trainer):
    """Trains an Architecture on encoded rows.

    However a step's rows are spread over processes and micro-batches, its loss is that of the whole step: each task's
    mean over all target tokens of the step. `recent` has the `Losses.means` of each micro-batch of this process since
    it was last emptied; each is a share of its step's.
    """

    # `compute_loss` gives each micro-batch its share of the step's loss.
    loss_is_scaled_for_ga = True

    def __init__(
        self,
        model: Architecture,
        rows: EncodedRows,
        settings: TrainSettings,
        arguments: TrainingArguments,
        callback: TrainerCallback,
    ):
        self.student, self.rows, self.settings = model, rows, settings
        self.recent: list[Tensor] = []
        self.targets: Tensor | None = None
        super().__init__(model=model, args=arguments, callbacks=[callback])
        self.remove_callback(PrinterCallback)

    def create_accelerator_and_postprocess(self) -> None:
        super().create_accelerator_and_postprocess()
        if sharding.is_on():
            sharding.prepare(self.accelerator)
            self.is_fsdp_enabled = True

    @property
    def learning_rate(self) -> float:
        """Of the next step, of all parameters that have no rate of their own."""
        return next(
            group["lr"] for group in self.optimizer.param_groups if group["initial_lr"] == self.settings.learning_rate
        )

    def get_train_dataloader(self) -> DataLoader:
        rows, settings = self.rows, self.settings
        schedule = BatchSchedule(rows.lengths(), settings.batch_rows, settings.steps, settings.seed)
        loader = DataLoader(
            range(len(rows)),  # type: ignore[arg-type]
            # Accelerate deals the parts out to the processes in turn.
            batch_sampler=MicroBatches(schedule, settings.gradient_accumulation * processes.process_count()),
            collate_fn=self._collated,
            pin_memory=self.args.dataloader_pin_memory,
        )
        return self.accelerator.prepare(loader)

    def get_batch_samples(self, epoch_iterator: Iterator, num_batches: int, device: torch.device) -> tuple[list, None]:
        """The micro-batches of a step, each in its parts. Where there are several of either, the targets of the step
        are counted."""
        batches = [batch for _, batch in zip(range(num_batches), epoch_iterator, strict=False)]
        self.targets = None
        if num_batches > 1 or processes.process_count() > 1 or any(len(batch) > 1 for batch in batches):
            counted = torch.stack([self.student.targets(part) for batch in batches for part in batch]).sum(0)
            self.targets = processes.summed(counted.to(device))
        return batches, None

    def compute_loss(self, model: nn.Module, inputs: list[TrainingBatch], *_: Any, **__: Any) -> Tensor:
        parts = [model(part) for part in inputs]
        if self.targets is not None:
            parts = [losses.shares(self.targets) for losses in parts]
        self.recent.append(torch.stack([losses.means() for losses in parts]).sum(0))
        # Gradients are averaged over the processes, while the shares are to be summed.
        label_weight = None if self.settings.mode == "standard" else self.settings.label_weight
        totals = [losses.total(label_weight, self.settings.mutual_information) for losses in parts]
        return processes.process_count() * torch.stack(totals).sum()

    def _collated(self, indices: list[int]) -> list[TrainingBatch]:
        """A micro-batch, in parts where padding would cost more than another pass of the student."""
        if sharding.is_on():
            return [sharding.with_same_passes(self.student, self.student.collate(self.rows, indices))]
        cut = passes(self.student, self.rows, indices) if processes.process_count() == 1 else [indices]
        return [self.student.collate(self.rows, part) for part in cut]

    def create_optimizer(self, model: nn.Module | None = None) -> torch.optim.Optimizer:
        settings, model = self.settings, model or self.model
        own = {id(parameter): settings.embedding_learning_rate for parameter in self.student.embeddings()}
        own |= {id(parameter): settings.head_learning_rate for parameter in self.student.heads()}
        decayed = set(self.get_decay_parameter_names(model))
        self.optimizer = WEIGHT_OPTIMIZERS[settings.optimizer](
            parameter_groups(model.named_parameters(), decayed, own, settings)
        )
        return self.optimizer

    def _save(self, output_dir: str | None = None, state_dict: dict | None = None) -> None:
        """Writes the trained weights, each once where the student shares them; Trainer's own method refuses that.

        Where weights are spread over the processes, accelerate writes them, each process its own part.
        """
        if self.args.should_save and not self.is_fsdp_enabled:
            folder = Path(output_dir or self.args.output_dir)
            folder.mkdir(parents=True, exist_ok=True)
            save_file(trained_weights(self.student), folder / SAFE_WEIGHTS_NAME)

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: nn.Module | None = None) -> None:
        if self.is_fsdp_enabled:
            return super()._load_from_checkpoint(resume_from_checkpoint, model)
        self.student.load_state_dict(load_file(Path(resume_from_checkpoint) / SAFE_WEIGHTS_NAME), strict=False)


def trained_weights(student: nn.Module) -> dict[str, Tensor]:
    """Copies on the CPU of what training changes. Frozen weights never do, and shared ones are there once."""
    trained = {name: value for name, value in student.named_parameters() if value.requires_grad}
    return {name: value.detach().to("cpu", copy=True).contiguous() for name, value in trained.items()}


def recompute_activations(student: nn.Module) -> None:
    """Has the student compute its activations again in the backward pass instead of keeping them.

    Raises SettingsError where its architecture cannot.
    """
    model = next(module for module in student.modules() if isinstance(module, PreTrainedModel))
    try:
        model.activation_checkpointing_enable({"use_reentrant": False})
    except ValueError as error:
        raise SettingsError(f"train.gradient_checkpointing: is true; {error}") from error


def training_arguments(settings: TrainSettings, device: torch.device, folder: Path) -> TrainingArguments:
    """Our settings as Trainer's; what it writes goes to `folder`.

    Raises SettingsError where the device lacks the precision, or the rows of a step cannot be dealt out evenly.
    """
    if settings.precision == "bf16" and device.type == "cuda" and not torch.cuda.is_bf16_supported():
        raise SettingsError(f"train.precision: is bf16, which {torch.cuda.get_device_name()} cannot; set it to fp32")
    parts = settings.gradient_accumulation * processes.process_count()
    if settings.batch_rows % parts:
        raise SettingsError(
            f"train.batch_rows: is {settings.batch_rows}; it must be a multiple of {parts}: train.gradient_accumulation"
            f" ({settings.gradient_accumulation}) times the processes ({processes.process_count()})"
        )
    # The precision of params.yaml holds, not the one that `accelerate launch` may have set.
    os.environ["ACCELERATE_MIXED_PRECISION"] = "no"
    arguments = TrainingArguments(
        output_dir=str(folder),
        max_steps=settings.steps,
        per_device_train_batch_size=settings.batch_rows // parts,
        gradient_accumulation_steps=settings.gradient_accumulation,
        learning_rate=settings.learning_rate,
        lr_scheduler_type=SCHEDULES[settings.schedule],
        warmup_steps=settings.warmup_steps,
        max_grad_norm=settings.max_gradient_norm or 0.0,
        bf16=settings.precision == "bf16",
        seed=settings.seed,
        use_cpu=device.type == "cpu",
        dataloader_pin_memory=device.type != "cpu",
        # A loss that is not finite must be seen, not averaged away.
        logging_nan_inf_filter=False,
        logging_strategy="no",
        eval_strategy="no",
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        remove_unused_columns=False,
    )
    # One process uses one device: Trainer would copy the student to every GPU that it sees (DataParallel).
    arguments._n_gpu = min(arguments.n_gpu, 1)
    return arguments


# What torch's optimizers take.
ParameterGroups = list[dict[str, Any]]


def parameter_groups(
    parameters: Iterable[tuple[str, nn.Parameter]],
    decayed: set[str],
    own: Mapping[int, float | None],
    settings: TrainSettings,
) -> ParameterGroups:
    """The trained parameters by learning rate and weight decay, for every optimizer alike.

    decayed: names of the parameters that are decayed. own: rates of single parameters by `id`; None stands for
    `train.learning_rate`.
    """
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in parameters:
        if parameter.requires_grad:
            key = (own.get(id(parameter)) or settings.learning_rate, settings.weight_decay if name in decayed else 0.0)
            groups.setdefault(key, []).append(parameter)
    return [{"params": group, "lr": rate, "weight_decay": decay} for (rate, decay), group in groups.items()]


def _adamw(groups: ParameterGroups) -> torch.optim.Optimizer:
    return torch.optim.AdamW(groups, fused=True)


def _adafactor(groups: ParameterGroups) -> torch.optim.Optimizer:
    """Factored second moments (arXiv 1804.04235) without momentum, at the given rates instead of relative steps."""
    return Adafactor(groups, scale_parameter=False, relative_step=False, warmup_init=False)


WEIGHT_OPTIMIZERS: dict[str, Callable[[ParameterGroups], torch.optim.Optimizer]] = {
    "adamw": _adamw,
    "adafactor": _adafactor,
}
