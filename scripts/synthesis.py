#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""Synthesises the RTL with Yosys for UltraScale+ and checks the result; started by scripts/synth.sh.

Modules are synthesised once per set of parameters and not flattened; totals count every instance. Numbers are
estimates: Yosys packs no registers into DSP and memory blocks and no two functions into a LUT.
"""

import argparse
import json
import pathlib
import re
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import netlist_graph  # noqa: E402
import rtl_netlist  # noqa: E402
import rtl_parameters  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent
JSON_PATH = "docs/generated/synthesis.json"
DOCUMENT = "docs/hardware.md"
BEGIN, END = "<!-- synthesis: written by scripts/synth.sh -->", "<!-- synthesis: end -->"
TOLERANCE = 0.02  # of the documented numbers, for other versions of Yosys and small changes

RESOURCES = ("LUT", "FF", "DSP", "BRAM", "URAM")
# What the FPGAs have, from memory, to be checked (AMD data sheet DS890, UltraScale+ VU47P, VU35P, VU13P; cards: DS978, DS965, DS962). BRAM: 36 Kbit.
CARDS = {
    "U55C": {"LUT": 1303680, "FF": 2607360, "DSP": 9024, "BRAM": 2016, "URAM": 960},
    "U50": {"LUT": 871680, "FF": 1743360, "DSP": 5952, "BRAM": 1344, "URAM": 640},
    "U250": {"LUT": 1728000, "FF": 3456000, "DSP": 12288, "BRAM": 2688, "URAM": 1280},
}
# Share of a device that its vendor's design methodology (AMD UG949) recommends to use at most; the shell is part of it.
SHARES = {"LUT": 0.7, "FF": 0.5, "DSP": 0.8, "BRAM": 0.8, "URAM": 0.8}

# LUTs of a cell; LUT1..LUT6 and INV count one.
LUTS = {"RAM32M": 4, "RAM64M": 4, "RAM32M16": 8, "RAM64M8": 8, "RAM32X1D": 2, "RAM64X1D": 2, "RAM128X1D": 4, "RAM256X1D": 8,
        "RAM512X1S": 8, "RAM64X8SW": 8, "RAM32X16DR8": 8, "SRL16E": 1, "SRLC32E": 1, "INV": 1}
NOTHING = {"BUFG", "CARRY4", "CARRY8", "MUXF7", "MUXF8", "MUXF9", "GND", "VCC"}
LUTRAM_DEPTH = 64  # memories at most this deep may be distributed RAM

# Levels of logic between registers (scripts/netlist_graph.py says how they are counted), sub-modules included.
LEVELS = 12

# Modules whose arrays are registers on purpose.
REGISTERS = {
    "xw_mac_lanes": "accumulators and their copy, all used in every cycle",
    "xw_converter": "pipeline stages of every column",
    "xw_threefry": "pipeline stages",
}


class SynthesisError(Exception):
    pass


def module_name(name):
    """Name of a module in the source, without Yosys' parameters."""
    return name.split("\\")[1] if "\\" in name else name


def plain(name):
    """A name of RTLIL without its backslash."""
    return name[1:] if name.startswith("\\") else name


def sources():
    package = ROOT / "rtl/pkg/xw_pkg.sv"
    return [package] + sorted(p for p in (ROOT / "rtl").glob("*/*.sv") if p != package)


def parameters_of(path, top):
    """Parameters of a top module that an emulator description names."""
    emulator = rtl_parameters.read(path)
    wanted = re.findall(r"^\s*parameter int unsigned (\w+)", (ROOT / next(
        p for p in sources() if p.stem == top)).read_text(encoding="utf-8"), re.M)
    return emulator["name"], {p: emulator[rtl_parameters.PARAMETERS[p]] for p in wanted if p in rtl_parameters.PARAMETERS}


def yosys_script(top, files):
    options = f"-family xcup -noiopad -uram -top {top}"
    return "\n".join([
        f"read_verilog -sv {files[0]}",
        "read_verilog -sv -defer " + " ".join(map(str, files[1:])),
        f"hierarchy -check -top {top}",
        f"synth_xilinx {options} -run begin:map_dsp",
        "check -assert",
        f"synth_xilinx {options} -run map_dsp:coarse",
        "dump -m -o soft_multipliers.il t:$mul",
        f"synth_xilinx {options} -run coarse:map_memory",
        "dump -m -o memories.il t:$mem_v2",
        f"synth_xilinx {options} -run map_memory:",
        "tee -q -o stat.json stat -json -tech xilinx",
        "write_json netlist.json"]) + "\n"


def run_yosys(yosys, folder, top, parameters):
    folder.mkdir(parents=True, exist_ok=True)
    files = sources()
    source = next(p for p in files if p.stem == top)
    made = folder / source.name  # the top module with the build's parameters as its defaults
    made.write_text(rtl_netlist.with_defaults(source.read_text(encoding="utf-8"), parameters.items()), encoding="utf-8")
    (folder / "synth.ys").write_text(yosys_script(top, [made if p == source else p for p in files]), encoding="utf-8")
    start = time.monotonic()
    with open(folder / "stdout.txt", "w", encoding="utf-8") as out:
        code = subprocess.run([yosys, "-q", "-l", "yosys.log", "synth.ys"], cwd=folder, stdout=out,
                              stderr=subprocess.STDOUT, check=False).returncode
    if code != 0:
        tail = (folder / "yosys.log").read_text(encoding="utf-8").splitlines()[-5:]
        raise SynthesisError(f"Yosys failed ({folder / 'yosys.log'}):\n  " + "\n  ".join(tail))
    return time.monotonic() - start


def counts_of(cells):
    """Resources of cells by type; unknown cells are an error, because their cost would be missing."""
    counts = dict.fromkeys(RESOURCES, 0)
    for kind, number in cells.items():
        if kind.startswith("LUT"):
            counts["LUT"] += number
        elif kind in LUTS:
            counts["LUT"] += LUTS[kind] * number
        elif kind in ("FDRE", "FDSE", "FDCE", "FDPE", "FDRE_1", "FDSE_1", "FDCE_1", "FDPE_1"):
            counts["FF"] += number
        elif kind == "DSP48E2":
            counts["DSP"] += number
        elif kind == "RAMB36E2":
            counts["BRAM"] += number
        elif kind == "RAMB18E2":
            counts["BRAM"] += number / 2
        elif kind == "URAM288":
            counts["URAM"] += number
        elif kind.startswith("LD"):
            raise SynthesisError(f"{number} latches ({kind})")
        elif kind not in NOTHING:
            raise SynthesisError(f"{number} cells of unknown type {kind}")
    return counts


class Design:
    """What Yosys made: modules with their own cells, memories, multipliers, arrays in registers."""

    def __init__(self, folder):
        text = (folder / "stat.json").read_text(encoding="utf-8")
        # Yosys 0.23 writes the hierarchy behind the modules in a form that is not JSON.
        document = json.loads(re.sub(r"(?<=\n   \}),\n.*", "}", text, count=1, flags=re.S))
        self.yosys = re.match(r"Yosys [\w.+]+", document["creator"]).group(0)
        self.modules = {plain(name): {plain(kind): number for kind, number in m["num_cells_by_type"].items()}
                        for name, m in document["modules"].items()}
        self.memories = self._memories(folder)
        self.soft = [(module_name(m), p["A_WIDTH"], p["B_WIDTH"]) for m, _, p in cells(folder / "soft_multipliers.il")]
        log = (folder / "yosys.log").read_text(encoding="utf-8")
        pairs = re.findall(r"Replacing memory \\(\S+) with list of registers\. See \S*?(\w+)\.sv:", log)
        self.registers = sorted({(module, name.split(".")[-1]) for name, module in pairs})
        self.netlist = netlist_graph.Netlist(json.loads((folder / "netlist.json").read_text(encoding="utf-8")), "needs_")

    def _memories(self, folder):
        """(module, name, depth, width, kind), sorted; kind as Yosys' libraries of memories call it."""
        log = (folder / "yosys.log").read_text(encoding="utf-8")
        kinds = {}
        for module, name, kind in re.findall(r"^mapping memory (\S+)\.(\w+) via \$__XILINX_(\w+?)_?$", log, re.M):
            kinds[(plain(module), name)] = kind
        found = []
        for module, _, p in cells(folder / "memories.il"):
            if p["WR_PORTS"] == 0:
                continue  # a table of constants
            name = p["MEMID"].strip('"').lstrip("\\")
            kind = kinds.get((plain(module), name), "registers")
            found.append((module_name(module), name, p["SIZE"], p["WIDTH"], kind))
        return sorted(set(found))

    def own(self, name):
        """Resources of a module without its sub-modules."""
        try:
            return counts_of({k: n for k, n in self.modules[name].items() if k not in self.modules})
        except SynthesisError as error:
            raise SynthesisError(f"{module_name(name)}: {error}") from None

    def total(self, name):
        """Resources of a module with its sub-modules."""
        counts = self.own(name)
        for kind, number in self.modules[name].items():
            if kind in self.modules:
                for resource, value in self.total(kind).items():
                    counts[resource] += number * value
        return counts

    def deepest(self, name):
        """(levels, from, to) of the longest path that a module sees, through its sub-modules."""
        try:
            return self.netlist.summary(name).deepest
        except netlist_graph.GraphError as error:
            raise SynthesisError(str(error)) from None

    def instances(self, top):
        """Module -> number of instances below (and with) top."""
        numbers = {}

        def visit(name, number):
            numbers[name] = numbers.get(name, 0) + number
            for kind, count in self.modules[name].items():
                if kind in self.modules:
                    visit(kind, number * count)
        visit(top, 1)
        return numbers


def cells(path):
    """(module, cell, integer and text parameters) of every cell in an RTLIL dump."""
    module, cell, parameters = None, None, {}
    for line in path.read_text(encoding="utf-8").splitlines():
        words = line.split()
        if not words:
            continue
        if words[0] == "module":
            module = words[1]
        elif words[0] == "cell":
            cell, parameters = words[2], {}
        elif words[0] == "parameter" and cell:
            name = next(w for w in words if w.startswith("\\"))
            value = words[-1]
            if re.fullmatch(r"\d+'[01]+", value):
                value = int(value.split("'")[1], 2)
            elif re.fullmatch(r"-?\d+", value):
                value = int(value)
            parameters[name[1:]] = value
        elif words[0] == "end" and cell:
            yield module, cell, parameters
            cell = None


def problems_of(design, top, parameters):
    """What the RTL promises and the netlist does not keep."""
    problems = []
    for module, name, depth, width, kind in design.memories:
        if kind == "registers":
            problems.append(f"{module}.{name} ({depth} x {width}) is made of registers")
        elif kind.startswith("LUTRAM") and depth > LUTRAM_DEPTH:
            problems.append(f"{module}.{name} ({depth} x {width}) is made of LUTs; only memories up to {LUTRAM_DEPTH} deep may be")
    for module, name in design.registers:
        if module not in REGISTERS:
            problems.append(f"{module}.{name} is an array in registers; expected a memory, or a reason in scripts/synthesis.py")
    for module, a, b in design.soft:
        problems.append(f"{module}: a multiplier of {a} x {b} bits is made of LUTs")
    for name in design.instances(top):
        levels, begin, end = design.deepest(name)
        if levels > LEVELS:
            problems.append(f"{module_name(name)}: {levels} levels of logic from {begin} to {end}; at most {LEVELS} may be")
    lanes = parameters.get("Lanes")
    for name in design.instances(top):
        if module_name(name) == "xw_mac_lanes" and lanes and design.own(name)["DSP"] != lanes:
            problems.append(f"xw_mac_lanes: {lanes} lanes have {design.own(name)['DSP']} DSP blocks")
    return problems


def budget_problems(total):
    return [f"{total[r]:g} {r} exceed {SHARES[r]:.0%} of the {CARDS[card][r]} of a {card}"
            for card in CARDS for r in RESOURCES if total[r] > SHARES[r] * CARDS[card][r]]


def report(design, top, build, parameters):
    """Everything that is written down, as JSON."""
    modules = {}
    for name, number in sorted(design.instances(top).items(), key=lambda item: module_name(item[0])):
        entry = modules.setdefault(module_name(name), {"instances": 0, "own": dict.fromkeys(RESOURCES, 0), "levels": 0})
        entry["levels"] = max(entry["levels"], design.deepest(name)[0])
        entry["instances"] += number
        for resource, value in design.own(name).items():
            entry["own"][resource] += number * value
    result = {"yosys": design.yosys, "build": build, "parameters": parameters, "total": design.total(top), "modules": modules,
              "memories": [dict(zip(("module", "name", "depth", "width", "kind"), m)) for m in design.memories]}
    engines = [name for name in design.modules if module_name(name) == "xw_engine"]
    if engines and top != "xw_engine":
        result["engine"] = design.total(engines[0])
    return result


def number(value):
    return f"{value:,.0f}".replace(",", " ") if value == int(value) else f"{value:g}"


KINDS = {"URAM": "UltraRAM", "BLOCKRAM_SDP": "block RAM", "BLOCKRAM_TDP": "block RAM", "LUTRAM_SDP": "LUT RAM"}


def tables(result):
    """Markdown of a report."""
    engines = result["parameters"]["NumEngines"]
    lines = [BEGIN, "",
             f"{result['yosys']}, `synth_xilinx -family xcup -uram`, build `{result['build']}` ({engines} engines). "
             "In brackets: share of the whole FPGA.", "",
             "| | one engine | kernel | " + " | ".join(CARDS) + " | allowed |", "|---|--:|--:|" + "--:|" * len(CARDS) + "--:|"]
    for r in RESOURCES:
        shares = " | ".join(f"{number(CARDS[c][r])} ({result['total'][r] / CARDS[c][r]:.1%})" for c in CARDS)
        lines.append(f"| {'BRAM (36 Kbit)' if r == 'BRAM' else r} | {number(result['engine'][r])} | {number(result['total'][r])} | "
                     f"{shares} | {SHARES[r]:.0%} |")
    has_levels = all("levels" in module for module in result["modules"].values())  # not in reports of before
    lines += ["", "Modules without their sub-modules, all instances together" +
              (f"; levels of logic between registers, sub-modules included (allowed: {LEVELS}):" if has_levels else ":"), "",
              "| module | instances | " + " | ".join(RESOURCES) + (" | levels |" if has_levels else " |"),
              "|---|--:|" + "--:|" * (len(RESOURCES) + has_levels)]
    for name, module in result["modules"].items():
        lines.append(f"| `{name}` | {module['instances']} | " + " | ".join(number(module["own"][r]) for r in RESOURCES) +
                     (f" | {module['levels']} |" if has_levels else " |"))
    lines += ["", "Memories:", "", "| memory | words x bits | made of |", "|---|---|---|"]
    for m in result["memories"]:
        kind = KINDS.get(m["kind"], m["kind"])
        lines.append(f"| `{m['module']}.{m['name']}` | {number(m['depth'])} x {m['width']} | {kind} |")
    return "\n".join([*lines, "", END])


def with_tables(document, text):
    begin, end = document.find(BEGIN), document.find(END)
    if begin < 0 or end < begin:
        raise SynthesisError(f"{DOCUMENT}: the lines '{BEGIN}' and '{END}' are missing")
    return document[:begin] + text + document[end + len(END):]


def stale(result):
    """What the committed report says differently."""
    path = ROOT / JSON_PATH
    if not path.exists():
        return [f"{JSON_PATH} is missing"]
    old = json.loads(path.read_text(encoding="utf-8"))
    messages = []
    for part in ("engine", "total"):
        for r in RESOURCES:
            was, now = old.get(part, {}).get(r, 0), result[part][r]
            if abs(now - was) > TOLERANCE * max(was, now):
                messages.append(f"{part}: {number(now)} {r}, {JSON_PATH} has {number(was)}")
    for name, module in result["modules"].items():
        was = old.get("modules", {}).get(name, {}).get("levels", 0)
        if was != module["levels"]:
            messages.append(f"{name}: {module['levels']} levels of logic, {JSON_PATH} has {was}")
    if old.get("parameters") != result["parameters"]:
        messages.append(f"parameters differ from {JSON_PATH}")
    if old.get("memories") != result["memories"]:
        messages.append(f"memories differ from {JSON_PATH}")
    document = (ROOT / DOCUMENT).read_text(encoding="utf-8")
    if with_tables(document, tables(old)) != document:
        messages.append(f"the tables of {DOCUMENT} are not those of {JSON_PATH}")
    return messages


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--yosys", default="yosys")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if the documented numbers are out of date")
    parser.add_argument("--top", default="xw_kernel", help="module to synthesise (default: %(default)s)")
    parser.add_argument("--emulator", type=pathlib.Path, default=ROOT / "arch/chips/alveo-u55c.toml", help="its parameters")
    parser.add_argument("--folder", type=pathlib.Path, default=ROOT / "build/synth", help="for Yosys' files (default: %(default)s)")
    parser.add_argument("--reuse", action="store_true", help="do not run Yosys; judge what its last run left in the folder")
    options = parser.parse_args(arguments)
    try:
        build, parameters = parameters_of(options.emulator, options.top)
        folder = options.folder / f"{options.top}-{build}"
        if not options.reuse:
            seconds = run_yosys(options.yosys, folder, options.top, parameters)
            print(f"synth: {options.top} of {build} in {seconds:.0f} s")
        design = Design(folder)
        top = next(name for name in design.modules if module_name(name) == options.top)
        problems = problems_of(design, top, parameters)
        result = report(design, top, build, parameters)
        for part in ("engine", "total"):
            if part in result:
                print(f"synth: {part}: " + ", ".join(f"{number(v)} {r}" for r, v in result[part].items()))
        problems += budget_problems(result["total"])
        documented = options.top == "xw_kernel" and build == "alveo-u55c"
        if options.check and documented:
            problems += [f"out of date, run scripts/synth.sh: {m}" for m in stale(result)]
        for problem in problems:
            print(f"synth: {problem}", file=sys.stderr)
        if problems:
            return 1
        if documented and not options.check:
            (ROOT / JSON_PATH).write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
            path = ROOT / DOCUMENT
            path.write_text(with_tables(path.read_text(encoding="utf-8"), tables(result)), encoding="utf-8")
    except (SynthesisError, rtl_netlist.NetlistError, rtl_parameters.ParameterError, OSError) as error:
        print(f"synth: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
