# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""scripts/synthesis.py judges what Yosys leaves: every rule fires, totals count every instance. Yosys is not run."""

import contextlib
import io
import json
import pathlib
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "scripts"))

import synthesis  # noqa: E402

LANES_NAME = "$paramod$0123456789abcdef\\xw_mac_lanes"


def memory(module, name, depth, width, write_ports=1):
    return (f"module {module}\n  attribute \\src \"x.sv:1.1-2.2\"\n  cell $mem_v2 \\{name}\n    parameter \\INIT 8'x\n"
            f"    parameter \\MEMID \"\\\\{name}\"\n    parameter \\SIZE {depth}\n    parameter \\WIDTH {width}\n"
            f"    parameter \\WR_PORTS {write_ports}\n  end\nend\n")


class Netlist:
    """A small design: two lanes modules below an engine below the kernel."""

    def __init__(self):
        self.modules = {
            "\\xw_kernel": {"\\xw_engine": 3, "FDRE": 7, "BUFG": 1, "LUT6": 1},
            "\\xw_engine": {LANES_NAME: 2, "LUT2": 10, "URAM288": 4, "RAMB18E2": 3, "RAM32M16": 2, "CARRY4": 5},
            LANES_NAME: {"DSP48E2": 64, "FDCE": 100, "MUXF7": 3},
        }
        self.memories = memory("\\xw_engine", "cells", 4096, 512) + memory("\\xw_engine", "fifo", 64, 8)
        self.log = ("mapping memory \\xw_engine.cells via $__XILINX_URAM_\n"
                    "mapping memory \\xw_engine.fifo via $__XILINX_LUTRAM_SDP_\n"
                    "Warning: Replacing memory \\acc_q with list of registers. See /r/rtl/tile/xw_mac_lanes.sv:4\n")
        self.soft = ""
        self.levels = {name: 0 for name in ("xw_kernel", "xw_engine", LANES_NAME)}

    def wires(self):
        """What write_json says: LUTs in a row between two registers, as many as the module has levels."""
        modules = {}
        for name, levels in self.levels.items():
            cells = {f"l{i}": {"type": "LUT2", "port_directions": {"I0": "input", "O": "output"},
                               "connections": {"I0": [2 + i], "O": [3 + i]}} for i in range(levels)}
            for register, port, bit in (("begin", "Q", 2), ("end", "D", 2 + levels)):
                cells[register] = {"type": "FDRE", "connections": {port: [bit]},
                                   "port_directions": {port: "output" if port == "Q" else "input"}}
            names = {"begin_q": {"bits": [2]}, "end_d": {"bits": [2 + levels]}}
            modules[name] = {"ports": {}, "cells": cells, "netnames": names}
        return {"modules": modules}

    def write(self, folder):
        folder.mkdir(parents=True, exist_ok=True)
        stat = {"creator": "Yosys 0.23 (git sha1 7ce5011c24b)", "modules": {n: {"num_cells_by_type": c} for n, c in self.modules.items()}}
        (folder / "stat.json").write_text(json.dumps(stat), encoding="utf-8")
        (folder / "netlist.json").write_text(json.dumps(self.wires()), encoding="utf-8")
        (folder / "memories.il").write_text(self.memories, encoding="utf-8")
        (folder / "soft_multipliers.il").write_text(self.soft, encoding="utf-8")
        (folder / "yosys.log").write_text(self.log, encoding="utf-8")


class Judge(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = pathlib.Path(temporary.name)
        self.netlist = Netlist()

    def run_main(self, *arguments):
        """Exit status and the lines of standard error."""
        self.netlist.write(self.folder / "xw_kernel-alveo-u55c")
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = synthesis.main(["--reuse", "--folder", str(self.folder), *arguments])
        return status, err.getvalue()

    def design(self):
        self.netlist.write(self.folder / "x")
        return synthesis.Design(self.folder / "x")

    def expect(self, message):
        """The numbers differ from the documented ones, so --check always says more."""
        status, err = self.run_main("--check")
        self.assertEqual(status, 1)
        self.assertIn(message, err)

    def problems(self):
        return synthesis.problems_of(self.design(), "xw_kernel", {"Lanes": 64})

    def test_totals_count_every_instance(self):
        design = self.design()
        self.assertEqual(design.total(LANES_NAME), {"LUT": 0, "FF": 100, "DSP": 64, "BRAM": 0, "URAM": 0})
        self.assertEqual(design.total("xw_engine"), {"LUT": 10 + 16, "FF": 200, "DSP": 128, "BRAM": 1.5, "URAM": 4})
        self.assertEqual(design.total("xw_kernel"), {"LUT": 3 * 26 + 1, "FF": 607, "DSP": 384, "BRAM": 4.5, "URAM": 12})
        self.assertEqual(design.instances("xw_kernel"), {"xw_kernel": 1, "xw_engine": 3, LANES_NAME: 6})

    def test_a_good_design_has_no_problems(self):
        self.assertEqual(self.problems(), [])
        self.assertEqual(self.design().memories,
                         [("xw_engine", "cells", 4096, 512, "URAM"), ("xw_engine", "fifo", 64, 8, "LUTRAM_SDP")])

    def test_latches(self):
        self.netlist.modules["\\xw_engine"]["LDCE"] = 2
        self.expect("xw_engine: 2 latches (LDCE)")

    def test_unknown_cells(self):
        self.netlist.modules["\\xw_engine"]["MYSTERY"] = 1
        self.expect("xw_engine: 1 cells of unknown type MYSTERY")

    def test_a_deep_memory_of_luts(self):
        self.netlist.log = self.netlist.log.replace("cells via $__XILINX_URAM_", "cells via $__XILINX_LUTRAM_SDP_")
        self.expect("xw_engine.cells (4096 x 512) is made of LUTs; only memories up to 64 deep may be")

    def test_a_memory_of_registers(self):
        self.netlist.log = self.netlist.log.replace("mapping memory \\xw_engine.fifo via $__XILINX_LUTRAM_SDP_\n", "")
        self.expect("xw_engine.fifo (64 x 8) is made of registers")

    def test_a_table_of_constants_may_be_logic(self):
        self.netlist.memories += memory("\\xw_engine", "rom", 32, 3, write_ports=0)
        self.assertEqual(self.problems(), [])

    def test_an_array_of_registers(self):
        self.netlist.log += "Warning: Replacing memory \\gen[3].table with list of registers. See rtl/top/xw_core.sv:9, rtl/top/xw_core.sv:11\n"
        self.expect("xw_core.table is an array in registers")

    def test_a_multiplier_of_luts(self):
        self.netlist.soft = ("module \\xw_engine\n  cell $mul $m\n    parameter signed \\A_SIGNED 0\n    parameter \\A_WIDTH 9\n"
                             "    parameter \\B_WIDTH 5\n  end\nend\n")
        self.expect("xw_engine: a multiplier of 9 x 5 bits is made of LUTs")

    def test_deep_logic(self):
        self.netlist.levels["xw_engine"] = synthesis.LEVELS
        self.assertEqual(self.problems(), [])
        self.netlist.levels["xw_engine"] = synthesis.LEVELS + 1
        self.expect(f"xw_engine: {synthesis.LEVELS + 1} levels of logic from begin_q to end_d; at most {synthesis.LEVELS} may be")

    def test_a_lane_without_dsp(self):
        self.netlist.modules[LANES_NAME]["DSP48E2"] = 63
        self.expect("xw_mac_lanes: 64 lanes have 63 DSP blocks")

    def test_a_kernel_that_does_not_fit(self):
        self.netlist.modules["\\xw_engine"]["URAM288"] = 200  # 600: too many for a U50 only
        self.expect("600 URAM exceed 80% of the 640 of a U50")
        self.assertNotIn("U55C", self.run_main("--check")[1])

    def test_numbers_out_of_date(self):
        self.expect("out of date, run scripts/synth.sh: total: 79 LUT")

    def test_another_folder(self):
        status, err = self.run_main("--top", "xw_engine")
        self.assertEqual(status, 1)
        self.assertIn("stat.json", err)


class Document(unittest.TestCase):
    def test_the_tables_are_those_of_the_committed_numbers(self):
        report = json.loads((ROOT / synthesis.JSON_PATH).read_text(encoding="utf-8"))
        document = (ROOT / synthesis.DOCUMENT).read_text(encoding="utf-8")
        self.assertEqual(synthesis.with_tables(document, synthesis.tables(report)), document)

    def test_a_document_without_markers(self):
        with self.assertRaisesRegex(synthesis.SynthesisError, "are missing"):
            synthesis.with_tables("text", "tables")


if __name__ == "__main__":
    unittest.main()
