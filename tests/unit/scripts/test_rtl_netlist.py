# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""Tests of scripts/rtl_netlist.py and scripts/rtl_ports.py: parameters, names of ports; with Yosys also small designs."""

import contextlib
import io
import pathlib
import shutil
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "scripts"))

import rtl_netlist  # noqa: E402
import rtl_ports  # noqa: E402

PACKAGE = "package xw_pkg;\n  localparam int MEAN = 3;\nendpackage\n"
MODULE = """module adder #(
  parameter int unsigned Width = 4,  // of a word
  parameter int unsigned Words = 2
) (input logic [Width-1:0] a_i, output logic [Width-1:0] y_o);
  assign y_o = a_i + Width'(xw_pkg::MEAN) + Width'(Words);
endmodule
"""
BUS = """module bus (input logic clk_i, input logic m_axi_x_rid, input logic m_axi_x_rvalid, input logic s_axi_y_rready,
            output logic m_axi_x_rready, output logic s_axi_y_arready);
  logic valid_q;
  always_ff @(posedge clk_i) valid_q <= m_axi_x_rvalid;
  assign m_axi_x_rready  = %s;
  assign s_axi_y_arready = !valid_q || m_axi_x_rid;
endmodule
"""


class Parameters(unittest.TestCase):
    def test_become_defaults(self):
        text = rtl_netlist.with_defaults(MODULE, [("Width", "12"), ("Words", "7")])
        self.assertIn("parameter int unsigned Width = 12,  // of a word", text)
        self.assertIn("parameter int unsigned Words = 7\n", text)

    def test_that_are_not_there_are_errors(self):
        with self.assertRaisesRegex(rtl_netlist.NetlistError, "expected one parameter Depth, found 0"):
            rtl_netlist.with_defaults(MODULE, [("Depth", "1")])


class Interfaces(unittest.TestCase):
    def test_are_what_comes_before_the_channel(self):
        for port, interface in (("m_axi_gmem_rready", "m_axi_gmem"), ("m_axi_gmem_arid", "m_axi_gmem"), ("ap_clk", None),
                                ("s_axi_control_wdata", "s_axi_control"), ("m_axi_engine_rdata", "m_axi_engine"),
                                ("interrupt", None), ("m_axi_gmem_bresp", "m_axi_gmem")):
            self.assertEqual(rtl_ports.interface_of(port), interface, port)


@unittest.skipUnless(shutil.which("yosys"), "Yosys is not installed")
class WithYosys(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = pathlib.Path(temporary.name)
        (self.folder / "pkg").mkdir()
        (self.folder / "pkg/xw_pkg.sv").write_text(PACKAGE, encoding="utf-8")

    def run_main(self, module, *arguments):
        errors = io.StringIO()
        with contextlib.redirect_stderr(errors):
            status = module.main([str(a) for a in arguments])
        return status, errors.getvalue()

    def test_a_netlist_has_the_ports_and_the_parameters(self):
        source, out = self.folder / "adder.sv", self.folder / "out/adder_9.v"
        source.write_text(MODULE, encoding="utf-8")
        status = self.run_main(rtl_netlist, "--top", "adder", "--parameters", "Width=9", "--sources",
                               self.folder / "pkg/xw_pkg.sv", source, "--out", out)
        self.assertEqual(status, (0, ""))
        text = out.read_text(encoding="utf-8")
        self.assertRegex(text, r"module adder\(a_i, y_o\);")
        self.assertIn("input [8:0] a_i;", text)

    def test_a_path_from_a_port_to_itself_is_refused(self):
        (self.folder / "top").mkdir()
        source = self.folder / "top/bus.sv"
        source.write_text(BUS % "!valid_q && m_axi_x_rid", encoding="utf-8")
        arguments = ("--rtl", self.folder, "--top", "bus", "--folder", self.folder / "yosys")
        status, errors = self.run_main(rtl_ports, *arguments)
        self.assertEqual((status, errors), (1, "rtl_ports: m_axi_x: combinational path from m_axi_x_rid to m_axi_x_rready\n"))
        source.write_text(BUS % "!valid_q && s_axi_y_rready", encoding="utf-8")  # between ports a path may be
        self.assertEqual(self.run_main(rtl_ports, *arguments), (0, ""))


if __name__ == "__main__":
    unittest.main()
