# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""The types of rtl/pkg/xw_pkg.sv: enums, packed structs and the functions that go with them.

What every tool reads (Yosys 0.23 is the narrowest): struct ports and nested members, a packed union, functions that
assign their name and name constants with their package. Arrays of structs are flat vectors of NAME_BITS each, and a struct has no array members.
"""

from archgen import sv_types


def enum(name, width, values):
    """values: (name, number, doc)."""
    lines = ["", f"  typedef enum logic [{width - 1}:0] {{"]
    for k, (label, number, doc) in enumerate(values):
        lines.append(f"    {label} = {width}'d{number}{',' if k + 1 < len(values) else ''}  // {doc}")
    return [*lines, f"  }} {name};"]


def declaration(member):
    kind = member.type or ("logic" if member.width == 1 else f"logic [{member.width - 1}:0]")
    return f"    {kind} {member.sv_name};" + (f"  // {member.doc}" if member.doc else "")


def struct(item):
    bits = item.name.removesuffix("_t").upper() + "_BITS"
    return ["", f"  // {item.doc}", "  typedef struct packed {", *(declaration(m) for m in reversed(item.members)),
            f"  }} {item.name};", f"  localparam int {bits} = {item.width};"]


def opcode_function(name, result, doc, default, cases):
    lines = ["", f"  // {doc}", f"  function automatic logic{result} {name}(input opcode_e opcode);", "    case (opcode)"]
    lines += [f"      xw_pkg::{label}: {name} = {value};" for label, value in cases]
    return [*lines, f"      default: {name} = {default};", "    endcase", "  endfunction"]


def instructions(spec):
    bits = 8 * spec.limit("instruction_bytes")
    width = next(f.width for f in spec.common if f.name == "opcode")
    lines = enum("opcode_e", width, [(f"OPCODE_{i.name.upper()}", i.opcode, i.doc) for i in spec.instructions])
    structs = sv_types.instruction_structs(spec)
    for item in structs:
        lines += struct(item)
    lines += ["", "  // An instruction: its opcode says which member counts.", "  typedef union packed {"]
    lines += [f"    {item.name} {item.name.removeprefix('inst_').removesuffix('_t')};" for item in structs]
    lines += [f"    logic [{bits - 1}:0] bits;", "  } instruction_t;", f"  localparam int INSTRUCTION_BITS = {bits};"]
    labels = {i.name: f"OPCODE_{i.name.upper()}" for i in spec.instructions}
    lines += opcode_function("is_opcode", "", "The operation exists.", "1'b0", [(label, "1'b1") for label in labels.values()])
    lines += opcode_function("is_dispatch_opcode", "", "Dispatch itself executes it: it may neither wait nor signal.", "1'b0",
                             [(labels[i.name], "1'b1") for i in spec.instructions if i.unit == "dispatch"])
    return lines + opcode_function("instruction_mask", f" [{bits - 1}:0]", "Bits that an operation uses; the others are zero.", "'0",
                                   [(labels[i.name], f"{bits}'h{spec.mask(i):0{bits // 4}X}") for i in spec.instructions])


def errors(spec):
    lines = enum("error_e", 8, [(f"ERROR_{e.name.upper()}", e.code, e.doc) for e in spec.errors])
    return lines + ["", "  // Of a faulty AXI4 response.", "  function automatic error_e memory_error(input logic decerr);",
                    "    memory_error = decerr ? xw_pkg::ERROR_MEMORY_DECERR : xw_pkg::ERROR_MEMORY_SLVERR;", "  endfunction"]


def units(spec):
    queues = [u for u in spec.units if u.name != "dispatch"]
    ids = [f"8'd{u.id + k}" for u in queues for k in range(u.count)]
    lines = ["", "  // The unit has an instruction queue.", "  function automatic logic unit_has_queue(input logic [7:0] unit);",
             "    case (unit)", f"      {', '.join(ids)}: unit_has_queue = 1'b1;", "      default: unit_has_queue = 1'b0;", "    endcase",
             "  endfunction", "", "  // Engine of a unit that exists once per engine; 0 of others.",
             "  function automatic logic [7:0] unit_engine(input logic [7:0] unit);", "    case (unit)"]
    lines += [f"      8'd{u.id + k}: unit_engine = 8'd{k};" for u in queues if u.count > 1 for k in range(u.count)]
    return [*lines, "      default: unit_engine = '0;", "    endcase", "  endfunction"]


def emit(spec):
    lines = ["", "  // --- types: operations and errors"]
    lines += errors(spec) + instructions(spec) + units(spec)
    lines += ["", "  // --- types: records, first byte lowest"]
    for item in sv_types.record_structs(spec):
        lines += struct(item)
    lines += ["", "  // --- types between modules"]
    for item in sv_types.internal_structs(spec):
        lines += struct(item)
    return lines
