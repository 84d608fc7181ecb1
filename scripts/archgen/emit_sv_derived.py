# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""What the hardware derives from the contract, for rtl/pkg/xw_pkg.sv: widths, places in records and in the register
window, and who executes an instruction. Modules name these instead of typing the numbers."""

from archgen.sv_types import bits_for, constant


def number(name, value, doc):
    return f"  localparam int {name} = {value};  // {doc}"


def width_of(spec, name):
    """Width of fields that all instructions share, of which the hardware has one (reader.check_across)."""
    return next(f.width for f in spec.common if f.name == name)


def widths(spec):
    alignment = spec.limit("memory_alignment")
    return ["", "  // Widths that follow.",
            number("MEMORY_ALIGNMENT_BITS", alignment.bit_length() - 1, "Low bits of aligned addresses: zero."),
            number("BATCH_BITS", bits_for(spec.limit("max_batch")), "Of a number of vectors."),
            number("ROWS_BITS", bits_for(spec.limit("max_rows")), "Of a number of wordlines."),
            number("COLS_BITS", bits_for(spec.limit("max_cols")), "Of a number of bitlines."),
            number("ADC_SHIFT_BITS", bits_for(constant(spec, "max_adc_shift")), "Of the shift after the gain."),
            number("ADC_RESOLUTION_BITS", bits_for(constant(spec, "max_adc_bits")), "Of the resolution of an ADC."),
            number("SEMAPHORE_ID_BITS", width_of(spec, "signal_id"), "Of a semaphore's number."),
            number("WAIT_COUNT_BITS", width_of(spec, "wait0_count"), "Of the tokens that one wait takes.")]


def record_places(spec):
    lines = ["", "  // Records: byte offsets of their fields."]
    for record in spec.records:
        lines += [f"  localparam int {record.name.upper()}_{f.name.upper()}_OFFSET = {f.offset};" for f in record.fields]
    return lines


def argument_window(spec):
    """The stretch of registers that holds the arguments, bit by bit."""
    arguments = spec.arguments()
    first = min(r.offset for r in arguments)
    words = (max(r.offset + r.bytes for r in arguments) - first) // 4
    exists = sum(1 << (r.offset - first) // 4 + k for r in arguments for k in range(r.bytes // 4))
    parts = []
    for r in reversed(arguments):  # members of a packed struct, the highest first
        low = 8 * (r.offset - first)
        parts.append(f"words[{low + r.width * r.count - 1}:{low}]")
    lines = ["", "  // Arguments: their registers as one vector, from ARG_FIRST on.",
             f"  localparam logic [15:0] ARG_FIRST = 16'h{first:04X};  // Byte offset of the first.",
             number("ARG_WORDS", words, "Registers from the first to the last; those of engines are the last."),
             f"  localparam logic [{words - 1}:0] ARG_WORD_EXISTS = {words}'h{exists:0{(words + 3) // 4}X};  // Bit w: register w is an argument's."]
    lines += [number(f"ARG_{r.name.upper()}_WORDS", r.width // 32, "Registers of one engine.") for r in arguments if r.count > 1]
    return lines + ["  /* verilator lint_off UNUSEDSIGNAL */",
                    f"  function automatic logic [{sum(r.width * r.count for r in arguments) - 1}:0] arguments_of("
                    f"input logic [{32 * words - 1}:0] words);",
                    f"    arguments_of = {{{', '.join(parts)}}};", "  endfunction", "  /* verilator lint_on UNUSEDSIGNAL */"]


def queues(spec):
    """Queues in the order of their units: one of each, or one per engine of the build."""
    units = [u for u in spec.units if u.name != "dispatch"]
    lines = ["", "  // Unit of an instruction queue in a build with so many engines. Queues stand in the order of the units.",
             "  function automatic logic [7:0] queue_unit(input int unsigned queue, input int unsigned engines);"]
    single, per_engine = 0, 0

    def place():
        text = " + ".join(([f"{per_engine} * engines"] if per_engine > 1 else ["engines"] if per_engine else []) +
                          ([str(single)] if single else []))
        return text or "0"

    for k, unit in enumerate(units):
        begin = place()
        if unit.count > 1:
            per_engine += 1
        else:
            single += 1
        id_ = f"xw_pkg::UNIT_{unit.name.upper()}"
        value = f"{id_} + 8'(queue - ({begin}))" if unit.count > 1 else id_
        condition = f"    {'else ' if k else ''}if (queue < {place()})" if k + 1 < len(units) else "    else"
        lines.append(f"{condition} queue_unit = {value};")
    return [*lines, "  endfunction"]


def execution(spec):
    """Who executes an instruction."""
    bits = 8 * spec.limit("instruction_bytes")
    counts = {u.name: u.count for u in spec.units}
    at = lambda f: f"bits[{f.lsb + f.width - 1}:{f.lsb}]"  # noqa: E731
    field = lambda i, name: next(f for f in i.fields if f.name == name)  # noqa: E731
    label = lambda i: f"xw_pkg::OPCODE_{i.name.upper()}"  # noqa: E731
    with_engine = [i for i in spec.instructions if counts.get(i.unit, 1) > 1]
    lines = ["", "  // The operation is executed by a unit of the engine that the instruction names.",
             "  function automatic logic has_engine(input opcode_e opcode);", "    case (opcode)",
             f"      {', '.join(map(label, with_engine))}: has_engine = 1'b1;", "      default: has_engine = 1'b0;", "    endcase",
             "  endfunction", "  /* verilator lint_off UNUSEDSIGNAL */", "", "  // That engine; 0 of other operations.",
             f"  function automatic logic [7:0] instruction_engine(input opcode_e opcode, input logic [{bits - 1}:0] bits);", "    case (opcode)"]
    lines += [f"      {label(i)}: instruction_engine = {at(field(i, 'engine'))};" for i in with_engine]
    lines += ["      default: instruction_engine = '0;", "    endcase", "  endfunction", "",
              "  // The unit whose queue an instruction goes to; dispatch executes the others itself.",
              f"  function automatic logic [7:0] instruction_unit(input opcode_e opcode, input logic [{bits - 1}:0] bits);", "    case (opcode)"]
    for i in spec.instructions:
        if i.unit == "any":
            lines.append(f"      {label(i)}: instruction_unit = {at(field(i, 'unit'))};")
        elif i.unit != "dispatch":
            engine = f" + {at(field(i, 'engine'))}" if counts[i.unit] > 1 else ""
            lines.append(f"      {label(i)}: instruction_unit = xw_pkg::UNIT_{i.unit.upper()}{engine};")
    return [*lines, "      default: instruction_unit = xw_pkg::UNIT_DISPATCH;", "    endcase", "  endfunction",
            "  /* verilator lint_on UNUSEDSIGNAL */"]


def emit_constants(spec):
    """Before the types."""
    return widths(spec) + record_places(spec) + argument_window(spec)


def emit_functions(spec):
    """Behind them."""
    return queues(spec) + execution(spec)
