# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""Models that run: chips, which are programs with a seed and a noise model, and references without a chip."""

from __future__ import annotations

import json
import pathlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Union

import numpy

from crossweave import _core
from crossweave.program import PathLike, Program
from crossweave.results import Evaluation, Generation, Report
from crossweave.settings import divided, refuse, seconds_of

Tokens = Union["numpy.typing.ArrayLike", Sequence[int]]


class RunningModel:
    """What chips and references have in common. One call at a time: those of other threads wait. Long calls run without the interpreter's
    lock, and Ctrl-C ends them."""

    _core_model: Any
    _words: list[str]

    @property
    def vocab_size(self) -> int:
        """Columns of logits."""
        return self._core_model.sizes()[0]

    @property
    def context_length(self) -> int:
        """The longest sequence, tokens."""
        return self._core_model.sizes()[1]

    @property
    def description(self) -> str:
        """Mode, noise, chip, device: "analog, pcm-afm, chip seed 7, functional device"."""
        return self._core_model.describe()

    def encode(self, text: str, *, special: bool = True) -> numpy.ndarray:
        """Token ids of a text, int32 [n]. special: with the tokens that the tokenizer puts around texts; control tokens in the text are
        recognised either way."""
        return self._core_model.encode(text, special, True)

    def decode(self, tokens: Tokens, *, special: bool = False) -> str:
        """Text of token ids [n]; bytes that are no text become U+FFFD. special: show control tokens."""
        return self._core_model.decode(_ids(tokens), special).decode("utf-8", "replace")

    def logits(self, what: str | Tokens, *, vector_base: int = 0) -> numpy.ndarray:
        """Logits behind every token of a text or of token ids [n]: float32 [n, vocab_size], in the memory that the toolchain computed
        them in. Row t predicts token t + 1. vector_base: index of the first token among the vectors of the chip, which decides read
        noise. Raises CapacityError for more tokens than the context holds."""
        return self._core_model.logits(self._tokens(what), True, vector_base)

    def next_logits(self, what: str | Tokens, *, vector_base: int = 0) -> numpy.ndarray:
        """Logits behind the last token alone: float32 [vocab_size]."""
        return self._core_model.logits(self._tokens(what), False, vector_base)

    def log_likelihoods(self, what: str | Tokens, *, begin: int = 1, vector_base: int = 0) -> numpy.ndarray:
        """Log-likelihoods of the tokens from `begin` on, each behind all before it: float64 [n - begin], nats."""
        return self._core_model.log_likelihoods(self._tokens(what), begin, vector_base)

    def score(self, requests: Iterable[Iterable[tuple[str, str]]], *, bos: str = "tokenizer") -> list[list[tuple[float, bool]]]:
        """Log-likelihoods (nats) of continuations behind contexts, and whether all their tokens are the likeliest: for every item, a list of
        (context, continuation), the same bits as a task of these items has in evaluate()."""
        return self._core_model.score([list(item) for item in requests], bos)

    def answer(self, questions: Iterable[tuple[str, Sequence[str], int]], *, bos: str = "tokenizer") -> list[str]:
        """Greedy continuations of (prompt, until, max_tokens), as a task with generated answers has them, unfiltered."""
        return self._core_model.answer([(prompt, list(until), most) for prompt, until, most in questions], bos)

    def generate(self, prompt: str, tokens: int = 128, *, temperature: float = 0.0, top_k: int = 0, top_p: float = 1.0, seed: int = 0,
                 stop_at_end: bool = True, on_text: Callable[[str], Any] | None = None) -> Generation:
        """Continues a text by at most `tokens` tokens. temperature 0 is greedy; seed is that of the sampling. on_text hears of
        every piece of text as it is made; an exception of it ends the generation."""
        return self._generate(prompt, False, "", on_text, max_tokens=tokens, temperature=temperature, top_k=top_k, top_p=top_p, seed=seed,
                              stop_at_end=stop_at_end)

    def chat(self, message: str, tokens: int = 128, *, system: str = "", temperature: float = 0.0, top_k: int = 0, top_p: float = 1.0,
             seed: int = 0, on_text: Callable[[str], Any] | None = None) -> Generation:
        """Answers one message, rendered with the model's chat template."""
        return self._generate(message, True, system, on_text, max_tokens=tokens, temperature=temperature, top_k=top_k, top_p=top_p,
                              seed=seed, stop_at_end=True)

    def evaluate(self, text: str | None = None, *, text_file: PathLike | None = None, tasks: Sequence[PathLike] | Mapping[str, Any] = (),
                 tokens: int = 0, context: int = 512, limit: int = 0, bos: str = "tokenizer", samples: int = 1,
                 temperature: float | None = None, top_k: int = 0, top_p: float = 1.0, seed: int = 0, chip_seeds: int = 1,
                 times: Sequence[float | str] = (), json: PathLike | None = None) -> Evaluation:  # pylint: disable=redefined-outer-name
        """Perplexity of a text and results of tasks (`crossweave eval`).

        text, text_file: the text itself, or its file. tasks: files of JSON lines, or {name: list of items as in these lines}. tokens: first
        ones of the text, 0 is all. context: tokens of a window. limit: first items of every task. samples: answers to every question. chip_seeds:
        chips from the seed of this one on. times: since programming, seconds or "1d", at which each is measured. json: file where results
        are kept as they come; the same call goes on from there, also after Ctrl-C.
        """
        if (text is None) == (text_file is None) and (text is not None or not tasks):
            raise refuse("evaluate: give text or text_file, tasks, or both")
        if text_file is not None:
            text = pathlib.Path(text_file).read_text(encoding="utf-8")
        options: dict[str, Any] = {
            "text": text, "tokens": tokens, "context": context, "limit": limit, "bos": bos, "samples": samples,
            "temperature": temperature if temperature is not None else float(samples > 1), "top_k": top_k, "top_p": top_p, "seed": seed,
            "chip_seeds": chip_seeds, "times": [seconds_of(time, "times") for time in times]}
        if isinstance(tasks, Mapping):
            options["task_texts"] = [(name, "\n".join(_json_line(item) for item in items)) for name, items in tasks.items()]
        else:
            options["task_files"] = [pathlib.Path(task) for task in tasks]
        document = self._core_model.evaluate(options, pathlib.Path(json) if json else "", self._words)
        return Evaluation(_parsed(document), self._core_model.seconds)

    def _generate(self, text: str, is_chat: bool, system: str, on_text: Callable[[str], Any] | None, **options: Any) -> Generation:
        return Generation.of(_parsed(self._core_model.generate(text, is_chat, system, options, on_text)))

    def _tokens(self, what: str | Tokens) -> numpy.ndarray:
        return self.encode(what) if isinstance(what, str) else _ids(what)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.description})"


class Chip(RunningModel):
    """A chip instance: a program with a seed and a noise model, which decide every cell of it.

    program: a Program or its file. seed: of all its noise. noise: cell model ("pcm-afm", "gaussian:gamma=0.05", ...), the chip's if None.
    time: since programming, seconds or "1d", for models that drift. compensation: "none", "global", "column:vectors=512". recalibrate:
    "every:1h". faults, spares: what is broken and what may take its place, as the command has them. adc_mismatch: standard deviation of the
    converters' gains, or "gain=0.01,offset=2". read_sigma: read noise in units of input range x w_max. device: URI. threads: 0 is one per core. options: whatever
    else the command's --help calls an option of execution.

    Raises InputError for options that mean nothing or do not go together, CapacityError, DeviceError.
    """

    def __init__(self, program: Program | PathLike, seed: int = 0, *, noise: str | None = None, time: float | str | None = None,
                 compensation: str | None = None, recalibrate: str | None = None, faults: str | None = None, spares: str | None = None,
                 adc_mismatch: float | str | None = None, read_sigma: float | None = None, device: str | None = None, threads: int = 0,
                 **options: Any):
        self._program = program if isinstance(program, Program) else Program.load(program)
        run, compile_ = divided({"chip_seed": seed, "noise": noise, "time": time, "compensation": compensation, "recalibrate": recalibrate,
                                 "faults": faults, "spares": spares, "adc_mismatch": adc_mismatch, "read_sigma": read_sigma,
                                 "device": device, **options})
        if compile_:
            raise TypeError(f"{compile_[0][0].replace('-', '_')}: there is no such option of a chip; it is one of compile()")
        self._words = [str(self._program.path), *(f"--{name}={text}" for name, text in run)]
        self._core_model = _core.Model(self._program.path, run, [], threads)

    @property
    def program(self) -> Program:
        """What is on it."""
        return self._program

    @property
    def seed(self) -> int:
        """Which chip it is."""
        return self._core_model.chip_seed

    @property
    def seconds(self) -> float:
        """Time since programming."""
        return self._core_model.seconds

    def age(self, time: float | str) -> Chip:
        """The same chip at another time since programming: what was programmed stays, read noise is new. Returns itself."""
        self._core_model.take_chip(self.seed, seconds_of(time))
        return self

    def reprogram(self, seed: int) -> Chip:
        """Another chip of the same kind and age. Returns itself."""
        self._core_model.take_chip(seed, self.seconds)
        return self

    def report(self, *, context: int | None = None, prefill_tokens: int | None = None, decode_tokens: int = 16,
               prompt: str = "") -> Report:
        """What the program costs, with a short run that is measured (`crossweave report`)."""
        return Report(_parsed(self._core_model.report(context, prefill_tokens, decode_tokens, prompt)))


class Reference(RunningModel):
    """A model without a chip: a checkpoint in fp32, or its weights in integers.

    model: checkpoint or, but for "fp32" and "int8", a program. mode: "fp32", "int8", "digital-w8a8" or "digital-w4a8". options: tokenizer=FILE, and for
    "digital-w8a8" and "digital-w4a8" of a checkpoint those of compile(), which is called first.
    """

    def __init__(self, model: Program | PathLike, mode: str = "fp32", *, threads: int = 0, **options: Any):
        self._program = model if isinstance(model, Program) else None
        path = model.path if isinstance(model, Program) else pathlib.Path(model)
        run, compile_ = divided({"mode": mode, **options})
        if mode == "analog" or len(run) > 1:
            raise refuse(f"a reference has no chip: expected fp32, int8, digital-w8a8 or digital-w4a8 and options of compile(), found {run}")
        self._words = [str(path), *(f"--{name}={text}" for name, text in [*run, *compile_])]
        self._core_model = _core.Model(path, run, compile_, threads)


def _ids(tokens: Tokens) -> numpy.ndarray:
    array = numpy.asarray(tokens)
    if array.size and not numpy.issubdtype(array.dtype, numpy.integer):
        raise refuse(f"tokens: expected whole numbers, found {array.dtype}")
    return numpy.ascontiguousarray(array, dtype=numpy.int32)


def _parsed(document: str) -> dict[str, Any]:
    return json.loads(document)


def _json_line(item: Any) -> str:
    return item if isinstance(item, str) else json.dumps(item)
