# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""Cases about files of checkpoints, tokenizers and what they mean."""

import json
import os
import shutil
import subprocess
import sys

from .bench import ROOT, case, every, good, named, prompt_tokens, same, tokens


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
