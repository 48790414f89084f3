"""DVC's commands, each in a fork of one process that has DVC imported already: the imports take longer than most of
the commands. Started by scratch.py, which writes one JSON line a command and reads its exit code."""

import importlib
import json
import os
import signal
import sys

import dvc.cli
from dvc.cli.parser import get_main_parser

PRELOADED = (
    "data_cloud",
    "dvcfile",
    "repo.reproduce",
    "repo.index",
    "repo.plots",
    "repo.stage",
    "repo.experiments.show",
    "repo.experiments.queue.tempdir",
)
OTHERS = (
    "dvc_data.hashfile.db.local",
    "dvc_render",
    "ruamel.yaml",
    "pygit2",
    "dulwich.repo",
    "networkx",
    "flatten_dict",
)
SECONDS = 400


def run(arguments: list[str], folder: str, environment: dict[str, str], log: str) -> int:
    """Exit code of `dvc ARGUMENTS` as from a prompt in the folder; what it prints goes to the log."""
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 1)
    os.dup2(1, 2)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["dvc", *arguments]
    signal.alarm(SECONDS)
    return dvc.cli.main(arguments)


def main() -> None:
    get_main_parser()
    for name in [*(f"dvc.{name}" for name in PRELOADED), *OTHERS]:
        importlib.import_module(name)
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            sys.exit(run(**json.loads(line)))
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


if __name__ == "__main__":
    main()
