"""Python's start of scratch repositories: a fork of one process that has imported what most scripts import.

The imports of DVC, or of torch and transformers, take longer than what a test then runs. scratch.py starts this process
and puts warm_client.py on the PATH as `python`; that sends what it was called with, and its open files, over a socket.
The library itself is imported by each fork, from the repository that the script is in.
"""

import atexit
import contextlib
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import sys
import threading
from collections.abc import Callable
from pathlib import Path

SECONDS = 400  # after which a fork is stopped
DVC = (
    *(f"dvc.{name}" for name in ("cli.parser", "data_cloud", "dvcfile", "repo.reproduce", "repo.index", "repo.plots")),
    *(f"dvc.{name}" for name in ("repo.stage", "repo.experiments.show", "repo.experiments.queue.tempdir")),
    *("dvc_data.hashfile.db.local", "dvc_render", "ruamel.yaml", "pygit2", "dulwich.repo", "networkx", "flatten_dict"),
)
MODELS = (
    *(f"transformers.models.{name}.modeling_{name}" for name in ("t5", "bert", "llama")),
    *("transformers.models.auto.modeling_auto", "transformers.trainer", "peft"),
)
SCRIPTS = ("yaml", "numpy", "openai", "aiohttp.web", "tokenizers", "matplotlib.figure")
WITH_A_MODEL = ("distill.student", "distill.evaluation.assessment", "distill.diagnostics")


def needed(argv: list[str], folder: str) -> tuple[str, ...]:
    """What is imported before the fork."""
    if argv[0] == "-m":
        return DVC
    text = Path(folder, argv[0]).read_text(encoding="utf-8")
    if "distill" not in text:
        return ("yaml",)
    return SCRIPTS + (MODELS if any(name in text for name in WITH_A_MODEL) else ())


def run(argv: list[str], folder: str, environment: dict[str, str], client: str) -> None:
    """`python ARGV` as from a prompt in the folder."""
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.executable = client
    signal.alarm(SECONDS)
    if argv[0] == "-m":
        import dvc.cli

        sys.argv = ["dvc", *argv[2:]]
        sys.exit(dvc.cli.main(sys.argv[1:]))
    sys.argv = argv
    sys.path[0] = str(Path(argv[0]).absolute().parent)
    runpy.run_path(argv[0], run_name="__main__")


def serve(connection: socket.socket, client: str) -> dict | None:
    """In this process None. In the fork that is to run it: what to run."""
    _, files, _, _ = socket.recv_fds(connection, 1, 3)
    order = json.loads(connection.makefile().readline())
    with contextlib.suppress(OSError):  # there may be no such script: the fork says so
        for name in needed(order["argv"], order["folder"]):
            importlib.import_module(name)
    gc.collect()
    gc.freeze()
    if os.fork():
        for file in files:
            os.close(file)
        connection.close()
        return None
    child = os.fork()
    if child:
        with contextlib.suppress(BrokenPipeError):  # the client was killed
            connection.send(b"%d\n" % os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        os._exit(0)
    if (group := order.pop("group")) is not None:
        try:
            os.setpgid(0, group)
        except OSError:  # the client was killed, and its group with it
            os._exit(1)
    with contextlib.suppress(BrokenPipeError):
        connection.send(b"%d\n" % os.getpid())  # now: no signal to the group is lost from here on
    connection.close()
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    return order | {"client": client}


def main(folder: str) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(f"{folder}/socket")
        listener.listen(64)
        print("ready", flush=True)
        while listener in select.select([listener, sys.stdin], [], [])[0]:
            if order := serve(listener.accept()[0], f"{folder}/python"):
                break
            with contextlib.suppress(ChildProcessError):
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass
        else:
            return
    leave(lambda: run(**order))


def leave(work: Callable[[], None]) -> None:
    """Ends this process with `work` as Python does, but takes no module apart: of a fork that copies all its memory."""
    code: object = 0
    try:
        work()
    except SystemExit as wanted:
        code = wanted.code or 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
        code = 1
    if not isinstance(code, int):
        print(code, file=sys.stderr)
        code = 1
    threading._shutdown()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    main(sys.argv[1])
