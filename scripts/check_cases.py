#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""Runs a folder of small inputs that once failed through a `crossweave` binary and prints a table.

  scripts/check_cases.py FOLDER BINARY [--only 2,23] [--keep]

FOLDER holds case files as FOLDER/README.md lists them (overlays over FOLDER/base). Every command runs with limits of time
and memory; the exit status is 0 when all cases are right. The same promises are tests of the project with inputs that the
tests make; this script repeats them on the original files. Python 3.11, nothing else.
"""

import argparse
import dataclasses
import json
import os
import pathlib
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
GIB = 1 << 30


@dataclasses.dataclass
class Outcome:
    status: int  # negative: the signal; None: it ran out of time
    out: bytes
    err: bytes
    seconds: float
    peak_bytes: int

    @property
    def text(self):
        return (self.out + self.err).decode("utf-8", "replace")

    def brief(self):
        lines = [line for line in self.text.splitlines() if line.strip()]
        last = lines[-1] if lines else ""
        return f"exit {self.status}: {ascii(last)[1:-1][:110]}"


class Bench:
    """A scratch folder, the case files and the binary."""

    def __init__(self, cases, binary, scratch):
        self.cases, self.binary, self.scratch = cases, binary, scratch
        self.count = 0

    def folder(self):
        self.count += 1
        made = self.scratch / f"{self.count}"
        made.mkdir()
        return made

    def overlay(self, name, base="base"):
        """A copy of a base checkpoint with a case's files over it."""
        made = self.folder() / name
        shutil.copytree(self.cases / base, made)
        for file in (self.cases / name).iterdir():
            shutil.copy(file, made / file.name)
        self.writable(made)
        return made

    def copy(self, name, to=None):
        made = self.folder() / (to or name)
        source = self.cases / name
        shutil.copytree(source, made) if source.is_dir() else shutil.copy(source, made)
        self.writable(made)
        return made

    @staticmethod
    def writable(path):
        for entry in [path, *path.rglob("*")]:
            entry.chmod(0o755 if entry.is_dir() else 0o644)

    def run(self, *arguments, seconds=60, memory=None, interrupt=None, cwd=None, env=None, program=None, stdin=None):
        """Runs the binary. memory: its address space; interrupt: seconds until Ctrl-C."""

        def limit():
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            if memory:
                resource.setrlimit(resource.RLIMIT_AS, (memory, memory))

        command = [program or self.binary, *arguments]
        began = time.monotonic()
        child = subprocess.Popen(command, stdin=stdin if stdin is not None else subprocess.DEVNULL, stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, cwd=cwd, env={**os.environ, **(env or {})}, preexec_fn=limit)
        status = None
        try:
            if interrupt:
                try:
                    out, err = child.communicate(timeout=interrupt)
                except subprocess.TimeoutExpired:
                    child.send_signal(signal.SIGINT)
                    out, err = child.communicate(timeout=seconds)
            else:
                out, err = child.communicate(timeout=seconds)
            status = child.returncode
        except subprocess.TimeoutExpired:
            child.kill()
            out, err = child.communicate()
        return Outcome(status, out, err, time.monotonic() - began, 0)

    def json(self, *arguments, **limits):
        outcome = self.run(*arguments, **limits)
        try:
            return json.loads(outcome.out), outcome
        except ValueError:
            return {}, outcome


CASES = []


def case(number, what, expected):
    def add(function):
        CASES.append((number, what, expected, function))
        return function

    return add


def same(found, wanted):
    return str(found), found == wanted


def every(*checks):
    """Of (found, ok) pairs: all must hold; shows the first that does not, else the last."""
    for found, ok in checks:
        if not ok:
            return found, False
    return checks[-1]


def named(outcome, status, *words):
    """A named error: this exit status and these words in the message."""
    statuses = status if isinstance(status, tuple) else (status,)
    return outcome.brief(), outcome.status in statuses and all(word in outcome.text for word in words)


def tokens(bench, model, *arguments):
    found, outcome = bench.json("run", model, *arguments, "--json")
    return found.get("tokens", outcome.brief())


def prompt_tokens(bench, model):
    found, outcome = bench.json("run", model, "-c", "hi", "-n", "1", "--json")
    return found.get("prefill_tokens", outcome.brief())


def good(outcome):
    return outcome.brief(), outcome.status == 0


@case(1, "paths with a space, a newline, bytes that are not UTF-8", "works; escaped in manifests and JSON")
def paths(bench):
    checks = []
    for name in [b"a b", b"a\nb", b"caf\xe9", "gr\u00fc\u00df".encode(), b'quo"te\'s']:
        folder = bench.folder()
        model = os.path.join(os.fsencode(folder), name + b".gguf")
        shutil.copy(bench.cases / "pad_ffffffff.gguf", model)
        os.chmod(model, 0o644)
        program, report = model[:-5] + b".xwp", model[:-5] + b".json"
        checks.append(good(bench.run("run", model, "-n", "1", "-p", "hi")))
        checks.append(good(bench.run("compile", model, "--chip", "tiny-64", "-o", program, b"--json=" + report)))
        found, outcome = bench.json("inspect", program, "--json")
        checks.append((outcome.brief(), outcome.status == 0 and "model" in found))
        checks.append(good(bench.run("run", program, "-n", "1", "-p", "hi", b"--json=" + report)))
        text = model[:-5] + b".txt"
        shutil.copy(bench.cases / "oracle_text.txt", text)
        checks.append(good(bench.run("eval", program, "--text", text, "--context", "16", "--tokens", "20", b"--json=" + report[:-5] + b"2.json")))
        checks.append(good(bench.run("simulate", program, b"--csv", report + b".csv", b"--trace=" + report + b".trace")))
    return every(*checks)


@case(2, "an output that is an input", "refused before anything is read")
def outputs(bench):
    model = bench.copy("pad_ffffffff.gguf", "m.gguf")
    folder = bench.copy("base")
    program = bench.copy("tiny.xwp")
    text = model.parent / "t.txt"
    shutil.copy(bench.cases / "oracle_text.txt", text)
    text.chmod(0o644)
    link, hard = model.parent / "link.xwp", model.parent / "hard.xwp"
    link.symlink_to(model)
    hard.hardlink_to(model)
    inputs = [model, folder / "model.safetensors", folder / "config.json", program, text]
    before = [file.read_bytes() for file in inputs]
    chip = ["--chip", "tiny-64"]
    checks = []
    for arguments in [
            ["compile", model, *chip, "-o", model], ["compile", model, *chip, "-o", link], ["compile", model, *chip, "-o", hard],
            ["compile", folder, *chip, "-o", folder / "model.safetensors"],
            ["compile", folder, *chip, "-o", model.parent / "n.xwp", f"--json={folder / 'config.json'}"],
            ["run", program, "-p", "a", "-n", "1", f"--json={program}"],
            ["run", model, "-p", "a", "-n", "1", f"--json={model}"],
            ["simulate", program, "--trace", program], ["simulate", program, "--csv", program],
            ["simulate", program, "--csv", model.parent / "x", "--trace", model.parent / "x"],
            ["inspect", program, f"--json={program}"], ["report", program, "--static", f"--json={program}"],
            ["eval", program, "--text", text, "--context", "16", f"--json={text}"],
            ["run", program, "-p", "a", "-n", "1", "--device", f"verilated:save={program}"],
            ["run", program, "-p", "a", "-n", "1", "--device", f"verilated:trace={program}"],
    ]:
        checks.append(named(bench.run(*arguments), 2, "nothing was read or written"))
    unchanged = before == [file.read_bytes() for file in inputs]
    return every(*checks, ("inputs unchanged" if unchanged else "an input changed", unchanged))


@case(3, "stop tokens of generation_config.json and config.json", "ends at 141")
def stop_tokens(bench):
    def ends(model):  # greedy tokens are 128, 141, 79, ...; the one that stops is not part of the answer
        found, outcome = bench.json("run", model, "-n", "6", "-p", "hello world", "--json")
        brief = f"{found['tokens']}, {found['stop']}" if found else outcome.brief()
        return brief, brief == "[128], stop_token"

    checks = [ends(bench.overlay("stop_tokens_generation_config"))]
    other = bench.copy("base")
    for value in [141, [7, 141]]:
        config = json.loads((other / "config.json").read_text())
        config["eos_token_id"] = value
        (other / "config.json").write_text(json.dumps(config))
        checks.append(ends(other))
    return every(*checks)


@case(4, "rope_parameters of transformers 5", "38, 151, 157, 138")
def rope_parameters(bench):
    return same(tokens(bench, bench.copy("rotary_in_rope_parameters"), "-p", "hello world", "-n", "4"), [38, 151, 157, 138])


@case(5, "split GGUF with a part missing", "says which part is missing")
def split_gguf(bench):
    return named(bench.run("run", bench.copy("split_gguf-00001-of-00002.gguf"), "-p", "hi", "-n", "1"), 3, "00002-of-00002")


@case(6, "a GGUF without extension beside another tokenizer", "content decides")
def blob(bench):
    plain = tokens(bench, bench.copy("pad_ffffffff.gguf"), "-n", "4", "-p", "hi")
    model = bench.copy("pad_ffffffff.gguf", "sha256-abc")
    shutil.copy(bench.cases / "tokenizer_id_holes" / "tokenizer.json", model.parent / "tokenizer.json")
    upper = bench.copy("pad_ffffffff.gguf", "M.GGUF")
    found = [tokens(bench, path, "-n", "4", "-p", "hi") for path in (model, upper)]
    return str(found), isinstance(plain, list) and found == [plain, plain]


@case(7, "ids without a token", "the run goes on")
def padded_vocabulary(bench):
    return good(bench.run("run", bench.overlay("padded_vocabulary"), "-n", "40", "-t", "2", "--seed", "2", "-p", "hello world"))


@case(8, "special ids out of range", "a warning")
def special_ids(bench):
    first = bench.run("run", bench.copy("pad_ffffffff.gguf"), "-n", "1", "-p", "hi")
    second = bench.run("run", bench.overlay("tokenizer_larger_than_model"), "-n", "1", "-p", "hi")
    return every(good(first), good(second))


@case(9, "chat_template.jinja wins", "21 prompt tokens")
def two_sources(bench):
    return same(prompt_tokens(bench, bench.overlay("template_two_sources")), 21)


@case(10, "template with CRLF", "10 prompt tokens")
def crlf(bench):
    return same(prompt_tokens(bench, bench.overlay("template_crlf")), 10)


@case(11, "template with {% generation %}", "rendered")
def generation_tag(bench):
    model = bench.overlay("template_generation_tag")
    return good(bench.run("run", model, "-c", "hi", "-n", "1", "--json"))


@case(12, "rope factors and linear scaling", "both apply")
def factors(bench):
    both = tokens(bench, bench.copy("ropefreqs_linear.gguf"), "-p", "hello world, hello", "-n", "8", "--ignore-eos")
    linear = tokens(bench, bench.copy("ropelinear.gguf"), "-p", "hello world, hello", "-n", "8", "--ignore-eos")
    return f"{both} {linear}", isinstance(both, list) and both == linear


@case(13, "simulate without generated tokens; beyond the context", "no figure per token; refused")
def numbers_of_simulate(bench):
    none = bench.run("simulate", bench.cases / "tiny.xwp", "--tokens", "0", "--prompt-tokens", "4")
    ok = none.status == 0 and "per generated token" not in none.text and "generated\n" in none.text
    return every((none.brief(), ok), named(bench.run("simulate", bench.cases / "tiny.xwp", "--position", "1000000"), 2, "context"))


def huge_logits(bench):
    """A checkpoint whose logits overflow exp: its last norm, times 1e30."""
    model = bench.copy("base")
    file = model / "model.safetensors"
    data = bytearray(file.read_bytes())
    length = int.from_bytes(data[:8], "little")
    entry = json.loads(data[8:8 + length])["model.norm.weight"]
    import struct
    begin, end = (8 + length + offset for offset in entry["data_offsets"])
    if entry["dtype"] != "F32":
        value = {"F16": b"\xff\x7b", "BF16": struct.pack("<f", 1e30)[2:]}[entry["dtype"]]
        data[begin:end] = value * ((end - begin) // 2)
    else:
        data[begin:end] = struct.pack("<f", 1e30) * ((end - begin) // 4)
    file.write_bytes(data)
    return model


@case(14, "perplexity that overflows", "a number or a named error")
def overflow(bench):
    found, outcome = bench.json("eval", huge_logits(bench), "--text", bench.cases / "oracle_text.txt", "--context", "16", "--tokens", "64",
                                "--json")
    shown = outcome.text
    ok = "inf" not in shown.replace("information", "") and "nan" not in shown and "null" not in shown
    return outcome.brief(), ok and (outcome.status == 3 or (outcome.status == 0 and isinstance(found, dict)))


@case(15, "-c ''; TMPDIR; permission; long name; Git-LFS pointer", "empty message; exit 3 with the path")
def errors(bench):
    template = bench.overlay("template_two_sources")
    pointer = bench.folder() / "model.gguf"
    pointer.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:" + "0" * 64 + "\nsize 1234\n")
    reader = subprocess.Popen(["sleep", "60"], stdout=subprocess.PIPE)
    empty = bench.run("run", template, "-c", "", "-n", "1", "--json", seconds=20, stdin=reader.stdout)
    reader.kill()
    checks = [good(empty),
              named(bench.run("run", bench.copy("base"), "--mode", "analog", "--chip", "tiny-64", "-p", "a", "-n", "1",
                              env={"TMPDIR": "/nonexistent"}), 3, "/nonexistent"),
              named(bench.run("run", "/" + "n" * 300, "-p", "a"), 3, "nnn", "too long"),
              named(bench.run("run", pointer, "-p", "a"), 3, "LFS pointer")]
    secret = bench.copy("base")
    if os.geteuid() != 0:
        (secret / "model.safetensors").chmod(0)
        checks.append(named(bench.run("run", secret, "-p", "a"), 3, "Permission denied"))
    elif shutil.which("setpriv"):
        for folder in [bench.scratch, secret.parent]:
            folder.chmod(0o755)
        (secret / "model.safetensors").chmod(0)
        checks.append(named(bench.run("--reuid=65534", "--clear-groups", bench.binary, "run", secret, "-p", "a", program="setpriv"), 3,
                            "Permission denied", "model.safetensors"))
    return every(*checks)


LONGROPE = [294, 62, 292, 343, 232, 224, 237, 162, 74, 62, 133, 25, 127, 4, 277, 83]


@case(16, "longrope: short factors for short sequences", "294 62 292 ... 83")
def longrope(bench):
    model = bench.copy("longrope_short_prompt")
    prompt = (bench.cases / "oracle_text.txt").read_bytes()[:60]
    found, outcome = bench.json("run", model, "--mode", "fp32", "-p", prompt, "-n", "16", "--ignore-eos", "--json=-")
    return same(found.get("tokens", outcome.brief()), LONGROPE)


@case(17, "learnable weight clip of a lightning checkpoint", "8.087 nats")
def weight_clip(bench):
    program = bench.folder() / "clip.xwp"
    made = bench.run("compile", bench.cases / "learnable_weight_clip" / "lclip0.5", "--chip", "afm-512", "--lm-head", "analog", "-o", program,
                     seconds=200)
    if made.status != 0:
        return made.brief(), False
    found, outcome = bench.json("eval", program, "--noise", "ideal", "--text", bench.cases / "oracle_text.txt", "--context", "128", "--json",
                                seconds=200)
    nats = found.get("runs", [{}])[0].get("perplexity", {}).get("mean_nll_nats")
    return f"{nats or outcome.brief()}", nats is not None and abs(nats - 8.087) < 0.05


def converted(bench):
    """The lightning state dict after conversion, or None and why."""
    out = bench.folder() / "out"
    done = bench.run(ROOT / "scripts" / "convert_lightning.py", bench.cases / "lightning_state_dict", out, program=sys.executable, seconds=200)
    return (out if done.status == 0 else None), done


@case(18, "rpu_config of a lightning checkpoint", "read: lambda 14 from it, or refused by name")
def rpu_config(bench):
    model, done = converted(bench)
    if model is None:
        return done.brief(), False
    # The case's own bound is the chip's, 12: another one tells which of them was read.
    config = json.loads((model / "rpu_config.json").read_text())
    config["fields"]["forward"]["fields"]["out_bound"] = 14.0
    (model / "rpu_config.json").write_text(json.dumps(config))
    program = bench.folder() / "p.xwp"
    made = bench.run("compile", model, "--chip", "afm-512", "-o", program, seconds=200)
    if made.status != 0:
        return made.brief(), made.status in (2, 3) and "rpu_config" in made.text
    found, outcome = bench.json("inspect", program, "--json")
    lambdas = sorted({round(matrix["lambda"], 3) for matrix in found.get("matrices", [])})
    return f"lambda {lambdas or outcome.brief()}", bool(lambdas) and all(abs(value - 14) < 0.01 for value in lambdas)


@case(19, "torch.save(model.state_dict())", "converts")
def state_dict(bench):
    model, done = converted(bench)
    if model is None:
        return done.brief(), False
    return good(bench.run("run", model, "-p", "hello", "-n", "2"))


@case(20, "holes in the ids of a tokenizer", "loads")
def id_holes(bench):
    found, outcome = bench.json("run", bench.overlay("tokenizer_id_holes"), "-p", "a<", "-n", "1", "--json")
    return outcome.brief() if not found else f"tokens {found['tokens']}", outcome.status == 0


@case(21, "a file that shrinks while it is mapped", "a named error, no temporary file")
def shrinks(bench):
    checks = []
    for delay in (0.05, 0.15, 0.3):
        model = bench.copy("pad_ffffffff.gguf", "m.gguf")
        with open(model, "ab") as file:
            file.truncate(file.tell())
        program = model.parent / "p.xwp"
        child = subprocess.Popen([bench.binary, "compile", model, "--chip", "tiny-64", "-o", program], stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE)
        time.sleep(delay)
        os.truncate(model, 5000)
        out, err = child.communicate(timeout=120)
        left = [name for name in os.listdir(model.parent) if name.endswith(".tmp")]
        ok = child.returncode >= 0 and not left and (child.returncode == 0 or b"m.gguf" in err)
        checks.append((f"compile, cut after {delay} s: exit {child.returncode} {err[-80:]!r} {left}", ok))
    program = bench.copy("tiny.xwp")
    child = subprocess.Popen([bench.binary, "eval", program, "--text", bench.cases / "oracle_text.txt", "--context", "16", "--chip-seeds",
                              "4000"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    time.sleep(1)
    os.truncate(program, 5000)
    try:
        err = child.communicate(timeout=60)[1]
    except subprocess.TimeoutExpired:
        child.kill()
        err = child.communicate()[1]
    checks.append((f"eval: exit {child.returncode} {err[-100:]!r}", child.returncode == 3 and b"tiny.xwp" in err))
    return every(*checks)


@case(22, "long evaluations: Ctrl-C, a folder that is missing, large seeds", "kept and resumed; told before; refused")
def long_evaluation(bench):
    result = bench.folder() / "r.json"
    common = ["eval", bench.cases / "tiny.xwp", "--text", bench.cases / "oracle_text.txt", "--context", "16", "--tokens", "64"]
    stopped = bench.run(*common, "--chip-seeds", "5000", f"--json={result}", interrupt=4, seconds=20)
    kept = len(json.loads(result.read_text())["runs"]) if result.exists() else 0
    if stopped.status != 130 or not 0 < kept < 5000:
        return f"exit {stopped.status}, {kept} seeds kept", False
    again = bench.run(*common, "--chip-seeds", str(kept + 2), f"--json={result}")
    whole = json.loads(result.read_text())
    resumed = again.status == 0 and len(whole["runs"]) == kept + 2 and f"{kept} of {kept + 2} seeds" in again.text
    other = bench.run(*common[:-1], "32", "--chip-seeds", str(kept + 2), f"--json={result}")
    missing = bench.run(*common, "--chip-seeds", "5000", "--json=/nonexistent/r.json", seconds=10)
    large = bench.run(*common, "--chip-seed", "4294967295", "--chip-seeds", "2")
    beyond = bench.run(*common, "--chip-seed", "4294967296")
    return every(named(other, 2, "tokens was 64 and is 32"), named(missing, 3, "/nonexistent/r.json"), named(large, 2, "--chip-seeds"),
                 named(beyond, 2, "--chip-seed"), (f"{kept} kept, resumed to {kept + 2}" if resumed else again.brief(), resumed))


@case(23, "outputs stored twice, others never", "refused by run and simulate")
def overlap(bench):
    program = bench.cases / "overlap_all.xwp"
    checks = [named(bench.run("run", program, "-p", "hello world", "-n", "8", "--ignore-eos", "--threads", "1"), 3, "output")
              for _ in range(6)]
    for command in ("simulate", "report"):
        checks.append(named(bench.run(command, program), 3, "output"))
    return every(*checks)


@case(24, "templates that explode", "limits hold before a value is made; Ctrl-C ends rendering")
def bombs(bench):
    checks = []
    for name in ["template_bomb_join", "template_bomb_list_doubling", "template_slow_stripq"]:
        model = bench.overlay(name, "base_reliability")
        outcome = bench.run("run", model, "--chat", "hi", "-n", "1", seconds=30, memory=GIB)
        # A list of a list of a list that nobody prints costs nothing: its template renders to an empty prompt.
        checks.append(named(outcome, (2, 3), "prompt is empty" if name == "template_bomb_list_doubling" else "chat template"))
        stopped = bench.run("run", model, "--chat", "hi", "-n", "1", interrupt=0.7, seconds=5, memory=GIB)
        checks.append((f"{name}: {stopped.brief()}", stopped.status in (2, 3, 130)))
    return every(*checks)


@case(25, "threads that cannot be started", "a named error, or fewer with a warning")
def threads(bench):
    outcome = bench.run("run", bench.cases / "tiny.xwp", "-p", "a", "-n", "1", "--threads", "1024", memory=GIB)
    return named(outcome, (0, 4), "threads")


def quiet_terminal(outcome):
    raw = outcome.out + outcome.err
    bad = re.search(rb"[\x00-\x08\x0b-\x1f\x7f]", raw)
    return (f"raw byte {bad.group()!r}" if bad else outcome.brief()), bad is None


@case(26, "escape sequences from files", "printed escaped")
def escapes(bench):
    escaped = bench.cases / "esc.xwp"
    outcomes = [bench.run("run", bench.cases / "shard_name_escape_sequence", "-p", "a", "-n", "1"),
                bench.run("run", bench.overlay("regex_escape_sequence", "base_reliability"), "-p", "a", "-n", "1")]
    outcomes += [bench.run("inspect", escaped, *options) for options in ([], ["--all"], ["--code"], ["--graph"], ["--json"])]
    outcomes += [bench.run("report", escaped, "--static"), bench.run("report", escaped, "--static", "--json")]
    model = bench.copy("base")
    (model / "chat_template.jinja").write_text("{{ raise_exception('\x1b]0;title\x07\u009b31m') }}")
    outcomes.append(bench.run("run", model, "-c", "a", "-n", "1"))
    return every(*(quiet_terminal(outcome) for outcome in outcomes))


@case(27, "captures: 8 GiB of Y, a run that hangs", "bounded; the watchdog ends it, Ctrl-C works")
def captures(bench):
    large = bench.run("replay", bench.cases / "y_segment_8GiB.xwrun", memory=2 * GIB)
    checks = [named(large, (3, 4), "y_segment_8GiB.xwrun", "--memory-limit")]
    hang = ["replay", bench.cases / "hang.xwrun", "--device", "verilated"]
    outcome = bench.run(*hang, seconds=90)
    if outcome.status == 3 and "no RTL" in outcome.text or "without" in outcome.text and outcome.status == 3:
        return every(*checks, (f"bounded; this build has no Verilated device: {outcome.brief()}", True))
    stopped = bench.run(*hang, interrupt=1, seconds=5)
    return every(*checks, named(outcome, 5), (f"Ctrl-C: {stopped.brief()}", stopped.status in (5, 130)))


@case(28, "old temporary files; simulate --json=F; FIFO as an input; BOS twice", "removed; accepted; refused or read; a warning")
def leftovers(bench):
    folder = bench.folder()
    child = subprocess.Popen(["true"])
    child.wait()
    stale = folder / f".o.xwp.{child.pid}-0.tmp"
    stale.write_bytes(b"x")
    model = bench.copy("base")
    checks = [good(bench.run("compile", model, "--chip", "tiny-64", "-o", folder / "o.xwp"))]
    checks.append(("old file removed" if not stale.exists() else "old file is still there", not stale.exists()))
    checks.append(good(bench.run("simulate", bench.cases / "tiny.xwp", f"--json={folder / 's.json'}")))
    checks.append(("JSON written", (folder / "s.json").exists()))
    pipe = folder / "pipe"
    os.mkfifo(pipe)
    for arguments in [["run", pipe, "-p", "a", "-n", "1"], ["run", bench.cases / "tiny.xwp", "-p", "a", "-n", "1", "--chip", pipe],
                      ["eval", bench.cases / "tiny.xwp", "--text", pipe], ["compare", pipe, pipe], ["replay", pipe], ["inspect", pipe]]:
        outcome = bench.run(*arguments, seconds=10)
        checks.append((outcome.brief(), outcome.status in (2, 3)))
    gguf = bench.cases / "pad_ffffffff.gguf"
    plain = bench.run("run", gguf, "-n", "1", "-p", "hi")
    twice = bench.run("run", gguf, "-n", "1", "-p", "<s>hi")
    checks.append((f"BOS twice: {twice.brief()}", twice.status == 0 and plain.status == 0 and b"warning" in twice.err.lower()))
    return every(*checks)


@case(29, "--json with an optional value", "a positional is never swallowed, nothing destroyed")
def json_option(bench):
    folder = bench.folder()
    program = folder / "t3.xwp"
    shutil.copy(bench.cases / "tiny.xwp", program)
    program.chmod(0o644)
    before = program.read_bytes()
    a, b = folder / "a2.json", folder / "b.json"
    for report in (a, b):
        if bench.run("report", program, "--static", f"--json={report}").status != 0:
            return "report failed", False
    text = a.read_text()
    compared, outcome = bench.json("compare", "--json", a, b)
    checks = [(outcome.brief(), outcome.status == 0 and bool(compared) and a.read_text() == text)]
    checks.append(named(bench.run("compare", "--json", a, b, a), 2))
    checks.append(named(bench.run("inspect", "--json", program, bench.cases / "tiny.xwp"), 2))
    checks.append(good(bench.run("simulate", program, f"--json={folder / 's.json'}")))
    checks.append(named(bench.run("inspect", bench.cases / "tiny.xwp", f"--json={program}"), 2))
    same_as_before = program.read_bytes() == before and a.read_text() == text
    return every(*checks, ("nothing destroyed" if same_as_before else "a file was destroyed", same_as_before))


@case(30, "negative counts; units", "refused by name; --time 1d")
def numbers(bench):
    checks = [named(bench.run("simulate", bench.cases / "tiny.xwp", option, "-1"), 2, f"{option}: expected", "-1")
              for option in ("--position", "--sequences", "--sweep", "--tokens")]
    found, outcome = bench.json("run", bench.cases / "tiny.xwp", "-p", "a", "-n", "1", "--noise", "pcm-aihwkit", "--time", "1d", "--json")
    return every(*checks, (outcome.brief(), outcome.status == 0 and "86400" in found.get("run", "")))


@case(31, "what is printed", "bound-by true, whole wait, scaled units, worded constants, one exit code")
def printed(bench):
    report = bench.run("report", bench.cases / "tiny.xwp", "--static").text
    checks = [(next((line for line in report.splitlines() if "prefill, 64" in line), "no line"), "bound by digital units" not in report)]
    began = time.monotonic()
    done = bench.run("compile", bench.copy("base"), "--chip", "tiny-64", "-o", bench.folder() / "p.xwp")
    wait = time.monotonic() - began
    shown = re.search(r"in ([0-9.]+) s", done.text)
    checks.append((f"{shown.group(0) if shown else done.brief()} of {wait:.2f} s", bool(shown) and float(shown.group(1)) > 0.5 * wait - 0.2))
    simulated = bench.run("simulate", bench.cases / "tiny.xwp", "--sequences", "1000").text
    checks.append((simulated.splitlines()[1] if simulated else "nothing", re.search(r"\d{4,}\.\d+ us", simulated) is None))
    chip = (ROOT / "arch" / "chips" / "tiny-64.toml").read_text()
    missing = bench.folder() / "missing.toml"
    missing.write_text(re.sub(r"(?m)^dac +=.*$", "", chip))
    range_error = bench.folder() / "range.toml"
    range_error.write_text(re.sub(r"(?m)^rows = \d+", "rows = 0", chip, count=1))
    type_error = bench.folder() / "type.toml"
    type_error.write_text(re.sub(r"(?m)^rows = \d+", "rows = true", chip, count=1))
    for file, words in [(missing, ("chip.timing.dac", "constant")), (range_error, ("rows",)), (type_error, ("rows",))]:
        checks.append(named(bench.run("compile", bench.cases / "base", "--chip", file, "-o", bench.folder() / "x.xwp"), 3, *words))
    return every(*checks)


@case(32, "set-up without sudo or pip", "one message that says what is missing")
def set_up(bench):
    tools = bench.folder()
    for name in ["bash", "sh", "env", "dirname", "basename", "cat", "mkdir", "mktemp", "rm", "stat", "realpath", "sha256sum", "cut", "id", "grep",
                 "sed", "uname", "ls", "cp", "mv"]:
        if found := shutil.which(name):
            (tools / name).symlink_to(found)
    outcome = bench.run(ROOT / "scripts" / "fetch_model.sh", "smollm2-135m", program=tools / "bash",
                        env={"PATH": str(tools), "XW_CACHE": str(bench.folder())})
    messages = [line for line in outcome.err.decode().splitlines() if line.strip()]
    ok = outcome.status not in (0, None) and "command not found" not in outcome.text and "python3" in outcome.text and len(messages) <= 3
    return outcome.brief(), ok


@case(33, "add_subdirectory from another project", "targets carry cxx_std_20")
def subdirectory(bench):
    outer = bench.folder()
    (outer / "CMakeLists.txt").write_text("cmake_minimum_required(VERSION 3.25)\nproject(outer C CXX)\nset(CMAKE_CXX_STANDARD 11)\n"
                                          f"add_subdirectory({ROOT} crossweave)\nadd_executable(use use.cpp)\n"
                                          "target_link_libraries(use PRIVATE xw::support)\n")
    (outer / "use.cpp").write_text('#include "arch/support/file.hpp"\n#include <span>\nint main() { return sizeof(std::span<int>) == 0; }\n')
    made = bench.run("-S", outer, "-B", outer / "build", "-G", "Ninja", "-DXW_WITH_VERILATOR=OFF", program="cmake", seconds=200)
    if made.status != 0:
        return made.brief(), False
    return good(bench.run("--build", outer / "build", "--target", "use", "--parallel", "1", program="cmake", seconds=580))


@case(34, "what the docs suggest", "runs; README and demo say where the command is")
def docs(bench):
    devices = (ROOT / "docs" / "devices.md").read_text()
    wrong = [line for line in devices.splitlines() if "tiny-64" in line and "SmolLM2" in line and "--digital" not in line]
    readme = "host/app" in (ROOT / "README.md").read_text()
    demo = "host/app" in (ROOT / "scripts" / "demo.sh").read_text()
    found = f"tiny-64 suggested: {bool(wrong)}, README: {readme}, demo: {demo}"
    return found, not wrong and readme and demo


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("binary", type=pathlib.Path)
    parser.add_argument("--only", help="numbers of cases, with commas")
    parser.add_argument("--keep", action="store_true", help="keep the scratch folder")
    arguments = parser.parse_args()
    wanted = {int(number) for number in arguments.only.split(",")} if arguments.only else None
    scratch = pathlib.Path(tempfile.mkdtemp(prefix="xw-cases-"))
    bench = Bench(arguments.folder.resolve(), arguments.binary.resolve(), scratch)
    missed = []
    print(f"| n | what | expected | found | ok |\n|---|---|---|---|---|")
    for number, what, expected, function in CASES:
        if wanted and number not in wanted:
            continue
        try:
            found, ok = function(bench)
        except Exception as error:  # pylint: disable=broad-except; a case that cannot be run is a miss, not the end
            found, ok = f"{type(error).__name__}: {error}", False
        if not ok:
            missed.append(number)
        cells = [str(number), what, expected, " ".join(ascii(found)[1:-1].split()).replace("|", "/"), "yes" if ok else "NO"]
        print("| " + " | ".join(cells) + " |", flush=True)
    if arguments.keep:
        print(f"scratch folder: {scratch}", file=sys.stderr)
    else:
        shutil.rmtree(scratch, ignore_errors=True)
    print(f"\n{len(missed)} missed" + (f": {', '.join(map(str, missed))}" if missed else ""))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
