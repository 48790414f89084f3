"""`python` and `dvc` of scratch repositories: scripts and DVC run in a fork of warm_python.py, all else as ever."""

import os
import signal
import sys


def main() -> int:
    argv = ["-m", "dvc"] * (os.path.basename(sys.argv[0]) == "dvc") + sys.argv[1:]
    is_script = bool(argv) and argv[0].endswith(".py")
    is_dvc = argv[:2] == ["-m", "dvc"] and "queue-worker" not in argv
    if not (is_script or is_dvc) or "PYTHONPATH" in os.environ:
        os.execv(sys.executable, [sys.executable, *argv])
    import json
    import socket

    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
        server.connect(os.path.join(os.path.dirname(os.path.abspath(__file__)), "socket"))
        order = {"argv": argv, "folder": os.getcwd(), "environment": dict(os.environ)}
        socket.send_fds(server, [b"+"], [0, 1, 2])
        server.sendall(json.dumps(order).encode() + b"\n")
        answers = server.makefile()
        child = int(answers.readline())
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda number, _: os.kill(child, number))
        code = int(answers.readline())
    if code < 0:
        signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    return code


if __name__ == "__main__":
    sys.exit(main())
