#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""Reads GGUF files of `crossweave export` with the package gguf of PyPI, which knows nothing of this project.

    python3 -m venv .cache/gguf && .cache/gguf/bin/pip install gguf==0.19.0
    .cache/gguf/bin/python scripts/check_gguf.py EXACT.gguf [OTHER.gguf...]

Prints architecture and tensors of the first and, for every other file, the largest difference of a tensor from the first in units of the
tensor's largest magnitude. Fails if names or shapes differ, or if a difference is above 1/120 (Q8_0).
"""
import sys

LARGEST = 1 / 120


def read(path):
    import gguf
    reader = gguf.GGUFReader(path)
    tensors = {tensor.name: gguf.quants.dequantize(tensor.data, tensor.tensor_type).reshape(tuple(int(n) for n in tensor.shape[::-1]))
               for tensor in reader.tensors}
    return reader, tensors


def main():
    if len(sys.argv) < 2 or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    reader, exact = read(sys.argv[1])
    print(f"{sys.argv[1]}: {reader.get_field('general.architecture').contents()}, {len(exact)} tensors, {len(reader.fields)} fields")
    for path in sys.argv[2:]:
        _, other = read(path)
        if {n: t.shape for n, t in other.items()} != {n: t.shape for n, t in exact.items()}:
            sys.exit(f"check_gguf.py: {path}: expected the tensors of {sys.argv[1]}, found others")
        worst = max((float(abs(other[name] - exact[name]).max() / max(float(abs(exact[name]).max()), 1e-30)), name) for name in exact)
        print(f"{path}: largest difference {worst[0]:.2e} ({worst[1]})")
        if worst[0] > LARGEST:
            sys.exit(f"check_gguf.py: {path}: {worst[1]}: expected differences of at most {LARGEST:.1e}")


if __name__ == "__main__":
    main()
