# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""The generator of the contract's files: every check fires, nothing committed is stale."""

import contextlib
import hashlib
import io
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "scripts"))

import gen_arch  # noqa: E402
from archgen import emit_xrt, reader, spec  # noqa: E402

CONTRACT = (ROOT / "arch/accelerator.toml").read_text(encoding="utf-8")


def problems(text):
    try:
        reader.parse(text)
    except spec.SpecError as error:
        return "\n".join(error.problems)
    return ""


class Checks(unittest.TestCase):
    """Each case changes one place of the contract and expects one complaint."""

    def expect(self, old, new, message):
        self.assertEqual(CONTRACT.count(old), 1, f"'{old}' must stand once in the contract")
        self.assertRegex(problems(CONTRACT.replace(old, new)), message)

    def test_the_contract_is_good(self):
        self.assertEqual(problems(CONTRACT), "")

    def test_syntax(self):
        self.assertRegex(problems("[contract"), "not TOML")
        self.assertRegex(problems(CONTRACT + "\n[surprise]\nx = 1\n"), "surprise: unknown section; known: contract, limit")

    def test_missing_limits(self):
        self.expect("max_engines        = ", "most_engines = ", "limit: missing: max_engines")

    def test_alignment_is_a_power_of_two(self):
        self.expect("memory_alignment   = { value = 64,", "memory_alignment = { value = 60,",
                    "limit.memory_alignment: expected a power of two, found 60")

    def test_unknown_and_missing_keys(self):
        self.expect("cell_max         = { value = 127,", "cell_max = { value = 127, colour = 1,",
                    "format.cell_max: unknown key 'colour'; known: value, doc")
        self.expect('{ value = 127, doc = "Largest cell code." }', '{ doc = "Largest cell code." }',
                    "format.cell_max: key 'value' is missing")

    def test_types_and_ranges(self):
        self.expect("cell_max         = { value = 127,", 'cell_max = { value = "127",',
                    "format.cell_max: 'value': expected an integer, found '127'")
        self.expect("cell_max         = { value = 127,", "cell_max = { value = true,", "expected an integer, found True")
        self.expect("cell_max         = { value = 127,", "cell_max = { value = -1,", "expected 0..2147483647, found -1")
        self.expect("program_format = 1 ", "program_format = 0 ", "contract: 'program_format': expected 1")
        self.expect('doc = "Largest cell code."', 'doc = ""', "format.cell_max: 'doc': expected one line of text")
        self.expect('doc = "Largest cell code."', "doc = 5", "format.cell_max: 'doc': expected a string, found 5")

    def test_names(self):
        self.expect("cell_max         = ", "CellMax = ", "format.CellMax: name 'CellMax' is not lower_snake")
        self.expect('kernel_name = "crossweave"', 'kernel_name = "Cross weave"', "contract.kernel_name: name .* is not lower_snake")

    def test_overlapping_units(self):
        self.expect("y_store    = { id = 2, ", "y_store    = { id = 1, ", "unit: unit ids of 'x_load' and 'y_store' overlap")
        self.expect("block_load = { id = 8,  count = 8,", "block_load = { id = 9,  count = 8,",
                    "unit: unit ids of 'block_load' and 'mvm' overlap")
        self.expect("mvm        = { id = 16, count = 8,", "mvm = { id = 17, count = 8,",
                    "unit.mvm: ids 17..24 are beyond limit.num_units = 24")
        self.expect("block_load = { id = 8,  count = 8,", "block_load = { id = 8,  count = 7,",
                    "unit.block_load: count 7 is neither 1 nor limit.max_engines")

    def test_overlapping_opcodes(self):
        self.expect("opcode = 5", "opcode = 4", "instruction: opcode 4 is used by 'mvm' and 'store_y'")
        self.expect("opcode = 5", "opcode = 16", "instruction.store_y: 'opcode': expected 0..15, found 16")

    def test_unknown_unit(self):
        self.expect('unit = "mvm"', 'unit = "alu"', "instruction.mvm: 'unit': expected one of dispatch, .*any, found 'alu'")

    def test_overlapping_fields(self):
        self.expect('wait0_count = { word = 0, bits = "12:10",', 'wait0_count = { word = 0, bits = "11:9",',
                    "instruction_common: fields 'wait0_id' and 'wait0_count' overlap")
        self.expect('fields.accumulate  = { word = 1, bits = "16",', 'fields.accumulate  = { word = 1, bits = "15",',
                    "instruction.mvm: fields 'context' and 'accumulate' overlap")
        self.expect('fields.accumulate  = { word = 1, bits = "16",', 'fields.accumulate  = { word = 0, bits = "28",',
                    "instruction.mvm: fields '(signal|accumulate)' and '(signal|accumulate)' overlap")

    def test_assembler_text_of_fields(self):
        self.expect('text = "acc"', 'text = "a cc"', "instruction.mvm.accumulate: name 'a cc' is not lower_snake")
        self.expect('text = "acc"', 'text = "rows"', "instruction.mvm: text rows is used by 'rows' and 'accumulate'")
        self.expect('text = "acc"', 'text = "wait"', "instruction.mvm: text wait is used by 'accumulate' and 'wait'")
        self.expect('style = "unit"', 'style = "name"', "sync.unit: 'style': expected one of decimal, hex, unit, flag, found 'name'")
        self.expect('style = "unit"', 'style = "flag"', "sync.unit: style 'flag' of 8 bits")
        self.expect('fields.auto_restart = { bits = "7",', 'fields.auto_restart = { bits = "7", text = "auto",',
                    "register.control.auto_restart: unknown key 'text'")

    def test_fields_that_name_the_queue(self):
        self.expect('fields.unit = {', 'fields.queue = {', "instruction.sync: an instruction of unit 'any' needs a field 'unit'")
        self.expect('opcode = 2\nunit = "x_load"', 'opcode = 2\nunit = "mvm"',
                    "instruction.load_x: an instruction of unit 'mvm' needs a field 'engine'")
        self.expect('fields.rows        = {', 'fields.signal = {', "instruction.mvm: field name signal is used by 'signal' and 'signal'")

    def test_bits_inside_their_word(self):
        for bits in ("32", "35:30", "3:5", "-1", "1:2:3", "a"):
            self.expect('fields.accumulate  = { word = 1, bits = "16",', f'fields.accumulate = {{ word = 1, bits = "{bits}",',
                        "instruction.mvm.accumulate: 'bits': expected")
        self.expect('fields.accumulate  = { word = 1, bits = "16",', 'fields.accumulate = { word = 4, bits = "16",',
                    "instruction.mvm.accumulate: 'word': expected 0..3, found 4")

    def test_fields_that_must_match_limits(self):
        self.expect("num_semaphores     = { value = 64, ", "num_semaphores = { value = 65, ",
                    r"instruction_common.wait0_id: 6 bits cannot name limit.num_semaphores = 65")
        self.expect("max_wait_count     = { value = 7, ", "max_wait_count = { value = 8, ",
                    "instruction_common.wait0_count: 3 bits do not match limit.max_wait_count")
        self.expect('wait1_id    = { word = 0, bits = "18:13",', 'wait1_id    = { word = 0, bits = "17:13",',
                    "instruction_common: wait0_id, wait1_id, signal_id differ in their widths")

    def test_arguments_of_engines_stand_last(self):
        self.expect('name = "watchdog_cycles"\noffset = 0x040', 'name = "watchdog_cycles"\noffset = 0x0C0',
                    "argument.image_base: has a count, so it must stand last, behind watchdog_cycles")

    def test_records(self):
        self.expect('{ name = "status",              offset = 0x004,', '{ name = "status", offset = 0x000,',
                    "record.completion: fields '(magic|status)' and '(magic|status)' overlap")
        self.expect('{ name = "status",              offset = 0x004,', '{ name = "status", offset = 0x005,',
                    "record.completion.status: offset 5 is not a multiple of its size 4")
        self.expect('{ name = "header_crc",    offset = 60,', '{ name = "header_crc", offset = 64,',
                    "record.block_image_header.header_crc: ends at byte 68, beyond the record's 64")
        self.expect("bytes = 1024", "bytes = 1000", "record.completion: 'bytes': expected a multiple of 64, found 1000")
        self.expect('{ name = "adc_shift",     offset = 16, type = "u8", ', '{ name = "adc_shift", offset = 16, type = "u12", ',
                    "record.block_image_header.adc_shift: 'type': expected one of u8, u16, u32, u64")
        self.expect("value = 0x52435758", "value = 0x152435758", "record.completion.magic: 'value': expected 0..4294967295")
        self.expect('{ name = "error_unit",          offset = 0x008,', '{ name = "status", offset = 0x008,',
                    "record.completion: name status is used by")
        self.expect('offset = 0x0C0, type = "u64", count = 24', 'offset = 0x0C0, type = "u64", count = 23',
                    "record.completion.busy_cycles: count 23 is none of")

    def test_registers(self):
        self.expect("offset = 0x00C\naccess", "offset = 0x008\naccess", "registers: registers 'interrupt_(enable|status)' and .* overlap")
        self.expect('name = "entry"\noffset = 0x018', 'name = "entry"\noffset = 0x01A',
                    "register entry: offset 0x01A is not a multiple of 4")
        self.expect('name = "x_base"\noffset = 0x020', 'name = "x_base"\noffset = 0x024',
                    "argument.x_base: offset 0x024 is not a multiple of its width")
        self.expect('name = "entry"\noffset = 0x018\nwidth = 32', 'name = "entry"\noffset = 0x018\nwidth = 33',
                    "argument.entry: 'width': expected 32 or 64, found 33")
        self.expect('name = "image_base"\noffset = 0x048\nwidth = 64\ncount = 8',
                    'name = "image_base"\noffset = 0x0C8\nwidth = 64\ncount = 8', "'image_base' and 'version' overlap")
        self.expect('name = "entry"\noffset = 0x018', 'name = "num_vectors"\noffset = 0x018', "name num_vectors is used by")
        self.expect('access = "toggle"', 'access = "w1c"', "register.interrupt_status: 'access': expected one of rw, ro")
        self.expect('fields.idle         = { bits = "2",', 'fields.idle = { bits = "1",', "register.control: fields .* overlap")
        self.expect('fields.auto_restart = { bits = "7",', 'fields.auto_restart = { bits = "32",',
                    "register.control.auto_restart: 'bits': expected")
        self.expect('width = 64\ncount = 8\npointer = true\nport = "m_axi_engine"', "width = 64\ncount = 8\npointer = true",
                    "argument.image_base: a pointer needs a 'port'")
        self.expect('width = 64\ncount = 8\npointer = true', "width = 32\ncount = 8\npointer = true", "a pointer is 64 bits wide")

    def test_errors(self):
        self.expect("bad_context        = { code = 4, ", "bad_context = { code = 3, ",
                    "error: code 3 is used by 'bad_engine' and 'bad_context'")
        self.expect("watchdog           = { code = 21,", "watchdog = { code = 256,", "error.watchdog: code 256 does not fit the 8 bits")
        self.expect("ok                 = { code = 0, ", "ok = { code = 24, ", "error: code 0 must be 'ok'")

    def test_all_problems_are_told_at_once(self):
        text = CONTRACT.replace("opcode = 5", "opcode = 4").replace("bytes = 1024", "bytes = 1000")
        self.assertEqual(len(problems(text).splitlines()), 2)


class Hash(unittest.TestCase):
    def test_documentation_and_layout_do_not_matter(self):
        base = reader.parse(CONTRACT).contract_hash
        self.assertEqual(reader.parse(CONTRACT.replace("Largest cell code.", "The largest cell code.")).contract_hash, base)
        self.assertEqual(reader.parse("# comment\n" + CONTRACT).contract_hash, base)
        self.assertEqual(reader.parse(CONTRACT.replace('text = "engines", style = "hex"', 'text = "banks"')).contract_hash, base)
        self.assertNotEqual(reader.parse(CONTRACT.replace("default_g_unit   = { value = 96", "default_g_unit = { value = 95"))
                            .contract_hash, base)
        self.assertNotEqual(reader.parse(CONTRACT.replace('name = "mvms"\noffset = 0x15C', 'name = "mvms"\noffset = 0x168'))
                            .contract_hash, base)

    def test_is_the_start_of_sha256_over_canonical_json(self):
        tables = {"b": {"doc": "left out", "x": 1}, "a": [{"doc": "left out", "text": "t", "style": "hex", "y": "z"}]}
        expected = hashlib.sha256(b'{"a":[{"y":"z"}],"b":{"x":1}}').digest()[:16]
        self.assertEqual(spec.contract_hash(tables), expected)


class Outputs(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)
        (self.folder / "arch").mkdir()
        (self.folder / "arch/accelerator.toml").write_text(CONTRACT, encoding="utf-8")

    def run_generator(self, *arguments):
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = gen_arch.main(["--root", str(self.folder), *arguments])
        return status, out.getvalue(), err.getvalue()

    def test_the_committed_files_are_fresh(self):
        self.assertEqual(gen_arch.main(["--check"]), 0)

    def test_check_names_stale_files_and_writes_nothing(self):
        status, _, err = self.run_generator("--check")
        self.assertEqual(status, 1)
        for path in gen_arch.OUTPUTS:
            self.assertIn(path, err)
            self.assertFalse((self.folder / path).exists())
        self.assertEqual(self.run_generator()[0], 0)
        self.assertEqual(self.run_generator("--check")[0], 0)
        stale = self.folder / "rtl/pkg/xw_pkg.sv"
        stale.write_text(stale.read_text().replace("MAX_ENGINES = 8", "MAX_ENGINES = 4"))
        status, _, err = self.run_generator("--check")
        self.assertEqual(status, 1)
        self.assertEqual(err.strip(), "stale, run scripts/gen_arch.py: rtl/pkg/xw_pkg.sv")

    def test_a_broken_contract_writes_nothing_and_names_the_file(self):
        (self.folder / "arch/accelerator.toml").write_text(CONTRACT.replace("opcode = 5", "opcode = 4"))
        status, _, err = self.run_generator()
        self.assertEqual(status, 1)
        self.assertRegex(err, r"arch/accelerator.toml: instruction: opcode 4 is used by 'mvm' and 'store_y'")
        self.assertFalse((self.folder / "rtl").exists())

    def test_the_kernel_description_of_one_build(self):
        target = self.folder / "kernel.xml"
        self.assertEqual(self.run_generator("--kernel-xml", str(target), "--engines", "4", "--data-width", "256")[0], 0)
        root = xml.etree.ElementTree.fromstring(target.read_bytes())
        ports = {p.get("name"): p.get("dataWidth") for p in root.iter("port")}
        self.assertEqual(len(ports), 6)
        self.assertEqual(ports["m_axi_engine3"], "256")
        self.assertFalse((self.folder / "rtl").exists())
        status, _, err = self.run_generator("--kernel-xml", str(target), "--engines", "0")
        self.assertEqual(status, 1)
        self.assertIn("engines: expected 1..8, found 0", err)
        status, _, err = self.run_generator("--kernel-xml", str(target), "--data-width", "100")
        self.assertEqual(status, 1)
        self.assertIn("data width: expected 32,", err)

    def test_a_missing_contract_is_an_error(self):
        status, _, err = self.run_generator("--contract", str(self.folder / "none.toml"))
        self.assertEqual(status, 1)
        self.assertIn("No such file", err)

    def test_generation_is_deterministic(self):
        self.assertEqual(gen_arch.generate(CONTRACT), gen_arch.generate(CONTRACT))


class KernelXml(unittest.TestCase):
    def arguments(self, **options):
        root = xml.etree.ElementTree.fromstring(emit_xrt.emit(reader.parse(CONTRACT), **options).encode())
        kernel = root.find("kernel")
        return kernel, [p.get("name") for p in kernel.find("ports")], list(kernel.find("args"))

    def test_ids_are_contiguous_and_ports_exist(self):
        kernel, ports, arguments = self.arguments()
        self.assertEqual(kernel.get("hwControlProtocol"), "ap_ctrl_hs")
        self.assertEqual([int(a.get("id")) for a in arguments], list(range(17)))
        self.assertEqual(ports[:3], ["s_axi_control", "m_axi_gmem", "m_axi_engine0"])
        for argument in arguments:
            self.assertIn(argument.get("port"), ports)
        offsets = [int(a.get("offset"), 16) for a in arguments]
        self.assertEqual(offsets[:3], [0x10, 0x18, 0x1C])
        self.assertEqual(offsets[-1], 0x48 + 7 * 8)

    def test_a_build_with_fewer_engines(self):
        _, ports, arguments = self.arguments(engines=2, data_width=128)
        self.assertEqual(len(arguments), 11)
        self.assertEqual(ports, ["s_axi_control", "m_axi_gmem", "m_axi_engine0", "m_axi_engine1"])
        with self.assertRaises(ValueError):
            self.arguments(engines=9)

    def test_the_register_window_holds_every_register(self):
        kernel, _, _ = self.arguments()
        window = int(kernel.find("ports")[0].get("range"), 16)
        self.assertGreaterEqual(window, max(r.offset + r.bytes for r in reader.parse(CONTRACT).registers))


class Package(unittest.TestCase):
    TEXT = (ROOT / "rtl/pkg/xw_pkg.sv").read_text(encoding="utf-8")

    CHECK = """module xw_pkg_check (
  input  xw_pkg::instruction_t instruction_i,
  output logic [127:0]         hash_o,
  output logic [127:0]         used_o,
  output xw_pkg::fault_t       fault_o
);
  assign hash_o = xw_pkg::CONTRACT_HASH;
  assign used_o = instruction_i.bits & xw_pkg::instruction_mask(instruction_i.common.opcode);
  always_comb begin
    fault_o        = '0;
    fault_o.code   = xw_pkg::ERROR_OK;
    fault_o.detail = 64'(instruction_i.mvm.rows);
    if (!xw_pkg::is_opcode(instruction_i.common.opcode)) fault_o.code = xw_pkg::memory_error(1'b1);
  end
endmodule
"""

    @staticmethod
    def structs(text):
        """Name -> {member: (lowest bit, width)} of a package, read from its text; the first member is the highest."""
        width_of = {"opcode_e": 4, "error_e": 8}
        result = {}
        for match in re.finditer(r"typedef struct packed \{\n(.*?)\n  \} (\w+);", text, re.S):
            members = []
            for line in match[1].splitlines():
                kind, high, name = re.fullmatch(r"    (\w+)(?: \[(\d+):0\])? (\w+);(?:  //.*)?", line).groups()
                members.append((name, width_of[kind] if kind in width_of else int(high or 0) + 1))
            at, places = 0, {}
            for name, width in reversed(members):
                places[name] = (at, width)
                at += width
            width_of[match[2]] = at
            result[match[2]] = places
        return result

    def test_constants_say_what_the_contract_says(self):
        for line in ("localparam logic [31:0] PROGRAM_HEADER_MAGIC = 32'h47505758;", "localparam logic [7:0] UNIT_MVM = 8'h10;",
                     "localparam logic [15:0] ARG_IMAGE_BASE = 16'h0048;", "    OPCODE_STORE_Y = 4'd5,", "    ERROR_WATCHDOG = 8'd21,"):
            self.assertIn(line, self.TEXT)
        digest = reader.parse(CONTRACT).contract_hash
        self.assertIn(f"CONTRACT_HASH = 128'h{digest[::-1].hex().upper()};", self.TEXT)

    def test_structs_have_every_field_at_its_place(self):
        contract = reader.parse(CONTRACT)
        structs = self.structs(self.TEXT)
        for instruction in contract.instructions:
            if not instruction.fields:
                continue
            places = structs[f"inst_{instruction.name}_t"]
            for f in (*contract.common, *instruction.fields):
                name = f.name + ("_" if f.name == "context" else "")
                self.assertEqual(places[name], (32 * f.word + f.low, f.width), f"{instruction.name}.{f.name}")
            self.assertEqual(sum(width for _, width in places.values()), 128)
        for record in contract.records:
            places = structs[f"{record.name}_t"]
            for f in record.fields:
                self.assertEqual(places[f.name], (8 * f.offset, 8 * f.bytes), f"{record.name}.{f.name}")
            self.assertEqual(sum(width for _, width in places.values()), 8 * record.bytes)
        self.assertEqual(list(structs["arguments_t"])[::len(contract.arguments()) - 1], ["program_base", "image_base"])

    def test_test_benches_know_the_same_places(self):
        header = (ROOT / "tests/rtl/xw_types.hpp").read_text(encoding="utf-8")
        for name, places in self.structs(self.TEXT).items():
            body = re.search(rf"struct {spec.camel(name.removesuffix('_t'))} {{\n(.*?)\n}};", header, re.S)[1]
            for member, (low, width) in places.items():
                if not member.startswith("gap"):
                    self.assertIn(f"Slice {member.removesuffix('_')} = {{{low}, {width}}};", body)

    def test_names_are_unique(self):
        names = re.findall(r"localparam (?:int|logic \[\d+:0\]) ([A-Z0-9_]+) =", self.TEXT)
        names += re.findall(r"^    ([A-Z0-9_]+) = \d+'d", self.TEXT, re.M) + re.findall(r"^  } (\w+);", self.TEXT, re.M)
        names += re.findall(r"function automatic [^(]*?(\w+)\(", self.TEXT)
        self.assertGreater(len(names), 150)
        self.assertEqual(len(names), len(set(names)))

    def test_places_that_follow_from_the_contract(self):
        # The only hole among the arguments is the word between watchdog_cycles (0x040) and image_base (0x048).
        hole = (0x044 - 0x010) // 4
        self.assertIn(f"ARG_WORD_EXISTS = 30'h{(1 << 30) - 1 - (1 << hole):08X};", self.TEXT)
        self.assertIn("localparam int BLOCK_IMAGE_HEADER_HEADER_CRC_OFFSET = 60;", self.TEXT)
        moved = CONTRACT.replace('name = "watchdog_cycles"\noffset = 0x040', 'name = "watchdog_cycles"\noffset = 0x044')
        moved = moved.replace('opcode = 4\nunit = "mvm"', 'opcode = 4\nunit = "block_load"')
        moved = moved.replace("max_batch          = { value = 256, ", "max_batch          = { value = 255, ")
        text = gen_arch.generate(moved)["rtl/pkg/xw_pkg.sv"]
        self.assertIn(f"ARG_WORD_EXISTS = 30'h{(1 << 30) - 1 - (1 << hole - 1):08X};", text)
        self.assertIn("arguments_of = {words[959:448], words[447:416], ", text)
        self.assertIn("xw_pkg::OPCODE_MVM: instruction_unit = xw_pkg::UNIT_BLOCK_LOAD + bits[39:32];", text)
        self.assertIn("localparam int BATCH_BITS = 8;", text)

    def test_a_moved_field_moves_and_a_reserved_word_gets_an_underscore(self):
        text = CONTRACT.replace('fields.context      = { word = 1, bits = "15:8", doc', 'fields.context      = { word = 1, bits = "31:24", doc')
        text = text.replace("fields.image_length = {", "fields.wire = {")
        self.assertNotEqual(text, CONTRACT)
        places = self.structs(gen_arch.generate(text)["rtl/pkg/xw_pkg.sv"])["inst_load_block_t"]
        self.assertEqual(places["context_"], (56, 8))
        self.assertEqual(places["wire_"], (96, 32))

    @unittest.skipUnless(shutil.which("verilator"), "verilator is not installed")
    def test_verilator_accepts_it_with_all_warnings(self):
        with tempfile.TemporaryDirectory() as folder:
            top = pathlib.Path(folder) / "xw_pkg_check.sv"
            top.write_text(self.CHECK)
            result = subprocess.run(
                ["verilator", "--lint-only", "-Wall", str(ROOT / "rtl/pkg/xw_pkg.sv"), str(top), "--top-module", "xw_pkg_check"],
                capture_output=True, text=True, timeout=60, check=False)
            self.assertEqual((result.returncode, result.stderr), (0, ""))

    @unittest.skipUnless(shutil.which("yosys"), "yosys is not installed")
    def test_yosys_accepts_it(self):
        with tempfile.TemporaryDirectory() as folder:
            top = pathlib.Path(folder) / "xw_pkg_check.sv"
            top.write_text(self.CHECK)
            script = f"read_verilog -sv {ROOT / 'rtl/pkg/xw_pkg.sv'} {top}; hierarchy -check -top xw_pkg_check; proc"
            result = subprocess.run(["yosys", "-q", "-p", script], capture_output=True, text=True, timeout=120, check=False)
            self.assertEqual(result.returncode, 0, result.stderr)


if __name__ == "__main__":
    unittest.main()
