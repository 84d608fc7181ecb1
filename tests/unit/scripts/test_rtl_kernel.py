# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""Tests of scripts/rtl_kernel.py: ports of the top module and of kernel.xml are the same; bad descriptions are refused."""

import contextlib
import io
import pathlib
import re
import sys
import tempfile
import unittest
import xml.etree.ElementTree as ElementTree

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "scripts"))

import rtl_kernel  # noqa: E402


class KernelTop(unittest.TestCase):
    def generate(self, description):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        errors = io.StringIO()
        with contextlib.redirect_stderr(errors):
            status = rtl_kernel.main([str(description), folder.name])
        return status, errors.getvalue(), pathlib.Path(folder.name)

    def test_top_and_kernel_xml_have_the_same_masters(self):
        for name, engines, width in (("tiny-64", 1, 128), ("alveo-u55c", 4, 512)):
            status, errors, folder = self.generate(ROOT / f"arch/chips/{name}.toml")
            self.assertEqual((status, errors), (0, ""))
            top = (folder / "crossweave.v").read_text(encoding="utf-8")
            kernel = ElementTree.parse(folder / "kernel.xml").getroot()
            masters = {p.get("name") for p in kernel.iter("port") if p.get("mode") == "master"}
            self.assertEqual(masters, {"m_axi_gmem", *(f"m_axi_engine{e}" for e in range(engines))})
            self.assertEqual(set(re.findall(r"^  output .* (m_axi_\w+)_arvalid", top, re.M)), masters)
            for port in kernel.iter("port"):
                if port.get("mode") == "master":
                    self.assertEqual(int(port.get("dataWidth")), width)
                    self.assertRegex(top, rf"input  wire \[{width - 1}:0\]\s+{port.get('name')}_rdata")
            self.assertIn(f".NumEngines({engines})", top)
            for e in range(engines):
                self.assertRegex(top, rf"m_axi_engine{e}_araddr")
                self.assertNotRegex(top, rf"m_axi_engine{e}_(aw|w|b)\w+")

    def test_top_is_verilog(self):
        _, _, folder = self.generate(ROOT / "arch/chips/tiny-64.toml")
        top = re.sub(r"//.*|/\*.*?\*/", "", (folder / "crossweave.v").read_text(encoding="utf-8"))
        self.assertNotRegex(top, r"\blogic\b|\bimport\b|'[01]\b|\.\w+,")

    def test_window_is_what_the_address_bits_of_the_port_reach(self):
        _, _, folder = self.generate(ROOT / "arch/chips/tiny-64.toml")
        top = (folder / "crossweave.v").read_text(encoding="utf-8")
        high = int(re.search(r"input  wire \[(\d+):0\]\s+s_axi_control_awaddr", top).group(1))
        kernel = ElementTree.parse(folder / "kernel.xml").getroot()
        window = next(p.get("range") for p in kernel.iter("port") if p.get("name") == "s_axi_control")
        self.assertEqual(int(window, 16), 1 << (high + 1))

    def test_descriptions_that_the_rtl_cannot_have_are_refused(self):
        with tempfile.TemporaryDirectory() as folder:
            text = (ROOT / "arch/chips/alveo-u55c.toml").read_text(encoding="utf-8")
            bad = pathlib.Path(folder) / "bad.toml"
            bad.write_text(text.replace("lanes = 64", "lanes = 48"), encoding="utf-8")
            status, errors, out = self.generate(bad)
            self.assertEqual(status, 1)
            self.assertIn("emulator.lanes: the RTL expects 16, 32 or 64, found 48", errors)
            self.assertEqual(list(out.iterdir()), [])
            status, errors, _ = self.generate(pathlib.Path(folder) / "missing.toml")
            self.assertEqual(status, 1)
            self.assertIn("missing.toml", errors)


if __name__ == "__main__":
    unittest.main()
