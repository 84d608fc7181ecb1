#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""Checks that the commands which the documentation shows run, that every option they use exists, and every file it names.

  scripts/check_docs.py --crossweave build/dev/host/app/crossweave [--without verilated --without systemc] [FILE.md ...]

A shown command is a line of a block that is fenced as ```sh, or a line "$ command" of any fenced block. It is run by bash in a
folder of its own per document, line after line, with a small random model in place of every checkpoint that the documents
name. A block that cannot be run there is preceded by the line

  <!-- not run: REASON -->

and only its options are checked, as are those of commands in `code spans`. Checkpoints and texts that documents may name
are in CHECKPOINTS, TEXTS and TASKS. Links to files and paths in code spans (`host/app/main.cpp`, `compiler/ir`) must exist; the end of
a name may be left out (`compiler/mapping/plan`), and names in angle brackets or capitals stand for any.
"""

import argparse
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
CHECKPOINTS = ("SmolLM2-135M-Instruct.Q4_1.gguf", "checkpoint")
TEXTS = ("wiki.test.raw",)
TASKS = ("arc_easy.jsonl",)
STUDIES = ("noise.toml",)
PROGRAMS = ("smollm2.xwp", "model.xwp")  # of the first checkpoint; a document may make them anew
TEMPLATE = ("{% for m in messages %}<|{{ m['role'] }}|>{{ m['content'] }}<|end|>{% endfor %}"
            "{% if add_generation_prompt %}<|assistant|>{% endif %}")
TIMEOUT_SECONDS = 120
NOT_RUN = re.compile(r"^<!-- not run: (\S.*) -->$")
COMMAND_LINE = re.compile(r"^(?:\S+=\S+ +)*(?:crossweave|scripts/\S+|cmake|ctest) ")
SPAN = re.compile(r"`((?:crossweave|scripts/|cmake|ctest)[^`]* [^`]*)`")


LINK = re.compile(r"\]\(([^)#\s]+)[^)]*\)")
TOPS = ("arch", "cmake", "compiler", "docs", "firmware", "host", "models", "rtl", "scripts", "systemc", "tests")
PATH = re.compile(r"`((?:%s)/[\w./{},*-]*)`" % "|".join(TOPS))


class Command:
    """A shown command; `reason` says why it is not run, "" that it is."""

    def __init__(self, place, text, reason):
        self.place, self.text, self.reason = place, text, reason


def without_comment(line):
    """The line up to a # that begins a word outside of quotes."""
    quote = ""
    for i, c in enumerate(line):
        if quote:
            quote = "" if c == quote else quote
        elif c in "'\"":
            quote = c
        elif c == "#" and (i == 0 or line[i - 1].isspace()):
            return line[:i].strip()
    return line.strip()


def commands_of(name, text):
    """(commands, problems) of a document."""
    commands, problems = [], []
    fence, reason, pending, continued = None, "", "", ""
    for number, line in enumerate(text.splitlines(), 1):
        place = f"{name}:{number}"
        if line.startswith("```"):
            fence, reason, pending = (line[3:].strip(), pending, "") if fence is None else (None, "", "")
            continue
        if fence is None:
            marker = NOT_RUN.match(line)
            if marker:
                pending = marker[1]
            elif line.strip():
                pending = ""
            if line.startswith("    ") and COMMAND_LINE.match(line.strip()):
                problems.append(f"{place}: a command in an indented block; expected a block fenced as ```sh")
            commands.extend(Command(place, span, "a code span") for span in SPAN.findall(line))
            continue
        shown = line.startswith("$ ")
        if fence != "sh" and not shown:
            if COMMAND_LINE.match(line):
                problems.append(f"{place}: a command in a block that is not fenced as ```sh")
            continue
        whole = continued + without_comment(line[2:] if shown else line)
        if whole.endswith("\\"):
            continued = whole[:-1]
            continue
        continued = ""
        if whole:
            commands.append(Command(place, whole, reason))
    return commands, problems


def alternatives(path):
    """a/{b,c}.x as [a/b.x, a/c.x]."""
    match = re.match(r"^(.*?)\{([^{}]*)\}(.*)$", path)
    return [path] if not match else [p for part in match[2].split(",") for p in alternatives(match[1] + part + match[3])]


def missing_files(name, text):
    """Links and paths of a document that lead nowhere, as lines to print."""
    fence = False
    for number, line in enumerate(text.splitlines(), 1):
        fence ^= line.startswith("```")
        if fence:
            continue
        for link in LINK.findall(line):
            if "://" not in link and not (ROOT / name).parent.joinpath(link).exists():
                yield f"{name}:{number}: a link to {link}, which does not exist"
        for path in (p for span in PATH.findall(line) for p in alternatives(span)):
            if not any(ROOT.glob(path.rstrip("/"))) and not any(ROOT.glob(path + ".*")):
                yield f"{name}:{number}: `{path}` does not exist"


class Options:
    """Which options commands have, by what they say themselves."""

    def __init__(self, crossweave):
        self.crossweave, self.known = crossweave, {}
        self.presets = {p["name"] for p in json.loads((ROOT / "CMakePresets.json").read_text())["configurePresets"]}

    def of_crossweave(self, command):
        if command not in self.known:
            result = subprocess.run([self.crossweave, *([command] if command else []), "--help"], capture_output=True, text=True,
                                    timeout=TIMEOUT_SECONDS, check=False)
            self.known[command] = set(re.findall(r"(?<![\w-])--?[a-zA-Z][\w-]*", result.stdout)) if result.returncode == 0 else None
        return self.known[command]

    def problem(self, words):
        """What is wrong with the options of one simple command, or ""."""
        while words and (re.match(r"^\w+=", words[0]) or words[0] in ("taskset", "/usr/bin/time", "-v", "-c", "1")):
            words = words[1:]
        if not words:
            return ""
        used = [re.match(r"^--?[a-zA-Z][\w-]*", word)[0] for word in words[1:] if re.match(r"^--?[a-zA-Z]", word)]
        if words[0].endswith("crossweave"):
            command = words[1] if len(words) > 1 and re.match(r"^[a-z][a-z-]*$", words[1]) else ""
            known = self.of_crossweave(command)
            if known is None:
                return f"crossweave has no command '{command}'"
            unknown = [option for option in used if option not in known and option != "--help"]
            return f"crossweave {command} has no option {unknown[0]}" if unknown else ""
        if words[0].startswith("scripts/"):
            script = ROOT / words[0]
            if not script.exists():
                return f"there is no {words[0]}"
            text = script.read_text(encoding="utf-8")
            unknown = [option for option in used if f'"{option}"' not in text and option not in text and option != "--help"
                       and f'"{option[2:]}"' not in text]
            return f"{words[0]} has no option {unknown[0]}" if unknown else ""
        if words[0] in ("cmake", "ctest") and "--preset" in words:
            preset = words[words.index("--preset") + 1]
            return "" if preset in self.presets else f"CMakePresets.json has no preset '{preset}'"
        return ""


def simple_commands(text):
    """The words of each command in a line of shell; ellipses and placeholders stay words."""
    lexer = shlex.shlex(text.replace("[", " ").replace("]", " "), posix=True, punctuation_chars=";&|<>()")
    lexer.whitespace_split = True
    words, result = [], []
    for word in lexer:
        if word and set(word) <= set(";&|"):
            result.append(words)
            words = []
        else:
            words.append(word)
    return [*result, words]


def write_model(folder):
    """A random model with a byte-level tokenizer and a chat template."""
    subprocess.run([sys.executable, "-B", ROOT / "scripts/make_random_model.py", "--family", "llama", "--hidden-size", "64",
                    "--intermediate-size", "128", "--layers", "2", "--heads", "4", "--kv-heads", "2", "--vocab-size", "260",
                    "--context", "2048", "--out", folder], check=True, capture_output=True)
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    letters = {byte: chr(byte) for byte in printable}
    letters.update({byte: chr(256 + n) for n, byte in enumerate(b for b in range(256) if b not in letters)})
    special = ["<|begin|>", "<|end|>", "<|user|>", "<|assistant|>"]
    added = [{"id": 256 + n, "content": text, "special": True, "single_word": False, "lstrip": False, "rstrip": False,
              "normalized": False} for n, text in enumerate(special)]
    level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    model = {"type": "BPE", "vocab": {letters[byte]: byte for byte in range(256)}, "merges": []}
    (folder / "tokenizer.json").write_text(json.dumps({
        "version": "1.0", "added_tokens": added, "normalizer": None, "pre_tokenizer": level, "post_processor": None,
        "decoder": level, "model": model}))
    (folder / "tokenizer_config.json").write_text(json.dumps({"eos_token": "<|end|>", "chat_template": TEMPLATE}))


class Scratch:
    """Folders in which the commands of documents run."""

    def __init__(self, root, crossweave):
        self.root, self.crossweave = root, crossweave
        (root / "bin").mkdir()
        (root / "bin/crossweave").symlink_to(crossweave)
        write_model(root / "model")
        self.run(root, f"crossweave compile model --calibration-tokens 64 -o {PROGRAMS[0]}")

    def run(self, folder, command):
        """Status and output."""
        path = f"{self.root / 'bin'}:{os.environ['PATH']}"
        try:
            result = subprocess.run(["bash", "-euo", "pipefail", "-c", command], cwd=folder, stdin=subprocess.DEVNULL, check=False,
                                    stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
                                    timeout=TIMEOUT_SECONDS, env={**os.environ, "PATH": path})
        except subprocess.TimeoutExpired:
            return 124, f"still running after {TIMEOUT_SECONDS} s"
        return result.returncode, result.stdout

    def folder(self, name):
        """A fresh folder with what documents take for granted."""
        folder = self.root / "run" / name.replace("/", "_")
        folder.mkdir(parents=True)
        for checkpoint in CHECKPOINTS:
            (folder / checkpoint).symlink_to(self.root / "model")
        for text in TEXTS:
            (folder / text).write_text("The sea is wide and the ships are small. " * 100)
        for task in TASKS:
            (folder / task).write_text(json.dumps({"context": "2 + 2 is", "choices": ["four", "five"], "gold": 0}) + "\n")
        for program in PROGRAMS:
            (folder / program).write_bytes((self.root / PROGRAMS[0]).read_bytes())
        for study in STUDIES:
            (folder / study).write_text(f'[measure]\ntext = "{TEXTS[0]}"\ntokens = 20\n[options]\nmodel = "{CHECKPOINTS[0]}"\n'
                                        '[grid]\nnoise = ["ideal", "pcm-afm"]\nchip-seed = "0..1"\nadapt = ["none", "fold"]\n')
        for report in ("a.json", "b.json"):
            self.run(folder, f"crossweave report {PROGRAMS[0]} --static --json={report}")
        for part in ("arch", "scripts"):
            (folder / part).symlink_to(ROOT / part)
        (folder / "build").mkdir()
        return folder


def check(names, crossweave, without):
    """Problems, as lines to print, and how many commands were run."""
    options, problems, count = Options(crossweave), [], 0
    with tempfile.TemporaryDirectory(prefix="check_docs.") as root:
        scratch = Scratch(pathlib.Path(root), crossweave)
        for name in names:
            text = (ROOT / name).read_text(encoding="utf-8")
            commands, found = commands_of(name, text)
            problems += [*found, *missing_files(name, text)]
            folder = None
            for command in commands:
                for words in simple_commands(command.text):
                    if problem := options.problem(words):
                        problems.append(f"{command.place}: {command.text}: {problem}")
                if command.reason or any(word in command.text for word in without):
                    continue
                folder = folder or scratch.folder(name)
                status, output = scratch.run(folder, command.text)
                count += 1
                if status != 0:
                    problems.append(f"{command.place}: {command.text}: status {status}\n{output}")
    return problems, count


def documents():
    return ["README.md", "CONTRIBUTING.md", *sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").rglob("*.md"))]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--crossweave", required=True, type=lambda text: str(pathlib.Path(text).resolve()))
    parser.add_argument("--without", action="append", default=[], metavar="WORD", help="commands with this word are not run")
    parser.add_argument("documents", nargs="*", help="default: README, CONTRIBUTING and docs")
    options = parser.parse_args()
    problems, count = check(options.documents or documents(), options.crossweave, options.without)
    for problem in problems:
        print(problem)
    print(f"{count} commands run, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
