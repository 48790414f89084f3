"""All experiments at hand, surveyed: what the front door of the frontier does."""

from __future__ import annotations

import json
from collections.abc import Sequence

import yaml

from distill import paths
from distill.errors import DataError, UserError
from distill.revisions import WORKSPACE, commit, text_at
from distill.rows.files import read_list, read_object, write_metrics, write_plot, write_text
from distill.settings import load_settings
from distill.studies import experiments
from distill.studies.frontier import Frontier, frontier_text
from distill.studies.gathering import Observation, observations
from distill.studies.points import FrontierPoint, own_task, point_of_row
from distill.studies.pricing import UPPER, price_here
from distill.studies.table import tabled_observations


def survey_experiments(revisions: Sequence[str], rows: Sequence[int], forget: bool = False) -> None:
    """Writes the frontier of the workspace, of all experiments in this clone, of the cells that the tables of studies
    keep, and of the named commits, and prints it, with what is saved on so many `rows`. Points of an earlier survey
    whose experiments are not here stay, unless `forget` drops them.

    A commit or workspace whose settings are not those that its results were made with is left out, and said. Raises
    UserError where nothing is left, RevisionError where a named commit is not there, and DataError on a damaged file,
    before anything is written.
    """
    settings = load_settings()
    for file in sorted(paths.METRICS.glob("*.json")):
        read_object(file)  # DVC passes over one that it cannot read
    finished = experiments.finished()
    wanted = {commit(name) for name in revisions}
    baselines = experiments.show({commit("HEAD"), *wanted, *(baseline for _, baseline in finished.values())})
    evaluated = observations(baselines)
    # The commits that experiments started from come along; they count where they are named.
    chosen = [entry for entry in evaluated if entry.name in finished or entry.revision in (WORKSPACE, *wanted)]
    settled = [entry for entry in chosen if entry.name in finished or _settled(entry)]
    for observation in chosen:
        if observation not in settled:
            _say(
                f"{observation.name} is left out: its results were made with other settings (dvc.lock); run `dvc repro`"
                " there first"
            )
    settled += [entry for entry in tabled_observations(paths.STUDIES) if entry.name not in finished]
    if not settled:
        raise UserError("nothing has been evaluated here; run `dvc repro` first")
    unpriced: list[str] = []
    here = {entry.name for entry in (*evaluated, *settled)}
    kept = [] if forget else kept_points(here, own_task(settled[0].params).get("name"))
    frontier = Frontier(settled, price_here(settings, unpriced.append), settings.evaluate.confidence, kept)
    if any(point.usd_from == UPPER for point in frontier.points):
        for why in unpriced:
            _say(why)
    write_metrics(paths.FRONTIER_METRICS, frontier.metrics())
    write_plot(paths.FRONTIER_PLOT, frontier.plot())
    write_text(paths.FRONTIER_TABLE, frontier_text(frontier, []) + "\n")
    _say(frontier_text(frontier, rows))
    _say(f"in {paths.FRONTIER_METRICS}, {paths.FRONTIER_TABLE} and {paths.FRONTIER_PLOT}")


def kept_points(here: set[str], task: str | None) -> list[FrontierPoint]:
    """Points of the last survey of this task that rest on an experiment which is not among those `here`. Cells of
    studies are not kept by this but by their tables, where newer ones can have taken their place."""
    if not (paths.FRONTIER_METRICS.exists() and paths.FRONTIER_PLOT.exists()):
        return []
    if read_object(paths.FRONTIER_METRICS).get("task") != task:
        return []
    try:
        points = [point_of_row(row) for row in read_list(paths.FRONTIER_PLOT)]
    except (KeyError, TypeError) as error:
        raise DataError(
            f"{paths.FRONTIER_PLOT}: no plot of a frontier ({error!r}); its points would be lost: move it away, or"
            " restore it by `git checkout`"
        ) from error
    return [
        point
        for point in points
        if any(name not in here and name != WORKSPACE and not name.startswith("cell-") for name in point.names)
    ]


def _settled(observation: Observation) -> bool:
    text = (
        paths.LOCK.read_text(encoding="utf-8")
        if observation.revision == WORKSPACE
        else text_at(observation.revision, paths.LOCK)
    )
    made_with: dict[str, object] = {}
    for stage in yaml.safe_load(text)["stages"].values():
        made_with |= stage.get("params", {}).get(str(paths.PARAMS), {})
    return all(_plain(observation.params.get(section)) == _plain(values) for section, values in made_with.items())


def _plain(value: object) -> object:
    return json.loads(json.dumps(value, default=float))


def _say(text: str) -> None:
    print(text, flush=True)
