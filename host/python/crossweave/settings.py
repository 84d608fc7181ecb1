# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""Options in Python as the texts that the toolchain reads: the same names and meanings as those of the command."""

from __future__ import annotations

import keyword
import math
import os
from collections.abc import Iterable, Mapping
from typing import Any

from crossweave import _core
from crossweave.errors import make

Settings = list[tuple[str, str]]

_WORDS = {  # of options that are yes or no in Python
    "lm_head": {True: "analog", False: "digital"},
    "first_token": {True: "analog", False: "digital"},
}


def refuse(message: str, setting: str = "") -> Exception:
    """The error of an option that means nothing."""
    return make("invalid-argument", 2, message, setting)


def text_of(name: str, value: Any) -> str:
    """The text of one value: numbers with all their digits, paths as they are."""
    if isinstance(value, bool):
        words = _WORDS.get(name)
        if words is None:
            raise refuse(f"{name}: expected no truth value, found {value}", name)
        return words[value]
    if isinstance(value, float) and not math.isfinite(value):
        raise refuse(f"{name}: expected a finite number, found {value}", name)
    if isinstance(value, (str, int, float)):
        return str(value)
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    raise refuse(f"{name}: expected a text, a number or a path, found {type(value).__name__}", name)


def name_of(word: str) -> str:
    """The command's name of a keyword: adc_mismatch is adc-mismatch, lambda_ (a word of Python) is lambda."""
    return word.rstrip("_").replace("_", "-")


def settings_of(options: Mapping[str, Any]) -> Settings:
    """(name, text) of every option that is not None, a list being several of one name."""
    settings: Settings = []
    for name, value in options.items():
        if value is None:
            continue
        several = value if isinstance(value, (list, tuple)) else [value]
        settings += [(name_of(name), text_of(name, one)) for one in several]
    return settings


def divided(options: Mapping[str, Any]) -> tuple[Settings, Settings]:
    """Options of running and of compiling; a name that is neither is an error."""
    run = {name: value for name, value in options.items() if name_of(name) in _core.run_settings}
    compile_ = {name: value for name, value in options.items() if name not in run}
    unknown = [name for name in compile_ if name_of(name) not in _core.compile_settings]
    if unknown:
        raise TypeError(f"{unknown[0]}: there is no such option; known: {', '.join(known_options())}")
    return settings_of(run), settings_of(compile_)


def known_options() -> Iterable[str]:
    """Names of options of running and compiling, as Python has them."""
    names = (name.replace("-", "_") for name in (*_core.run_settings, *_core.compile_settings))
    return sorted(f"{name}_" if keyword.iskeyword(name) else name for name in names)


_UNITS = {"ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0, "y": 31536000.0}


def seconds_of(time: float | str, name: str = "time") -> float:
    """Seconds of a number or of a text as the command takes it: "90", "1.5h", "30d"; units ms, s, min, h, d, w, y (365 d)."""
    if not isinstance(time, str):
        return float(time)
    number = time.strip().rstrip("abcdefghijklmnopqrstuvwxyz")
    unit = time.strip()[len(number):].strip() or "s"
    try:
        seconds = float(number) * _UNITS[unit]
    except (KeyError, ValueError):
        seconds = math.nan
    if not (math.isfinite(seconds) and seconds >= 0):
        raise refuse(f"{name}: expected seconds or a number with a unit (s, min, h, d, w, y), found '{time}'", name)
    return seconds
