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

A row whose folder ends in /* stands for every folder there that has no row of its own; each may include of the row what it links. In
another row it stands for all folders there that have a row before it.

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
    "models/finetune": ("arch/support", "models/cells"),
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
    "host/backends/*": ("arch/support", "arch/generated", "arch/description", "models/analog", "compiler/program", "systemc",
                        "host/device"),
    "host/backends/xrt/emulation": ("arch/support", "arch/generated", "arch/description", "host/device",
                                    "host/backends/functional", "host/backends/verilated", "host/backends/xrt"),
    "host/backends/registry": ("arch/support", "arch/description", "compiler/program", "host/device", "host/backends/*"),
    "host/estimate": ("arch/description", "compiler/ir", "compiler/program", "systemc"),
    "host/runtime": ("arch/support", "arch/generated", "arch/description", "models/analog", "models/cells", "compiler/program",
                     "compiler/codegen", "host/device"),
    "host/tokenizer/unicode": ("arch/support",),
    "host/tokenizer/jinja": ("arch/support", "host/tokenizer/unicode"),
    "host/tokenizer": ("arch/support", "compiler/checkpoint", "host/tokenizer/unicode", "host/tokenizer/jinja"),
    "host/transformer": ("arch/support", "compiler/ir", "compiler/program", "models/analog"),
    "host/evaluation": ("arch/support", "host/tokenizer", "host/transformer"),
    "host/report": ("arch/support", "arch/generated", "arch/description", "compiler/ir", "compiler/program", "systemc",
                    "host/device", "host/estimate", "host/runtime"),
    "host/finetune": ("arch/support", "models/finetune", "compiler/ir", "compiler/checkpoint", "compiler/passes", "host/transformer"),
    "host/finetune/data": ("arch/support", "host/transformer"),
    "host/toolchain": ("arch/support", "arch/generated", "arch/description", "models/analog", "models/cells", "compiler/ir", "compiler/program",
                       "compiler/checkpoint", "compiler/passes", "compiler/mapping", "compiler/pipeline", "systemc", "host/device",
                       "host/backends/systemc", "host/backends/registry", "host/estimate", "host/runtime", "host/tokenizer",
                       "host/transformer", "host/evaluation", "host/report", "host/finetune/data"),
    "host/finetune/recipe": ("arch/support", "arch/description"),
    "host/finetune/training": ("arch/support", "arch/description", "models/cells", "compiler/checkpoint", "compiler/passes", "compiler/pipeline",
                               "host/finetune", "host/transformer", "host/evaluation", "host/toolchain", "host/finetune/data", "host/finetune/recipe"),
    "host/server": ("arch/support", "host/tokenizer", "host/transformer", "host/evaluation", "host/toolchain"),
    "host/commandline": ("arch/support",),
    "host/app": ("arch/support", "arch/generated", "models/analog", "models/cells", "compiler/program",
                 "host/backends/registry", "host/commandline", "host/evaluation", "host/report", "host/toolchain", "host/server",
                 "host/finetune/recipe", "host/finetune/training"),
    "host/python": ("arch/support", "arch/generated", "compiler/program", "host/evaluation", "host/report", "host/toolchain"),
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


def check_file(root, relative, table, edges):
    """Violations of one file, as lines to print; adds (folder, included folder) -> number of includes to `edges`."""
    folder = owner(relative, table)
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
        included = owner(header, (*table, *ANYTHING))
        if included == folder:
            continue
        edges[folder, included] = edges.get((folder, included), 0) + 1
        if included not in table[folder]:
            yield f"{relative}:{number}: {folder} may not include {included or header}"


def sources(root, table):
    tops = sorted({f.split("/")[0] for f in table})
    for top in tops:
        for path in sorted((root / top).rglob("*")):
            if path.suffix in SUFFIXES and path.is_file():
                yield path.relative_to(root).as_posix()


def check_table(table):
    """Rows name folders of lower floors only."""
    floors = list(table)
    for floor, folder in enumerate(floors):
        for granted in table[folder]:
            if granted not in floors[:floor]:
                yield f"{HERE}: {folder} names {granted}, which is not a row before it"


def check_used(root, table, edges):
    """What a row grants is used by somebody."""
    for folder, granted in table.items():
        if not any((root / folder).glob("**/*.[ch]*")):
            continue  # a folder that is planned
        for other in granted:
            if (folder, other) not in edges:
                yield f"{HERE}: {folder} is granted {other} and includes nothing of it"


# CMake, as far as this project uses it: words of commands with variables of the same file, all branches together.
COMMAND = re.compile(r"^\s*(\w+)\s*\(((?:[^()]|\([^()]*\))*)\)", re.MULTILINE)


def words_of(text, variables):
    words = []
    for word in re.findall(r'"[^"]*"|[^\s"]+', text):
        name = re.fullmatch(r"\$\{(\w+)\}", word)
        words += variables.get(name[1], ()) if name else [word.strip('"')]
    return words


def targets_of(root, folder):
    """Targets that the CMakeLists.txt of a folder makes (as xw::NAME), and xw:: targets that these link."""
    names, linked, variables = set(), set(), {}
    for place in [*reversed(pathlib.PurePosixPath(folder).parents), pathlib.PurePosixPath(folder)]:  # variables are inherited
        file = root / place / "CMakeLists.txt"
        if not file.exists():
            continue
        names, linked = set(), set()
        text = re.sub(r"#[^\n]*", "", file.read_text(encoding="utf-8"))
        for command, arguments in COMMAND.findall(text):
            words = words_of(arguments, variables)
            if command == "set" and words:
                variables[words[0]] = variables.get(words[0], []) + words[1:]  # all branches together
            elif command == "list" and words[:1] == ["TRANSFORM"] and words[2] == "PREPEND" and words[4:5] == ["OUTPUT_VARIABLE"]:
                variables[words[5]] = [words[3] + word for word in variables.get(words[1], ())]
            elif command == "xw_add_library" and words:
                names.add("xw::" + words[0])
                first = min((words.index(k) for k in ("PUBLIC", "PRIVATE", "INTERFACE") if k in words), default=len(words))
                linked.update(word for word in words[first:] if word.startswith("xw::"))
            elif command == "add_library" and words[1:2] == ["ALIAS"]:
                names.add(words[0])
            elif command == "target_link_libraries":
                linked.update(word for word in words[1:] if word.startswith("xw::"))
    return names, linked


class Targets:
    """Which folder makes which targets, and which folders the targets of a folder link."""

    def __init__(self, root, tops):
        self.names, self.linked, folder_of = {}, {}, {}
        for top in sorted(tops):
            for file in sorted((root / top).rglob("CMakeLists.txt")):
                folder = file.parent.relative_to(root).as_posix()
                self.names[folder], self.linked[folder] = targets_of(root, folder)
                folder_of.update(dict.fromkeys(self.names[folder], folder))
        self.folder_of = folder_of

    def folders(self, folder):
        linked = {self.folder_of[target] for target in self.linked.get(folder, ()) if target in self.folder_of}
        return linked - {folder}


def expanded(root, allowed, targets):
    """The table with the folders that rows ending in /* stand for."""
    stands_for = {}
    for row in allowed:
        if row.endswith("/*"):
            found = sorted({path.parent.relative_to(root).as_posix() for path in (root / row[:-2]).glob("*/CMakeLists.txt")})
            stands_for[row] = [folder for folder in found if folder not in allowed]
    table = {}
    for row, granted in allowed.items():
        own = {other: [f for f in table if f.rpartition("/")[0] == other[:-2] and f not in stands_for[other]] for other in granted if other in stands_for}
        granted = tuple(folder for other in granted for folder in [*stands_for.get(other, [other]), *own.get(other, ())])
        if row in stands_for:
            for folder in stands_for[row]:
                table[folder] = tuple(other for other in granted if other in targets.folders(folder))
        else:
            table[row] = granted
    return table


def check_links(root, table, targets):
    """The targets of a folder link those of the folders in its row, and no others."""
    for folder, granted in table.items():
        if folder not in targets.names:
            continue
        place = f"{folder}/CMakeLists.txt"
        if not targets.names[folder] and any((root / folder).glob("*.cpp")):
            yield f"{place}: this folder has sources and no target"
        for target in sorted(targets.linked[folder]):
            if target not in targets.folder_of:
                yield f"{place}: {target} is a target of no folder"
        linked = targets.folders(folder)
        for other in sorted(linked - set(granted)):
            yield f"{place}: links a target of {other}, which the row of {folder} in {HERE} does not grant"
        for other in sorted(set(granted) - linked):
            if other in targets.names:
                yield f"{place}: the row of {folder} in {HERE} grants {other}, and no target of it is linked"


def print_graph(table, edges, form):
    floors = {folder: floor for floor, folder in enumerate(table)}
    upward = [edge for edge in edges if floors.get(edge[1], len(floors)) > floors[edge[0]]]
    if form == "dot":
        print("digraph includes {\n  rankdir=BT;\n  node [shape=box];")
        for (folder, other), count in sorted(edges.items()):
            print(f'  "{folder}" -> "{other}" [label={count}];')
        print("}")
        return
    for folder, floor in floors.items():
        included = [f"{other} ({edges[folder, other]})" for other in table if (folder, other) in edges]
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
    targets = Targets(options.root, {folder.split("/")[0] for folder in ALLOWED})
    table = expanded(options.root, ALLOWED, targets)
    found = [line for path in sources(options.root, table) for line in check_file(options.root, path, table, edges)]
    found += [*check_table(table), *check_used(options.root, table, edges), *check_links(options.root, table, targets)]
    if options.graph:
        print_graph(table, edges, options.graph)
    for violation in found:
        print(violation)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
