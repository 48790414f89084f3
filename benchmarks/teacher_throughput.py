"""How fast the teacher is asked, beside bare aiohttp and the bare openai client in the same run.

run     python benchmarks/teacher_throughput.py                 # about three minutes
        python benchmarks/teacher_throughput.py calls --at 64   # one part: calls | failures | stored | memory
        # other tools, in their own environments:
        python benchmarks/teacher_throughput.py beside --dspy PYTHON --curator PYTHON

The server runs in another process and answers after 50 ms. "ours" is the whole path: render, key, look
up, claim, call, store, parse; the others send the same bodies and only read the JSON. Milliseconds of CPU
a call are the client's process alone, and depend less than calls a second on what else the machine does.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "stages"))

LATENCY_S = 0.05
ANSWER = "Reasoning: the second thing is larger than the first, as most of its kind are. Answer: yes"
QUESTION = "Is a {thing} larger than a bread box? First explain in one sentence, then answer with yes or no."


def serve(latency_s: float, failing: float) -> None:
    """Answers after `latency_s`; a share of requests gets a 500 the first time. Prints its port."""
    from aiohttp import web

    usage = {"prompt_tokens": 60, "completion_tokens": 22, "total_tokens": 82}
    message = {"role": "assistant", "content": ANSWER, "refusal": None}
    completion = {"id": "c", "object": "chat.completion", "created": 1, "model": "bench-1", "usage": usage}
    choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}
    answer = json.dumps({**completion, "choices": [choice]}).encode()
    failed: set[bytes] = set()

    async def chat(request: web.Request) -> web.Response:
        body = await request.read()
        if latency_s:
            await asyncio.sleep(latency_s)
        digest = hashlib.sha256(body).digest()
        if failing and digest[0] < 256 * failing and digest not in failed:
            failed.add(digest)
            return web.Response(status=500, body=b'{"error": {"message": "once"}}', content_type="application/json")
        return web.Response(body=answer, content_type="application/json")

    async def main() -> None:
        app = web.Application()
        app.router.add_post("/v1/chat/completions", chat)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        print(runner.addresses[0][1], flush=True)
        await asyncio.Event().wait()

    asyncio.run(main())


@contextmanager
def server(latency_s: float = LATENCY_S, failing: float = 0.0) -> Iterator[str]:
    process = subprocess.Popen(
        [sys.executable, __file__, "serve", str(latency_s), str(failing)], stdout=subprocess.PIPE, text=True
    )
    try:
        yield f"http://127.0.0.1:{int(process.stdout.readline())}/v1"
    finally:
        process.kill()
        process.wait()


def bodies(rows: int) -> Iterator[dict]:
    for number in range(rows):
        content = QUESTION.format(thing=f"thing {number}")
        yield {
            "model": "bench",
            "messages": [{"role": "user", "content": content}],
            "temperature": 0.0,
            "top_p": 1.0,
            "max_tokens": 200,
            "seed": 1,
        }


async def by_workers(call: Callable[[dict], Awaitable[None]], rows: int, at_once: int) -> None:
    waiting = bodies(rows)

    async def worker() -> None:
        for body in waiting:
            await call(body)

    await asyncio.gather(*(worker() for _ in range(at_once)))


def bare_aiohttp(base_url: str, rows: int, at_once: int) -> None:
    async def run() -> None:
        import aiohttp

        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

            async def call(body: dict) -> None:
                async with session.post(f"{base_url}/chat/completions", json=body) as response:
                    assert json.loads(await response.read())["choices"][0]["message"]["content"]

            await by_workers(call, rows, at_once)

    asyncio.run(run())


def bare_openai(base_url: str, rows: int, at_once: int) -> None:
    async def run() -> None:
        from openai import AsyncOpenAI, DefaultAioHttpClient

        async with AsyncOpenAI(
            base_url=base_url, api_key="none", http_client=DefaultAioHttpClient(), max_retries=0
        ) as client:

            async def call(body: dict) -> None:
                completion = await client.chat.completions.create(**body)
                assert completion.choices[0].message.content

            await by_workers(call, rows, at_once)

    asyncio.run(run())


def ours(base_url: str, rows: int, at_once: int, parse: bool = True) -> None:
    from distill.answers.parsing import parse_response
    from distill.settings import load_settings
    from distill.teacher import Request, open_teacher
    from distill.templates import Template

    settings = load_settings(ROOT / "params.yaml")
    settings = replace(
        settings,
        teacher=replace(settings.teacher, provider="openai", base_url=base_url, model="bench"),
        runtime=replace(settings.runtime, concurrency=at_once),
    )
    template = Template("", QUESTION)
    requests = (
        Request(str(number), template.messages({"thing": f"thing {number}"}), "bench", 0.0, 1.0, 200, seed=1)
        for number in range(rows)
    )
    answered = 0
    with open_teacher(settings, "benchmark") as teacher:
        for reply in teacher.ask(requests, rows):
            if parse:
                parsed = parse_response(
                    reply.text or "",
                    kind="classes",
                    choices=("yes", "no"),
                    finish_reason=reply.finish_reason,
                    expect_rationale=True,
                )
                answered += parsed.label == "yes"
            else:
                answered += reply.text is not None
    assert answered == rows, f"{answered} of {rows} rows answered"


@contextmanager
def fresh_store() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        os.environ["DISTILL_STORE"] = str(Path(folder) / "responses.sqlite")
        yield Path(folder) / "responses.sqlite"


def timed(ask: Callable[[str, int, int], None], base_url: str, rows: int, at_once: int) -> tuple[float, float]:
    """(rows a second, milliseconds of CPU a row)."""
    began, cpu = time.perf_counter(), time.process_time()
    ask(base_url, rows, at_once)
    return rows / (time.perf_counter() - began), (time.process_time() - cpu) / rows * 1000


def calls(rows: int, levels: list[int], times: int) -> None:
    import openai  # noqa: F401  imported before the clock starts: it costs a second once

    ways = {"bare aiohttp": bare_aiohttp, "bare AsyncOpenAI": bare_openai, "ours": ours}
    print(f"calls: {rows:,} rows, {LATENCY_S * 1000:.0f} ms, median of {times}")
    for at_once in levels:
        found: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
        for _ in range(times):
            for name, ask in ways.items():
                with server() as base_url, fresh_store():
                    found[name].append(timed(ask, base_url, rows, at_once))
        medians = {name: statistics.median(rate for rate, _ in pairs) for name, pairs in found.items()}
        for name, pairs in found.items():
            cpu = statistics.median(milliseconds for _, milliseconds in pairs)
            share = medians[name] / medians["bare aiohttp"]
            line = f"{name:17s} {medians[name]:7.0f} rows/s  {cpu:.2f} ms CPU  {share:.2f} of bare aiohttp"
            print(f"  {at_once:4d} at a time  {line}", flush=True)


def failures(rows: int, at_once: int, share: float = 0.2, pairs: int = 5) -> None:
    """A run in which a share of calls fails once, beside one without failures; medians of pairs of runs."""
    import openai  # noqa: F401

    failing = sum(hashlib.sha256(sent).digest()[0] < 256 * share for sent in _sent(rows))
    seconds: dict[float, list[float]] = {0.0: [], share: []}
    for _ in range(pairs):
        for failing_share, took in seconds.items():
            with server(failing=failing_share) as base_url, fresh_store():
                took.append(rows / timed(ours, base_url, rows, at_once)[0])
    clean, failed = (statistics.median(took) for took in seconds.values())
    print(
        json.dumps(
            {
                "benchmark": "failures", "rows": rows, "fail_once": failing, "at_once": at_once, "pairs": pairs,
                "seconds": round(failed, 2), "seconds_without": round(clean, 2), "ratio": round(failed / clean, 2),
                "calls_ratio": round(1 + failing / rows, 2), "goal": 1.3,
            }
        ),
        flush=True,
    )  # fmt: skip


def _sent(rows: int) -> Iterator[bytes]:
    from distill.teacher.exchange import Request
    from distill.teacher.keys import request_body

    for made in bodies(rows):
        yield request_body(Request("", tuple(made["messages"]), "bench", 0.0, 1.0, 200, seed=1))


def stored(rows: int) -> None:
    with fresh_store() as path:
        fill(path, rows)
        for what, parse in (("render, key, look up", False), ("and parse", True)):
            best = max(timed(partial(ours, parse=parse), "http://127.0.0.1:9/v1", rows, 64)[0] for _ in range(3))
            print(f"stored: {rows:,} rows that are all stored, {what}, best of 3: {best:,.0f} rows/s", flush=True)


def fill(path: Path, rows: int) -> None:
    """Stores an answer to each of the benchmark's requests without asking."""
    from distill.teacher.exchange import Usage
    from distill.teacher.keys import request_key
    from distill.teacher.store import Answer, Store, Stored

    endpoint = "http://127.0.0.1:9/v1"
    answer = Stored(ANSWER, "stop", None, "bench-1", Usage(60, 0, 22, "reported"))
    with Store(path) as store:
        batch = []
        for sent in _sent(rows):
            batch.append(
                (
                    request_key(endpoint, sent, 0),
                    Answer(answer, endpoint, "bench", 0, "explain", None, 0.0, 0.0, 1, sent, ANSWER.encode()),
                )
            )
            if len(batch) == 5000:
                store.save(batch)
                batch = []
        store.save(batch)


def memory(sizes: list[int]) -> None:
    """Peak memory of a process that asks, for stored rows and for calls to a server without latency."""
    for kind, counts in (("stored", sizes), ("calls", [size for size in sizes if size <= 100_000])):
        for rows in counts:
            with fresh_store() as path, server(0.0) as base_url:
                if kind == "stored":
                    subprocess.run([sys.executable, __file__, "fill", str(path), str(rows)], check=True)
                    base_url = "http://127.0.0.1:9/v1"
                done = subprocess.run(
                    [sys.executable, __file__, "peak", base_url, str(rows)], check=True, capture_output=True, text=True
                )
            print(f"memory: {rows:9,} rows, {kind:6s} {float(done.stdout):6.1f} MiB at most", flush=True)


def beside(tools: dict[str, str | None], rows: int, at_once: int) -> None:
    """The same questions through other tools; each interpreter must have its tool installed."""
    scripts = Path(__file__).parent / "beside"
    for name, python in tools.items():
        if python:
            with server() as base_url, tempfile.TemporaryDirectory() as folder:
                command = [python, str(scripts / f"ask_{name}.py"), base_url, str(rows), str(at_once)]
                done = subprocess.run(
                    command,
                    cwd=folder,
                    env={**os.environ, "HOME": folder, "OPENAI_API_KEY": "none"},
                    capture_output=True,
                    text=True,
                )
                worked = done.returncode == 0 and done.stdout.strip()
                line = done.stdout.strip().splitlines()[-1] if worked else f"failed: {done.stderr[-500:]}"
                print(f"beside: {rows:,} rows, {at_once} at a time  {name:8s} {line}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "part", nargs="?", choices=["all", "calls", "failures", "stored", "memory", "beside"], default="all"
    )
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--at", type=int, nargs="*", default=[8, 32, 64, 128])
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--sizes", type=int, nargs="*", default=[10_000, 1_000_000])
    parser.add_argument("--dspy", help="a Python that has dspy")
    parser.add_argument("--curator", help="a Python that has bespokelabs-curator")
    given = parser.parse_args()
    if given.part in ("all", "calls"):
        calls(given.rows, given.at, given.times)
    if given.part in ("all", "failures"):
        for at_once in given.at:
            failures(given.rows, at_once)
    if given.part in ("all", "stored"):
        stored(10_000)
    if given.part in ("all", "memory"):
        memory(given.sizes)
    if given.part == "beside":
        beside({"dspy": given.dspy, "curator": given.curator}, given.rows, 64)


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        serve(float(sys.argv[2]), float(sys.argv[3]))
    elif sys.argv[1:2] == ["fill"]:
        fill(Path(sys.argv[2]), int(sys.argv[3]))
    elif sys.argv[1:2] == ["peak"]:
        ours(sys.argv[2], int(sys.argv[3]), 64)
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    else:
        main()
