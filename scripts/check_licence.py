#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""Checks that every file of the repository which can carry a comment starts with the two SPDX lines; --fix adds them.

Files of the kinds in WITHOUT carry none; LICENSE holds for them.
"""

import argparse
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
LINES = ("SPDX-FileCopyrightText: The Crossweave authors", "SPDX-License-Identifier: Apache-2.0")
FIRST_LINES = 10  # the two stand among these
COMMENTS = {  # how a comment begins, by the end of the name
    "CMakeLists.txt": "#", ".cmake": "#", ".cmake.in": "#", ".py": "#", ".pyi": "#", ".sh": "#", ".toml": "#", ".ys": "#", ".tcl": "#", ".ci/run": "#",
    ".hpp": "//", ".cpp": "//", ".js": "//", ".cpp.in": "//", ".h": "//", ".c": "//", ".css": "/*", ".html": "<!--", ".inc": "//", ".sv": "//", ".svh": "//", ".vlt": "//",
}
CLOSING = {"/*": " */", "<!--": " -->"}  # of comments that do not end with their line
WITHOUT = {  # why
    ".md": "prose", ".json": "has no comments", ".jsonl": "has no comments", ".ipynb": "has no comments", ".txt": "text that is compiled in or compared with", ".xml": "generated",
    ".gitignore": "settings", "py.typed": "is empty", ".clang-format": "settings", ".clang-tidy": "settings", "LICENSE": "is the licence", ".bin": "data",
    ".gz": "data", ".csv": "data", ".gguf": "data", ".svg": "a picture", ".png": "a picture",
}


def of_name(table, name):
    """The entry of the longest end of `name`, or None."""
    return table[max((end for end in table if name.endswith(end)), key=len)] if any(name.endswith(end) for end in table) else None


def problem(name, text):
    """What is wrong with a file of this name and text, or ""."""
    comment, without = of_name(COMMENTS, name), of_name(WITHOUT, name)
    if comment is None:
        return "" if without is not None else "files of this kind are in neither table of scripts/check_licence.py"
    first = text.splitlines()[:FIRST_LINES]
    missing = [line for line in LINES if not any(given.strip("/*#<!-> ") == line for given in first)]
    return f"expected in the first {FIRST_LINES} lines: {comment} {missing[0]}" if missing else ""


def fixed(name, text):
    """The text with the lines after its first comment."""
    comment = of_name(COMMENTS, name)
    wanted = [f"{comment} {spdx}{CLOSING.get(comment, '')}" for spdx in LINES]
    lines = [line for line in text.splitlines() if line not in wanted]
    at = 0
    while at < len(lines) and lines[at].startswith(comment):
        at += 1
    lines[at:at] = wanted
    return "\n".join(lines) + "\n"


def files(root):
    """What git knows of, or would; without git everything but build and cache folders."""
    listed = subprocess.run(["git", "-C", str(root), "ls-files", "-co", "--exclude-standard"], capture_output=True, text=True, check=False)
    if listed.returncode == 0:
        return [name for name in listed.stdout.splitlines() if (root / name).is_file()]
    return [name for name in (path.relative_to(root).as_posix() for path in sorted(root.rglob("*")) if path.is_file())
            if not name.startswith(("build/", ".cache/", ".git/")) and "__pycache__" not in name]


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=pathlib.Path, default=ROOT, help="root of the sources")
    parser.add_argument("--fix", action="store_true", help="add the lines")
    options = parser.parse_args(arguments)
    found = 0
    for name in files(options.root):
        path = options.root / name
        text = path.read_bytes().decode("utf-8", errors="replace")
        said = problem(name, text)
        if said and options.fix and of_name(COMMENTS, name):
            path.write_text(fixed(name, text), encoding="utf-8")
        elif said:
            found += 1
            print(f"{name}: {said}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
