# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""What the toolchain found, as plain data. Every result keeps the whole document of the command's --json as `.json`
(schemas: docs/schemas); `.frame()` is a table of it for pandas, where that is installed."""

from __future__ import annotations

import dataclasses
import math
from typing import Any


def _frame(rows: list[dict[str, Any]], columns: list[str] | None = None) -> Any:
    """A pandas DataFrame; ImportError without pandas."""
    import pandas  # pylint: disable=import-outside-toplevel,import-error
    return pandas.DataFrame(rows, columns=columns)


def _flat(value: Any, name: str = "") -> dict[str, Any]:
    """Nested objects as one level with dotted names; {"value": v, ...} is v, lists are left out."""
    if isinstance(value, dict) and not ("value" in value and not isinstance(value["value"], dict)):
        flat: dict[str, Any] = {}
        for key, inner in value.items():
            flat |= _flat(inner, f"{name}.{key}" if name else key)
        return flat
    if isinstance(value, dict):
        return {name: value["value"]}
    return {} if isinstance(value, list) else {name: value}


@dataclasses.dataclass(frozen=True)
class Statistics:
    """A figure over chips."""

    values: tuple[float, ...]  # one per chip, in the order of the seeds
    mean: float
    std: float  # of the sample (n - 1); 0 for one chip

    @classmethod
    def of(cls, json: dict[str, Any]) -> Statistics:
        """From {"mean", "std", "values"}."""
        return cls(tuple(json["values"]), json["mean"], json["std"])

    def __float__(self) -> float:
        return self.mean


@dataclasses.dataclass(frozen=True)
class TimeResult:
    """What the chips gave at one time since programming."""

    seconds: float
    perplexity: Statistics | None  # None: no text was given
    tasks: dict[str, dict[str, Statistics]]  # task -> metric -> over chips


class _Document:
    """A result that is a document."""

    def __init__(self, json: dict[str, Any]):
        self.json = json

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{key}={value!r}' for key, value in self._shown().items())})"

    def _shown(self) -> dict[str, Any]:
        return {key: value for key, value in self.json.items() if isinstance(value, (str, int, float, bool)) and key != "report"}

    def frame(self) -> Any:
        """A pandas DataFrame of one row: every single number and text of the document."""
        return _frame([_flat(self.json)])


class Evaluation(_Document):
    """Perplexity and tasks over chips and times. seconds: age of the chips where no times were asked for."""

    def __init__(self, json: dict[str, Any], seconds: float = 0.0):
        super().__init__(json)
        self._seconds = seconds

    @property
    def perplexity(self) -> Statistics | None:
        """Over the chips, at the first time; None: no text was given."""
        return Statistics.of(self.json["perplexity"]) if "perplexity" in self.json else None

    @property
    def tasks(self) -> dict[str, dict[str, Statistics]]:
        """task -> metric ("acc", "acc_norm", "exact_match", ...) -> over the chips, at the first time."""
        return _tasks(self.json)

    @property
    def times(self) -> list[TimeResult]:
        """One for each of the times that were asked for; else the one time of the chip."""
        if "times" not in self.json:
            return [TimeResult(self._seconds, self.perplexity, self.tasks)]
        return [TimeResult(time["seconds"], Statistics.of(time["perplexity"]) if "perplexity" in time else None, _tasks(time))
                for time in self.json["times"]]

    @property
    def chip_seeds(self) -> list[int]:
        """Of the chips that were measured."""
        return [run["chip_seed"] for run in self.json["runs"]]

    def rows(self) -> list[dict[str, Any]]:
        """chip_seed, seconds, measure ("text" or the task's name), metric, value: as the command's --csv."""
        seeds = self.chip_seeds
        rows = []
        for time in self.times:
            figures = [("text", "perplexity", time.perplexity)] if time.perplexity else []
            figures += [(task, metric, values) for task, metrics in time.tasks.items() for metric, values in metrics.items()]
            rows += [{"chip_seed": seed, "seconds": time.seconds, "measure": measure, "metric": metric, "value": value}
                     for measure, metric, values in figures for seed, value in zip(seeds, values.values, strict=True)]
        return rows

    def frame(self) -> Any:
        """A pandas DataFrame of rows()."""
        return _frame(self.rows(), ["chip_seed", "seconds", "measure", "metric", "value"])

    def _shown(self) -> dict[str, Any]:
        shown: dict[str, Any] = {"run": self.json["run"], "chips": len(self.json["runs"])}
        if self.perplexity:
            shown["perplexity"] = self.perplexity.mean
        return shown | {task: {metric: figure.mean for metric, figure in metrics.items()} for task, metrics in self.tasks.items()}


def _tasks(json: dict[str, Any]) -> dict[str, dict[str, Statistics]]:
    return {task: {metric: Statistics.of(figure) for metric, figure in metrics.items()} for task, metrics in json.get("tasks", {}).items()}


@dataclasses.dataclass(frozen=True)
class Generation:
    """Text that a model generated, and what it took."""

    text: str
    tokens: tuple[int, ...]  # new ones
    stop: str  # "max_tokens", "stop_token", "context_full"
    prefill_tokens: int
    prefill_seconds: float  # measured
    decode_tokens: int
    decode_seconds: float  # measured
    json: dict[str, Any] = dataclasses.field(repr=False)  # counters of the device, time and energy of a simulated chip

    @classmethod
    def of(cls, json: dict[str, Any]) -> Generation:
        """From the document of `crossweave run`."""
        return cls(json["text"], tuple(json["tokens"]), json["stop"], json["prefill_tokens"], json["prefill_seconds"],
                   json["decode_tokens"], json["decode_seconds"], json)

    def __str__(self) -> str:
        return self.text


class ProgramInfo(_Document):
    """What a program holds."""

    @property
    def model(self) -> str:
        """As its checkpoint calls it."""
        return self.json["model"]

    @property
    def tiles(self) -> int:
        """Crossbars in use."""
        return self.json["tiles"]

    @property
    def matrices(self) -> list[dict[str, Any]]:
        """Layers on the chip: name, out_features, in_features, call, lambda, replicas, input_ranges."""
        return self.json.get("matrices", [])

    @property
    def blocks(self) -> list[dict[str, Any]]:
        """Their parts on tiles: matrix, tile, row0, col0, rows, cols, ..."""
        return self.json.get("blocks", [])

    def frame(self) -> Any:
        """A pandas DataFrame of the blocks, with the names of their matrices."""
        return _frame([{"name": self.matrices[block["matrix"]]["name"], **block} for block in self.blocks])


class Adaptation(_Document):
    """What adaptation did to a checkpoint."""

    @property
    def output(self) -> str:
        """The adapted checkpoint."""
        return self.json["output"]

    def frame(self) -> Any:
        """A pandas DataFrame with a row per site."""
        return _frame([_flat(site) for site in self.json.get("sites", [])])


class Simulation(_Document):
    """Tokens on the modelled chip: times in ns, energies in pJ."""

    @property
    def runs(self) -> list[dict[str, Any]]:
        """One, or one per context of a sweep (docs/schemas/simulate.schema.json)."""
        return self.json["runs"]

    @property
    def total_ns(self) -> float:
        """Until the last token of the last run is done."""
        return self.runs[-1]["total_ns"]

    @property
    def energy_pj(self) -> float:
        """Of the last run, all components."""
        return math.fsum(value for value in self.runs[-1]["energy_pj"].values())

    def frame(self) -> Any:
        """A pandas DataFrame with a row per run."""
        return _frame([_flat(run) for run in self.runs])


class Report(_Document):
    """What a program costs: modelled, simulated, measured."""

    @property
    def tiles(self) -> int:
        """Crossbars in use."""
        return self.json["tiles"]

    @property
    def utilisation(self) -> float:
        """Part of the cells of these that hold weights, 0 to 1."""
        return self.json["utilisation"]

    @property
    def calls(self) -> list[dict[str, Any]]:
        """Geometry, conversions and times of every call of the chip."""
        return self.json["calls"]

    def frame(self) -> Any:
        """A pandas DataFrame with a row per call."""
        return _frame([_flat(call) for call in self.calls])


@dataclasses.dataclass(frozen=True)
class PlannedDeployment:
    """One way to put a model on a chip; times in ns, energies in pJ, None where the chip's description has no constants."""

    kind: str  # "as it is", "chips", "reload", "digital", "fewer copies", "tile size", "duplicate", "spread"
    what: str
    possible: bool
    best: bool
    pareto: bool
    chips: int
    tiles: int
    token_ns: float | None  # of one generated token
    token_pj: float | None
    prompt_ns_per_token: float | None
    json: dict[str, Any] = dataclasses.field(repr=False)


class Plan(_Document):
    """Every way to put a model on a chip."""

    @property
    def fits(self) -> bool:
        """On the chip as it is."""
        return self.json["fits"]

    @property
    def plans(self) -> list[PlannedDeployment]:
        """Possible ones first, by the objective."""
        names = [field.name for field in dataclasses.fields(PlannedDeployment) if field.name != "json"]
        return [PlannedDeployment(**{name: plan.get(name) for name in names}, json=plan) for plan in self.json["plans"]]

    @property
    def best(self) -> PlannedDeployment | None:
        """By the objective; None if nothing is possible."""
        return next((plan for plan in self.plans if plan.best), None)

    def frame(self) -> Any:
        """A pandas DataFrame with a row per plan."""
        return _frame([_flat(plan) for plan in self.json["plans"]])
