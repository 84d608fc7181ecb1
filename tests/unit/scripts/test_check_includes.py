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

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "scripts"))

import check_includes  # noqa: E402


class CheckIncludes(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)
        for header in ("arch/support/error.hpp", "compiler/ir/graph.hpp", "compiler/mapping/plan.hpp", "host/device/device.hpp",
                       "host/app/options.hpp", "models/analog/numerics.hpp", "tests/support/helper.hpp",
                       "compiler/passes/fold.hpp", "host/report/report.hpp"):
            self.put(header, "#pragma once\n")

    def put(self, path, text):
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")

    def run_check(self):
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            status = check_includes.main(["--root", str(self.folder)])
        return status, out.getvalue()

    def test_the_project_obeys(self):
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            status = check_includes.main([])
        self.assertEqual(status, 0, out.getvalue())

    def test_permitted_includes_pass(self):
        self.put("compiler/mapping/assign.cpp", '#include "compiler/mapping/plan.hpp"\n#include "compiler/ir/graph.hpp"\n'
                 '#include "arch/support/error.hpp"\n#include <vector>\n')
        self.put("host/app/main.cpp", '#include "host/app/options.hpp"\n#include "compiler/mapping/plan.hpp"\n'
                 '#include "host/report/report.hpp"\n')
        self.assertEqual(self.run_check(), (0, ""))

    def test_each_violation_is_named_with_its_line(self):
        cases = {
            "compiler/ir/a.cpp": ("compiler/mapping/plan.hpp", "compiler/ir may not include compiler/mapping"),
            "models/analog/a.cpp": ("compiler/ir/graph.hpp", "models/analog may not include compiler/ir"),
            "arch/support/a.cpp": ("host/device/device.hpp", "arch/support may not include host/device"),
            "host/report/a.cpp": ("host/app/options.hpp", "host/report may not include host/app"),
            "host/device/a.hpp": ("models/analog/numerics.hpp", "host/device may not include models/analog"),
            "compiler/program/a.cpp": ("compiler/ir/graph.hpp", "compiler/program may not include compiler/ir"),
            "host/app/a.cpp": ("tests/support/helper.hpp", "host/app may not include tests"),
        }
        for path, (header, message) in cases.items():
            with self.subTest(path=path):
                self.put(path, f'// comment\n  #  include "{header}"\n')
                status, out = self.run_check()
                self.assertEqual((status, out), (1, f"{path}:2: {message}\n"))
                (self.folder / path).unlink()

    def test_headers_are_named_from_the_root(self):
        self.put("compiler/ir/a.cpp", '#include "graph.hpp"\n')
        self.assertEqual(self.run_check(),
                         (1, 'compiler/ir/a.cpp:1: "graph.hpp" is not a header named from the root of the repository\n'))

    def test_a_folder_that_nobody_planned_is_named(self):
        self.put("host/misc/a.cpp", "\n")
        self.assertEqual(self.run_check(), (1, "host/misc/a.cpp:1: this folder is not in the table of scripts/check_includes.py\n"))

    def test_the_table_has_no_cycle(self):
        def reaches(folder, goal, seen):
            for target in check_includes.ALLOWED[folder]:
                for name in (f for f in check_includes.ALLOWED if check_includes.within(f, target)):
                    if name == goal or (name not in seen and reaches(name, goal, seen | {name})):
                        return True
            return False
        for folder in check_includes.ALLOWED:
            if folder not in ("host/app", "compiler/pipeline"):  # their lists contain themselves
                self.assertFalse(reaches(folder, folder, set()), folder)


if __name__ == "__main__":
    unittest.main()
