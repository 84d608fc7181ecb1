# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""API models of lm-evaluation-harness, as they are, on `crossweave serve`, against `crossweave eval --task`: test_lm_eval_api.py FOLDER

FOLDER is that of a virtual environment, made with the pinned harness if it is missing, which needs the network."""

import json
import pathlib
import re
import struct
import subprocess
import sys
import unittest
import urllib.request

import crossweave
import harness
from harness import DOCUMENTS
from support import COMMAND, FOLDER, MODEL, QUESTIONS, command, said, task_file

VENV = pathlib.Path(sys.argv.pop(1))
CHIP = ("--noise", "pcm-afm", "--chip-seed", "7")
TEMPLATE = "{% for m in messages %}{{ m['role'] }} says: {{ m['content'] }}\n{% endfor %}{% if add_generation_prompt %}Then{% endif %}"


def with_template(source, target, template):
    """A copy of a GGUF with a chat template in its metadata."""
    data = source.read_bytes()
    magic, version, tensors, values = struct.unpack_from("<4sIQQ", data)
    key = b"tokenizer.chat_template"
    text = template.encode() + b"{# " + b"-" * (-(len(key) + len(template.encode()) + 6 + 8 + 4 + 8) % 32) + b" #}"  # tensors stay aligned
    added = struct.pack("<Q", len(key)) + key + struct.pack("<IQ", 8, len(text)) + text
    assert magic == b"GGUF" and len(added) % 32 == 0, (magic, len(added))
    target.write_bytes(struct.pack("<4sIQQ", magic, version, tensors, values + 1) + added + data[24:])


class Api(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        harness.install(VENV)
        harness.write_tasks()
        with_template(MODEL, FOLDER / "chat.gguf", TEMPLATE)
        command("compile", FOLDER / "chat.gguf", "-o", FOLDER / "model.xwp")
        cls.server = subprocess.Popen([COMMAND, "serve", FOLDER / "model.xwp", *CHIP, "--port", "0"], stdout=subprocess.PIPE, text=True)
        cls.addClassCleanup(cls.server.communicate)
        cls.addClassCleanup(cls.server.terminate)
        cls.url = re.search(r"http://\S+/v1", cls.server.stdout.readline()).group()
        with urllib.request.urlopen(cls.url + "/models") as models:
            cls.length = json.load(models)["data"][0]["max_model_len"]
        # Nothing is said of the tokenizer: the harness finds that the server has it.
        cls.one = harness.run(VENV, "lm_eval", "local-completions", {"model": "model", "base_url": cls.url + "/completions", "max_length": cls.length}, ("choices", "words", "questions", "texts"))
        cls.many = harness.run(VENV, "lm_eval", "local-completions",
                               {"model": "model", "base_url": cls.url + "/completions", "max_length": cls.length, "num_concurrent": 3}, ("choices", "words"), "--batch_size", "2")

    def oracle(self, name, *options):
        return said("eval", FOLDER / "model.xwp", *CHIP, *options, "--task", FOLDER / f"{name}.jsonl")["runs"][0]["tasks"][name]["per_item"]

    def same(self, found, expected):
        self.assertEqual(len(found), len(expected))
        for mine, theirs in zip(found, expected, strict=True):
            self.assertAlmostEqual(mine, theirs, places=9)

    def test_choices_have_the_log_likelihoods_and_figures_of_eval(self):
        oracle = self.oracle("choices")
        for output in (self.one, self.many):
            found = harness.samples(output, "choices")
            self.same([float(answer[0][0]) for sample in found for answer in sample["resps"]], [value for item in oracle["log_likelihoods"] for value in item])
            for metric in ("acc", "acc_norm"):
                self.assertEqual([sample[metric] for sample in found], oracle[metric])

    def test_continuations_have_the_log_likelihoods_of_eval(self):
        oracle = self.oracle("words")
        for output in (self.one, self.many):
            found = harness.samples(output, "words")
            self.same([float(sample["resps"][0][0][0]) for sample in found], oracle.get("log_likelihood", oracle.get("log_likelihoods")))
            self.assertEqual([sample["acc"] for sample in found], oracle["acc"])

    def test_answers_are_those_of_eval(self):
        task_file("asked", [{**question, "until": ["."], "max_tokens": 7, "filter": "none"} for question in QUESTIONS])
        self.assertEqual([sample["resps"][0][0] for sample in harness.samples(self.one, "questions")], self.oracle("asked")["answer"])

    def test_documents_have_the_log_likelihood_of_their_windows(self):
        chip = crossweave.Chip(FOLDER / "model.xwp", noise="pcm-afm", seed=7)
        for sample, document in zip(harness.samples(self.one, "texts"), DOCUMENTS, strict=True):
            expected = harness.of_windows(chip, document["text"], self.length - 2)  # the harness keeps places for the token before and a new one
            self.assertAlmostEqual(float(sample["resps"][0][0]), expected, places=6)

    def test_conversations_are_answered_as_eval_answers_their_text(self):
        output = harness.run(VENV, "lm_eval", "local-chat-completions", {"model": "model", "base_url": self.url + "/chat/completions"}, ("questions",), "--apply_chat_template")
        task_file("talked", [{"context": f"user says: {question['context']}\nThen", "answers": question["answers"], "until": ["."], "max_tokens": 7, "filter": "none"}
                             for question in QUESTIONS])
        found = [sample["resps"][0][0] for sample in harness.samples(output, "questions")]
        self.assertEqual(found, self.oracle("talked", "--bos", "never")["answer"])
        self.assertTrue(all(found), "an answer is empty")


if __name__ == "__main__":
    unittest.main()
