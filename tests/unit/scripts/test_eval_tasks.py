# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""scripts/eval_tasks.py beside what lm-evaluation-harness made of the same documents, and fetch_eval.sh."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "scripts"))
import eval_tasks  # noqa: E402  pylint: disable=wrong-import-position


def samples(name):
    path = next((ROOT / "tests/fixtures/evaluation").glob(f"samples_{name}_*.jsonl"))
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def converted(task, *docs, labels=None):
    return list(eval_tasks.convert(task, [json.dumps(doc) for doc in docs], labels))


def requests(item):
    """Pairs of context and continuation, as `crossweave eval` makes them."""
    if "contexts" in item:
        return [(context, " " + item["continuation"]) for context in item["contexts"]]
    return [(item["context"], " " + text) for text in item.get("choices", [item.get("continuation")])]


class Prompts(unittest.TestCase):
    """Samples of the harness hold the document and what it asked of the model."""

    def test_are_those_of_the_harness(self):
        for name, task in (("hella", "hellaswag"), ("piqa_small", "piqa"), ("wino", "winogrande"), ("boolq_small", "boolq"),
                           ("lambada_own", "lambada"), ("arc_own", "arc_easy")):
            for sample in samples(name):
                doc = {key: value for key, value in sample["doc"].items() if name == "arc_own" or key not in ("query", "choices", "gold")}
                [item] = converted(task, doc)
                asked = [(pair["arg_0"], pair["arg_1"]) for pair in sample["arguments"].values()]
                self.assertEqual(requests(item), asked)
                if "gold" in item:
                    # WinoGrande's target is the text behind the gap: its answer is in the document.
                    gold = int(doc["answer"]) - 1 if task == "winogrande" else int(sample["target"])
                    self.assertEqual(item["gold"], gold)

    def test_of_gsm8k_generate(self):
        for sample in samples("gsm"):
            [item] = converted("gsm8k", sample["doc"])
            asked = sample["arguments"]["gen_args_0"]
            self.assertEqual(item["context"], asked["arg_0"])
            self.assertEqual(item["until"], asked["arg_1"]["until"])
            self.assertEqual(item["answers"], [sample["target"]])


class Formats(unittest.TestCase):
    def test_of_arc_are_three(self):
        expected = [{"context": "Question: Q?\nAnswer:", "choices": ["x", "y"], "gold": 1}]
        self.assertEqual(converted("arc_easy", {"question": {"stem": "Q?", "choices": [{"text": "x", "label": "A"}, {"text": "y", "label": "B"}]},
                                                "answerKey": "B"}), expected)
        self.assertEqual(converted("arc_easy", {"question": "Q?", "choices": {"text": ["x", "y"], "label": ["1", "2"]}, "answerKey": "2"}), expected)
        self.assertEqual(converted("arc_easy", {"query": "Question: Q?", "choices": ["x", "y"], "gold": 1}), expected)

    def test_of_boolq_are_two(self):
        for label in ({"answer": True}, {"label": 1}, {"label": True}):
            [item] = converted("boolq", {"passage": "P.", "question": "is it", **label})
            self.assertEqual(item["context"], "P.\nQuestion: is it?\nAnswer:")
            self.assertEqual(item["gold"], 1)

    def test_labels_may_stand_apart(self):
        items = converted("piqa", *2 * [{"goal": "g", "sol1": "a", "sol2": "b"}], labels=["1", "0"])
        self.assertEqual([item["gold"] for item in items], [1, 0])

    def test_mistakes_name_the_line(self):
        good = {"goal": "g", "sol1": "a", "sol2": "b", "label": 0}
        for bad, message in (({**good, "label": 2}, "2: expected \"label\" from 0 to 1, found 2"), ({"goal": "g"}, "2: expected a field \"sol1\", found goal"),
                             ({**good, "goal": 5}, "2: expected \"goal\" to be str, found 5"), ([], "2: expected one JSON object")):
            with self.assertRaisesRegex(eval_tasks.Malformed, message):
                converted("piqa", good, bad)
        with self.assertRaisesRegex(eval_tasks.Malformed, "1: expected one JSON object"):
            list(eval_tasks.convert("piqa", [""]))
        with self.assertRaisesRegex(eval_tasks.Malformed, "2: expected a label for every line, found 1"):
            converted("piqa", good, good, labels=["0"])
        with self.assertRaisesRegex(eval_tasks.Malformed, "1: expected as many lines as labels, 2"):
            converted("piqa", good, labels=["0", "1"])
        with self.assertRaisesRegex(eval_tasks.Malformed, "a gap"):
            converted("winogrande", {"sentence": "none", "option1": "a", "option2": "b", "answer": "1"})


class Fetch(unittest.TestCase):
    def run_script(self, folder, *tasks):
        environment = {**os.environ, "XW_CACHE": str(folder / "cache"), "XW_EVAL": str(folder)}
        return subprocess.run([ROOT / "scripts/fetch_eval.sh", *tasks], env=environment, capture_output=True, text=True, check=False)

    def test_converts_what_is_there_and_says_what_is_not(self):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            (folder / "lambada_test.jsonl").write_text('{"text": "a b c"}\n')
            (folder / "valid.jsonl").write_text('{"goal": "g", "sol1": "a", "sol2": "b"}\n')
            (folder / "valid-labels.lst").write_text("1\n")
            done = self.run_script(folder, "lambada", "piqa")
            self.assertEqual(done.returncode, 0, done.stderr)
            files = done.stdout.split()
            self.assertEqual([pathlib.Path(file).name for file in files], ["lambada.jsonl", "piqa.jsonl"])
            self.assertEqual(json.loads(pathlib.Path(files[0]).read_text()), {"context": "a b", "continuation": "c"})
            self.assertEqual(json.loads(pathlib.Path(files[1]).read_text())["gold"], 1)
            done = self.run_script(folder, "lambada", "boolq")
            self.assertEqual(done.returncode, 1)
            self.assertIn("boolq: expected boolq.jsonl", done.stderr)
            self.assertIn("SuperGLUE", done.stderr)

    def test_knows_its_tasks(self):
        with tempfile.TemporaryDirectory() as name:
            done = self.run_script(pathlib.Path(name), "mmmu")
        self.assertEqual(done.returncode, 2)
        self.assertIn("unknown task 'mmmu'; known tasks: arc_challenge", done.stderr)


if __name__ == "__main__":
    unittest.main()
