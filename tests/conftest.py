"""What every test shares: no test touches the user's response store, and none sees a surrounding DVC run."""

from __future__ import annotations

import gc
import os
import resource
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent

# Of torch, before it is imported: on tiny tensors a second thread waits more than it works, and where the cores are
# busy it makes a test a hundred times slower.
os.environ.setdefault("OMP_NUM_THREADS", "1")

MOST_WORKERS = 8  # of 1 GB each, and as much again for the processes that tests start


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Workers of `-n auto`: one a core, and no more than there are files to run. One file runs in this process: 0."""
    files = {argument.split("::")[0] for argument in config.args}
    wanted = len(files) if all(file.endswith(".py") for file in files) else MOST_WORKERS
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    workers = min(wanted, MOST_WORKERS, cores)
    return workers if workers > 1 else 0


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Among workers the longest files start first, or one worker would end long after the others."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: item.get_closest_marker("whole") is None)


def pytest_collection_finish() -> None:
    """Each training begins with a garbage collection, which takes 0.4 s where it goes over all that is imported."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _own_world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("DVC_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("DISTILL_STORE", str(tmp_path / "store" / "responses.sqlite"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


@pytest.fixture
def largest_file() -> Callable[[int], AbstractContextManager[None]]:
    """In `with largest_file(size):` no file of this process can grow beyond so many bytes, as on a full disk."""

    @contextmanager
    def limited(size: int) -> Iterator[None]:
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)

    return limited


@pytest.fixture
def make_settings(tmp_path: Path) -> Callable[..., Any]:
    """The committed params.yaml with some values changed: make_settings(**{"train.steps": 3})."""
    from distill.settings import load_settings

    def make(**changes: Any) -> Any:
        params = yaml.load((ROOT / "params.yaml").read_text(), Loader=yaml.CSafeLoader)
        for dotted, value in changes.items():
            *sections, key = dotted.split(".")
            place = params
            for section in sections:
                place = place[section]
            assert key in place, f"{dotted} is not in params.yaml"
            place[key] = value
        path = tmp_path / "params.yaml"
        path.write_text(yaml.dump(params, Dumper=yaml.CSafeDumper))
        return load_settings(path)

    return make


@pytest.fixture(scope="session")
def toys(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Any]:
    """toys("decoder") and toys("prefix"): students trained once a session, as tests/student/toy_student.py has them."""
    from toy_student import CARD, Toy, examples, settings, training_rows

    from distill.student.training import train_student

    made: dict[str, Toy] = {}

    def get(task_token: str) -> Toy:
        if task_token not in made:
            root = tmp_path_factory.mktemp(task_token)
            trained = train_student(
                training_rows(), examples(), CARD, settings(task_token=task_token), root / "model", root / "plot.json"
            )
            made[task_token] = Toy(root / "model", root / "plot.json", trained)
        return made[task_token]

    return get
