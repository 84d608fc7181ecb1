# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""Cases about commands: their limits, options, outputs and scripts."""

import json
import os
import re
import shutil
import subprocess
import time

from .bench import GIB, ROOT, case, every, good, named, tokens


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
    return every(*checks, (outcome.brief(), outcome.status == 0 and "1 d after programming" in found.get("run", "")))


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
