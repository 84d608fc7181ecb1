# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""The adapter for lm-evaluation-harness against `crossweave eval --task`: test_lm_eval.py FOLDER

FOLDER is that of a virtual environment, made with the pinned harness if it is missing, which needs the network."""

import pathlib
import sys
import unittest

import crossweave
import harness
from harness import DOCUMENTS, TASKS
from support import FOLDER, MODEL, QUESTIONS, command, said, task_file

VENV = pathlib.Path(sys.argv.pop(1))
OPTIONS = {"noise": "pcm-afm", "seed": 7, "read_sigma": 0.02}


def samples(name):
    return harness.samples(Harness.output, name)


class Harness(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        harness.install(VENV)
        harness.write_tasks()
        command("compile", MODEL, "-o", FOLDER / "model.xwp")
        cls.output = harness.run(VENV, "crossweave.lm_eval", "crossweave", {"program": FOLDER / "model.xwp", **OPTIONS}, TASKS)
        options = [word for name, value in OPTIONS.items() for word in (f"--{'chip-seed' if name == 'seed' else name.replace('_', '-')}", str(value))]
        cls.options = options
        cls.oracle = {name: said("eval", FOLDER / "model.xwp", *options, "--task", FOLDER / f"{name}.jsonl")["runs"][0]["tasks"][name]
                      for name in ("choices", "words")}

    def test_choices_have_the_log_likelihoods_and_figures_of_eval(self):
        found = [[float(answer[0][0]) for answer in sample["resps"]] for sample in samples("choices")]
        self.assertEqual(found, self.oracle["choices"]["per_item"]["log_likelihoods"])
        for metric in ("acc", "acc_norm"):
            self.assertEqual([sample[metric] for sample in samples("choices")], self.oracle["choices"]["per_item"][metric])

    def test_continuations_have_the_log_likelihoods_of_eval(self):
        found = [float(sample["resps"][0][0][0]) for sample in samples("words")]
        per_item = self.oracle["words"]["per_item"]
        self.assertEqual(found, per_item.get("log_likelihood", per_item.get("log_likelihoods")))
        self.assertEqual([sample["acc"] for sample in samples("words")], per_item["acc"])

    def test_answers_are_those_of_eval(self):
        questions = [{**question, "until": ["."], "max_tokens": 7, "filter": "none"} for question in QUESTIONS]
        oracle = said("eval", FOLDER / "model.xwp", *self.options, "--task", task_file("asked", questions))
        self.assertEqual([sample["resps"][0][0] for sample in samples("questions")], oracle["runs"][0]["tasks"]["asked"]["per_item"]["answer"])

    def test_exported_samples_are_a_task_of_eval_with_no_difference(self):
        path, = self.output.rglob("samples_choices_*.jsonl")
        task = said("eval", FOLDER / "model.xwp", *self.options, "--task", path)["runs"][0]["tasks"]["choices"]
        self.assertEqual(task["recorded"]["max_difference_nats"], 0)

    def test_documents_have_the_log_likelihood_of_their_windows(self):
        chip = crossweave.Chip(FOLDER / "model.xwp", **OPTIONS)
        for sample, document in zip(samples("texts"), DOCUMENTS, strict=True):
            self.assertAlmostEqual(float(sample["resps"][0][0]), harness.of_windows(chip, document["text"], chip.context_length), places=6)


if __name__ == "__main__":
    unittest.main()
