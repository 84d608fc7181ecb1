#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""Trains a byte-level BPE tokenizer and writes tokenizer.json and tokenizer_config.json into a model's folder.

    python3 -m venv .cache/tokenizers && .cache/tokenizers/bin/pip install tokenizers==0.23.3
    .cache/tokenizers/bin/python scripts/train_tokenizer.py TEXT... -o FOLDER --vocab-size 2048

Id 0 is <|endoftext|>, which begins and ends every text; the 256 bytes follow, so that every text can be written. Texts are split as
GPT-2 does. The same texts and version give the same file. `crossweave` reads it as any tokenizer.json.
"""
import argparse
import json
import pathlib
import sys

VERSION = "0.23.3"
END = "<|endoftext|>"
BYTES = 256


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("texts", nargs="+", type=pathlib.Path)
    parser.add_argument("-o", "--output", required=True, type=pathlib.Path)
    parser.add_argument("--vocab-size", type=int, default=2048)
    arguments = parser.parse_args()
    if arguments.vocab_size <= BYTES:
        sys.exit(f"train_tokenizer.py: --vocab-size: expected more than {BYTES}, found {arguments.vocab_size}")
    try:
        import tokenizers
    except ImportError:
        sys.exit(f"train_tokenizer.py: needs the package tokenizers {VERSION} of PyPI")
    if tokenizers.__version__ != VERSION:
        sys.exit(f"train_tokenizer.py: expected tokenizers {VERSION}, found {tokenizers.__version__}: another version may make another vocabulary")
    tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE())
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = tokenizers.decoders.ByteLevel()
    trainer = tokenizers.trainers.BpeTrainer(vocab_size=arguments.vocab_size, special_tokens=[END], show_progress=False,
                                             initial_alphabet=sorted(tokenizers.pre_tokenizers.ByteLevel.alphabet()))
    texts = (story for path in arguments.texts for story in path.read_text().split(END))
    tokenizer.train_from_iterator(texts, trainer)
    arguments.output.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(arguments.output / "tokenizer.json"))
    config = {"bos_token": END, "eos_token": END, "model_max_length": 512, "tokenizer_class": "GPT2Tokenizer"}
    (arguments.output / "tokenizer_config.json").write_text(json.dumps(config, indent=1) + "\n")
    print(f"{arguments.output / 'tokenizer.json'}: {tokenizer.get_vocab_size()} tokens")


if __name__ == "__main__":
    main()
