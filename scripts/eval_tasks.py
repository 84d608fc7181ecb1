#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""Turns evaluation sets as their authors released them into tasks of `crossweave eval --task`.

    scripts/eval_tasks.py TASK FILE [--labels FILE] -o TASK.jsonl

TASK is one of arc_challenge, arc_easy, boolq, gsm8k, hellaswag, lambada, piqa, winogrande. FILE has one JSON object per line, with the
fields of the release or of its copy on the Hugging Face hub. The labels of PIQA are a file of their own (valid-labels.lst). Prompts are those of
lm-evaluation-harness without examples.
"""
import argparse
import json
import pathlib
import re
import sys


class Malformed(Exception):
    """A line that is not what its task has."""


def field(doc, name, *kinds):
    if name not in doc:
        raise Malformed(f"expected a field \"{name}\", found {', '.join(sorted(doc)) or 'none'}")
    if not isinstance(doc[name], kinds) or (isinstance(doc[name], bool) and bool not in kinds):
        raise Malformed(f"expected \"{name}\" to be {' or '.join(kind.__name__ for kind in kinds)}, found {json.dumps(doc[name])[:60]}")
    return doc[name]


def index(value, count, name):
    """A label as a number or as text."""
    if not re.fullmatch(r"\d+", str(value)) or int(value) >= count:
        raise Malformed(f"expected \"{name}\" from 0 to {count - 1}, found {json.dumps(value)}")
    return int(value)


def hellaswag_text(text):
    """As the preprocess() of lm-evaluation-harness: brackets are left over from WikiHow."""
    text = text.strip().replace(" [title]", ". ")
    return re.sub(r"\[.*?\]", "", text).replace("  ", " ")


def hellaswag(doc):
    endings = field(doc, "endings", list)
    context = field(doc, "ctx_a", str) + " " + field(doc, "ctx_b", str).capitalize()
    return {"context": hellaswag_text(field(doc, "activity_label", str) + ": " + context),
            "choices": [hellaswag_text(ending) for ending in endings],
            "gold": index(field(doc, "label", int, str), len(endings), "label")}


def piqa(doc):
    return {"context": f"Question: {field(doc, 'goal', str)}\nAnswer:",
            "choices": [field(doc, "sol1", str), field(doc, "sol2", str)],
            "gold": index(field(doc, "label", int, str), 2, "label")}


def arc(doc):
    if "query" in doc:  # llm-foundry
        choices = field(doc, "choices", list)
        return {"context": field(doc, "query", str) + "\nAnswer:", "choices": choices,
                "gold": index(field(doc, "gold", int), len(choices), "gold")}
    question = field(doc, "question", str, dict)
    if isinstance(question, dict):  # as AI2 released it
        choices = field(question, "choices", list)
        labels = [field(choice, "label", str) for choice in choices]
        texts = [field(choice, "text", str) for choice in choices]
        question = field(question, "stem", str)
    else:
        labels, texts = field(field(doc, "choices", dict), "label", list), field(doc["choices"], "text", list)
    answer = field(doc, "answerKey", str)
    if answer not in labels:
        raise Malformed(f"expected \"answerKey\" to be one of {', '.join(labels)}, found {json.dumps(answer)}")
    return {"context": f"Question: {question}\nAnswer:", "choices": texts, "gold": labels.index(answer)}


def winogrande(doc):
    """Partial evaluation: what follows the gap is predicted, once behind each option."""
    sentence = field(doc, "sentence", str)
    gap = sentence.find("_")
    if gap < 0:
        raise Malformed("expected a sentence with a gap \"_\", found none")
    answer = field(doc, "answer", str)
    if answer not in ("1", "2"):
        raise Malformed(f"expected \"answer\" 1 or 2, found {json.dumps(answer)}")
    return {"contexts": [sentence[:gap] + field(doc, option, str) for option in ("option1", "option2")],
            "continuation": sentence[gap + 1:].strip(), "gold": int(answer) - 1}


def boolq(doc):
    label = field(doc, "answer", bool) if "answer" in doc else field(doc, "label", bool, int)
    return {"context": f"{field(doc, 'passage', str)}\nQuestion: {field(doc, 'question', str)}?\nAnswer:",
            "choices": ["no", "yes"], "gold": index(int(label), 2, "label")}


def lambada(doc):
    if "continuation" in doc:  # llm-foundry
        return {"context": field(doc, "context", str), "continuation": field(doc, "continuation", str)}
    words = field(doc, "text", str).split(" ")
    if len(words) < 2:
        raise Malformed("expected a text of several words, found one")
    return {"context": " ".join(words[:-1]), "continuation": words[-1]}


def gsm8k(doc):
    return {"context": f"Question: {field(doc, 'question', str)}\nAnswer:", "answers": [field(doc, "answer", str)],
            "until": ["Question:", "</s>", "<|im_end|>"], "filter": "flexible-extract", "ignore_case": True}


TASKS = {"arc_challenge": arc, "arc_easy": arc, "boolq": boolq, "gsm8k": gsm8k, "hellaswag": hellaswag, "lambada": lambada,
         "piqa": piqa, "winogrande": winogrande}


def convert(task, lines, labels=None):
    """Yields converted objects. `lines` and `labels` are lists of text; raises Malformed with the number of the line."""
    number = 0
    for number, line in enumerate(lines, 1):
        try:
            try:
                doc = json.loads(line)
            except ValueError:
                doc = None
            if not isinstance(doc, dict):
                raise Malformed("expected one JSON object, found something else")
            if labels is not None:
                if number > len(labels):
                    raise Malformed(f"expected a label for every line, found {len(labels)}")
                doc["label"] = labels[number - 1].strip()
            yield TASKS[task](doc)
        except Malformed as error:
            raise Malformed(f"{number}: {error}") from None
    if labels is not None and len(labels) != number:
        raise Malformed(f"{number}: expected as many lines as labels, {len(labels)}, found {number}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task", choices=sorted(TASKS))
    parser.add_argument("file", type=pathlib.Path)
    parser.add_argument("--labels", type=pathlib.Path, help="labels, one per line, of a release that keeps them apart (PIQA)")
    parser.add_argument("-o", "--output", type=pathlib.Path, required=True)
    arguments = parser.parse_args()
    try:
        lines = arguments.file.read_text(encoding="utf-8").rstrip().split("\n")
        labels = arguments.labels.read_text(encoding="utf-8").split() if arguments.labels else None
        items = list(convert(arguments.task, lines, labels))
        temporary = arguments.output.with_name(f".{arguments.output.name}.new")
        temporary.write_text("".join(json.dumps(item, ensure_ascii=False) + "\n" for item in items), encoding="utf-8")
        temporary.replace(arguments.output)
    except Malformed as error:
        sys.exit(f"eval_tasks.py: {arguments.file}:{error}")
    except (OSError, UnicodeDecodeError) as error:
        sys.exit(f"eval_tasks.py: {arguments.file}: {error}")
    print(f"{arguments.output}: {len(items)} items")


if __name__ == "__main__":
    main()
