# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""The adapter for lm-evaluation-harness against `crossweave eval --task`: test_lm_eval.py FOLDER

FOLDER is that of a virtual environment, made with the pinned harness if it is missing, which needs the network."""

import json
import os
import pathlib
import subprocess
import sys
import unittest

import crossweave
from support import CHOICES, FOLDER, QUESTIONS, TEXT, command, said, task_file
from support import MODEL

HARNESS = "lm_eval==0.4.13"
VENV = pathlib.Path(sys.argv.pop(1))
OPTIONS = {"noise": "pcm-afm", "seed": 7, "read_sigma": 0.02}
CONTINUATIONS = [{"context": "Once upon a time, there was a little", "continuation": "girl"}, {"context": "Tom was very", "continuation": "sad and big"}]
DOCUMENTS = [{"text": TEXT.read_text(encoding="utf-8")[:400]}, {"text": TEXT.read_text(encoding="utf-8")[3000:6000]}]
TASKS = {
    "choices": (CHOICES, "output_type: multiple_choice\ndoc_to_text: '{{context}}'\ndoc_to_choice: '{{choices}}'\ndoc_to_target: '{{gold}}'\n"
                         "metric_list: [{metric: acc}, {metric: acc_norm}]\n"),
    "words": (CONTINUATIONS, "output_type: loglikelihood\ndoc_to_text: '{{context}}'\ndoc_to_target: \"{{' ' + continuation}}\"\nmetric_list: [{metric: acc}]\n"),
    "questions": (QUESTIONS, "output_type: generate_until\ndoc_to_text: '{{context}}'\ndoc_to_target: '{{answers[0]}}'\n"
                             "generation_kwargs: {until: ['.'], max_gen_toks: 7, do_sample: false}\nmetric_list: [{metric: exact_match}]\n"),
    "texts": (DOCUMENTS, "output_type: loglikelihood_rolling\ndoc_to_text: ''\ndoc_to_target: '{{text}}'\nmetric_list: [{metric: word_perplexity}]\n"),
}


def samples(name):
    """What the harness logged of a task, in order of its documents."""
    path, = (FOLDER / "harness").rglob(f"samples_{name}_*.jsonl")
    return sorted((json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()), key=lambda sample: sample["doc_id"])


def setUpModule():
    if not (VENV / "bin/lm_eval").exists():
        subprocess.run([sys.executable, "-m", "venv", VENV], check=True)
        subprocess.run([VENV / "bin/pip", "install", "-q", HARNESS], check=True)
    command("compile", MODEL, "-o", FOLDER / "model.xwp")
    items = {**TASKS, "choices": ([{**item, "gold": item["gold"] if isinstance(item["gold"], int) else item["gold"][0]} for item in CHOICES],
                                  TASKS["choices"][1])}
    for name, (documents, text) in items.items():
        path = task_file(name, documents)
        (FOLDER / f"{name}.yaml").write_text(f"task: {name}\ndataset_path: json\ndataset_kwargs: {{data_files: {{test: {path}}}}}\ntest_split: test\n{text}",
                                             encoding="utf-8")
    arguments = ",".join(f"{name}={value}" for name, value in {"program": FOLDER / "model.xwp", **OPTIONS}.items())
    result = subprocess.run(
        [VENV / "bin/python", "-B", "-m", "crossweave.lm_eval", "--model", "crossweave", "--model_args", arguments, "--tasks", ",".join(TASKS),
         "--include_path", FOLDER, "--output_path", FOLDER / "harness", "--log_samples"],
        capture_output=True, text=True, check=False, env={**os.environ, "HF_HOME": str(FOLDER / "hf"), "HF_DATASETS_OFFLINE": "1", "HF_HUB_OFFLINE": "1"})
    if result.returncode != 0:
        raise AssertionError(f"the harness: status {result.returncode}\n{result.stdout[-2000:]}\n{result.stderr[-6000:]}")


class Harness(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
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
        path, = (FOLDER / "harness").rglob("samples_choices_*.jsonl")
        task = said("eval", FOLDER / "model.xwp", *self.options, "--task", path)["runs"][0]["tasks"]["choices"]
        self.assertEqual(task["recorded"]["max_difference_nats"], 0)

    def test_documents_have_the_log_likelihood_of_their_windows(self):
        chip = crossweave.Chip(FOLDER / "model.xwp", **OPTIONS)
        begin, end, _ = chip._core_model.special_tokens()
        for sample, document in zip(samples("texts"), DOCUMENTS, strict=True):
            tokens, context, expected = chip.encode(document["text"], special=False).tolist(), chip.context_length, 0.0
            for first in range(0, len(tokens), context):
                last = min(first + context, len(tokens))
                window = [begin if begin >= 0 else end, *tokens] if last <= context else tokens
                shift = 1 if last <= context else 0
                piece = window[max(0, last + shift - context - 1):last + shift]
                expected += chip.log_likelihoods(piece, begin=len(piece) - (last - first)).sum()
            self.assertAlmostEqual(float(sample["resps"][0][0]), expected, places=6)


if __name__ == "__main__":
    unittest.main()
