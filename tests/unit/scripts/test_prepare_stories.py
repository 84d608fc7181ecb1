#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""Training text of story excerpts: capitals, quotation marks, sampled stories among them, held-out ones at the end."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

SCRIPT = pathlib.Path(__file__).resolve().parents[3] / "scripts" / "prepare_stories.py"
FILLER = " the sun was warm and the grass was green and every bird in the old tree sang its song" * 3


def story(number):
    return f"one day number {number} came and lily was glad." + FILLER + "."


class PrepareStories(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def prepare(self, text, *options, status=0, **files):
        (self.folder / "stories.txt").write_text(text)
        for name, content in files.items():
            (self.folder / f"{name}.txt").write_text(content)
        out = self.folder / "out.txt"
        result = subprocess.run([sys.executable, "-B", str(SCRIPT), str(self.folder / "stories.txt"), "-o", str(out),
                                 *(str(o).format(folder=self.folder) for o in options)], capture_output=True, text=True, check=False)
        self.assertEqual(result.returncode, status, result.stderr)
        return out.read_text().split("<|endoftext|>") if status == 0 else result.stderr

    def test_capitals_come_back_and_names_are_known_from_an_excerpt(self):
        [made] = self.prepare(story(1), "--cased", "{folder}/cased.txt", cased="Then came Lily, and Lily sang. The boy saw Lily and Lily ran.")
        self.assertTrue(made.startswith("One day number 1 came and Lily was glad. The sun was"), made)

    def test_marks_of_a_wrong_encoding_become_ascii_and_other_characters_leave_a_story_out(self):
        wrong = "\u00e2\u20ac\u0153hello,\u00e2\u20ac\u009d said tom. it\u00e2\u20ac\u2122s late." + FILLER + "."
        [made] = self.prepare(wrong + "\n" + "a caf\u00e9 stood there." + FILLER + ".")
        self.assertTrue(made.startswith('"Hello," said tom. It\'s late.'), made)

    def test_sampled_stories_stand_among_excerpts_and_held_out_ones_at_the_end(self):
        excerpts = [story(n) for n in range(10)]
        whole, cut = "The cat sat." + FILLER + ". It ended.", "The dog ran." + FILLER + ". And then it"
        odd = 'She said, "hello.' + FILLER + "."
        made = self.prepare("\n".join(excerpts), "--sampled", "{folder}/sampled.txt", "--repeat", 3, "--held-out", 2,
                            sampled="<|endoftext|>".join([whole, cut, odd, "Short."]))
        numbers = [next((n for n in range(10) if f"number {n} " in text), None) for text in made]
        self.assertEqual(numbers[-2:], [8, 9])
        self.assertEqual(sorted(n for n in numbers[:-2] if n is not None), sorted(list(range(8)) * 3))
        self.assertEqual(sorted(text for text, n in zip(made, numbers) if n is None), [whole, "The dog ran." + FILLER + "."])
        self.assertNotEqual(numbers[:8], sorted(numbers[:8], key=str))
        self.assertIn("--held-out: expected 0 to 9, found 10",
                      self.prepare("\n".join(excerpts), "--sampled", "{folder}/sampled.txt", "--held-out", 10, status=1, sampled=whole))


if __name__ == "__main__":
    unittest.main()
