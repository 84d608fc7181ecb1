# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""arch/generated/xw_arch.hpp: the contract for C++."""

from archgen.spec import camel


def constant(name, value, doc, kind="std::uint32_t"):
    return f"inline constexpr {kind} {name} = {value};  ///< {doc}"


def quoted(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def limits_and_formats(spec):
    lines = [f"inline constexpr std::uint32_t kIsaMajor = {spec.isa_major};",
             f"inline constexpr std::uint32_t kIsaMinor = {spec.isa_minor};",
             constant("kIsaVersion", f"0x{spec.isa_version:08X}", "isa_major << 16 | isa_minor"),
             constant("kProgramFormat", spec.program_format, "Version of the program container."),
             f"inline constexpr std::string_view kKernelName = {quoted(spec.kernel_name)};",
             "/// First 16 bytes of the SHA-256 of the contract without its documentation.",
             "inline constexpr std::array<std::uint8_t, 16> kContractHash = {",
             "    " + ", ".join(f"0x{b:02X}" for b in spec.contract_hash) + "};",
             f"inline constexpr std::string_view kContractHashText = {quoted(spec.contract_hash.hex())};", "", "// Limits."]
    lines += [constant("k" + camel(c.name), c.value, c.doc) for c in spec.limits]
    lines += ["", "// Number formats (docs/numerics.md)."]
    return lines + [constant("k" + camel(c.name), c.value, c.doc, "int") for c in spec.formats]


def units(spec):
    lines = ["", "// Units, each with its own instruction queue; for units that exist once per engine the id of engine 0."]
    for unit in spec.units:
        lines.append(constant(f"kUnit{camel(unit.name)}", unit.id, unit.doc))
        if unit.count > 1:
            lines.append(constant(f"kUnit{camel(unit.name)}Count", unit.count, "One per engine."))
    lines += ["/// Name of a unit id as it is printed: \"x_load\", \"block_load[1]\"; \"unit 5\" for an id without a unit.",
              "[[nodiscard]] inline std::string unit_name(std::uint32_t id) {"]
    for unit in spec.units:
        if unit.count == 1:
            lines.append(f"  if (id == {unit.id}) return {quoted(unit.name)};")
        else:
            lines.append(f"  if (id >= {unit.id} && id < {unit.id + unit.count}) "
                         f"return \"{unit.name}[\" + std::to_string(id - {unit.id}) + \"]\";")
    lines += ['  return "unit " + std::to_string(id);', "}", "/// True if `id` names a unit.",
              "[[nodiscard]] constexpr bool is_unit(std::uint32_t id) {"]
    tests = [f"id == {u.id}" if u.count == 1 else f"(id >= {u.id} && id < {u.id + u.count})" for u in spec.units]
    return lines + ["  return " + " || ".join(tests) + ";", "}"]


def instructions(spec):
    words = spec.limit("instruction_bytes") // 4
    lines = ["", "/// The words of an instruction in memory.",
             "using InstructionWords = std::array<std::uint32_t, kInstructionBytes / 4>;", "",
             "/// Bits [low, low + width) of 32-bit word `word` of an instruction.",
             "struct Field {", "  unsigned word, low, width;",
             "  [[nodiscard]] constexpr std::uint32_t max() const { return width == 32 ? 0xFFFFFFFFU : (1U << width) - 1U; }",
             "  [[nodiscard]] constexpr std::uint32_t get(const InstructionWords& words) const {",
             "    return (words[word] >> low) & max();", "  }",
             "  /// Puts `value` (at most max(), the caller checks) into bits that are zero.",
             "  constexpr void set(InstructionWords& words, std::uint32_t value) const {",
             "    words[word] |= (value & max()) << low;", "  }", "};", "",
             "// Fields of every instruction."]
    lines += [field(f, "Common") for f in spec.common]
    for instruction in spec.instructions:
        lines += ["", f"// {instruction.name.upper()} ({instruction.unit}): {instruction.doc}"]
        lines += [field(f, camel(instruction.name)) for f in instruction.fields]
    count = max(i.opcode for i in spec.instructions) + 1
    lines += ["", "/// Operations. The values are those of field kCommonOpcode.", "enum class Opcode : std::uint8_t {"]
    lines += [f"  k{camel(i.name)} = {i.opcode},  ///< {i.doc}" for i in spec.instructions]
    lines += ["};"]
    by_opcode = {i.opcode: i for i in spec.instructions}
    lines += ["", constant("kNumOpcodes", count, "One more than the largest opcode."),
              "/// Name of an opcode, \"load_x\"; empty if there is none.",
              "[[nodiscard]] constexpr std::string_view opcode_name(std::uint32_t opcode) {", "  switch (opcode) {"]
    lines += [f"    case {i.opcode}: return {quoted(i.name)};" for i in spec.instructions]
    lines += ["    default: return {};", "  }", "}",
              "[[nodiscard]] constexpr std::string_view opcode_name(Opcode opcode) {",
              "  return opcode_name(static_cast<std::uint32_t>(opcode));", "}",
              "/// The number that field kCommonOpcode holds.",
              "[[nodiscard]] constexpr std::uint32_t opcode_value(Opcode opcode) { return static_cast<std::uint32_t>(opcode); }",
              "/// True if `opcode` names an operation.",
              "[[nodiscard]] constexpr bool is_opcode(std::uint32_t opcode) { return !opcode_name(opcode).empty(); }",
              "/// Bits that an opcode uses, by opcode and word; the others must be zero.",
              "inline constexpr std::array<InstructionWords, kNumOpcodes> kInstructionMask = {{"]
    for opcode in range(count):
        used = [0] * words
        if opcode in by_opcode:
            for f in (*spec.common, *by_opcode[opcode].fields):
                used[f.word] |= f.mask
        lines.append("    {{" + ", ".join(f"0x{w:08X}" for w in used) + f"}}}},  // {by_opcode[opcode].name if opcode in by_opcode else 'none'}")
    return lines + ["}};"]


def field(f, prefix):
    return f"inline constexpr Field k{prefix}{camel(f.name)} = {{{f.word}, {f.low}, {f.width}}};  ///< {f.doc}"


def records(spec):
    lines = []
    for record in spec.records:
        name = camel(record.name)
        lines += ["", f"// Record {record.name}: {record.doc}", f"inline constexpr std::uint32_t k{name}Bytes = {record.bytes};"]
        for f in record.fields:
            lines.append(constant(f"k{name}{camel(f.name)}Offset", f"0x{f.offset:03X}", f"{f.type}: {f.doc}"))
            if f.count > 1:
                lines.append(f"inline constexpr std::uint32_t k{name}{camel(f.name)}Count = {f.count};")
            if f.value is not None:
                lines.append(constant(f"k{name}{camel(f.name)}", f"0x{f.value:08X}", f.doc))
    return lines


def registers(spec):
    lines = ["", "// Registers: byte offsets in the AXI4-Lite window; kArg... are the kernel arguments (64 bit: low word first)."]
    for r in spec.registers:
        name = ("kArg" if r.kind == "argument" else "kReg") + camel(r.name)
        lines.append(constant(name, f"0x{r.offset:03X}", f"{r.access}: {r.doc}"))
        if r.count > 1:
            lines.append(f"inline constexpr std::uint32_t {name}Count = {r.count};")
        lines += [constant(f"{name}{camel(f.name)}", f"0x{f.mask:08X}", f"Mask. {f.doc}") for f in r.fields]
    window = 1 << (max(r.offset + r.bytes for r in spec.registers) - 1).bit_length()
    return lines + [constant("kRegisterWindowBytes", f"0x{window:03X}", "Size of the AXI4-Lite window.")]


def errors(spec):
    lines = ["", "/// Error codes of devices.", "enum class DeviceError : std::uint32_t {"]
    lines += [f"  k{camel(e.name)} = {e.code},  ///< {e.doc}" for e in spec.errors]
    lines += ["};", "/// Name of a device error code as it is printed, \"bad_engine\"; \"unknown_error\" for an unknown code.",
              "[[nodiscard]] constexpr std::string_view error_name(std::uint32_t code) {", "  switch (code) {"]
    lines += [f"    case {e.code}: return {quoted(e.name)};" for e in spec.errors]
    lines += ['    default: return "unknown_error";', "  }", "}",
              "[[nodiscard]] constexpr std::string_view error_name(DeviceError code) {",
              "  return error_name(static_cast<std::uint32_t>(code));", "}",
              "/// One sentence about a device error code.",
              "[[nodiscard]] constexpr std::string_view error_doc(std::uint32_t code) {", "  switch (code) {"]
    lines += [f"    case {e.code}: return {quoted(e.doc)};" for e in spec.errors]
    return lines + ['    default: return "Not an error code of this contract.";', "  }", "}",
                    "[[nodiscard]] constexpr std::string_view error_doc(DeviceError code) {",
                    "  return error_doc(static_cast<std::uint32_t>(code));", "}",
                    constant("kNumDeviceErrors", max(e.code for e in spec.errors) + 1, "One more than the largest code.")]


def emit(spec):
    head = ["// GENERATED by scripts/gen_arch.py from arch/accelerator.toml. Do not edit.",
            f"// {spec.doc}", "// SPDX-FileCopyrightText: The Crossweave authors", "// SPDX-License-Identifier: Apache-2.0",
            "// clang-format off", "#pragma once", "", "#include <array>", "#include <cstdint>", "#include <string>",
            "#include <string_view>", "", "namespace xw::arch {", ""]
    body = limits_and_formats(spec) + units(spec) + instructions(spec) + records(spec) + registers(spec) + errors(spec)
    return "\n".join([*head, *body, "", "}  // namespace xw::arch", ""])
