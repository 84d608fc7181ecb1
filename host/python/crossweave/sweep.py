# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""Studies (`crossweave sweep`, docs/sweep.md) with executors of Python: processes, Dask, Ray, mpi4py, submitit.

    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context
    from crossweave import sweep

    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as executor:
        sweep.run("noise.toml", executor=executor, parts=8)
    sweep.frame("noise.toml").groupby("noise").perplexity.mean()
"""

from __future__ import annotations

import json
import pathlib
import sqlite3
from typing import Any

from crossweave import _core
from crossweave.program import PathLike
from crossweave.settings import refuse


def folder_of(study: PathLike, folder: PathLike | None = None) -> pathlib.Path:
    """Where results of a study are: STUDY.sweep beside it unless another folder is named."""
    return pathlib.Path(folder) if folder is not None else pathlib.Path(study).with_suffix(".sweep")


def points(study: PathLike) -> list[dict[str, str]]:
    """Options of every point, those of one chip beside each other."""
    return _core.sweep_points(study)[0]


def run(study: PathLike, folder: PathLike | None = None, *, executor: Any = None, parts: int | None = None, shard: tuple[int, int] = (0, 1),
        threads: int = 1) -> int:
    """Measures what is missing of a study, or of a shard (index, count) of it, and returns how many points failed.

    executor: anything with submit(function, *arguments) -> future; None: here. parts: tasks that are given to it; chips are divided among
    them; None: one per chip, at most 64. threads: of every task. What a task has measured stays measured if it ends early: call
    run() again. Raises what the tasks raise.
    """
    where = folder_of(study, folder)
    index, count = shard
    if not 0 <= index < count:
        raise refuse(f"shard: expected an index from 0 to {count - 1}, found {index}", "shard")
    if executor is None:
        return _run_part(study, where, index, count, threads)[2]
    chips = _core.sweep_points(study)[1]
    tasks = max(1, min(parts if parts is not None else 64, -(-chips // count)))
    futures = [executor.submit(_run_part, pathlib.Path(study), where, index + count * part, count * tasks, threads) for part in range(tasks)]
    return sum(future.result()[2] for future in futures)


def records(study: PathLike, folder: PathLike | None = None) -> list[dict[str, Any]]:
    """What all workers have so far, one per point in order of the points: point, figures or error, seconds_measured, worker."""
    return json.loads(_core.sweep_merged(study, folder_of(study, folder)))


def rows(study: PathLike, folder: PathLike | None = None) -> list[dict[str, Any]]:
    """The same as flat rows: options, figures, error (None if there is none)."""
    return [{**record["point"], **record.get("figures", {}), "error": record.get("error", {}).get("message")} for record in records(study, folder)]


def frame(study: PathLike, folder: PathLike | None = None) -> Any:
    """A pandas DataFrame of rows()."""
    import pandas  # pylint: disable=import-outside-toplevel,import-error
    return pandas.DataFrame(rows(study, folder))


def write(study: PathLike, output: PathLike, folder: PathLike | None = None) -> None:
    """Writes rows() as a table: .sqlite or .db (table "points"), .parquet (pandas and pyarrow) or .csv (pandas)."""
    kind = pathlib.Path(output).suffix
    if kind in (".sqlite", ".db"):
        _write_sqlite(rows(study, folder), pathlib.Path(output))
    elif kind == ".parquet":
        frame(study, folder).to_parquet(output)
    elif kind == ".csv":
        frame(study, folder).to_csv(output, index=False)
    else:
        raise refuse(f"{output}: expected a name with .sqlite, .db, .parquet or .csv")


def _write_sqlite(table: list[dict[str, Any]], output: pathlib.Path) -> None:
    columns = list(dict.fromkeys(name for row in table for name in row))
    partial = output.with_name(f".{output.name}.tmp")
    partial.unlink(missing_ok=True)
    connection = sqlite3.connect(partial)
    try:
        with connection:
            names = ", ".join('"' + name.replace('"', '""') + '"' for name in columns)
            connection.execute(f"CREATE TABLE points ({names})")
            connection.executemany(f"INSERT INTO points VALUES ({', '.join('?' * len(columns))})",
                                   ([row.get(name) for name in columns] for row in table))
    finally:
        connection.close()
    partial.replace(output)


def _run_part(study: PathLike, folder: pathlib.Path, index: int, count: int, threads: int) -> tuple[int, int, int]:
    return _core.sweep_run(study, folder, index, count, threads)
