# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""The layering check: the project obeys it, and every kind of violation is found."""

import contextlib
import io
import pathlib
import shutil
import sys
import tempfile
import unittest
from unittest import mock

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "scripts"))

import check_includes  # noqa: E402

TABLE = {
    "arch/support": (),
    "compiler/ir": ("arch/support",),
    "compiler/mapping": ("arch/support", "compiler/ir"),
    "host/tokenizer/jinja": ("arch/support",),
    "host/tokenizer": ("arch/support", "host/tokenizer/jinja"),
    "host/planned": (),
}
FILES = {  # path: text; the smallest tree that obeys TABLE
    "arch/support/error.hpp": "#pragma once\n",
    "arch/support/error.cpp": '#include "arch/support/error.hpp"\n#include <vector>\n',
    "arch/support/CMakeLists.txt": "xw_add_library(support SOURCES error.cpp PRIVATE ZLIB::ZLIB)\n",
    "compiler/ir/graph.hpp": '#include "arch/support/error.hpp"\n',
    "compiler/ir/graph.cpp": '#include "compiler/ir/graph.hpp"\n',
    "compiler/ir/CMakeLists.txt": "# xw::nothing in a comment\nxw_add_library(ir SOURCES graph.cpp PUBLIC xw::support)\n",
    "compiler/mapping/plan.cpp": '#include "compiler/ir/graph.hpp"\n#include "arch/support/error.hpp"\n',
    "compiler/mapping/CMakeLists.txt": "set(libraries xw::ir)\nif(X)\n  list(APPEND y z)\nendif()\n"
                                       "xw_add_library(mapping SOURCES plan.cpp PUBLIC ${libraries})\n"
                                       "target_link_libraries(xw_mapping PRIVATE xw::support)\n",
    "host/tokenizer/jinja/lexer.hpp": '#include "arch/support/error.hpp"\n',
    "host/tokenizer/jinja/CMakeLists.txt": "add_library(xw_jinja INTERFACE)\nadd_library(xw::jinja ALIAS xw_jinja)\n"
                                           "target_link_libraries(xw_jinja INTERFACE xw::support)\n",
    "host/tokenizer/a.cpp": '#include "host/tokenizer/jinja/lexer.hpp"\n#include "arch/support/error.hpp"\n',
    "host/tokenizer/CMakeLists.txt": "xw_add_library(tokenizer\n  SOURCES a.cpp\n  PUBLIC xw::support\n  PRIVATE xw::jinja Pcre::Pcre)\n",
    "tests/support/helper.hpp": "#pragma once\n",
}


class CheckIncludes(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)
        for path, text in FILES.items():
            self.put(path, text)

    def put(self, path, text):
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")

    def run_check(self, *arguments, table=None):
        out = io.StringIO()
        with contextlib.redirect_stdout(out), mock.patch.object(check_includes, "ALLOWED", table or TABLE):
            status = check_includes.main(["--root", str(self.folder), *arguments])
        return status, out.getvalue()

    def expect(self, *lines, table=None):
        self.assertEqual(self.run_check(table=table), (1, "".join(line + "\n" for line in lines)))

    def test_the_project_obeys(self):
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            status = check_includes.main([])
        self.assertEqual(status, 0, out.getvalue())

    def test_a_tree_that_obeys_passes(self):
        self.assertEqual(self.run_check(), (0, ""))

    def test_an_include_of_another_folder_is_named_with_its_line(self):
        cases = {
            "compiler/ir/a.cpp": ("host/tokenizer/jinja/lexer.hpp", "compiler/ir may not include host/tokenizer/jinja"),
            "arch/support/a.cpp": ("compiler/ir/graph.hpp", "arch/support may not include compiler/ir"),
            "host/tokenizer/jinja/a.cpp": ("compiler/ir/graph.hpp", "host/tokenizer/jinja may not include compiler/ir"),
            "host/tokenizer/b.cpp": ("tests/support/helper.hpp", "host/tokenizer may not include tests"),
        }
        for path, (header, message) in cases.items():
            with self.subTest(path=path):
                self.put(path, f'// comment\n  #  include "{header}"\n')
                self.expect(f"{path}:2: {message}")
                (self.folder / path).unlink()

    def test_headers_are_named_from_the_root(self):
        self.put("compiler/ir/a.cpp", '#include "graph.hpp"\n')
        self.expect('compiler/ir/a.cpp:1: "graph.hpp" is not a header named from the root of the repository')

    def test_a_folder_that_nobody_planned_is_named(self):
        self.put("host/misc/a.cpp", "\n")
        self.expect("host/misc/a.cpp:1: this folder is not in the table of scripts/check_includes.py")

    def test_a_grant_that_nobody_uses_is_named(self):
        self.put("compiler/mapping/plan.cpp", '#include "compiler/ir/graph.hpp"\n')
        self.expect("scripts/check_includes.py: compiler/mapping is granted arch/support and includes nothing of it")

    def test_a_row_that_points_upward_or_to_itself_is_named(self):
        for other in ("compiler/mapping", "compiler/ir"):
            with self.subTest(other=other):
                status, out = self.run_check(table={**TABLE, "compiler/ir": ("arch/support", other)})
                self.assertEqual(status, 1)
                self.assertIn(f"scripts/check_includes.py: compiler/ir names {other}, which is not a row before it\n", out)

    def test_a_link_that_the_row_does_not_grant_is_named(self):
        self.put("compiler/ir/CMakeLists.txt", "xw_add_library(ir SOURCES graph.cpp PUBLIC xw::support PRIVATE xw::jinja)\n")
        self.expect("compiler/ir/CMakeLists.txt: links a target of host/tokenizer/jinja, which the row of compiler/ir in "
                    "scripts/check_includes.py does not grant")

    def test_a_grant_that_is_not_linked_is_named(self):
        self.put("compiler/mapping/CMakeLists.txt", "xw_add_library(mapping SOURCES plan.cpp PUBLIC xw::ir)\n")
        self.expect("compiler/mapping/CMakeLists.txt: the row of compiler/mapping in scripts/check_includes.py grants "
                    "arch/support, and no target of it is linked")

    def test_a_target_of_no_folder_and_a_folder_without_target_are_named(self):
        self.put("compiler/ir/CMakeLists.txt", "xw_add_library(ir SOURCES graph.cpp PUBLIC xw::support xw::mystery)\n")
        self.put("host/planned/a.cpp", "\n")
        self.put("host/planned/CMakeLists.txt", "\n")
        self.expect("compiler/ir/CMakeLists.txt: xw::mystery is a target of no folder",
                    "host/planned/CMakeLists.txt: this folder has sources and no target")

    def test_a_row_for_many_folders_is_exact_for_each(self):
        table = {**TABLE, "host/devices/*": ("arch/support", "compiler/ir"), "host/devices/registry": ("host/devices/*",)}
        self.put("host/devices/CMakeLists.txt", "set(DEVICES one two)\nadd_subdirectory(registry)\n")
        for device, target in (("one", "support"), ("two", "ir")):
            self.put(f"host/devices/{device}/CMakeLists.txt",
                     f"xw_add_library({device} SOURCES a.cpp PRIVATE xw::{target})\nadd_library(xw::device_{device} ALIAS xw_{device})\n")
            self.put(f"host/devices/{device}/a.hpp", "#pragma once\n")
        self.put("host/devices/one/a.cpp", '#include "arch/support/error.hpp"\n')
        self.put("host/devices/two/a.cpp", '#include "compiler/ir/graph.hpp"\n')
        self.put("host/devices/registry/a.cpp", '#include "host/devices/one/a.hpp"\n#include "host/devices/two/a.hpp"\n')
        self.put("host/devices/registry/CMakeLists.txt", "list(TRANSFORM DEVICES PREPEND xw::device_ OUTPUT_VARIABLE devices)\n"
                 "xw_add_library(registry SOURCES a.cpp PRIVATE ${devices})\n")
        self.assertEqual(self.run_check(table=table), (0, ""))
        # One that stands on another has a row of its own, and who may include all may include it.
        with_own = {**TABLE, "host/devices/*": ("arch/support", "compiler/ir"), "host/devices/three": ("host/devices/one",),
                    "host/devices/registry": ("host/devices/*",)}
        self.put("host/devices/CMakeLists.txt", "set(DEVICES one two three)\nadd_subdirectory(registry)\n")
        self.put("host/devices/three/CMakeLists.txt",
                 "xw_add_library(three SOURCES a.cpp PRIVATE xw::one)\nadd_library(xw::device_three ALIAS xw_three)\n")
        self.put("host/devices/three/a.hpp", '#pragma once\n#include "host/devices/one/a.hpp"\n')
        self.put("host/devices/registry/b.cpp", '#include "host/devices/three/a.hpp"\n')
        self.assertEqual(self.run_check(table=with_own), (0, ""))
        self.assertIn("host/devices/three/a.hpp:2: host/devices/three may not include host/devices/one\n", self.run_check(table=table)[1])
        shutil.rmtree(self.folder / "host/devices/three")
        (self.folder / "host/devices/registry/b.cpp").unlink()
        self.put("host/devices/CMakeLists.txt", "set(DEVICES one two)\nadd_subdirectory(registry)\n")
        self.put("host/devices/one/a.cpp", '#include "compiler/ir/graph.hpp"\n')  # granted, not linked
        status, out = self.run_check(table=table)
        self.assertEqual(status, 1)
        self.assertIn("host/devices/one/a.cpp:1: host/devices/one may not include compiler/ir\n", out)
        self.put("host/devices/one/CMakeLists.txt", "xw_add_library(one SOURCES a.cpp PRIVATE xw::tokenizer)\n")  # not granted
        self.assertIn("host/devices/one/CMakeLists.txt: links a target of host/tokenizer, which the row of host/devices/one",
                      self.run_check(table=table)[1])

    def test_the_graph_tells_floors_and_upward_edges(self):
        status, out = self.run_check("--graph")
        self.assertEqual(status, 0)
        self.assertIn(" 2 compiler/mapping: arch/support (1), compiler/ir (1)\n", out)
        self.assertIn("6 folders, 6 edges, 6 includes, 0 upward edges\n", out)
        self.put("arch/support/error.cpp", '#include "compiler/ir/graph.hpp"\n')
        status, out = self.run_check("--graph")
        self.assertEqual(status, 1)
        self.assertIn("1 upward edges\nupward: arch/support -> compiler/ir\n", out)

    def test_the_graph_is_there_for_graphviz(self):
        self.assertIn('  "compiler/mapping" -> "compiler/ir" [label=1];\n', self.run_check("--graph=dot")[1])


if __name__ == "__main__":
    unittest.main()
