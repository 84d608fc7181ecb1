# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""lm-evaluation-harness in an environment of its own, with tasks on local files, for the tests of what it measures."""

import json
import os
import pathlib
import subprocess
import sys

from support import CHOICES, FOLDER, QUESTIONS, TEXT, task_file

HARNESS = "lm_eval[api]==0.4.13"
CONTINUATIONS = [{"context": "Once upon a time, there was a little", "continuation": "girl"}, {"context": "Tom was very", "continuation": "sad and big"}]
DOCUMENTS = [{"text": TEXT.read_text(encoding="utf-8")[:400]}, {"text": TEXT.read_text(encoding="utf-8")[3000:6000]}]
TASKS = {
    "choices": ([{**item, "gold": item["gold"] if isinstance(item["gold"], int) else item["gold"][0]} for item in CHOICES],
                "output_type: multiple_choice\ndoc_to_text: '{{context}}'\ndoc_to_choice: '{{choices}}'\ndoc_to_target: '{{gold}}'\n"
                "metric_list: [{metric: acc}, {metric: acc_norm}]\n"),
    "words": (CONTINUATIONS, "output_type: loglikelihood\ndoc_to_text: '{{context}}'\ndoc_to_target: \"{{' ' + continuation}}\"\nmetric_list: [{metric: acc}]\n"),
    "questions": (QUESTIONS, "output_type: generate_until\ndoc_to_text: '{{context}}'\ndoc_to_target: '{{answers[0]}}'\n"
                             "generation_kwargs: {until: ['.'], max_gen_toks: 7, do_sample: false}\nmetric_list: [{metric: exact_match}]\n"),
    "texts": (DOCUMENTS, "output_type: loglikelihood_rolling\ndoc_to_text: ''\ndoc_to_target: '{{text}}'\nmetric_list: [{metric: word_perplexity}]\n"),
}


def install(folder):
    """Makes the environment with the pinned harness if it is missing, which needs the network."""
    stamp = pathlib.Path(folder) / "harness.txt"
    if stamp.exists() and stamp.read_text(encoding="utf-8") == HARNESS:
        return
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    subprocess.run([pathlib.Path(folder) / "bin/pip", "install", "-q", HARNESS], check=True)
    stamp.write_text(HARNESS, encoding="utf-8")


def write_tasks():
    """A file of items and a description of each task."""
    for name, (documents, text) in TASKS.items():
        path = task_file(name, documents)
        (FOLDER / f"{name}.yaml").write_text(f"task: {name}\ndataset_path: json\ndataset_kwargs: {{data_files: {{test: {path}}}}}\ntest_split: test\n{text}",
                                             encoding="utf-8")


def run(folder, module, model, arguments, tasks, *options):
    """Runs the harness with a model of it; what it logs is under the returned folder."""
    output = FOLDER / f"harness-{model}-{len(list(FOLDER.glob('harness-*')))}"
    result = subprocess.run(
        [pathlib.Path(folder) / "bin/python", "-B", "-m", module, "--model", model, "--model_args", ",".join(f"{name}={value}" for name, value in arguments.items()),
         "--tasks", ",".join(tasks), "--include_path", FOLDER, "--output_path", output, "--log_samples", *options],
        capture_output=True, text=True, check=False, env={**os.environ, "HF_HOME": str(FOLDER / "hf"), "HF_DATASETS_OFFLINE": "1", "HF_HUB_OFFLINE": "1"})
    if result.returncode != 0:
        raise AssertionError(f"the harness: status {result.returncode}\n{result.stdout[-2000:]}\n{result.stderr[-6000:]}")
    return output


def samples(output, name):
    """What the harness logged of a task, in order of its documents."""
    path, = output.rglob(f"samples_{name}_*.jsonl")
    return sorted((json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()), key=lambda sample: sample["doc_id"])


def of_windows(chip, text, length):
    """Log-likelihood of a document in windows that predict at most `length` tokens each, as the harness cuts it."""
    begin, end, _ = chip._core_model.special_tokens()
    tokens, total = chip.encode(text, special=False).tolist(), 0.0
    for first in range(0, len(tokens), length):
        last = min(first + length, len(tokens))
        window = [begin if begin >= 0 else end, *tokens] if last <= length else tokens
        shift = 1 if last <= length else 0
        piece = window[max(0, last + shift - length - 1):last + shift]
        total += chip.log_likelihoods(piece, begin=len(piece) - (last - first)).sum()
    return total
