# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""Studies (`crossweave sweep`, docs/sweep.md) with executors of Python: processes, Dask, Ray, mpi4py, submitit.

    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context
    from crossweave import sweep

    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as executor:
        sweep.run("noise.toml", executor=executor, parts=8)
    sweep.frame("noise.toml").groupby("noise").perplexity.mean()
    sweep.plot("noise.toml", "noise.html", x="time", lines="adapt")
"""

from __future__ import annotations

import itertools
import json
import math
import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from crossweave import _core
from crossweave.program import PathLike
from crossweave.settings import refuse, text_of

Function = Callable[[dict[str, str]], Mapping[str, float]]


def folder_of(study: PathLike, folder: PathLike | None = None) -> pathlib.Path:
    """Where results of a study are: STUDY.sweep beside it unless another folder is named."""
    return pathlib.Path(folder) if folder is not None else pathlib.Path(study).with_suffix(".sweep")


def points(study: PathLike) -> list[dict[str, str]]:
    """Options of every point, those of one chip beside each other."""
    return _core.sweep_points(study)[0]


def run(study: PathLike, folder: PathLike | None = None, *, executor: Any = None, parts: int | None = None, shard: tuple[int, int] = (0, 1),
        threads: int = 1, function: Function | None = None) -> int:
    """Measures what is missing of a study, or of a shard (index, count) of it, and returns how many points failed.

    executor: anything with submit(function, *arguments) -> future, or a client of Dask; None: here. parts: tasks that are given to it; chips are
    divided among them; None: one per chip, at most 64 or as many as a client's workers have threads. threads: of every task. function: what a study with `function` in [measure] is
    measured by: from a point's options to its figures; what it raises is the point's error. The executor must be able to send it to
    its workers. What a task has measured stays measured if it ends early: call run() again. Raises what the tasks raise.
    """
    where = folder_of(study, folder)
    index, count = shard
    if not 0 <= index < count:
        raise refuse(f"shard: expected an index from 0 to {count - 1}, found {index}", "shard")
    if executor is None:
        return _run_part(study, where, index, count, threads, function)[2]
    places = _places_of_dask(executor) if hasattr(executor, "get_executor") else None
    chips = _core.sweep_points(study)[1]
    tasks = max(1, min(parts if parts is not None else max(64, len(places or ())), -(-chips // count)))
    calls = [(_run_part, pathlib.Path(study), where, index + count * part, count * tasks, threads, function) for part in range(tasks)]
    if places is None:
        futures = [executor.submit(*call) for call in calls]
    else:  # pure=False: equal calls are made all the same
        futures = [executor.submit(*call, pure=False, workers=place, allow_other_workers=place is not None)
                   for call, place in itertools.zip_longest(calls, places[:tasks])]
    return sum(future.result()[2] for future in futures)


def records(source: PathLike, folder: PathLike | None = None) -> list[dict[str, Any]]:
    """What all workers have so far, one per point: point, figures or error, seconds_measured, worker.

    source: a study (then in order of its points), a folder of results, or a table that write() made (points, figures and errors only).
    """
    return json.loads(_core.sweep_merged(source, _folder_text(folder)))


def rows(source: PathLike, folder: PathLike | None = None) -> list[dict[str, Any]]:
    """The same as flat rows: options, figures, error (None if there is none)."""
    return [{**record["point"], **record.get("figures", {}), "error": record.get("error", {}).get("message")} for record in records(source, folder)]


def frame(source: PathLike, folder: PathLike | None = None) -> Any:
    """A pandas DataFrame of rows()."""
    import pandas  # pylint: disable=import-outside-toplevel,import-error
    return pandas.DataFrame(rows(source, folder))


def write(source: PathLike, output: PathLike, folder: PathLike | None = None) -> None:
    """Writes rows() as a table: .sqlite or .db (table "points"), .csv, or .parquet (needs pandas and pyarrow)."""
    kind = pathlib.Path(output).suffix
    if kind in (".sqlite", ".db", ".csv"):
        _core.sweep_write(source, _folder_text(folder), output, kind != ".csv")
    elif kind == ".parquet":
        frame(source, folder).to_parquet(output)
    else:
        raise refuse(f"{output}: expected a name with .sqlite, .db, .parquet or .csv")


def plot(source: PathLike, html: PathLike | None = None, folder: PathLike | None = None, *, x: str | None = None, lines: str | None = None,
         metrics: str | Sequence[str] = (), where: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Curves of what there is so far, as a page with charts (docs/html.md) if `html` names a file; returns what the page shows.

    x: option to draw over, by its name in the study; lines: option with a line for each of its values, "none" for one line; None: chosen as the command
    does. metrics: figures; none: the perplexity and all of tasks. where: only points with these options. Where several points fall on one place, as chips
    with several seeds do, there are mean, deviation and the 95 % interval of the mean (Student).
    """
    chosen = [metrics] if isinstance(metrics, str) else list(metrics)
    only = {name: text_of(name, value) for name, value in (where or {}).items()}
    words = ["plot", str(source)]
    for option, values in (("-o", [] if folder is None else [folder]), ("--x", [x] if x else []), ("--lines", [lines] if lines else []),
                           ("--metric", chosen), ("--where", [f"{name}={value}" for name, value in only.items()]), ("--html", [html] if html else [])):
        words += [word for value in values for word in (option, str(value))]
    return json.loads(_core.sweep_plot(source, _folder_text(folder), x or "", lines or "", chosen, only, html or "", words))


def _folder_text(folder: PathLike | None) -> PathLike:
    return "" if folder is None else folder


def _run_part(study: PathLike, folder: pathlib.Path, index: int, count: int, threads: int, function: Function | None) -> tuple[int, int, int]:
    return _core.sweep_run(study, folder, index, count, threads, None if function is None else lambda point: _told(function, point))


def _places_of_dask(client: Any) -> list[str]:
    """Addresses of the workers, each as often as it has threads, workers in turn. A task that is sent to a place begins at once, and goes elsewhere if the
    worker dies. Dask alone divides up to two tasks per thread by chance: it has no duration of them, so that some workers get several while others have none.
    """
    left = dict(client.nthreads())
    return [address for turn in range(max(left.values(), default=0)) for address, threads in left.items() if turn < threads]


def _told(function: Function, point: dict[str, str]) -> str:
    """What the function says of a point, as a record has it."""
    try:
        figures = {str(name): float(value) for name, value in function(point).items()}
        for name, value in figures.items():
            if not math.isfinite(value):
                raise ValueError(f"{name}: expected a finite number, found {value}")
    except Exception as error:  # pylint: disable=broad-exception-caught
        return json.dumps({"error": {"kind": type(error).__name__, "message": str(error)}})
    return json.dumps({"figures": figures})
