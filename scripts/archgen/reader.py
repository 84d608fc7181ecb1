# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""Reads and checks the contract. All problems are collected, then raised once."""

import tomllib

from archgen.spec import (
    TYPE_BYTES, Constant, ErrorCode, Field, Instruction, Record, RecordField, Register, Spec, SpecError, Unit, contract_hash)
from archgen.tables import Reader

REQUIRED_LIMITS = ("max_engines", "num_semaphores", "max_wait_count", "max_rows", "max_cols", "memory_alignment",
                   "instruction_bytes", "num_units")
SECTIONS = ("contract", "limit", "format", "unit", "instruction_common", "instruction", "record", "register", "argument",
            "status_register", "error")


def read_constants(reader, tables, section):
    result = []
    for name, entry in reader.table(tables.get(section, {}), section).items():
        where = f"{section}.{name}"
        reader.name(name, where)
        entry = reader.table(entry, where)
        reader.keys(entry, where, ("value", "doc"))
        result.append(Constant(name, reader.integer(entry, "value", where, high=0x7FFFFFFF), reader.doc(entry, where)))
    return tuple(result)


def read_units(reader, tables, num_units):
    units = []
    for name, entry in reader.table(tables.get("unit", {}), "unit").items():
        where = f"unit.{name}"
        reader.name(name, where)
        entry = reader.table(entry, where)
        reader.keys(entry, where, ("id", "doc"), ("count",))
        unit = Unit(name, reader.integer(entry, "id", where), reader.integer(entry, "count", where, 1, low=1),
                    reader.doc(entry, where))
        if unit.id + unit.count > num_units:
            reader.problem(where, f"ids {unit.id}..{unit.id + unit.count - 1} are beyond limit.num_units = {num_units}")
        units.append(unit)
    reader.no_overlap([(u.id, u.id + u.count, u.name) for u in units], "unit", "unit ids of")
    return tuple(units)


def read_instructions(reader, tables, units, num_words):
    common = reader.fields(tables.get("instruction_common", {}), "instruction_common", num_words)
    reader.no_field_overlap(common, "instruction_common")
    opcode_field = next((f for f in common if f.name == "opcode"), None)
    if opcode_field is None:
        reader.problem("instruction_common", "field 'opcode' is missing")
    opcode_max = (1 << opcode_field.width) - 1 if opcode_field else 0
    instructions = []
    for name, entry in reader.table(tables.get("instruction", {}), "instruction").items():
        where = f"instruction.{name}"
        reader.name(name, where)
        entry = reader.table(entry, where)
        reader.keys(entry, where, ("opcode", "unit", "doc"), ("fields",))
        fields = reader.fields(entry.get("fields", {}), where, num_words, has_text=True)
        reader.no_field_overlap((*common, *fields), where)
        reader.unique((*common, *fields), where, lambda f: f.name, "field name")
        reader.unique([*fields, *(Field(t, 0, 0, 1, "", t) for t in ("wait", "signal", "nosignal"))], where,
                      lambda f: f.text, "text")
        instructions.append(Instruction(
            name, reader.integer(entry, "opcode", where, high=opcode_max),
            reader.text(entry, "unit", where, choices=[*(u.name for u in units), "any"]), reader.doc(entry, where), fields))
    reader.unique(instructions, "instruction", lambda i: i.opcode, "opcode")
    return common, tuple(instructions)


def read_records(reader, tables, alignment):
    records = []
    for name, entry in reader.table(tables.get("record", {}), "record").items():
        where = f"record.{name}"
        reader.name(name, where)
        entry = reader.table(entry, where)
        reader.keys(entry, where, ("bytes", "doc", "fields"))
        size = reader.integer(entry, "bytes", where, low=1)
        if size % alignment:
            reader.problem(where, f"'bytes': expected a multiple of {alignment}, found {size}")
        items = entry.get("fields", [])
        if not isinstance(items, list):
            reader.problem(where, "'fields': expected an array of tables")
            items = []
        records.append(Record(name, size, reader.doc(entry, where),
                              tuple(read_record_field(reader, item, where, size) for item in items)))
        fields = records[-1].fields
        reader.unique(fields, where, lambda f: f.name, "name")
        reader.no_overlap([(f.offset, f.offset + f.bytes, f.name) for f in fields], where, "fields")
    return tuple(records)


def read_record_field(reader, item, where, size):
    item = reader.table(item, where)
    name = reader.name(item.get("name"), where)
    here = f"{where}.{name}"
    reader.keys(item, here, ("name", "offset", "type", "doc"), ("count", "value"))
    kind = reader.text(item, "type", here, "u32", tuple(TYPE_BYTES))
    width = TYPE_BYTES.get(kind, 4)
    field = RecordField(name, reader.integer(item, "offset", here), kind if kind in TYPE_BYTES else "u32",
                        reader.integer(item, "count", here, 1, low=1), None, reader.doc(item, here))
    if "value" in item:
        if field.count != 1:
            reader.problem(here, "'value' of an array")
        value = reader.integer(item, "value", here, high=(1 << 8 * width) - 1)
        field = RecordField(field.name, field.offset, field.type, field.count, value, field.doc)
    if field.offset % width:
        reader.problem(here, f"offset {field.offset} is not a multiple of its size {width}")
    if field.offset + field.bytes > size:
        reader.problem(here, f"ends at byte {field.offset + field.bytes}, beyond the record's {size}")
    return field


def read_registers(reader, tables):
    registers = []
    for name, entry in reader.table(tables.get("register", {}), "register").items():
        where = f"register.{name}"
        reader.name(name, where)
        entry = reader.table(entry, where)
        reader.keys(entry, where, ("offset", "access", "doc"), ("fields",))
        fields = reader.fields(entry.get("fields", {}), where, 1)
        reader.no_field_overlap(fields, where)
        registers.append(Register(name, "control", reader.integer(entry, "offset", where, high=0xFFFF), 1, 32,
                                  reader.text(entry, "access", where, choices=("rw", "ro", "wo", "toggle")),
                                  reader.doc(entry, where), fields))
    for section, kind in (("argument", "argument"), ("status_register", "status")):
        entries = tables.get(section, [])
        if not isinstance(entries, list):
            reader.problem(section, "expected an array of tables")
            entries = []
        registers += [read_plain_register(reader, entry, section, kind) for entry in entries]
    for register in registers:
        if register.offset % 4:
            reader.problem(f"register {register.name}", f"offset 0x{register.offset:03X} is not a multiple of 4")
        if register.kind == "argument" and register.offset % (register.width // 8):
            reader.problem(f"argument.{register.name}", f"offset 0x{register.offset:03X} is not a multiple of its width")
    for kind in ("argument", "other"):
        group = [r for r in registers if (r.kind == "argument") == (kind == "argument")]
        reader.unique(group, "registers", lambda r: r.name, "name")
    reader.no_overlap([(r.offset, r.offset + r.bytes, r.name) for r in registers], "registers", "registers")
    return tuple(registers)


def read_plain_register(reader, entry, section, kind):
    entry = reader.table(entry, section)
    name = reader.name(entry.get("name"), section)
    where = f"{section}.{name}"
    if kind == "argument":
        reader.keys(entry, where, ("name", "offset", "width", "doc"), ("count", "pointer", "port"))
    else:
        reader.keys(entry, where, ("name", "offset", "doc"), ("count",))
    width = reader.integer(entry, "width", where, 32)
    if width not in (32, 64):
        reader.problem(where, f"'width': expected 32 or 64, found {width}")
        width = 32
    pointer = entry.get("pointer", False)
    if not isinstance(pointer, bool):
        reader.problem(where, f"'pointer': expected a boolean, found {pointer!r}")
    port = reader.text(entry, "port", where)
    if bool(pointer) != bool(port):
        reader.problem(where, "a pointer needs a 'port', and only a pointer has one")
    if pointer and width != 64:
        reader.problem(where, "a pointer is 64 bits wide")
    return Register(name, kind, reader.integer(entry, "offset", where, high=0xFFFF),
                    reader.integer(entry, "count", where, 1, low=1, high=1024), width,
                    "rw" if kind == "argument" else "ro", reader.doc(entry, where), (), bool(pointer), port)


def read_errors(reader, tables):
    errors = []
    for name, entry in reader.table(tables.get("error", {}), "error").items():
        where = f"error.{name}"
        reader.name(name, where)
        entry = reader.table(entry, where)
        reader.keys(entry, where, ("code", "doc"))
        errors.append(ErrorCode(name, reader.integer(entry, "code", where), reader.doc(entry, where)))
    reader.unique(errors, "error", lambda e: e.code, "code")
    if not any(e.code == 0 and e.name == "ok" for e in errors):
        reader.problem("error", "code 0 must be 'ok'")
    return tuple(errors)


def check_across(reader, spec):
    """Facts that are said in more than one section and must agree."""
    widths = {f.name: f.width for f in spec.common}
    for name, limit in (("wait0_id", "num_semaphores"), ("wait1_id", "num_semaphores"), ("signal_id", "num_semaphores")):
        if name in widths and spec.limit(limit) > 1 << widths[name]:
            reader.problem(f"instruction_common.{name}", f"{widths[name]} bits cannot name limit.{limit} = {spec.limit(limit)}")
    for name in ("wait0_count", "wait1_count"):
        if name in widths and spec.limit("max_wait_count") != (1 << widths[name]) - 1:
            reader.problem(f"instruction_common.{name}", f"{widths[name]} bits do not match limit.max_wait_count")
    for names in (("wait0_id", "wait1_id", "signal_id"), ("wait0_count", "wait1_count")):
        if len({widths[name] for name in names if name in widths}) > 1:
            reader.problem("instruction_common", f"{', '.join(names)} differ in their widths")
    arguments = sorted(spec.arguments(), key=lambda r: r.offset)
    for register in arguments[:-1]:
        if register.count > 1:
            reader.problem(f"argument.{register.name}", f"has a count, so it must stand last, behind {arguments[-1].name}")
    for instruction in spec.instructions:  # where its queue is written
        unit = spec.unit(instruction.unit)
        needed = "unit" if unit is None else "engine" if unit.count > 1 else None
        if needed and needed not in (f.name for f in instruction.fields):
            reader.problem(f"instruction.{instruction.name}", f"an instruction of unit '{instruction.unit}' needs a field '{needed}'")
    for error in spec.errors:
        if error.code > 0xFF:
            reader.problem(f"error.{error.name}", f"code {error.code} does not fit the 8 bits that the hardware has for it")
    for unit in spec.units:
        if unit.count not in (1, spec.limit("max_engines")):
            reader.problem(f"unit.{unit.name}", f"count {unit.count} is neither 1 nor limit.max_engines")
    counts = {1, 4, 16, spec.limit("max_engines"), spec.limit("num_units")}
    for record in spec.records:
        for field in record.fields:
            if field.count not in counts:
                reader.problem(f"record.{record.name}.{field.name}", f"count {field.count} is none of {sorted(counts)}")


def parse(text):
    """Spec of a contract's text. Raises SpecError with every problem."""
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SpecError([f"not TOML: {error}"]) from error
    reader = Reader()
    for section in tables:
        if section not in SECTIONS:
            reader.problem(section, f"unknown section; known: {', '.join(SECTIONS)}")
    head = reader.table(tables.get("contract", {}), "contract")
    reader.keys(head, "contract", ("name", "isa_major", "isa_minor", "program_format", "kernel_name", "doc"))
    limits = read_constants(reader, tables, "limit")
    missing = [name for name in REQUIRED_LIMITS if name not in {c.name for c in limits}]
    if missing:
        reader.problem("limit", f"missing: {', '.join(missing)}")
        raise SpecError(reader.problems)
    value = {c.name: c.value for c in limits}
    for name in ("memory_alignment", "instruction_bytes"):
        if value[name] == 0 or value[name] & (value[name] - 1):
            reader.problem(f"limit.{name}", f"expected a power of two, found {value[name]}")
            raise SpecError(reader.problems)
    units = read_units(reader, tables, value["num_units"])
    common, instructions = read_instructions(reader, tables, units, max(2, value["instruction_bytes"] // 4))
    spec = Spec(
        isa_major=reader.integer(head, "isa_major", "contract", high=0xFFFF),
        isa_minor=reader.integer(head, "isa_minor", "contract", high=0xFFFF),
        program_format=reader.integer(head, "program_format", "contract", low=1),
        kernel_name=reader.name(head.get("kernel_name"), "contract.kernel_name"),
        doc=reader.doc(head, "contract"), limits=limits, formats=read_constants(reader, tables, "format"), units=units,
        common=common, instructions=instructions, records=read_records(reader, tables, value["memory_alignment"]),
        registers=read_registers(reader, tables), errors=read_errors(reader, tables),
        contract_hash=b"" if reader.problems else contract_hash(tables))
    check_across(reader, spec)
    if reader.problems:
        raise SpecError(reader.problems)
    return spec
