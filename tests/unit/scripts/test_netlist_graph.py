# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""Tests of scripts/netlist_graph.py: levels between registers, carry chains, hierarchy, paths between ports, loops."""

import pathlib
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "scripts"))

import netlist_graph  # noqa: E402


def cell(kind, outputs, **connections):
    """A cell with ports of the names given; `outputs` names the outputs."""
    bits = {port: value if isinstance(value, list) else [value] for port, value in connections.items()}
    return {"type": kind, "connections": bits, "parameters": {},
            "port_directions": {port: "output" if port in outputs else "input" for port in bits}}


def lut(source, target, kind="LUT2"):
    return cell(kind, {"O"}, I0=source, O=target)


def flop(data, output):
    return cell("FDRE", {"Q"}, C=90, CE="1", R="0", D=data, Q=output)


def module(cells, inputs=None, outputs=None):
    ports = {name: {"direction": "input", "bits": bits} for name, bits in (inputs or {}).items()}
    ports.update({name: {"direction": "output", "bits": bits} for name, bits in (outputs or {}).items()})
    return {"ports": ports, "cells": {str(i): c for i, c in enumerate(cells)},
            "netnames": {f"net{bit}": {"bits": [bit]} for bit in range(2, 90)}}


def netlist(**modules):
    return netlist_graph.Netlist({"modules": modules})


class Levels(unittest.TestCase):
    def test_are_luts_between_registers(self):
        design = netlist(m=module([flop(9, 2), lut(2, 3), lut(3, 4), cell("INV", {"O"}, I=4, O=5), lut(5, 6), flop(6, 7)]))
        self.assertEqual(design.summary("m").deepest, (3, "net2", "net6"))

    def test_end_in_registers_multipliers_and_clocked_memories(self):
        for kind in ("DSP48E2", "URAM288", "RAMB36E2", "FDSE"):
            design = netlist(m=module([lut(2, 3), cell(kind, {"Q"}, D=3, Q=4), lut(4, 5), lut(5, 6)], {"i": [2]}, {"o": [6]}))
            self.assertEqual(design.summary("m").deepest[0], 2, kind)
            self.assertEqual(design.summary("m").through, {})

    def test_a_carry_chain_counts_one(self):
        chain = [cell("CARRY4", {"O", "CO"}, S=3, CI="0", DI="0", CO=4, O=10)]
        chain += [cell("CARRY4", {"O", "CO"}, S="0", CI=4 + i, DI="0", CO=5 + i, O=20 + i) for i in range(5)]
        design = netlist(m=module([flop(80, 2), lut(2, 3), *chain, flop(24, 60)]))
        self.assertEqual(design.summary("m").deepest[0], 2)

    def test_the_read_port_of_a_lut_ram_counts_one(self):
        ram = cell("RAM32M", {"DOA"}, ADDRA=[2, 3], ADDRD=[4], DIA=[5], WCLK=90, WE=6, DOA=[7])
        design = netlist(m=module([ram, lut(7, 8)], {"address": [2, 3]}, {"o": [8]}))
        self.assertEqual(design.summary("m").through, {("o", 0): {("address", 0): 2, ("address", 1): 2}})

    def test_go_through_the_hierarchy(self):
        below = module([flop(2, 3), lut(3, 4), lut(2, 5)], {"a": [2]}, {"q": [4], "y": [5]})
        instance = cell("below", {"q", "y"}, a=10, q=11, y=12)
        above = module([flop(13, 9), lut(9, 10), instance, lut(11, 20), lut(20, 21), flop(21, 22), lut(12, 13)])
        design = netlist(below=below, above=above)
        summary = design.summary("below")
        self.assertEqual((summary.arrival, summary.required), ({("q", 0): 1}, {("a", 0): 0}))
        self.assertEqual(summary.through, {("y", 0): {("a", 0): 1}})
        self.assertEqual(design.summary("above").deepest[0], 3)

    def test_do_not_count_to_outputs_that_are_not_used(self):
        modules = {"m": module([flop(9, 2), lut(2, 3), lut(3, 4), lut(4, 5)], {}, {"needs_clock_o": [5], "y": [4]})}
        self.assertEqual(netlist_graph.Netlist({"modules": modules}).summary("m").deepest[0], 3)
        self.assertEqual(netlist_graph.Netlist({"modules": modules}, "needs_").summary("m").deepest[0], 2)

    def test_unknown_cells_and_loops_are_errors(self):
        with self.assertRaisesRegex(netlist_graph.GraphError, "unknown type FOO"):
            netlist(m=module([cell("FOO", {"O"}, I=2, O=3)])).summary("m")
        with self.assertRaisesRegex(netlist_graph.GraphError, "m: a combinational loop"):
            netlist(m=module([lut(2, 3), lut(3, 2), flop(3, 4)])).summary("m")


class PortPaths(unittest.TestCase):
    def interface_of(self, port):
        return port.split("_")[0] if "_" in port else None

    def test_are_found_bit_by_bit_within_one_interface(self):
        design = netlist(m=module([lut(2, 10), lut(3, 11), flop(4, 12)],
                                  {"bus_id": [2], "other_id": [3], "bus_valid": [4]},
                                  {"bus_ready": [10], "bus_more": [11], "bus_last": [12]}))
        self.assertEqual(netlist_graph.port_paths(design.summary("m"), self.interface_of), [("bus_id", "bus_ready", "bus")])

    def test_are_not_mixed_up_between_bits_of_a_word(self):
        gates = [cell("$_AND_", {"Y"}, A=2, B=20, Y=10), cell("$_AND_", {"Y"}, A=20, B=20, Y=11)]
        design = netlist(m=module([*gates, flop(80, 20)], {"bus_a": [2, 3]}, {"bus_y": [10], "bus_z": [11]}))
        self.assertEqual(netlist_graph.port_paths(design.summary("m"), self.interface_of), [("bus_a", "bus_y", "bus")])


if __name__ == "__main__":
    unittest.main()
