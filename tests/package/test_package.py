# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""Crossweave in other projects: installed and found by find_package, and as a folder by add_subdirectory.

XW_PACKAGE_BUILD is the build to install (everything in it built), XW_PACKAGE_WORK a folder for the other projects' builds,
which stay there so that a second run is quick.
"""

import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BUILD = pathlib.Path(os.environ["XW_PACKAGE_BUILD"])
WORK = pathlib.Path(os.environ["XW_PACKAGE_WORK"])


def run(*command, **environment):
    """Standard output; what fails is told with all that it printed."""
    result = subprocess.run([str(c) for c in command], capture_output=True, text=True, check=False, env={**os.environ, **environment})
    if result.returncode != 0:
        raise AssertionError(f"{' '.join(str(c) for c in command)}: status {result.returncode}\n{result.stdout}\n{result.stderr}")
    return result.stdout


def build(name, *options, targets=("all",)):
    """Configures and builds the project `name` beside this file; returns the folder of its build."""
    folder = WORK / name
    run("cmake", "-S", HERE / name, "-B", folder, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Debug", "-DCMAKE_CXX_FLAGS_DEBUG=-O1", *options,
        CXX=os.environ.get("XW_PACKAGE_CXX", "c++"))
    run("cmake", "--build", folder, "--parallel", os.environ.get("XW_JOBS", "2"), "--target", *targets)
    return folder


class Installed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.prefix = WORK / "prefix"
        shutil.rmtree(cls.prefix, ignore_errors=True)
        run("cmake", "--install", BUILD, "--prefix", cls.prefix)
        # The package may be moved: nothing in it names where it was installed first.
        cls.moved = WORK / "moved prefix"
        shutil.rmtree(cls.moved, ignore_errors=True)
        cls.prefix.rename(cls.moved)
        cls.built = build("installed", f"-DCMAKE_PREFIX_PATH={cls.moved}")

    def test_a_program_compiles_a_checkpoint_and_runs_it_as_the_installed_command_does(self):
        with tempfile.TemporaryDirectory() as folder:
            tokens = [int(token) for token in run(self.built / "consumer", folder).split()]
            said = json.loads(run(self.moved / "bin/crossweave", "run", f"{folder}/model.xwp", "--noise", "pcm-afm", "--chip-seed", "7",
                                  "-p", "ab", "-n", "4", "--ignore-eos", "--json=-"))
        self.assertEqual(len(tokens), 4)
        self.assertEqual(tokens, said["tokens"])

    def test_nothing_that_is_installed_names_the_sources_or_the_build(self):
        for path in self.moved.rglob("*"):
            if path.is_file() and path.suffix in {".cmake", ".hpp"}:
                text = path.read_text(encoding="utf-8")
                for folder in (str(BUILD), str(ROOT)):
                    self.assertNotIn(f"{folder}/", text, path)

    def test_the_chips_and_the_licence_come_along(self):
        self.assertTrue((self.moved / "share/crossweave/chips/afm-512.toml").is_file())
        self.assertEqual(len(list(self.moved.rglob("LICENSE"))), 1)


class Subdirectory(unittest.TestCase):
    def test_a_parent_of_another_language_level_builds_and_runs(self):
        built = build("subdirectory", f"-DCROSSWEAVE={ROOT}", "-DXW_WITH_VERILATOR=OFF", "-DXW_WITH_SYSTEMC=OFF")
        # round(96 * {1, -1, 0, 64 / 127})
        self.assertEqual(run(built / "consumer"), "96: 96 -96 0 48\n")
        run(built / "parent_alone")


if __name__ == "__main__":
    unittest.main()
