"""What an open teacher and its workers share: settings that stay, and jobs that go to and fro."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from distill.settings.runtime import RuntimeSettings
from distill.teacher.batch_api import BatchApi
from distill.teacher.client import Client
from distill.teacher.exchange import Request, Usage
from distill.teacher.servers import Servers
from distill.teacher.store import Mode, Stored


@dataclass(frozen=True)
class Session:
    """Who is asked, for which stage, and how.

    `endpoint` is part of every key: the server's address, its name, or the identity of the simulated teacher.
    `thoughts` says that replies carry what the teacher thought. `row_errors` are patterns of messages that concern one
    row alone.
    """

    endpoint: str
    description: str
    stage: str
    store: Path
    runtime: RuntimeSettings
    client: Callable[[], Client | Servers]
    batch_api: Callable[[], BatchApi]
    mode: Mode
    simulated: bool
    logprobs: bool
    thoughts: bool
    output_limit: str
    row_errors: tuple[str, ...] = ()


@dataclass(slots=True, eq=False)
class Job:
    """A question that the store cannot answer, and the requests that wait for it.

    `expected_in` and `expected_out` are the most tokens it should use, which pacing and budget reserve. `held` says
    that the budget holds them back, and `unusable` counts its answers that could not be used.
    """

    key: bytes
    body: bytes
    requests: list[Request]
    expected_in: int
    expected_out: int
    attempts: int = 0
    started: float = 0.0
    held: bool = False
    unusable: int = 0


@dataclass(frozen=True, slots=True)
class Done:
    """A job's end: an answer (`paid` where this run bought it), or why there is none."""

    job: Job
    stored: Stored | None
    paid: bool = False
    why: str | None = None


@dataclass(frozen=True, slots=True)
class SpentCall:
    """A call that brought no answer and is paid: at the server's usage; where it is `lost`, at the most it may cost.

    `again_s` is the seconds until the call is made again; None where it is not.
    """

    job: Job
    usage: Usage
    lost: bool
    again_s: float | None


@dataclass(frozen=True, slots=True)
class Stopped:
    """The last thing that workers hand back: they ask nothing more. `error` is why; None after an interrupt."""

    error: BaseException | None
