# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""From transformer checkpoints to analog in-memory-computing hardware and back to tokens.

    import crossweave
    program = crossweave.compile("model.gguf", chip="afm-512", adapt="clip")
    chip = crossweave.Chip(program, seed=7, noise="pcm-afm")
    print(chip.generate("Once upon a time", 32))
    print(chip.evaluate(text_file="held-out.txt", chip_seeds=5).perplexity)

docs/python.md is the guide.
"""

from crossweave._core import contract as CONTRACT
from crossweave._core import option_words as choices
from crossweave._core import version as __version__
from crossweave.errors import CapacityError, DeviceError, Error, InputError, InternalError
from crossweave.model import Chip, Reference
from crossweave.program import Program, adapt, compile, plan  # pylint: disable=redefined-builtin
from crossweave.results import (Adaptation, Evaluation, Generation, Plan, PlannedDeployment, ProgramInfo, Report, Simulation, Statistics,
                                TimeResult)
from crossweave.weights import load_state, save_model, save_state

__all__ = [
    "CONTRACT", "Adaptation", "CapacityError", "Chip", "DeviceError", "Error", "Evaluation", "Generation", "InputError", "InternalError",
    "Plan", "PlannedDeployment", "Program", "ProgramInfo", "Reference", "Report", "Simulation", "Statistics", "TimeResult", "__version__",
    "adapt", "choices", "compile", "load_state", "plan", "save_model", "save_state",
]
