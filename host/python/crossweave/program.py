# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""From checkpoints to programs, and what can be said of a program without running it."""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import tempfile
from typing import TYPE_CHECKING, Any, Union

from crossweave import _core
from crossweave.results import Adaptation, Plan, ProgramInfo, Report, Simulation
from crossweave.settings import divided, settings_of

if TYPE_CHECKING:
    from crossweave.model import Chip

PathLike = Union[str, "os.PathLike[str]"]


class Program:
    """A compiled model: code, targets of the cells, host weights, tokenizer. It holds no noise: every `Chip` made of it has its own.

    Programs are files. One that `compile` made without `output` stands in the folder for temporary files and is removed with the last
    object that uses it.
    """

    def __init__(self, path: PathLike, _temporary: Any = None):
        self._temporary = _temporary
        self._path = pathlib.Path(path)
        self._info = ProgramInfo(json.loads(_core.inspect(self._path)))

    @classmethod
    def load(cls, path: PathLike) -> Program:
        """Opens a program file. Raises InputError for a file that is none, or of another contract."""
        return cls(path)

    def save(self, path: PathLike) -> Program:
        """Copies the program to a file, which is replaced only when the copy is whole; returns the program there."""
        target = pathlib.Path(path)
        partial = target.with_name(f".{target.name}.{os.getpid()}.tmp")
        try:
            shutil.copyfile(self._path, partial)
            os.replace(partial, target)
        finally:
            partial.unlink(missing_ok=True)
        return Program(target)

    @property
    def path(self) -> pathlib.Path:
        """Where the program stands."""
        return self._path

    @property
    def info(self) -> ProgramInfo:
        """Tiles, layers, blocks and sizes (`crossweave inspect`)."""
        return self._info

    def chip(self, seed: int = 0, **options: Any) -> Chip:
        """Chip(self, seed, **options)."""
        from crossweave.model import Chip  # pylint: disable=import-outside-toplevel,cyclic-import
        return Chip(self, seed, **options)

    def simulate(self, *, chip: str = "", sequences: int = 1, position: int = 0, prompt_tokens: int = 0, tokens: int = 1,
                 digital_on_host: bool = False, sweep: int = 0, trace: PathLike = "") -> Simulation:
        """Time and energy of tokens on the modelled chip, without values (`crossweave simulate`).

        chip: description for the constants; the program's if empty. sequences: at the same time. position: tokens that are in the KV cache
        already. prompt_tokens, tokens: per sequence. sweep: instead one token at contexts 1, 2, 4, ... up to this length. trace: also
        a timeline to this file. Times are ns, energies pJ. Raises InputError where the chip's description has no constants, or this
        build no SystemC.
        """
        return Simulation(json.loads(_core.simulate(self._path, chip, sequences, position, prompt_tokens, tokens, digital_on_host, sweep,
                                                    pathlib.Path(trace) if trace else "")))

    def report(self, *, context: int | None = None, prefill_tokens: int | None = None) -> Report:
        """Tiles, conversions, modelled and simulated time and energy (`crossweave report --static`).

        context: positions of the decoded token, its own included; 512 or the model's. prefill_tokens: of the prompt; 64 or the model's context.
        """
        return Report(json.loads(_core.report(self._path, context, prefill_tokens)))

    def __repr__(self) -> str:
        return f"Program({str(self._path)!r}: {self._info.model}, {self._info.tiles} tiles)"


def compile(model: Any, chip: str = "afm-512", *, adapt: str | None = None, output: PathLike | None = None,  # pylint: disable=redefined-builtin
            threads: int = 0, **options: Any) -> Program:
    """Compiles a checkpoint for the tiles of a chip (`crossweave compile`).

    model: directory or file (safetensors, GGUF, llama2.c), or a model of PyTorch, also one of aihwkit-lightning (weights.save_model()), whose tokenizer
    with save_pretrained() may be given as tokenizer. chip: built-in name or TOML file. adapt: what is done to the checkpoint for
    the noise, without training: "fold", "centre", "bypass" or "clip". output: program file; None: a temporary one. threads: 0 is one per
    core. options: those of the command with underscores, as weights="w8", lm_head="digital", digital=["*.down_proj"], calibration_text=path.

    Raises InputError for a model or option that cannot be, CapacityError for a chip that is too small.
    """
    if hasattr(model, "state_dict"):
        from crossweave.weights import save_model  # pylint: disable=import-outside-toplevel,cyclic-import
        tokenizer = options.pop("tokenizer") if hasattr(options.get("tokenizer"), "save_pretrained") else None
        with tempfile.TemporaryDirectory(prefix="crossweave-") as folder:
            checkpoint = save_model(model, pathlib.Path(folder) / type(model).__name__, tokenizer=tokenizer)
            return compile(checkpoint, chip, adapt=adapt, output=output, threads=threads, **options)
    run, settings = divided({"chip": chip, "adapt": adapt, **options})
    if run:
        raise TypeError(f"{run[0][0].replace('-', '_')}: there is no such option of compile(); it is one of Chip")
    temporary = _core.TemporaryFile("crossweave", "program.xwp") if output is None else None
    path = pathlib.Path(output) if temporary is None else temporary.path
    _core.compile(pathlib.Path(model), settings, path, threads)
    return Program(path, temporary)


def adapt(model: PathLike, output: PathLike, *, level: str = "clip", chip: str = "afm-512", noise: str = "", rank: int | None = None,
          tokens: int | None = None, threads: int = 0, **options: Any) -> Adaptation:
    """Makes a checkpoint fit for a noisy chip, without training, and writes it to `output` (.safetensors) (`crossweave adapt`).

    level: "fold", "centre", "bypass" or "clip", each with all before it. noise: cell model that is adapted to; the chip's if empty. rank:
    directions of every input that are taken digitally; None: the level's. tokens: to calibrate on, at most. options: lm_head, digital,
    replicate, tokenizer, calibration_text as for compile().
    """
    _, settings = divided({"chip": chip, **options})
    return Adaptation(json.loads(_core.adapt(pathlib.Path(model), settings, level, noise, rank, tokens, pathlib.Path(output), threads)))


def plan(model: PathLike, chip: str = "afm-512", *, objective: str = "latency", context: int = 512, prompt_tokens: int = 64, batch: int = 1,
         sensitivity: PathLike | None = None, **options: Any) -> Plan:
    """Every way to put a model on a chip that need not be large enough for it (`crossweave plan`).

    model: checkpoint, or a config.json without weights. objective: what the best plan is best in: "latency", "energy", "tiles", "quality".
    context: positions of the token whose time and energy are told. batch: tokens that share what is written when tiles are reloaded.
    sensitivity: JSON of `crossweave sensitivity`. options: emulator, lm_head, digital, replicate, row_cuts as for compile().
    """
    return Plan(json.loads(_core.plan(pathlib.Path(model), settings_of({"chip": chip, **options}), objective, context, prompt_tokens, batch,
                                      pathlib.Path(sensitivity) if sensitivity else "")))
