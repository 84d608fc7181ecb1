# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""scripts/setup_finetune.sh: what it refuses, and with --download the real wheels (0.5 GB) into a folder of its own."""
import os
import pathlib
import stat
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
SCRIPT = ROOT / "scripts/setup_finetune.sh"
# A python3 whose pip "downloads" a file that is not the wheel, and says so in a log.
FALSE_PIP = """#!/bin/sh
case "$*" in
  *"pip --version"*) exit 0 ;;
  *"pip download"*) while [ "$1" != "--dest" ]; do shift; done; mkdir -p "$2"; echo not a wheel > "$2/torch.whl"; echo asked >> "$ASKED"; exit 0 ;;
esac
exit 1
"""


class SetupFinetune(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = pathlib.Path(temporary.name)
        self.cache = self.folder / "cache"

    def run_script(self, *arguments, **environment):
        return subprocess.run([str(SCRIPT), *arguments], env={**os.environ, "XW_CACHE": str(self.cache), "XW_TORCH": "", **environment},
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)

    def false_pip(self):
        tools = self.folder / "tools"
        tools.mkdir()
        program = tools / "python3"
        program.write_text(FALSE_PIP)
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        return {"PATH": f"{tools}:{os.environ['PATH']}", "ASKED": str(self.folder / "asked")}

    def test_a_wrong_file_is_refused_and_nothing_is_left(self):
        done = self.run_script(**self.false_pip())
        self.assertEqual(done.returncode, 1)
        self.assertIn("torch==2.11.0: expected 530712279 bytes with SHA-256", done.stderr)
        self.assertIn("found 12 bytes", done.stderr)
        self.assertTrue((self.folder / "asked").exists())
        self.assertFalse((self.cache / "libtorch").exists())
        self.assertEqual(list(self.cache.glob(".libtorch.*")), [])

    def test_a_finished_folder_costs_nothing(self):
        (self.cache / "libtorch").mkdir(parents=True)
        (self.cache / "libtorch/complete").write_text("torch 2.11.0\n")
        environment = self.false_pip()
        done = self.run_script(**environment)
        self.assertEqual((done.returncode, done.stdout.strip()), (0, str(self.cache / "libtorch")))
        self.assertFalse(pathlib.Path(environment["ASKED"]).exists())

    def test_what_is_not_its_own_stays(self):
        (self.cache / "libtorch").mkdir(parents=True)
        (self.cache / "libtorch/mine").write_text("x")
        done = self.run_script()
        self.assertEqual(done.returncode, 1)
        self.assertIn("found something else", done.stderr)
        self.assertTrue((self.cache / "libtorch/mine").exists())

    def test_arguments_are_refused(self):
        self.assertEqual(self.run_script("--help-me").returncode, 2)


class Download(SetupFinetune):
    """Only with --download."""

    def test_the_real_wheels(self):
        done = self.run_script()
        self.assertEqual(done.returncode, 0, done.stderr)
        tree = pathlib.Path(done.stdout.strip())
        self.assertEqual(tree, self.cache / "libtorch")
        for file in ("complete", "torch/lib/libtorch_cpu.so", "torch/lib/libc10.so", "torch/include/torch/csrc/api/include/torch/torch.h"):
            self.assertTrue((tree / file).exists(), file)
        self.assertTrue(list(tree.glob("nvidia/cu13/lib/libcudart.so*")))
        # What the libraries need besides the system's is all there.
        missing = subprocess.run(["ldd", str(tree / "torch/lib/libtorch_cpu.so")], stdout=subprocess.PIPE, text=True, check=True,
                                 env={**os.environ, "LD_LIBRARY_PATH": f"{tree}/torch/lib:{tree}/nvidia/cu13/lib"}).stdout
        self.assertNotIn("not found", missing)
        again = self.run_script()
        self.assertEqual((again.returncode, again.stdout), (0, done.stdout))
        self.assertEqual(again.stderr, "")


if __name__ == "__main__":
    is_real = "--download" in sys.argv
    if is_real:
        sys.argv.remove("--download")
    names = ["Download.test_the_real_wheels"] if is_real else ["SetupFinetune"]
    unittest.main(argv=[sys.argv[0], *names, *sys.argv[1:]])
