"""From settings to a teacher: who answers, where, and with which key."""

from __future__ import annotations

import ipaddress
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from distill import paths
from distill.errors import UserError
from distill.progress import CLEAR_LINE
from distill.settings.loader import SettingsError
from distill.teacher.anthropic_batches import AnthropicBatches
from distill.teacher.batch_api import BatchApi
from distill.teacher.batch_ledger import open_batches
from distill.teacher.client import Client
from distill.teacher.dialect import OutputLimit
from distill.teacher.exchange import TeacherError
from distill.teacher.servers import Servers
from distill.teacher.session import Session
from distill.teacher.store import Store
from distill.teacher.teacher import Teacher

if TYPE_CHECKING:
    from distill.settings import Settings
    from distill.teacher.local import LocalModel

# The file that the simulated teacher knows unless params.yaml names another.
PRACTICE = Path("data/examples/practice.yaml")
VENDOR = "https://api.openai.com/v1"
_ANTHROPIC = "api.anthropic.com"
_NO_KEY = "no-key"  # what local servers are told, as the client insists on one

# Stages of many rounds, each made from the answers to the one before: a batch a round would take days.
_ALWAYS_LIVE = frozenset(("optimize_prompt",))


@contextmanager
def open_teacher(settings: Settings, stage: str) -> Iterator[Teacher]:
    """The teacher that `settings.teacher` names; `stage` is who pays.

    Raises StoreError where the store cannot be used.
    """
    provider = settings.teacher.provider
    if provider == "recorded":
        from distill.teacher.recorded import RecordedTeacher

        yield RecordedTeacher(settings, stage)
    elif provider == "simulated":
        from distill.teacher.simulated import serve

        if settings.task.name == "table" and Path(settings.teacher.path) == PRACTICE:
            raise SettingsError(
                f"teacher.provider: is simulated, and what {PRACTICE} lets it know is the practice task, not"
                f" {settings.task.hub or settings.task.path}; name a teacher:"
                " python stages/start.py FILE --model MODEL [--base-url URL]"
            )
        with serve(Path(settings.teacher.path)) as server:
            description = f"{settings.teacher.model}, simulated: no LLM was asked"
            yield from _opened(settings, stage, (server.base_url,), server.identity, description, simulated=True)
    elif provider == "local":
        from distill.teacher.local import LocalModel

        with LocalModel(settings) as model:
            yield from _opened(settings, stage, (), model.endpoint, model.description, simulated=False, local=model)
    else:
        addresses = settings.teacher.addresses or (VENDOR,)
        endpoint = _endpoint(settings)
        yield from _opened(
            settings, stage, addresses, endpoint, f"{settings.teacher.model} at {endpoint}", simulated=False
        )


def _opened(
    settings: Settings, stage: str, addresses: Sequence[str], endpoint: str, description: str, *, simulated: bool,
    local: LocalModel | None = None,
) -> Iterator[Teacher]:  # fmt: skip
    # The key is read, and a local model loaded, when something has to be asked: what is stored needs neither.
    teacher_settings, runtime = settings.teacher, local.runtime if local else settings.runtime

    @cache
    def client() -> Client | Servers:
        if local:
            return local.client(say)
        limit, key = OutputLimit(teacher_settings.max_tokens_field, say), secret(addresses, runtime.key_env)
        clients = {
            address: Client(address, key, runtime.timeout_s, runtime.max_body_bytes, limit) for address in addresses
        }
        return Servers(clients, say) if len(clients) > 1 else clients[addresses[0]]

    def say(line: str) -> None:
        # A progress bar may stand on the terminal's line.
        print(f"{CLEAR_LINE if sys.stderr.isatty() else ''}{stage}: {line}", file=sys.stderr, flush=True)

    def batch_api() -> BatchApi:
        return _batch_api(settings, addresses[0], endpoint)

    mode, field = teacher_settings.mode, teacher_settings.max_tokens_field
    if stage in _ALWAYS_LIVE and mode == "batch":
        mode = "live"
        print(
            f"{stage}: asked live, as each round of the search waits for the one before; teacher.mode batch is for "
            "annotate",
            flush=True,
        )
    session = Session(
        endpoint, description, stage, paths.store(), runtime, client, batch_api, mode, simulated,
        teacher_settings.logprobs, settings.annotate.rationale_from == "thought",
        "max_tokens" if field == "auto" else field,
        teacher_settings.row_errors,
    )  # fmt: skip
    teacher = Teacher(session)
    try:
        yield teacher
    except (UserError, KeyboardInterrupt):
        if teacher.bill.paid.calls:
            print(f"{stage}: until it stopped: {teacher.bill.closing_line()}", file=sys.stderr, flush=True)
        raise
    finally:
        teacher.close()


@contextmanager
def open_batch_api(settings: Settings) -> Iterator[BatchApi]:
    """The Batch API of the endpoint that `settings.teacher` names. Raises TeacherError for another provider."""
    if settings.teacher.provider != "openai":
        raise TeacherError(f"teacher.provider is {settings.teacher.provider}: batches are for openai")
    addresses = settings.teacher.addresses or (VENDOR,)
    if len(addresses) > 1:
        raise TeacherError("teacher.base_url is a list: name the one server whose batches are meant")
    api = _batch_api(settings, addresses[0], _endpoint(settings))
    try:
        yield api
    finally:
        api.close()


def _batch_api(settings: Settings, address: str, endpoint: str) -> BatchApi:
    runtime = settings.runtime
    server = (address, secret((address,), runtime.key_env), runtime.timeout_s, runtime.max_retries)
    by_host = "anthropic" if urlsplit(address).hostname == _ANTHROPIC else "openai"
    if (by_host if runtime.batch_api == "auto" else runtime.batch_api) == "openai":
        return BatchApi(*server, runtime.max_body_bytes, endpoint)

    def our_ids() -> set[str]:
        with Store(paths.store(), read_only=True) as store:
            return {batch.id for batch in open_batches(store) if batch.id}

    return AnthropicBatches(*server, runtime.max_body_bytes, endpoint, our_ids)


def _endpoint(settings: Settings) -> str:
    """What stands for the server or servers in every key."""
    return settings.teacher.endpoint_name or (settings.teacher.addresses or (VENDOR,))[0]


def secret(addresses: Sequence[str], key_env: str) -> str:
    """The key, from the environment alone; a dummy where all servers are on this machine or network.

    Raises TeacherError without a key, and on one that no server can have given out; the message does not show it.
    """
    key = os.environ.get(key_env, "")
    if fault := _fault(key):
        raise TeacherError(
            f"the key in the environment variable {key_env} {fault}: set it anew, as with "
            f"export {key_env}=\"$(tr -d '[:space:]' < FILE)\""
        )
    if key:
        return key
    remote = [address for address in addresses if not is_local(address)]
    if not remote:
        return _NO_KEY
    raise TeacherError(
        f"{remote[0]} needs a key: set the environment variable {key_env}, or name another in runtime.key_env"
    )


def _fault(key: str) -> str | None:
    """What is wrong with a key, in words that do not hold it; None where it can be sent."""
    if key != key.strip():
        return "has white space or a line break at its beginning or end"
    if any(character.isspace() or not character.isprintable() for character in key):
        return "has white space or a control character in it"
    if not key.isascii():
        return "has a character in it that is not ASCII, as a curly quotation mark or a dash from a text program"
    if key[:1] in ("'", '"'):
        return "begins with a quotation mark"
    return None


def is_local(base_url: str) -> bool:
    """Whether an address is of this machine or a private network, where servers usually need no key."""
    host = urlsplit(base_url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return host == "localhost" or "." not in host or host.endswith((".local", ".internal", ".localhost"))
