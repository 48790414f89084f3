"""Kills the asking process at random moments, and lets the server's own count judge.

run     python benchmarks/kill_asking.py --kills 1000     # about ten minutes
        python benchmarks/kill_asking.py --kills 20       # what the test suite runs

All stages, other signals and DVC are killed by kill_test.py; this one kills faster, many processes on one store too.

An epoch has a store and rows of its own. Process after process asks for the rows and is killed with
SIGKILL after a random time; the last one may finish. Then four processes ask for other rows on one store
at the same time, and two of them are killed. After each kill, and at the end:

lost        rows that were handed to the consumer, or stored before, and are not in the store
stale       rows whose stored answer is not the server's answer to them
paid twice  calls beyond the first for a row, but for those that a kill found in flight (called, not stored)

Prints one JSON object; exits with 1 unless the three are 0.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import select
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import urllib.request
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from distill.settings import Settings

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "stages"))

AT_ONCE = 16
LATENCY_S = (0.002, 0.03)
KILLS_AN_EPOCH = 20
LONGEST_LIFE_S = 0.3
ROWS = 1200


def serve() -> None:
    """Answers each question with its own text, after a random time; GET /counts gives the calls of each."""
    from aiohttp import web

    counts: Counter[str] = Counter()
    in_flight = 0

    async def chat(request: web.Request) -> web.Response:
        nonlocal in_flight
        said = (await request.json())["messages"][-1]["content"]
        counts[said] += 1
        in_flight += 1
        try:
            await asyncio.sleep(random.uniform(*LATENCY_S))
        finally:
            in_flight -= 1
        message = {"role": "assistant", "content": f"answer to {said}"}
        usage = {"prompt_tokens": 5, "completion_tokens": 5}
        return web.json_response(
            {"model": "m", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}], "usage": usage}
        )

    async def told(request: web.Request) -> web.Response:
        return web.json_response({"counts": counts, "in_flight": in_flight})

    async def main() -> None:
        app = web.Application()
        app.router.add_post("/v1/chat/completions", chat)
        app.router.add_get("/counts", told)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        print(runner.addresses[0][1], flush=True)
        await asyncio.Event().wait()

    asyncio.run(main())


@dataclass
class Verdict:
    kills: int = 0
    kills_with_calls_in_flight: int = 0
    rows: int = 0
    calls: int = 0
    calls_in_flight_at_a_kill: int = 0
    most_in_flight_at_a_kill: int = 0
    lost: int = 0
    stale: int = 0
    paid_twice: int = 0


@dataclass
class Life:
    """A forked process that asks; `told` are the rows it handed to its consumer so far."""

    pid: int
    pipe: int
    told: set[str] = field(default_factory=set)
    rest: bytes = b""

    def read(self, timeout_s: float) -> bool:
        """Reads what the process says, for at most `timeout_s`; False once it has ended."""
        until = time.monotonic() + timeout_s
        while (left := until - time.monotonic()) > 0:
            if not select.select([self.pipe], [], [], left)[0]:
                return True
            if not self._take():
                return False
        return True

    def _take(self) -> bool:
        content = os.read(self.pipe, 1 << 16)
        *lines, self.rest = (self.rest + content).split(b"\n")
        self.told.update(line.decode() for line in lines)
        return bool(content)

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        self.finish()

    def finish(self) -> int:
        """Reads to the end and reaps; the exit status, negative for a signal."""
        while self._take():
            pass
        os.close(self.pipe)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


class Epoch:
    """One store and its rows, the counts of the server that belong to them, and the verdict so far."""

    def __init__(self, base_url: str, name: str, rows: int, verdict: Verdict, luck: random.Random, settings: Settings):
        self.base_url, self.verdict, self.luck = base_url, verdict, luck
        self.settings = replace(
            settings,
            teacher=replace(settings.teacher, provider="openai", base_url=f"{base_url}/v1", model="m"),
            runtime=replace(settings.runtime, concurrency=AT_ONCE),
        )
        self.rows = [f"{name} row {number}" for number in range(rows)]
        self.excused: Counter[str] = Counter()
        self.before: Counter[str] = Counter()
        self.were_stored: set[str] = set()
        verdict.rows += rows

    def live(self, rows: Sequence[str]) -> Life:
        """Forks a process that asks for the rows; the modules are loaded before, so that it asks at once."""
        reading, writing = os.pipe()
        pid = os.fork()
        if pid:
            os.close(writing)
            return Life(pid, reading)
        os.close(reading)
        status = 1
        try:
            self._ask(rows, writing)
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)

    def _ask(self, rows: Sequence[str], pipe: int) -> None:
        from distill.teacher import Request, open_teacher

        requests = (Request(row, ({"role": "user", "content": row},), "m", 0.0, 1.0, 50) for row in rows)
        with open_teacher(self.settings, "kill_asking") as teacher:
            for reply in teacher.ask(requests):
                if reply.text != f"answer to {reply.row_id}":
                    raise SystemExit(f"{reply.row_id}: {reply.text!r}, {reply.failure}")
                os.write(pipe, f"{reply.row_id}\n".encode())

    def calls(self) -> Counter[str]:
        """The server's count for our rows, once it has nothing in flight."""
        previous: Counter[str] | None = None
        while True:
            with urllib.request.urlopen(f"{self.base_url}/counts") as answer:
                said = json.load(answer)
            mine = set(self.rows)
            counts = Counter({row: count for row, count in said["counts"].items() if row in mine})
            if not said["in_flight"] and counts == previous:
                return counts
            previous = counts
            time.sleep(0.005)

    def judge(self, told: set[str], *, killed: bool) -> None:
        """Compares server and store after a kill, or at the end."""
        counts, stored, verdict = self.calls(), stored_texts(), self.verdict
        verdict.lost += len((told | self.were_stored) - set(stored))
        verdict.stale += sum(text != f"answer to {row}" for row, text in stored.items())
        new_calls = counts - self.before
        if killed:
            in_flight = [row for row in new_calls if row not in stored]
            self.excused.update(in_flight)
            verdict.kills_with_calls_in_flight += bool(in_flight)
            verdict.calls_in_flight_at_a_kill += len(in_flight)
            verdict.most_in_flight_at_a_kill = max(verdict.most_in_flight_at_a_kill, len(in_flight))
        else:
            verdict.lost += len(set(self.rows) - set(stored))
            verdict.paid_twice += sum(max(0, count - 1 - self.excused[row]) for row, count in counts.items())
            verdict.calls += sum(counts.values())
        # A row that was stored before must not have been called since.
        verdict.paid_twice += sum(new_calls[row] for row in self.were_stored)
        self.before, self.were_stored = counts, set(stored)

    def one_after_another(self, kills: int) -> None:
        for _ in range(kills):
            life = self.live(self.rows)
            life.read(self.luck.uniform(0.02, LONGEST_LIFE_S))
            life.kill()
            self.verdict.kills += 1
            self.judge(life.told, killed=True)
        self.finish([self.live(self.rows)])

    def side_by_side(self, processes: int, kills: int) -> None:
        lives = [self.live(self.luck.sample(self.rows, len(self.rows))) for _ in range(processes)]
        time.sleep(self.luck.uniform(0.05, LONGEST_LIFE_S))
        told: set[str] = set()
        for life in lives[:kills]:
            life.kill()
            told |= life.told
        self.verdict.kills += kills
        # What the dead had in flight is asked again by the others meanwhile: every kill excuses its calls in flight.
        statuses = [life.finish() for life in lives[kills:]]
        for life in lives[kills:]:
            told |= life.told
            self.verdict.lost += len(set(self.rows) - life.told)
        if any(statuses):
            raise SystemExit("a process that was not killed has failed")
        counts = self.calls()
        again = sum(counts.values()) - len(counts)
        self.excused.update(
            {row: count - 1 for row, count in counts.items() if count > 1} if again <= kills * AT_ONCE else {}
        )
        self.judge(told, killed=False)

    def finish(self, lives: list[Life]) -> None:
        for life in lives:
            if life.finish() != 0:
                raise SystemExit("a process that was not killed has failed")
            self.judge(life.told, killed=False)


def stored_texts() -> dict[str, str]:
    """Question and answer of all that the store holds, read past our own code."""
    import sqlite3
    import zlib

    path = Path(os.environ["DISTILL_STORE"])
    if not path.exists():
        return {}
    db = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)
    try:
        rows = db.execute("SELECT request, body FROM answers").fetchall()
    except sqlite3.OperationalError:  # killed before it made its tables
        rows = []
    finally:
        db.close()
    pairs = ((json.loads(zlib.decompress(request)), json.loads(zlib.decompress(body))) for request, body in rows)
    return {request["messages"][-1]["content"]: body["choices"][0]["message"]["content"] for request, body in pairs}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--kills", type=int, default=1000, help="of single processes; 2 more for every 20, among four at once"
    )
    parser.add_argument("--rows", type=int, default=ROWS, help="rows of an epoch of 20 kills")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()

    import aiohttp  # noqa: F401  loaded once, before the forks
    import openai  # noqa: F401

    import distill.teacher.asking  # noqa: F401
    from distill.settings import load_settings

    settings = load_settings(ROOT / "params.yaml")
    verdict, luck = Verdict(), random.Random(given.seed)
    server = subprocess.Popen([sys.executable, __file__, "serve"], stdout=subprocess.PIPE, text=True)
    try:
        base_url = f"http://127.0.0.1:{int(server.stdout.readline())}"
        number = 0
        while verdict.kills < given.kills:
            number += 1
            for kind in ("one after another", "side by side"):
                with tempfile.TemporaryDirectory() as folder:
                    os.environ["DISTILL_STORE"] = str(Path(folder) / "responses.sqlite")
                    epoch = Epoch(base_url, f"{kind} {number}", given.rows, verdict, luck, settings)
                    if kind == "one after another":
                        epoch.one_after_another(min(KILLS_AN_EPOCH, given.kills - verdict.kills))
                    else:
                        epoch.side_by_side(processes=4, kills=0 if number == 1 else 2)
    finally:
        server.kill()
        server.wait()
    print(json.dumps(verdict.__dict__))
    sys.exit(1 if verdict.lost or verdict.stale or verdict.paid_twice else 0)


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        serve()
    else:
        main()
