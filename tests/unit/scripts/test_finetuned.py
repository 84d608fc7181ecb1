# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""The table of scripts/finetuned.py from a command that says what it was asked."""
import contextlib
import io
import json
import pathlib
import sys
import tempfile
import unittest
from unittest import mock

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "scripts"))
import finetuned  # noqa: E402  pylint: disable=wrong-import-position

# Compiles to a file that names its options, and evaluates to a perplexity that tells model and mode apart.
COMMAND = r"""#!/usr/bin/env python3
import json, sys
words = sys.argv[1:]
if words[0] == "compile":
    open(words[words.index("-o") + 1], "w").write(" ".join(words))
else:
    told = open(words[1]).read()
    mean = 10.0 + 100 * ("w4" in told) + 1000 * ("--replicate" in told) + (0.5 if "--noise" in words else 0)
    chips = int(words[words.index("--chip-seeds") + 1]) if "--chip-seeds" in words else 1
    file = next(word for word in words if word.startswith("--json="))[7:]
    statistics = lambda value: {"mean": value, "std": 0.25}
    json.dump({"complete": True, "runs": [{}] * chips, "perplexity": statistics(mean), "tasks": {"arc": {"acc": statistics(0.125)}}}, open(file, "w"))
"""


class Table(unittest.TestCase):
    def measured(self, *words):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            (folder / "command").write_text(COMMAND)
            (folder / "command").chmod(0o755)
            (folder / "plain.gguf").write_text("plain")
            (folder / "arc.jsonl").write_text("")
            document = folder / "results.md"
            document.write_text("<!-- trained:begin -->\n<!-- trained:end -->\nafter\n")
            arguments = ["finetuned.py", "--table", "trained", "--crossweave", str(folder / "command"), "--work", name, "--document", str(document),
                         "--text", str(folder / "plain.gguf"), *(word.replace("HERE", name) for word in words)]
            with mock.patch.object(sys, "argv", arguments), contextlib.redirect_stdout(io.StringIO()):
                finetuned.main()
            return document.read_text().splitlines(), json.loads((folder / "trained-twice-pcm-afm.command.json").read_text())

    def test_a_row_has_every_mode_and_its_own_options(self):
        lines, command = self.measured("--row", "as it is=HERE/plain.gguf", "--row", "twice=HERE/plain.gguf --replicate all=2", "--seeds", "3",
                                       "--task", "HERE/arc.jsonl")
        self.assertEqual(lines[3:5], ["| as it is | 10.00; 12.5 % | 10.00; 12.5 % | 110.00; 12.5 % | 10.50; 12.5 % | 10.50 ± 0.25; 12.5 ± 25.0 % |",
                                      "| twice | 10.00; 12.5 % | 1010.00; 12.5 % | 1110.00; 12.5 % | 1010.50; 12.5 % | 1010.50 ± 0.25; 12.5 ± 25.0 % |"])
        self.assertIn("3 chips", lines[6])
        self.assertIn("arc", lines[6])
        self.assertEqual(lines[-1], "after")
        self.assertEqual(command[command.index("--noise"):][:2], ["--noise", "pcm-afm"])

    def test_options_of_a_program_are_of_it_alone(self):
        lines, _ = self.measured("--row", "twice=HERE/plain.gguf w8: --spread analog: --replicate all=2", "--row", "twice=HERE/plain.gguf w4: --replicate all=2 w8: --x 1")
        self.assertEqual(lines[3], "| twice | 10.00; 12.5 % | 10.00; 12.5 % | 110.00; 12.5 % | 1010.50; 12.5 % | 1010.50 ± 0.25; 12.5 ± 25.0 % |")
        self.assertEqual(lines[4], "| twice | 10.00; 12.5 % | 10.00; 12.5 % | 1110.00; 12.5 % | 10.50; 12.5 % | 10.50 ± 0.25; 12.5 ± 25.0 % |")

    def test_a_row_without_checkpoint_and_a_missing_one_are_refused(self):
        with contextlib.redirect_stderr(io.StringIO()) as errors, self.assertRaises(SystemExit):
            self.measured("--row", "name")
        self.assertIn("expected NAME=CHECKPOINT [OPTIONS], found 'name'", errors.getvalue())
        with self.assertRaisesRegex(SystemExit, "absent.gguf: not found"):
            self.measured("--row", "twice=HERE/absent.gguf")


if __name__ == "__main__":
    unittest.main()
