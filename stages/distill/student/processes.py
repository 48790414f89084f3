"""The processes that train one student together: how they start, and what they agree on.

One process is the rule. `accelerate launch` starts more, and gives each its number in the environment.
"""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path
from typing import TypeVar

import torch
import yaml
from accelerate import PartialState
from accelerate.utils import broadcast_object_list
from torch import Tensor

from distill.errors import UserError
from distill.parents import PARENT
from distill.settings import SettingsError
from distill.settings.runtime import RuntimeSettings

_T = TypeVar("_T")

# `accelerate launch` sets both, whatever it launches.
_LAUNCHED = ("ACCELERATE_MIXED_PRECISION", "WORLD_SIZE")


def launch(runtime: RuntimeSettings) -> None:
    """Does as `accelerate launch` of the same script, and then exits, where the settings ask for several processes.

    Returns where one is enough, and in the processes so launched, which end with this one. Raises SettingsError on more
    processes than the machine has cores and GPUs, and on a configuration file that is not there, or that asks for what
    `check_distribution` refuses; UserError where one of the processes fails.
    """
    wanted = runtime.processes > 1 or runtime.accelerate_config is not None
    if not wanted or any(name in os.environ for name in _LAUNCHED):
        return
    if runtime.accelerate_config is None:
        most = max(2, os.cpu_count() or 1, torch.cuda.device_count())
        if runtime.processes > most:
            raise SettingsError(
                f"runtime.processes: is {runtime.processes}; allowed on this machine: at most {most}, the larger of its"
                f" cores ({os.cpu_count()}) and GPUs ({torch.cuda.device_count()}), and never fewer than 2"
            )
        # On CPUs too: accelerate's own --cpu starts one process alone, unless MPI is there to start more.
        options = (
            f"--multi_gpu --num_processes {runtime.processes} --num_machines 1 --mixed_precision no --dynamo_backend no"
        ).split()
    else:
        file = Path(runtime.accelerate_config).expanduser()
        if not file.is_file():
            raise SettingsError(
                f"runtime.accelerate_config: {file} is no file; `accelerate config --config_file {file}` writes one"
            )
        config = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
        check_distribution(config.get("distributed_type"), (config.get("fsdp_config") or {}).get("fsdp_version"))
        options = ["--config_file", str(file)]
    os.environ.setdefault("OMP_NUM_THREADS", str(runtime.threads))
    # Else torch warns in every process that it looked in vain for weights without a gradient.
    os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")
    logging.getLogger("torch.distributed.elastic").setLevel(logging.ERROR)  # which says what the stage says
    os.environ[PARENT] = str(os.getpid())
    sys.stdout.flush()
    from accelerate.commands import launch as accelerate
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError

    try:
        accelerate.launch_command(accelerate.launch_command_parser().parse_args([*options, *sys.argv]))
    except SignalException as stopped:
        raise KeyboardInterrupt(stopped.sigval) from stopped
    except ChildFailedError as failed:
        rank, failure = failed.get_first_failure()
        raise UserError(
            f"process {rank} of those that train together ended with exit status {failure.exitcode}; what it said"
            " stands above, and a negative status is a signal, perhaps for want of memory"
        ) from failed
    sys.exit(0)


def check_distribution(kind: str | None, fsdp_version: int | str | None) -> None:
    """Raises SettingsError on accelerate's ways to train that are not supported here."""
    if kind == "DEEPSPEED":
        raise SettingsError(
            "runtime.accelerate_config: asks for DeepSpeed; set distributed_type to FSDP, which spreads the weights too"
        )
    if kind == "FSDP" and str(fsdp_version) != "2":
        raise SettingsError(
            f"runtime.accelerate_config: fsdp_version is {fsdp_version or 'not there'}; set it to 2, as version 1 is on"
            " its way out of torch and Trainer"
        )


def join(runtime: RuntimeSettings) -> None:
    """Meets the other processes, before anything is put on a device."""
    if process_count() > 1:
        PartialState(cpu=runtime.device == "cpu" or not torch.cuda.is_available())


def process_count() -> int:
    """How many processes train together."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def is_first() -> bool:
    """Whether this process is the first, which alone judges, writes and prints."""
    return int(os.environ.get("RANK", "0")) == 0


def agreed(value: _T) -> _T:
    """The first process's value, in all of them."""
    return broadcast_object_list([value])[0] if process_count() > 1 else value


def summed(values: Tensor) -> Tensor:
    """The sum over the processes of tensors of one shape, in all of them."""
    if process_count() > 1:
        torch.distributed.all_reduce(values)
    return values


def wait() -> None:
    """Waits until all processes are here."""
    if process_count() > 1:
        torch.distributed.barrier()
