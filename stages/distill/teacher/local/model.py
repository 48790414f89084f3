"""A local model as the stage sees it: its server starts when something has to be asked, and ends with the stage."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import os
import re
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING

from distill.parents import PARENT
from distill.settings.runtime import RuntimeSettings
from distill.teacher.client import CallResult, Client
from distill.teacher.exchange import TeacherError
from distill.teacher.local.model_file import model_file
from distill.visible import one_line

if TYPE_CHECKING:
    from distill.settings import Settings

_PACKAGE = "xllamacpp"
_PATIENCE_S = 3600.0  # for one answer at least: a machine that is slow or busy does not fail
_LIBRARY = Path(__file__).resolve().parents[3]
_REASON = re.compile(r"(?:error loading model|failed to initialize the context): (.+)")  # llama.cpp's words
_SHOWN_DIGITS = 12


class LocalModel:
    """A GGUF file that this machine runs. A context manager: whatever was started ends with the block.

    endpoint: what stands for the model in every key: the SHA-256 of its file, and the context, by which a prompt may be
    too long and an answer cut. runtime: the settings, with as many calls in flight as there are slots.
    """

    def __init__(self, settings: Settings):
        self._model, self._teacher, self._local = settings.teacher.model, settings.teacher.local, settings.runtime.local
        self._sha256 = self._teacher.sha256 or ""
        self.endpoint = f"gguf sha256:{self._sha256} context:{self._teacher.context_tokens}"
        self.description = f"{self._model}, a GGUF file on this machine (SHA-256 {self._sha256[:_SHOWN_DIGITS]}…)"
        self.runtime: RuntimeSettings = replace(
            settings.runtime,
            concurrency=min(settings.runtime.concurrency, self._local.slots),
            timeout_s=max(settings.runtime.timeout_s, _PATIENCE_S),
        )
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> LocalModel:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process:
            self._process.kill()  # it has nothing to finish
            self._process.communicate()
            self._log.close()

    def client(self, say: Callable[[str], None]) -> Client:
        """A client of the server, which is started, and answers. `say` tells the user what runs.

        Raises TeacherError where xllamacpp is not installed, and where the file is not there, cannot be loaded, or is
        another one.
        """
        if importlib.util.find_spec(_PACKAGE) is None:
            raise TeacherError(
                f"teacher.provider: is local, and {_PACKAGE} is not installed: pip install -r requirements-local.txt"
            )
        path = model_file(self._local.file, self._sha256)
        slots, context = self._local.slots, self._teacher.context_tokens
        threads, why = (self._local.threads, "") if self._local.threads else free_threads()
        say(f"llama.cpp loads {path}: {slots} slots of {context:,} tokens, threads: {threads}{why}")
        key = secrets.token_hex(16)
        address = self._start(
            {
                "path": str(path),
                "slots": slots,
                "context": context,
                "threads": threads,
                "key": key,
                "name": f"{self._model} sha256:{self._sha256[:_SHOWN_DIGITS]} "
                f"{_PACKAGE}:{importlib.metadata.version(_PACKAGE)}",
            }
        )
        return _LocalClient(address, key, self.runtime.timeout_s, self.runtime.max_body_bytes, self._check)

    def _start(self, what: dict[str, str | int]) -> str:
        """The address of a new server that answers."""
        self._log: IO[str] = tempfile.TemporaryFile("w+", errors="replace")  # noqa: SIM115
        search_path = os.pathsep.join(filter(None, [str(_LIBRARY), os.environ.get("PYTHONPATH")]))
        self._process = subprocess.Popen(
            [sys.executable, "-m", "distill.teacher.local"],
            env=os.environ | {"PYTHONPATH": search_path, PARENT: str(os.getpid())},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )
        assert self._process.stdin and self._process.stdout
        with suppress(BrokenPipeError):  # the last words say why
            self._process.stdin.write(json.dumps(what) + "\n")
            self._process.stdin.flush()
        address = self._process.stdout.readline().strip()
        if not address:
            self._process.wait()
            raise TeacherError(f"runtime.local.file: {what['path']} cannot be served: {self._last_words()}")
        return f"{address}/v1"

    def _check(self) -> None:
        """Raises TeacherError where the server is gone."""
        if self._process and self._process.poll() is not None:
            raise TeacherError(f"the local model's server ended: {self._last_words()}")

    def _last_words(self) -> str:
        assert self._process
        self._log.seek(0)
        return why_it_ended(self._log.read(), self._process.returncode)


def why_it_ended(log: str, status: int) -> str:
    """In one line why a server ended, from what it wrote and its exit status, below 0 the signal that ended it."""
    if status < 0:
        return f"signal {-status}, perhaps for want of memory: lower runtime.local.slots"
    if reason := _REASON.search(log):
        advice = ": lower runtime.local.slots or teacher.local.context_tokens" if "allocate" in reason[1] else ""
        return one_line(reason[1], 300) + advice
    lines = [line for line in log.splitlines() if line.strip()]
    return one_line(lines[-1], 300) if lines else f"exit status {status}"


class _LocalClient(Client):
    """Goes through no proxy, as the server is on this machine. A call that fails because the server is gone is not made
    again, but says so."""

    def __init__(self, base_url: str, key: str, timeout_s: float, most_bytes: int, check: Callable[[], None]):
        super().__init__(base_url, key, timeout_s, most_bytes)
        self._proxy, self._check = None, check

    async def send(self, body: bytes, sample: int = 0) -> CallResult:
        result = await super().send(body, sample)
        if result.symptom is not None:
            self._check()
        return result


def free_threads() -> tuple[int, str]:
    """As many threads as cores are free in the last minute, at least 1, and why. Threads of llama.cpp that have to
    wait for a core make all others wait."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    return max(1, round(cores - load)), f" ({cores} cores, load {load:.1f})"
