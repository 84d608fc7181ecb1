# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""scripts/check_docs.py: which lines it takes for commands, and what it finds wrong with them."""

import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "scripts"))
import check_docs  # noqa: E402

# Stands for the command: knows one command with two options, and fails where it is told to.
FAKE = """#!/bin/sh
case "$*" in
  --help) echo 'Commands: run' ;;
  'run --help') echo '  -n [ --tokens ] arg   new tokens' ;;
  run*fail*) echo 'crossweave: it fails'; exit 3 ;;
  run*|compile*|report*) touch smollm2.xwp ;;
  *) exit 2 ;;
esac
"""


class CommandsOf(unittest.TestCase):
    def texts(self, document):
        commands, problems = check_docs.commands_of("a.md", document)
        return [(c.place, c.text, c.reason) for c in commands], problems

    def test_lines_of_sh_blocks_and_prompts_without_comments(self):
        document = "```sh\n# only a comment\ncrossweave run 'a # b' -n 1  # why\nls\n```\n```text\n$ crossweave inspect a\noutput\n```\n"
        self.assertEqual(self.texts(document), ([("a.md:3", "crossweave run 'a # b' -n 1", ""), ("a.md:4", "ls", ""),
                                                 ("a.md:7", "crossweave inspect a", "")], []))

    def test_a_marker_is_of_the_next_block_only(self):
        document = "<!-- not run: takes a day -->\n```sh\nsleep 86400\n```\n```sh\nls\n```\n"
        self.assertEqual([reason for _, _, reason in self.texts(document)[0]], ["takes a day", ""])

    def test_a_marker_needs_a_reason(self):
        self.assertEqual([c[2] for c in self.texts("<!-- not run: -->\n```sh\nls\n```\n")[0]], [""])

    def test_continued_lines_are_one_command(self):
        self.assertEqual([c[1] for c in self.texts("```sh\ncrossweave run a \\\n  -n 1\n```\n")[0]], ["crossweave run a -n 1"])

    def test_commands_in_other_blocks_are_problems(self):
        for document in ("```\ncrossweave run a\n```\n", "text\n\n    crossweave run a\n"):
            commands, problems = self.texts(document)
            self.assertEqual((commands, len(problems)), ([], 1))

    def test_code_spans_are_not_run(self):
        self.assertEqual(self.texts("Use `crossweave run a -n 1`.\n")[0], [("a.md:1", "crossweave run a -n 1", "a code span")])


class MissingFiles(unittest.TestCase):
    def missing(self, text):
        return [line.split(": ", 1)[1] for line in check_docs.missing_files("docs/a.md", text)]

    def test_links_and_paths_that_exist_are_fine(self):
        self.assertEqual(self.missing("[x](../README.md#map) [y](https://example.org/z) `compiler/ir/graph` `compiler/ir/{graph,parse}.cpp` "
                                      "`host/app` `arch/chips/*.toml`\n```\n`docs/not-looked-at`\n```\n"), [])

    def test_those_that_do_not_are_told(self):
        self.assertEqual(self.missing("[x](nowhere.md) `compiler/ir/{graph,nowhere}.cpp`\n"),
                         ["a link to nowhere.md, which does not exist", "`compiler/ir/nowhere.cpp` does not exist"])


class Check(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.fake = pathlib.Path(folder.name) / "crossweave"
        self.fake.write_text(FAKE)
        self.fake.chmod(0o755)
        self.document = pathlib.Path(folder.name) / "a.md"

    def check(self, text, without=()):
        self.document.write_text(text)
        return check_docs.check([str(self.document)], str(self.fake), list(without))

    def test_what_runs_is_right(self):
        self.assertEqual(self.check("```sh\ncrossweave run smollm2.xwp --tokens 1\ntest -e smollm2.xwp\n```\n"), ([], 2))

    def test_what_fails_is_told_with_its_output(self):
        problems, _ = self.check("```sh\ncrossweave run fail\n```\n")
        self.assertEqual(len(problems), 1)
        self.assertIn("a.md:2: crossweave run fail: status 3\ncrossweave: it fails", problems[0])

    def test_unknown_options_are_found_in_spans_and_in_blocks_that_are_not_run(self):
        for text in ("`crossweave run a --token 1`\n", "<!-- not run: x -->\n```sh\ncrossweave run a --token 1\n```\n"):
            problems, count = self.check(text)
            self.assertEqual((len(problems), count), (1, 0))
            self.assertIn("crossweave run has no option --token", problems[0])

    def test_unknown_commands_scripts_and_presets_are_found(self):
        for command, said in (("crossweave fly now", "has no command 'fly'"), ("scripts/fly.sh now", "there is no scripts/fly.sh"),
                              ("scripts/results.py accuracy --fly", "has no option --fly"), ("cmake --preset fly", "no preset 'fly'")):
            problems, _ = self.check(f"`{command}`\n")
            self.assertEqual(len(problems), 1, command)
            self.assertIn(said, problems[0])

    def test_devices_that_are_not_built_are_left_out(self):
        self.assertEqual(self.check("```sh\ncrossweave run fail --device verilated\n```\n", ["verilated"])[1], 0)


if __name__ == "__main__":
    unittest.main()
