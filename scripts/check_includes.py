#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""Fails when folders depend on each other in another way than the table below says.

The table is the layering of the project, from the ground floor up: a folder may include what stands above it in the table and
in its row, and itself. Checked are

- every #include "...": a header named from the root of the repository, of a folder in the row of the including one;
- every entry of a row: granted means used;
- the rows: they name folders of lower floors only, so there is no circle and no upward edge;
- the targets: what the CMakeLists.txt of a folder links is what its row says.

`--graph` prints the include graph with its floors, `--graph=dot` for Graphviz.
"""

import argparse
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent

ALLOWED = {  # folder -> folders that it includes besides itself; only those of rows before its own
    "arch/support": (),
    "arch/generated": (),
    "arch/description": ("arch/support", "arch/generated"),
    "models/analog": ("arch/support", "arch/generated"),
    "models/cells": ("arch/support", "arch/generated", "models/analog"),
    "models/reference": ("arch/support", "arch/generated", "models/analog", "models/cells"),
    "models/calibration": (),
    "compiler/ir": ("arch/support",),
    "compiler/program": ("arch/support", "arch/generated", "arch/description"),
    "compiler/checkpoint": ("arch/support", "compiler/ir"),
    "compiler/passes": ("arch/support", "compiler/ir"),
    "compiler/mapping": ("arch/support",),
    "compiler/codegen": ("arch/support", "arch/generated", "arch/description", "compiler/program"),
    "compiler/pipeline": ("arch/support", "arch/description", "models/analog", "models/cells", "compiler/ir", "compiler/program",
                          "compiler/checkpoint", "compiler/passes", "compiler/mapping", "compiler/codegen"),
    "systemc": ("arch/support", "arch/generated", "arch/description", "models/analog", "compiler/program"),
    "firmware": (),
    "host/device": ("arch/support", "arch/generated", "arch/description"),
    "host/backends/functional": ("arch/support", "arch/generated", "arch/description", "models/analog", "compiler/program",
                                 "host/device"),
    "host/backends/systemc": ("arch/support", "arch/generated", "arch/description", "compiler/program", "systemc", "host/device"),
    "host/backends/verilated": ("arch/support", "arch/generated", "arch/description", "host/device"),
    "host/backends/xrt": (),
    "host/estimate": ("arch/description", "compiler/ir", "compiler/program", "systemc"),
    "host/runtime": ("arch/support", "arch/generated", "arch/description", "models/analog", "models/cells", "compiler/program",
                     "host/device"),
    "host/tokenizer/unicode": ("arch/support",),
    "host/tokenizer/jinja": ("arch/support", "host/tokenizer/unicode"),
    "host/tokenizer": ("arch/support", "compiler/checkpoint", "host/tokenizer/unicode", "host/tokenizer/jinja"),
    "host/transformer": ("arch/support", "compiler/ir", "compiler/program", "compiler/checkpoint"),
    "host/evaluation": ("arch/support", "host/tokenizer", "host/transformer"),
    "host/report": ("arch/support", "arch/generated", "arch/description", "compiler/ir", "compiler/program", "systemc",
                    "host/device", "host/estimate", "host/runtime"),
    "host/app": ("arch/support", "arch/generated", "arch/description", "models/analog", "models/cells", "models/calibration",
                 "compiler/ir", "compiler/program", "compiler/checkpoint", "compiler/passes", "compiler/mapping",
                 "compiler/pipeline", "host/device", "host/backends/functional", "host/backends/systemc",
                 "host/backends/verilated", "host/estimate", "host/runtime", "host/tokenizer", "host/transformer",
                 "host/evaluation", "host/report"),
}
ANYTHING = ("tests", "scripts")  # may include everything; nobody else may include them
SUFFIXES = {".hpp", ".cpp", ".h", ".c", ".cc"}
INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"')
HERE = "scripts/check_includes.py"


def within(path, folder):
    return path == folder or path.startswith(folder + "/")


def owner(path, folders):
    """The longest of `folders` that contains `path`, or None."""
    return max((f for f in folders if within(path, f)), key=len, default=None)


def check_file(root, relative, edges):
    """Violations of one file, as lines to print; adds (folder, included folder) -> number of includes to `edges`."""
    folder = owner(relative, ALLOWED)
    if folder is None:
        if not any(within(relative, f) for f in ANYTHING):
            yield f"{relative}:1: this folder is not in the table of {HERE}"
        return
    text = (root / relative).read_text(encoding="utf-8", errors="replace")
    for number, line in enumerate(text.splitlines(), 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        header = match[1]
        if not (root / header).exists():
            yield f"{relative}:{number}: \"{header}\" is not a header named from the root of the repository"
            continue
        included = owner(header, (*ALLOWED, *ANYTHING))
        if included == folder:
            continue
        edges[folder, included] = edges.get((folder, included), 0) + 1
        if included not in ALLOWED[folder]:
            yield f"{relative}:{number}: {folder} may not include {included or header}"


def sources(root):
    tops = sorted({f.split("/")[0] for f in ALLOWED})
    for top in tops:
        for path in sorted((root / top).rglob("*")):
            if path.suffix in SUFFIXES and path.is_file():
                yield path.relative_to(root).as_posix()


def check_table():
    """Rows name folders of lower floors only."""
    floors = list(ALLOWED)
    for floor, folder in enumerate(floors):
        for granted in ALLOWED[folder]:
            if granted not in floors[:floor]:
                yield f"{HERE}: {folder} names {granted}, which is not a row before it"


def check_used(root, edges):
    """What a row grants is used by somebody."""
    for folder, granted in ALLOWED.items():
        if not any((root / folder).glob("**/*.[ch]*")):
            continue  # a folder that is planned
        for other in granted:
            if (folder, other) not in edges:
                yield f"{HERE}: {folder} is granted {other} and includes nothing of it"


# CMake, as far as this project uses it: words of commands with variables of the same file, all branches together.
COMMAND = re.compile(r"^\s*(\w+)\s*\(((?:[^()]|\([^()]*\))*)\)", re.MULTILINE)
KEYWORDS = {"SOURCES", "PUBLIC", "PRIVATE", "INTERFACE"}


def words_of(text, variables):
    words = []
    for word in re.findall(r'"[^"]*"|[^\s"]+', text):
        name = re.fullmatch(r"\$\{(\w+)\}", word)
        words += variables.get(name[1], ()) if name else [word.strip('"')]
    return words


def targets_of(text):
    """Target names of one CMakeLists.txt (as xw::NAME), and the xw:: targets that they link."""
    text = re.sub(r"#[^\n]*", "", text)
    names, linked, variables = set(), set(), {}
    for command, arguments in COMMAND.findall(text):
        words = words_of(arguments, variables)
        if command == "set" and words:
            variables.setdefault(words[0], []).extend(words[1:])
        elif command == "xw_add_library" and words:
            names.add("xw::" + words[0])
            first = min((words.index(k) for k in ("PUBLIC", "PRIVATE", "INTERFACE") if k in words), default=len(words))
            linked.update(word for word in words[first:] if word.startswith("xw::"))
        elif command in ("add_library", "add_executable") and words:
            if len(words) > 2 and words[1] == "ALIAS":
                names.add(words[0])
        elif command == "target_link_libraries":
            linked.update(word for word in words[1:] if word.startswith("xw::"))
    return names, linked


def check_links(root):
    """The targets of a folder link those of the folders in its row, and no others."""
    folders, links = {}, {}
    for folder in ALLOWED:
        file = root / folder / "CMakeLists.txt"
        if not file.exists():
            continue
        names, links[folder] = targets_of(file.read_text(encoding="utf-8"))
        folders.update(dict.fromkeys(names, folder))
        if not names and any((root / folder).glob("*.cpp")):
            yield f"{folder}/CMakeLists.txt: this folder has sources and no target"
    for folder, linked in links.items():
        place = f"{folder}/CMakeLists.txt"
        for target in sorted(linked):
            if target not in folders:
                yield f"{place}: {target} is a target of no folder in the table of {HERE}"
        owned = {folders[target] for target in linked if target in folders} - {folder}
        for other in sorted(owned - set(ALLOWED[folder])):
            yield f"{place}: links a target of {other}, which the row of {folder} in {HERE} does not grant"
        for other in sorted(set(ALLOWED[folder]) - owned):
            if other in links:
                yield f"{place}: the row of {folder} in {HERE} grants {other}, and no target of it is linked"


def print_graph(edges, form):
    floors = {folder: floor for floor, folder in enumerate(ALLOWED)}
    upward = [edge for edge in edges if floors.get(edge[1], len(floors)) > floors[edge[0]]]
    if form == "dot":
        print("digraph includes {\n  rankdir=BT;\n  node [shape=box];")
        for (folder, other), count in sorted(edges.items()):
            print(f'  "{folder}" -> "{other}" [label={count}];')
        print("}")
        return
    for folder, floor in floors.items():
        included = [f"{other} ({edges[folder, other]})" for other in ALLOWED if (folder, other) in edges]
        print(f"{floor:2} {folder}: {', '.join(included) or 'nothing'}")
    print(f"{len(floors)} folders, {len(edges)} edges, {sum(edges.values())} includes, {len(upward)} upward edges")
    for folder, other in upward:
        print(f"upward: {folder} -> {other}")


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=pathlib.Path, default=ROOT, help="root of the sources")
    parser.add_argument("--graph", nargs="?", const="text", choices=("text", "dot"), help="also print the include graph")
    options = parser.parse_args(arguments)
    edges = {}
    found = [violation for path in sources(options.root) for violation in check_file(options.root, path, edges)]
    found += [*check_table(), *check_used(options.root, edges), *check_links(options.root)]
    if options.graph:
        print_graph(edges, options.graph)
    for violation in found:
        print(violation)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
