# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""Crossweave's chips in EleutherAI's lm-evaluation-harness (PyPI lm_eval).

    python -m crossweave.lm_eval --model crossweave --model_args program=smollm2.xwp,noise=pcm-afm,seed=7 --tasks arc_easy

takes the harness's own options. Or, where the harness is used as a library, `import crossweave.lm_eval` makes the model known.
Figures are those of `crossweave eval --task` on the harness's exported samples: items have the same tokens and the same noise.
"""

from __future__ import annotations

import itertools
import pathlib
from typing import Any

from lm_eval.api.model import LM
from lm_eval.api.registry import register_model
from lm_eval.utils import get_rolling_token_windows

from crossweave.model import Chip, Reference
from crossweave.settings import refuse

_UNUSED = ("batch_size", "max_batch_size", "device")  # the harness always gives them; a chip has its own ways
_MAX_NEW_TOKENS = 256


@register_model("crossweave")
class CrossweaveLM(LM):
    """program: a program, run on a chip (options of crossweave.Chip: seed, noise, time, compensation, ...); or checkpoint: run as a
    crossweave.Reference with its mode. bos: "tokenizer" (default), "always" or "never": what stands in front of texts. max_gen_toks: new tokens of
    answers whose task does not say."""

    def __init__(self, program: str | None = None, checkpoint: str | None = None, mode: str = "fp32", bos: str = "tokenizer",
                 max_gen_toks: int = _MAX_NEW_TOKENS, **options: Any):
        super().__init__()
        for name in _UNUSED:
            options.pop(name, None)
        if (program is None) == (checkpoint is None):
            raise refuse("model_args: expected program=FILE or checkpoint=FILE")
        self.model = Chip(program, **options) if program is not None else Reference(checkpoint, mode, **options)
        self._bos, self._max_new = bos, int(max_gen_toks)
        self._name = pathlib.Path(program if program is not None else str(checkpoint)).name

    def loglikelihood(self, requests: list[Any]) -> list[tuple[float, bool]]:
        """Requests of one document are an item of a task: what they begin with in common is computed once."""
        found: list[tuple[float, bool]] = []
        for _, of_task in itertools.groupby(requests, key=lambda request: request.task_name):
            items = [[request.args for request in item] for item in _documents(of_task)]
            found += [score for item in self.model.score(items, bos=self._bos) for score in item]
        return self._told("loglikelihood", requests, found)

    def loglikelihood_rolling(self, requests: list[Any]) -> list[float]:
        """Windows of the harness: each as long as the context, behind BOS or else the end-of-sequence token."""
        begin, end, _ = self.model._core_model.special_tokens()  # pylint: disable=protected-access
        prefix, context = begin if begin >= 0 else end, self.model.context_length
        found = []
        for request in requests:
            tokens = self.model.encode(request.args[0], special=False).tolist()
            total = 0.0
            for inputs, predicted in get_rolling_token_windows(tokens, prefix, context, 1):
                window = [*inputs, predicted[-1]]
                total += float(self.model.log_likelihoods(window, begin=len(window) - len(predicted)).sum())
            found.append(total)
        return self._told("loglikelihood_rolling", requests, found)

    def generate_until(self, requests: list[Any]) -> list[str]:
        """Greedy, whatever the task asks for but the texts that end an answer and its length. Raises InputError for sampling."""
        questions = []
        for request in requests:
            prompt, options = request.args
            if options.get("do_sample") or options.get("temperature", 0) not in (0, None):
                raise refuse("generate_until: expected a greedy task, found one that samples (`crossweave eval --samples` does)")
            until = options.get("until") or []
            questions.append((prompt, [until] if isinstance(until, str) else list(until), int(options.get("max_gen_toks", self._max_new))))
        found: list[str] = []
        for _, pairs in itertools.groupby(zip(requests, questions, strict=True), key=lambda pair: pair[0].task_name):
            found += self.model.answer([question for _, question in pairs], bos=self._bos)
        return self._told("generate_until", requests, found)

    @property
    def tokenizer_name(self) -> str:
        """Of the harness's caches."""
        return self._name

    def _told(self, kind: str, requests: list[Any], found: list[Any]) -> list[Any]:
        """The results, told to the harness's cache."""
        for request, result in zip(requests, found, strict=True):
            self.cache_hook.add_partial(kind, request.args, result)
        return found


def _documents(requests: Any) -> list[list[Any]]:
    """Neighbours of the same document."""
    return [list(item) for _, item in itertools.groupby(requests, key=lambda request: request.doc_id)]


def main() -> None:
    """The harness's command line, with this model in it."""
    from lm_eval.__main__ import cli_evaluate  # pylint: disable=import-outside-toplevel
    cli_evaluate()


if __name__ == "__main__":
    main()
