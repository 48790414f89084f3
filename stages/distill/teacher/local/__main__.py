"""Serves a GGUF file with llama.cpp, on a free port of loopback, until the process that started it ends or kills it.

It reads what to serve from standard input, a line of JSON, so that the server's key stands on no command line, and
writes its address to standard output once the model is loaded.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from typing import Any

from distill.parents import loss_noticed

_ERRORS = 1  # llama.cpp's verbosity at which it writes errors alone


def main() -> None:
    # The stage decides when it ends: calls in flight are finished, whoever else gets a terminal's or Slurm's signal.
    for name in ("SIGINT", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _end_without_parent)
    what: dict[str, Any] = json.loads(sys.stdin.readline())
    address = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # nothing that llama.cpp writes is taken for the address
    try:
        server = _server(what)
    except RuntimeError as error:
        sys.exit(str(error))
    print(server.listening_address, file=address, flush=True)
    threading.Event().wait()


def _server(what: dict[str, Any]) -> Any:
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = what["path"]
    params.model_alias = {what["name"]}
    params.n_parallel, params.n_ctx = what["slots"], what["slots"] * what["context"]
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = what["threads"]
    params.api_keys = [what["key"]]
    params.hostnames, params.port = ["127.0.0.1"], 0
    params.endpoint_slots = params.ui = False
    params.cache_ram_mib = 0  # by default it keeps up to 8 GB of old prompts
    params.verbosity = _ERRORS
    return xllamacpp.Server(params)


def _end_without_parent(*_: object) -> None:
    if loss_noticed():
        os._exit(0)


if __name__ == "__main__":
    main()
