"""`python` and `dvc` of scratch repositories: scripts and DVC run in a fork of warm_python.py, all else as ever.

With WARM_GROUP set the fork joins this process's group, and gets the group's signals as the script itself would; else
they are passed on to it. WARM_PID names a file for the id of the first of such forks.
"""

import os
import signal
import sys


def starter() -> str:
    """The process behind the shell in which DVC starts a stage; the fork's own parent is another."""
    with open(f"/proc/{os.getppid()}/stat") as file:
        name, _, fields = file.read().partition("(")[2].rpartition(")")
    return fields.split()[1] if name in ("sh", "dash", "bash") else str(os.getppid())


def main() -> int:
    argv = ["-m", "dvc"] * (os.path.basename(sys.argv[0]) == "dvc") + sys.argv[1:]
    is_script = bool(argv) and argv[0].endswith(".py")
    is_dvc = argv[:2] == ["-m", "dvc"] and "queue-worker" not in argv
    if not (is_script or is_dvc) or "PYTHONPATH" in os.environ:
        os.execv(sys.executable, [sys.executable, *argv])
    import json
    import socket

    early: list[int] = []  # what came before the fork was in the group
    signals, together = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP), "WARM_GROUP" in os.environ
    if together:
        for number in signals:
            signal.signal(number, lambda number, _: early.append(number))
    if "DVC_STAGE" in os.environ and os.path.exists("/proc/self/stat"):
        os.environ["DISTILL_PARENT"] = starter()
    file = os.environ.pop("WARM_PID", None)

    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
        server.connect(os.path.join(os.path.dirname(os.path.abspath(__file__)), "socket"))
        order = {"argv": argv, "folder": os.getcwd(), "environment": dict(os.environ)}
        order["group"] = os.getpgid(0) if together else None
        socket.send_fds(server, [b"+"], [0, 1, 2])
        server.sendall(json.dumps(order).encode() + b"\n")
        answers = server.makefile()
        child = int(answers.readline())
        if file:
            with open(file, "w") as out:
                out.write(str(child))
        for number in signals:
            signal.signal(number, signal.SIG_IGN if together else lambda number, _: os.kill(child, number))
        for number in early:
            os.kill(child, number)
        code = int(answers.readline())
    if code < 0:
        if -code != signal.SIGKILL:
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    return code


if __name__ == "__main__":
    sys.exit(main())
