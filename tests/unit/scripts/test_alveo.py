# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""What Vitis will read, as far as it can be checked without Vitis: link configurations, packaging, and the kernel's ports by Yosys."""

import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree as ElementTree

ROOT = pathlib.Path(__file__).resolve().parents[3]
ALVEO = ROOT / "scripts/alveo"
sys.dont_write_bytecode = True
sys.path.insert(0, str(ALVEO))

import link_config  # noqa: E402

MASTERS = ["m_axi_gmem", "m_axi_engine0", "m_axi_engine1", "m_axi_engine2", "m_axi_engine3"]


class LinkConfig(unittest.TestCase):
    def test_every_master_of_the_kernel_has_memory_of_the_card(self):
        for name, card in link_config.cards().items():
            for engines in range(1, 9):
                with self.subTest(card=name, engines=engines):
                    masters = ["m_axi_gmem", *(f"m_axi_engine{e}" for e in range(engines))]
                    text = link_config.link_config(card, "crossweave", masters, 300)
                    found = re.findall(r"^sp=crossweave_1\.(\w+):(HBM|DDR)\[(\d+)(?::(\d+))?\]$", text, re.M)
                    self.assertEqual([master for master, *_ in found], masters)
                    for _, memory, begin, end in found:
                        self.assertEqual(memory, card["memory"])
                        self.assertLessEqual(int(begin), int(end or begin))
                        self.assertLess(int(end or begin), card["banks"])

    def test_masters_of_hbm_cards_share_no_bank(self):
        for name in ("u55c", "u50", "u280"):
            used = []
            for begin, end in link_config.memory_of(link_config.cards()[name], MASTERS).values():
                used += range(begin, end + 1)
            self.assertEqual(len(used), len(set(used)), name)
            self.assertEqual(len(used), 32)

    def test_the_text_is_what_vpp_documents(self):
        text = link_config.link_config(link_config.cards()["u55c"], "crossweave", MASTERS, 300)
        self.assertIn("[connectivity]\nnk=crossweave:1:crossweave_1\nslr=crossweave_1:SLR0\nsp=crossweave_1.m_axi_gmem:HBM[0:3]\n"
                      "sp=crossweave_1.m_axi_engine0:HBM[4:10]\n", text)
        self.assertIn("[clock]\nfreqHz=300000000:crossweave_1.ap_clk\n", text)

    def test_cards_that_there_are_not_are_named(self):
        for card, message in (("u200", "expected one of u55c, u50, u280, u250, found u200"), ("v80", "XRT does not drive it")):
            result = subprocess.run([sys.executable, "-B", ALVEO / "link_config.py", "--card", card], capture_output=True, text=True)
            self.assertEqual(result.returncode, 1)
            self.assertIn(message, result.stderr)


class Build(unittest.TestCase):
    def build(self, *arguments):
        return subprocess.run([ALVEO / "build.sh", *arguments], capture_output=True, text=True)

    def test_a_dry_run_of_every_card_prints_the_commands(self):
        for card in link_config.cards():
            for target in ("hw", "hw_emu"):
                result = self.build("--card", card, "--target", target, "--dry-run")
                self.assertEqual(result.returncode, 0, result.stderr)
                self.assertIn("+ vivado -mode batch", result.stdout)
                self.assertIn(f"+ v++ --link --target {target}", result.stdout)
                self.assertEqual("+ emconfigutil" in result.stdout, target == "hw_emu")

    def test_what_is_missing_is_named(self):
        self.assertIn("which card?", self.build().stderr)
        self.assertIn("--target: expected hw or hw_emu, found 'sw'", self.build("--card", "u55c", "--target", "sw").stderr)
        self.assertIn("unknown option '--clock'", self.build("--clock", "3").stderr)
        self.assertIn("expected one of u55c", self.build("--card", "u9").stderr)
        if shutil.which("v++") is None:
            result = self.build("--card", "u55c")
            self.assertEqual(result.returncode, 3)
            self.assertIn("vivado is not in PATH", result.stderr)


class Packaging(unittest.TestCase):
    def test_tcl_is_complete_and_names_what_kernel_xml_names(self):
        text = (ALVEO / "package_kernel.tcl").read_text(encoding="utf-8")
        if shutil.which("tclsh"):
            check = subprocess.run(["tclsh"], input=f"exit [expr {{![info complete {{{text}}}]}}]", capture_output=True, text=True)
            self.assertEqual(check.returncode, 0, check.stderr)
        self.assertEqual(text.count("{"), text.count("}"))
        folders = re.search(r"foreach folder \{([^}]*)\}", text)[1].split()
        with_sources = {p.parent.name for p in (ROOT / "rtl").glob("*/*.sv")}
        self.assertEqual({*folders, "pkg"}, with_sources, "every folder of the RTL is packaged")

    @unittest.skipIf(shutil.which("yosys") is None, "needs Yosys")
    def test_ports_of_the_elaborated_top_are_those_of_kernel_xml(self):
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run([sys.executable, "-B", ROOT / "scripts/rtl_kernel.py", ROOT / "arch/chips/alveo-u55c.toml", folder], check=True)
            # Only the boundary is looked at: the kernel itself stays a black box, whose own ports other tests elaborate.
            top = pathlib.Path(folder) / "crossweave.v"
            netlist = pathlib.Path(folder) / "top.json"
            subprocess.run(["yosys", "-q", "-p", f"read_verilog {top}; proc; write_json {netlist}"], check=True, capture_output=True)
            ports = json.loads(netlist.read_text(encoding="utf-8"))["modules"]["crossweave"]["ports"]
            kernel = ElementTree.parse(pathlib.Path(folder) / "kernel.xml").getroot().find("kernel")
            for port in kernel.iter("port"):
                name, width = port.get("name"), int(port.get("dataWidth"))
                self.assertEqual(len(ports[f"{name}_rdata"]["bits"]), width, name)
                master = port.get("mode") == "master"
                self.assertEqual(ports[f"{name}_arvalid"]["direction"], "output" if master else "input", name)
                self.assertEqual(len(ports[f"{name}_araddr"]["bits"]), 64 if master else (int(port.get("range"), 16) - 1).bit_length(), name)
            described = {port.get("name") for port in kernel.iter("port")}
            boundary = {re.sub(r"_(aw|w|b|ar|r)[a-z]+$", "", p) for p in ports} - {"ap_clk", "ap_rst_n", "interrupt"}
            self.assertEqual(boundary, described)
            self.assertEqual({ports[p]["direction"] for p in ("ap_clk", "ap_rst_n")}, {"input"})
            self.assertEqual(ports["interrupt"]["direction"], "output")


if __name__ == "__main__":
    unittest.main()
