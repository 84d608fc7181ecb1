# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""Combinational paths of a netlist that Yosys wrote (write_json), through the hierarchy, bit by bit.

A level is a LUT; a whole carry chain and the read port of a LUT RAM count one, inverters and the multiplexers of a slice
none. Paths begin and end in registers, memories, multipliers (their blocks have registers of their own) and ports of
the module that is looked at.
"""

import re

CONSTANTS = {"0", "1", "x", "z"}
FREE = {"INV", "BUFG", "MUXF7", "MUXF8", "MUXF9", "IBUF", "OBUF"}
CHAINS = {"CARRY4", "CARRY8"}
# Outputs that an address changes without a clock.
LUT_RAM = re.compile(r"^RAM\d")
REGISTERS = re.compile(r"^(FD[RSCP]E(_1)?|DSP48E2|RAMB\d+E2|URAM288|SRL\w+|\$_?S?A?DFF\w*|\$_?ALDFF\w*|\$s?a?dff\w*|\$mul|\$scopeinfo)$", re.I)
GATE = re.compile(r"^\$_\w+_$")


class GraphError(Exception):
    pass


class Summary:
    """What a module is to those that use it; keys are (port, bit).

    arrival: levels from a register to an output; required: levels from an input to a register; through: output ->
    {input: levels}; deepest: (levels, from, to) of the longest path that the module sees, ports included.
    """

    def __init__(self):
        self.arrival, self.required, self.through = {}, {}, {}
        self.deepest = (0, "", "")


class Netlist:
    """Modules of a design by name. Outputs whose names match `unused` drive nothing in hardware."""

    def __init__(self, document, unused=None):
        self.modules = document["modules"]
        self.unused = re.compile(unused or r"(?!)")
        self._summaries = {}

    def summary(self, name):
        if name not in self._summaries:
            self._summaries[name] = self._summarise(name)
        return self._summaries[name]

    def _arcs(self, cell):
        """(input bits, output bits, levels) of a cell of a library, and bits where paths begin and end."""
        kind, connections = cell["type"], cell["connections"]
        directions = cell.get("port_directions", {})
        inputs = {p: b for p, b in connections.items() if directions.get(p) == "input"}
        outputs = {p: b for p, b in connections.items() if directions.get(p) == "output"}
        if not directions:
            raise GraphError(f"cell of unknown type {kind}")
        everything_in = [bit for bits in inputs.values() for bit in bits]
        everything_out = [bit for bits in outputs.values() for bit in bits]
        if kind == "$mem_v2":
            return self._memory(cell)
        if REGISTERS.match(kind):
            return [], everything_out, everything_in
        if LUT_RAM.match(kind):
            address = [b for p, bits in inputs.items() if re.match(r"^(ADDR|A\d|DPRA|RADDR|A$)", p) for b in bits]
            return [(address, everything_out, 1)], everything_out, everything_in
        if kind in CHAINS:
            carry = [b for p in ("CI",) for b in inputs.get(p, ())]
            entry = [b for p, bits in inputs.items() if p != "CI" for b in bits]
            return [(carry, everything_out, 0), (entry, everything_out, 1)], [], []
        if kind in FREE:
            return [(everything_in, everything_out, 0)], [], []
        if kind.startswith("LUT") or GATE.match(kind) or kind == "$lut":
            return [(everything_in, everything_out, 1)], [], []
        if kind in ("GND", "VCC"):
            return [], [], []
        raise GraphError(f"cell of unknown type {kind}")

    @staticmethod
    def _memory(cell):
        connections, parameters = cell["connections"], cell["parameters"]
        ports = int(parameters["RD_PORTS"], 2)
        clocked = parameters["RD_CLK_ENABLE"][::-1]
        arcs = []
        address, data = connections["RD_ADDR"], connections["RD_DATA"]
        for port in range(ports):
            if clocked[port] == "0":
                arcs.append((address[port * len(address) // ports:(port + 1) * len(address) // ports],
                             data[port * len(data) // ports:(port + 1) * len(data) // ports], 1))
        ends = [b for p, bits in connections.items() if p != "RD_DATA" for b in bits]
        return arcs, list(data), ends

    def _summarise(self, name):
        module = self.modules[name]
        result = Summary()
        arcs_to = {}             # bit -> [(bit before, levels)]
        begins, ends = {}, {}    # bit -> levels from a register to it; from it to a register
        inputs, outputs = {}, {}

        def add(sources, targets, levels):
            sources = [b for b in sources if b not in CONSTANTS]
            for target in targets:
                arcs_to.setdefault(target, []).extend((source, levels) for source in sources)

        for port, description in module["ports"].items():
            if description["direction"] != "input" and self.unused.match(port):
                continue
            table = inputs if description["direction"] == "input" else outputs
            for place, bit in enumerate(description["bits"]):
                if bit not in CONSTANTS:
                    table.setdefault(bit, []).append((port, place))
        for cell in module["cells"].values():
            if cell["type"] in self.modules and not self.modules[cell["type"]].get("attributes", {}).get("blackbox"):
                below = self.summary(cell["type"])
                bit_of = lambda key, c=cell["connections"]: c[key[0]][key[1]] if key[0] in c else "x"  # noqa: E731
                for output, sources in below.through.items():
                    for source, levels in sources.items():
                        add([bit_of(source)], [bit_of(output)], levels)
                for output, levels in below.arrival.items():
                    begins[bit_of(output)] = max(levels, begins.get(bit_of(output), 0))
                for source, levels in below.required.items():
                    ends[bit_of(source)] = max(levels, ends.get(bit_of(source), 0))
                continue
            arcs, starts, stops = self._arcs(cell)
            for sources, targets, levels in arcs:
                add(sources, targets, levels)
            for bit in starts:
                begins.setdefault(bit, 0)
            for bit in stops:
                ends.setdefault(bit, 0)

        order = self._order(name, arcs_to, list(ends) + list(outputs))
        arrival, origin, through = dict(begins), {}, {}
        needed = self._before(arcs_to, outputs)
        from_port = {}  # bit -> levels from any input port
        for bit in inputs:
            from_port[bit] = 0
            if bit in needed:
                through[bit] = dict.fromkeys(inputs[bit], 0)
        for bit in order:
            for source, levels in arcs_to.get(bit, ()):
                if source in arrival and arrival[source] + levels > arrival.get(bit, -1):
                    arrival[bit], origin[bit] = arrival[source] + levels, source
                if source in from_port and from_port[source] + levels > from_port.get(bit, -1):
                    from_port[bit] = from_port[source] + levels
                if bit in needed and source in through:
                    reached = through.setdefault(bit, {})
                    for key, before in through[source].items():
                        reached[key] = max(before + levels, reached.get(key, 0))
        required = {}
        for bit in ends:
            required[bit] = ends[bit]
        for bit in reversed(order):
            if bit in required:
                for source, levels in arcs_to.get(bit, ()):
                    required[source] = max(required[bit] + levels, required.get(source, -1))
        for bit, keys in inputs.items():
            for key in keys:
                if bit in required:
                    result.required[key] = required[bit]
        for bit, keys in outputs.items():
            for key in keys:
                if bit in arrival:
                    result.arrival[key] = arrival[bit]
                if through.get(bit):
                    result.through[key] = through[bit]

        names = None
        for table in (arrival, from_port):
            for bit in list(ends) + list(outputs):
                levels = table.get(bit, -1) + ends.get(bit, 0)
                if bit in table and levels > result.deepest[0]:
                    names = names or self._names(module)
                    start = bit
                    while table is arrival and start in origin:
                        start = origin[start]
                    result.deepest = (levels, names.get(start, "a port") if table is arrival else "a port", names.get(bit, "?"))
        return result

    @staticmethod
    def _names(module):
        names = {}
        for net, description in module["netnames"].items():
            for place, bit in enumerate(description["bits"]):
                if bit not in names or (description.get("hide_name", 0) == 0 and len(net) < len(names[bit])):
                    names[bit] = f"{net}[{place}]" if len(description["bits"]) > 1 else net
        return names

    @staticmethod
    def _before(arcs_to, bits):
        """All bits from which a combinational path leads to one of `bits`."""
        seen, todo = set(bits), list(bits)
        while todo:
            for source, _ in arcs_to.get(todo.pop(), ()):
                if source not in seen:
                    seen.add(source)
                    todo.append(source)
        return seen

    @staticmethod
    def _order(name, arcs_to, roots):
        """Bits in an order in which sources come first."""
        order, state = [], {}
        for root in roots:
            if root in state:
                continue
            stack = [(root, iter(arcs_to.get(root, ())))]
            state[root] = 1
            while stack:
                bit, sources = stack[-1]
                for source, _ in sources:
                    if source not in state:
                        state[source] = 1
                        stack.append((source, iter(arcs_to.get(source, ()))))
                        break
                    if state[source] == 1:
                        raise GraphError(f"{name}: a combinational loop")
                else:
                    state[bit] = 2
                    order.append(bit)
                    stack.pop()
        return order


def port_paths(summary, interface_of):
    """(input, output, interface) of every combinational path between ports of one interface; interface_of(port) or None."""
    found = set()
    for (output, _), sources in summary.through.items():
        for source, _ in sources:
            interface = interface_of(source)
            if interface is not None and interface == interface_of(output):
                found.add((source, output, interface))
    return sorted(found)
