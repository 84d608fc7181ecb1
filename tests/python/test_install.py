# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""The package as pip installs it, and its wheel: test_install.py FOLDER. Needs the network; builds for minutes."""

import pathlib
import shutil
import subprocess
import sys
import unittest
import zipfile

from support import FOLDER, MODEL, ROOT, said

VENV = pathlib.Path(sys.argv.pop(1))
SCRIPT = f"""
import crossweave, importlib.metadata
assert importlib.metadata.version("crossweave") == crossweave.__version__
chip = crossweave.Chip(crossweave.compile({str(MODEL)!r}), seed=7, noise="pcm-afm")
print(chip.generate("Once upon a time", 12).text, end="")
"""


def run(*command):
    """Standard output; what fails is told with all that it printed."""
    result = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False, cwd=FOLDER)
    if result.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, command))}: status {result.returncode}\n{result.stdout[-3000:]}\n{result.stderr[-3000:]}")
    return result.stdout


class Installed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        shutil.rmtree(VENV, ignore_errors=True)
        run(sys.executable, "-m", "venv", VENV)
        cls.oracle = said("run", MODEL, "--mode", "analog", "--chip-seed", "7", "--noise", "pcm-afm", "-p", "Once upon a time", "-n", "12")["text"]

    def test_pip_install_in_a_clean_environment_and_a_wheel(self):
        run(VENV / "bin/pip", "install", ROOT)
        self.assertEqual(run(VENV / "bin/python", "-I", "-c", SCRIPT), self.oracle)
        run(VENV / "bin/pip", "wheel", ROOT, "--no-deps", "-w", FOLDER / "dist")
        wheel, = (FOLDER / "dist").glob("crossweave-*.whl")
        names = zipfile.ZipFile(wheel).namelist()
        for name in ("crossweave/__init__.py", "crossweave/_core.pyi", "crossweave/py.typed"):
            self.assertIn(name, names)
        self.assertEqual(len([name for name in names if name.startswith("crossweave/_core.") and name.endswith(".so")]), 1)
        self.assertEqual([name for name in names if not name.startswith(("crossweave/", "crossweave-"))], [])


if __name__ == "__main__":
    unittest.main()
