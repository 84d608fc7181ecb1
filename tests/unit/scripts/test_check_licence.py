# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""scripts/check_licence.py: what it finds and what --fix makes of it."""

import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "scripts"))
import check_licence  # noqa: E402

RIGHT = "# SPDX-FileCopyrightText: The Crossweave authors\n# SPDX-License-Identifier: Apache-2.0\n"


class CheckLicence(unittest.TestCase):
    def test_the_lines_may_follow_a_description(self):
        self.assertEqual(check_licence.problem("a/CMakeLists.txt", "# What it is.\n" + RIGHT), "")
        self.assertEqual(check_licence.problem("a.h", "/* What it is.\n * " + RIGHT.replace("# ", "", 1).replace("\n# ", "\n * ") + " */\n"), "")

    def test_a_missing_line_is_named(self):
        self.assertIn("SPDX-License-Identifier", check_licence.problem("a.py", RIGHT.splitlines()[0] + "\n"))

    def test_lines_far_down_do_not_count(self):
        self.assertNotEqual(check_licence.problem("a.py", "#\n" * 20 + RIGHT), "")

    def test_kinds_without_comments_and_unknown_kinds(self):
        self.assertEqual(check_licence.problem("a.json", "{}"), "")
        self.assertIn("neither table", check_licence.problem("a.unknown", ""))

    def test_fix_puts_them_behind_the_first_comment_and_changes_nothing_else(self):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            (root / "CMakeLists.txt").write_text("# What it is.\nadd_subdirectory(a)\n")
            self.assertEqual(check_licence.main(["--root", folder, "--fix"]), 0)
            self.assertEqual((root / "CMakeLists.txt").read_text(), "# What it is.\n" + RIGHT + "add_subdirectory(a)\n")
            self.assertEqual(check_licence.main(["--root", folder]), 0)


if __name__ == "__main__":
    unittest.main()
