# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""What can go wrong, by what the caller can do about it: the kinds that the command tells apart by its exit status."""


class Error(Exception):
    """Of all errors of the toolchain. The text is the tool's message: what, where, expected, found.

    `kind` is its name as the command prints it ("format", "file not found", ...), `exit_status` the status with which the command would end,
    `setting` what another value of would avoid it ("" if that is no single one).
    """

    kind: str = "internal error"
    exit_status: int = 70
    setting: str = ""


class InputError(Error, ValueError):
    """An option that means nothing, a file that is missing, damaged or not what it should be, a model that is not supported (exit status 2 or 3)."""


class CapacityError(Error):
    """Chip, emulator, context or memory is too small; the message says by how much (4)."""


class DeviceError(Error):
    """The device reported an error or did not finish in time (5)."""


class InternalError(Error):
    """A defect of Crossweave (70)."""


_OF_STATUS = {2: InputError, 3: InputError, 4: CapacityError, 5: DeviceError}


def make(kind: str, exit_status: int, message: str, setting: str) -> Error:
    """The exception for an error of the toolchain."""
    error = _OF_STATUS.get(exit_status, InternalError)(message)
    error.kind, error.exit_status, error.setting = kind, exit_status, setting
    return error
