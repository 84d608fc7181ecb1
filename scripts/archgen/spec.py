# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""The contract as values: what arch/accelerator.toml says, without its syntax."""

import hashlib
import json
from dataclasses import dataclass

TYPE_BYTES = {"u8": 1, "u16": 2, "u32": 4, "u64": 8}
WORD_BITS = 32


class SpecError(Exception):
    """Everything that is wrong with a contract, one problem a line."""

    def __init__(self, problems):
        super().__init__("\n".join(problems))
        self.problems = list(problems)


@dataclass(frozen=True)
class Constant:
    name: str
    value: int
    doc: str


@dataclass(frozen=True)
class Unit:
    name: str
    id: int
    count: int
    doc: str


@dataclass(frozen=True)
class Field:
    """Bits of a 32-bit word: an instruction's or a register's (word 0). `text` and `style`: in assembler text."""

    name: str
    word: int
    low: int
    width: int
    doc: str
    text: str = ""
    style: str = "decimal"

    @property
    def mask(self):
        return ((1 << self.width) - 1) << self.low

    @property
    def lsb(self):
        """Position in the whole instruction."""
        return WORD_BITS * self.word + self.low

    @property
    def bits(self):
        return str(self.low) if self.width == 1 else f"{self.low + self.width - 1}:{self.low}"


@dataclass(frozen=True)
class Instruction:
    name: str
    opcode: int
    unit: str
    doc: str
    fields: tuple


@dataclass(frozen=True)
class RecordField:
    name: str
    offset: int
    type: str
    count: int
    value: int | None
    doc: str

    @property
    def bytes(self):
        return TYPE_BYTES[self.type] * self.count


@dataclass(frozen=True)
class Record:
    name: str
    bytes: int
    doc: str
    fields: tuple


@dataclass(frozen=True)
class Register:
    """kind: "control" (AXI-Lite convention), "argument" (of the kernel) or "status" (read only)."""

    name: str
    kind: str
    offset: int
    count: int
    width: int
    access: str
    doc: str
    fields: tuple = ()
    pointer: bool = False
    port: str = ""

    @property
    def bytes(self):
        return self.count * self.width // 8


@dataclass(frozen=True)
class ErrorCode:
    name: str
    code: int
    doc: str


@dataclass(frozen=True)
class Spec:
    isa_major: int
    isa_minor: int
    program_format: int
    kernel_name: str
    doc: str
    limits: tuple
    formats: tuple
    units: tuple
    common: tuple
    instructions: tuple
    records: tuple
    registers: tuple
    errors: tuple
    contract_hash: bytes

    @property
    def isa_version(self):
        return self.isa_major << 16 | self.isa_minor

    def limit(self, name):
        return next(c.value for c in self.limits if c.name == name)

    def unit(self, name):
        """The unit of that name; None for "any"."""
        return next((u for u in self.units if u.name == name), None)

    def mask(self, instruction):
        """Bits of the whole instruction that it uses."""
        return sum(((1 << f.width) - 1) << f.lsb for f in (*self.common, *instruction.fields))

    def arguments(self):
        return [r for r in self.registers if r.kind == "argument"]


PRESENTATION = ("doc", "text", "style")  # how people read and write the contract's facts, not what they are


def without_docs(value):
    """The same tables without documentation and assembler names: what the contract hash covers."""
    if isinstance(value, dict):
        return {key: without_docs(item) for key, item in value.items()
                if not (key in PRESENTATION and isinstance(item, str))}
    if isinstance(value, list):
        return [without_docs(item) for item in value]
    return value


def contract_hash(tables):
    """First 16 bytes of the SHA-256 of the contract as canonical JSON, documentation left out."""
    text = json.dumps(without_docs(tables), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode("ascii")).digest()[:16]


def camel(name):
    """`wait0_id` -> `Wait0Id`."""
    return "".join(part[:1].upper() + part[1:] for part in name.split("_"))
