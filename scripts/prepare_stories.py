#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""Makes training text of TinyStories excerpts: one story after the other, in ordinary capitals, each once.

    scripts/prepare_stories.py STORIES.txt [--cased SAMPLE.txt] [--sampled MORE.txt --repeat 4 --held-out 200] -o TEXT

Stories are separated by single line breaks (paragraphs of a story by empty lines), as in the copies of TinyStories (Eldan and Li,
2023; CDLA-Sharing-1.0) that public repositories have. Quotation marks and dashes become ASCII, also those that were once read in a
wrong encoding; stories with other characters are left out. A text without capitals gets them back: at the begin of sentences and
quotations, for "I", and for the words that SAMPLE, an excerpt with capitals, has only with one amid sentences (names). Stories are
joined by <|endoftext|>, for `crossweave generate-data --separator`.

SAMPLED are stories of another model, as `crossweave generate-data --to-text` writes them; those that were cut end with their last
whole sentence. With them the excerpts stand --repeat times in the text, everything in an order by --seed; the last --held-out
excerpts stand at the end, once, and nowhere else. Needs Python 3.9 and nothing else.
"""
import argparse
import collections
import pathlib
import random
import re
import sys

SEPARATOR = "<|endoftext|>"
SHORTEST = 200  # characters of a story
WORD = re.compile(r"[A-Za-z]+")


# Quotation marks and dashes in ASCII, also those that were read in a wrong encoding once.
PLAIN = [("\u00e2\u20ac\u0153", '"'), ("\u00e2\u20ac\u2122", "'"), ("\u00e2\u20ac\u02dc", "'"), ("\u00e2\u20ac\u201c", "-"),
         ("\u00e2\u20ac\u201d", "-"), ("\u00e2\u20ac\u00a6", "..."), ("\u00e2\u20ac\u009d", '"'), ("\u00e2\u20ac", '"'),
         ("\u201c", '"'), ("\u201d", '"'), ("\u2018", "'"), ("\u2019", "'"), ("\u2013", "-"), ("\u2014", "-"), ("\u2026", "...")]


def names_of(sample):
    """Words that stand with a capital amid sentences and never without one."""
    amid = collections.Counter(re.findall(r"(?<=[a-z,] )[A-Z][a-z]+", sample))
    lower = set(re.findall(r"\b[a-z]+\b", sample))
    return {word.lower() for word, count in amid.items() if count > 1 and word.lower() not in lower}


def with_capitals(story, names):
    story = re.sub(r"\bi\b", "I", story)
    story = WORD.sub(lambda word: word[0].capitalize() if word[0] in names else word[0], story)
    return re.sub(r'(^|[.!?]["\']?\s+|["“]\s*|\n\n)(["\']?)([a-z])', begin_upper, story)


def begin_upper(found):
    """A quotation mark that ends a quotation begins nothing; whether it does shows in what stands before it."""
    before, quote, letter = found.groups()
    if before.strip() == '"' and before != '"':
        return found[0]
    return before + quote + letter.upper()


def stories_of(text):
    for found, plain in PLAIN:
        text = text.replace(found, plain)
    for story in re.split(r"(?<!\n)\n(?!\n)", text):
        story = re.sub(r"[ \t]+", " ", story).strip()
        if len(story) >= SHORTEST and story[-1] in '.!?"' and story.isascii():
            yield story


def sampled_stories_of(text):
    """Whole sentences only; stories with a quotation mark without its other half are left out."""
    for story in text.split(SEPARATOR):
        story = re.sub(r"[ \t]+", " ", story).strip()
        end = re.match(r"(?s).*[.!?][\"']?(?=\s|$)", story)
        story = end[0] if end else ""
        if len(story) >= SHORTEST and story.count('"') % 2 == 0 and story.isascii():
            yield story


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("text", type=pathlib.Path)
    parser.add_argument("--cased", type=pathlib.Path, help="an excerpt with capitals, for names")
    parser.add_argument("-o", "--output", required=True, type=pathlib.Path)
    parser.add_argument("--sampled", type=pathlib.Path, help="stories of another model, separated by <|endoftext|>")
    parser.add_argument("--repeat", type=int, default=1, help="how often the excerpts stand among them")
    parser.add_argument("--held-out", type=int, default=0, help="excerpts at the end that are not among them")
    parser.add_argument("--seed", type=int, default=1, help="of the order")
    arguments = parser.parse_args()
    names = names_of(arguments.cased.read_text()) if arguments.cased else set()
    text = arguments.text.read_text()
    is_lower = text == text.lower()
    stories = list(dict.fromkeys(stories_of(text)))
    if not stories:
        sys.exit(f"prepare_stories.py: {arguments.text}: expected stories of {SHORTEST} characters or more, separated by line breaks, found none")
    if is_lower:
        stories = [with_capitals(story, names) for story in stories]
    if arguments.sampled:
        if not 0 <= arguments.held_out < len(stories):
            sys.exit(f"prepare_stories.py: --held-out: expected 0 to {len(stories) - 1}, found {arguments.held_out}")
        split = len(stories) - arguments.held_out
        held_out = stories[split:]
        stories = stories[:split] * arguments.repeat + list(dict.fromkeys(sampled_stories_of(arguments.sampled.read_text())))
        random.Random(arguments.seed).shuffle(stories)
        stories += held_out
    arguments.output.write_text(SEPARATOR.join(stories))
    print(f"{arguments.output}: {len(stories)} stories, {sum(map(len, stories))} characters")


if __name__ == "__main__":
    main()
