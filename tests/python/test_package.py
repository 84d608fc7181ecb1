# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""The Python package against the command: the same programs, texts, figures and messages."""

import ast
import gc
import importlib.util
import pathlib
import re
import unittest

import crossweave
import numpy
from crossweave import _core
from support import CHOICES, FOLDER, MODEL, QUESTIONS, ROOT, TEXT, command, said, task_file, without

MEASURED = ("about", "tool_version", "seconds", "prefill_seconds", "decode_seconds", "seconds_measured", "host_ms", "command_line", "build", "build_id", "tool_build")


def setUpModule():
    command("compile", MODEL, "-o", FOLDER / "model.xwp")


def chip(**options):
    return crossweave.Chip(FOLDER / "model.xwp", **{"seed": 7, "noise": "pcm-afm", "threads": 1, **options})


class Programs(unittest.TestCase):
    def test_a_compiled_program_has_the_bytes_of_the_commands(self):
        program = crossweave.compile(MODEL)
        self.assertEqual(program.path.read_bytes(), (FOLDER / "model.xwp").read_bytes())
        options = ("--weights", "w8", "--lm-head", "digital", "--digital", "*.o_proj", "--digital", "*.q_proj")
        command("compile", MODEL, "-o", FOLDER / "other.xwp", *options)
        other = crossweave.compile(MODEL, weights="w8", lm_head=False, digital=["*.o_proj", "*.q_proj"], output=FOLDER / "mine.xwp")
        self.assertEqual(other.path, FOLDER / "mine.xwp")
        self.assertEqual(other.path.read_bytes(), (FOLDER / "other.xwp").read_bytes())

    def test_adaptation_in_one_call_is_that_of_the_command(self):
        program = crossweave.compile(MODEL, adapt="fold")
        command("compile", MODEL, "--adapt", "fold", "-o", FOLDER / "fold.xwp")
        self.assertEqual(program.path.read_bytes(), (FOLDER / "fold.xwp").read_bytes())
        self.assertNotEqual(program.path.read_bytes(), (FOLDER / "model.xwp").read_bytes())

    def test_an_adapted_checkpoint_has_the_bytes_of_the_commands(self):
        mine = crossweave.adapt(MODEL, FOLDER / "mine.safetensors", level="centre", tokens=600)
        document = said("adapt", MODEL, "-o", FOLDER / "other.safetensors", "--level", "centre", "--calibration-tokens", "600")
        self.assertEqual((FOLDER / "mine.safetensors").read_bytes(), (FOLDER / "other.safetensors").read_bytes())
        self.assertEqual(without(mine.json, "output", *MEASURED), without(document, "output", *MEASURED))

    def test_a_temporary_program_goes_with_its_last_user_and_a_saved_one_stays(self):
        program = crossweave.compile(MODEL)
        path = program.path
        user = crossweave.Chip(program, threads=1)
        saved = program.save(FOLDER / "saved.xwp")
        del program
        gc.collect()
        self.assertTrue(path.exists())
        del user
        gc.collect()
        self.assertFalse(path.exists())
        self.assertEqual(saved.info.tiles, crossweave.Program.load(FOLDER / "saved.xwp").info.tiles)

    def test_what_is_said_of_a_program_is_what_the_command_says(self):
        program = crossweave.Program.load(FOLDER / "model.xwp")
        self.assertEqual(program.info.json, without(said("inspect", FOLDER / "model.xwp"), "about"))
        self.assertEqual(without(program.report(context=100).json, *MEASURED),
                         without(said("report", FOLDER / "model.xwp", "--static", "--context", "100"), *MEASURED))
        plan = crossweave.plan(MODEL, "hermes-256", batch=8, objective="energy")
        self.assertEqual(plan.json, without(said("plan", MODEL, "--chip", "hermes-256", "--batch", "8", "--objective", "energy"), "about"))
        self.assertEqual([one.what for one in plan.plans if one.best], [plan.best.what])

    def test_a_simulation_is_that_of_the_command(self):
        asked = ("simulate", FOLDER / "model.xwp", "--prompt-tokens", "3", "--tokens", "2", "--json")
        oracle = command(*asked, check=False)
        program = crossweave.Program.load(FOLDER / "model.xwp")
        if oracle.returncode != 0:  # a build without SystemC says so, as the command does
            with self.assertRaises(crossweave.InputError) as caught:
                program.simulate(prompt_tokens=3, tokens=2)
            self.assertIn(str(caught.exception), oracle.stderr)
            return
        result = program.simulate(prompt_tokens=3, tokens=2)
        self.assertEqual(without(result.json, *MEASURED), without(said(*asked[:-1]), *MEASURED))
        self.assertEqual(len(program.simulate(sweep=8).runs), 4)


class Texts(unittest.TestCase):
    def test_generated_text_and_counters_are_those_of_the_command(self):
        options = {"noise": "pcm-hermes", "time": "1d", "compensation": "column", "faults": "rows=0.01,seed=3", "spares": "columns=4",
                   "adc_mismatch": 0.01}
        words = [word for name, value in options.items() for word in (f"--{name.replace('_', '-')}", value)]
        mine = chip(**options).generate("Once upon a time", 12, temperature=0.8, seed=5)
        oracle = said("run", FOLDER / "model.xwp", "--chip-seed", "7", *words, "-p", "Once upon a time", "-n", "12", "-t", "0.8", "--seed", "5")
        self.assertEqual(without(mine.json, *MEASURED), without(oracle, *MEASURED))
        self.assertEqual((mine.text, list(mine.tokens), mine.stop), (oracle["text"], oracle["tokens"], oracle["stop"]))

    def test_a_second_text_does_not_know_of_the_first(self):
        one = chip()
        first = one.generate("Once upon a time", 6)
        one.generate("The sun", 9)
        self.assertEqual(without(one.generate("Once upon a time", 6).json, *MEASURED), without(first.json, *MEASURED))

    def test_pieces_add_up_to_the_text(self):
        pieces = []
        self.assertEqual(chip().generate("Tom", 10, on_text=pieces.append).text, "".join(pieces))

    def test_an_exception_of_the_listener_ends_the_generation(self):
        def listen(_):
            raise KeyError("enough")
        one = chip()
        with self.assertRaisesRegex(KeyError, "enough"):
            one.generate("Tom", 10, on_text=listen)
        self.assertEqual(one.generate("Tom", 4).text, chip().generate("Tom", 4).text)

    def test_a_reference_is_that_of_the_command(self):
        for mode in ("fp32", "int8", "digital-w8a8"):
            oracle = said("run", MODEL, "--mode", mode, "-p", "Tom", "-n", "8")
            self.assertEqual(crossweave.Reference(MODEL, mode).generate("Tom", 8).text, oracle["text"])

    def test_texts_become_tokens_and_back(self):
        one = chip()
        for text in ("Once upon a time", " two  spaces", "caf\u00e9"):
            tokens = one.encode(text, special=False)
            self.assertEqual((tokens.dtype, tokens.ndim), (numpy.int32, 1))
            self.assertEqual(one.decode(tokens).strip(), text.strip())


class Numbers(unittest.TestCase):
    def test_logits_have_their_shape_and_type_and_the_memory_of_the_toolchain(self):
        one = chip()
        tokens = one.encode("Once upon a time there was a girl")
        logits = one.logits(tokens)
        self.assertEqual((logits.shape, logits.dtype), ((len(tokens), one.vocab_size), numpy.float32))
        self.assertTrue(logits.flags.c_contiguous and logits.flags.writeable)
        # Memory that is not the array's own, and no array's either: the vector that was computed.
        self.assertFalse(logits.flags.owndata)
        self.assertEqual(type(logits.base).__name__, "PyCapsule")
        kept = logits.copy()
        del one
        gc.collect()
        self.assertTrue(numpy.array_equal(logits, kept))

    def test_logits_depend_on_nothing_but_the_tokens_before(self):
        one = chip(read_sigma=0.02)  # noise of every vector by its index
        tokens = numpy.resize(one.encode("Once upon a time there was a girl who had a dog."), 150)  # several pieces
        logits = one.logits(tokens)
        self.assertTrue(numpy.array_equal(one.logits(list(tokens[:70])), logits[:70]))
        self.assertTrue(numpy.array_equal(one.next_logits(tokens[:101].astype(numpy.int64)), logits[100]))
        self.assertFalse(numpy.array_equal(one.logits(tokens, vector_base=1), logits))

    def test_log_likelihoods_are_log_softmax_of_logits(self):
        one = chip()
        tokens = numpy.resize(one.encode("Once upon a time there was a girl who had a dog."), 80)
        logits = one.logits(tokens)[:-1].astype(numpy.float64)
        top = logits.max(axis=1, keepdims=True)
        normal = logits - top - numpy.log(numpy.exp(logits - top).sum(axis=1, keepdims=True))
        expected = normal[numpy.arange(len(tokens) - 1), tokens[1:]]
        found = one.log_likelihoods(tokens)
        self.assertEqual((found.shape, found.dtype, found.flags.owndata), ((len(tokens) - 1,), numpy.float64, False))
        numpy.testing.assert_allclose(found, expected, rtol=0, atol=2e-6)  # the toolchain adds exponentials in fp32
        self.assertTrue(numpy.array_equal(one.log_likelihoods(tokens, begin=70), found[69:]))

    def test_a_window_of_perplexity_is_the_sum_of_its_log_likelihoods(self):
        one = chip()
        text = TEXT.read_text(encoding="utf-8")
        tokens = one.encode(text, special=False)[:200]
        bos, _, begins = one._core_model.special_tokens()
        window = numpy.concatenate([[bos], tokens]) if begins else tokens
        oracle = said("eval", FOLDER / "model.xwp", "--noise", "pcm-afm", "--chip-seed", "7", "--text", TEXT, "--tokens", "200")
        nll = oracle["runs"][0]["perplexity"]["per_window"]["nll_nats"]
        self.assertEqual(len(nll), 1)
        self.assertAlmostEqual(-one.log_likelihoods(window).sum(), nll[0], places=9)


class Evaluations(unittest.TestCase):
    def test_figures_are_those_of_the_command(self):
        choices, questions = task_file("choices", CHOICES), task_file("questions", QUESTIONS)
        oracle = said("eval", FOLDER / "model.xwp", "--noise", "pcm-hermes", "--chip-seed", "7", "--read-sigma", "0.01", "--text", TEXT,
                      "--tokens", "150", "--context", "100", "--task", choices, "--task", questions, "--chip-seeds", "2", "--times", "0,1d")
        one = chip(noise="pcm-hermes", read_sigma=0.01)
        before = one.logits("Tom")
        mine = one.evaluate(text_file=TEXT, tokens=150, context=100, tasks=[choices, questions], chip_seeds=2, times=[0, "1d"])
        self.assertEqual(without(mine.json, *MEASURED), without(oracle, *MEASURED))
        self.assertEqual(list(mine.perplexity.values), oracle["perplexity"]["values"])
        self.assertEqual(mine.times[1].seconds, 86400)
        self.assertEqual(mine.times[1].tasks["choices"]["acc"].mean, oracle["times"][1]["tasks"]["choices"]["acc"]["mean"])
        # The command's table has the same lines.
        command("eval", FOLDER / "model.xwp", "--noise", "pcm-hermes", "--chip-seed", "7", "--read-sigma", "0.01", "--task", choices,
                "--chip-seeds", "2", "--times", "0,1d", "--csv", FOLDER / "table.csv")
        table = (FOLDER / "table.csv").read_text(encoding="utf-8").splitlines()[1:]
        rows = [row for row in mine.rows() if row["measure"] == "choices"]
        self.assertEqual(len(rows), len(table))
        for row, line in zip(rows, table, strict=True):
            seed, seconds, measure, metric, value = line.split(",")
            self.assertEqual(list(row.values()), [int(seed), float(seconds), measure, metric, float(value)])
        # Whatever chips were measured, the chip is still itself.
        self.assertTrue(numpy.array_equal(one.logits("Tom"), before))
        self.assertEqual((one.seed, one.seconds), (7, 0))

    def test_requests_have_the_log_likelihoods_of_a_task(self):
        one = chip(read_sigma=0.02)
        runs = one.evaluate(tasks={"choices": CHOICES, "questions": QUESTIONS}).json["runs"][0]["tasks"]
        scores = one.score([[(item["context"], " " + choice) for choice in item["choices"]] for item in CHOICES])
        self.assertEqual([[value for value, _ in item] for item in scores], runs["choices"]["per_item"]["log_likelihoods"])
        answers = one.answer([(item["context"], item["until"], item["max_tokens"]) for item in QUESTIONS])
        self.assertEqual([answer.strip() for answer in answers], runs["questions"]["per_item"]["answer"])

    def test_results_are_kept_and_go_on(self):
        kept = FOLDER / "kept.json"
        first = chip().evaluate(text_file=TEXT, tokens=120, json=kept)
        oracle = said("eval", FOLDER / "model.xwp", "--noise", "pcm-afm", "--chip-seed", "7", "--text", TEXT, "--tokens", "120")
        self.assertEqual(without(first.json, *MEASURED), without(oracle, *MEASURED))
        text = kept.read_text(encoding="utf-8")
        self.assertIn('"--noise=pcm-afm"', text)
        more = chip().evaluate(text_file=TEXT, tokens=120, chip_seeds=2, json=kept)
        self.assertEqual(more.perplexity.values[0], first.perplexity.values[0])
        with self.assertRaisesRegex(crossweave.InputError, "other settings|settings"):
            chip().evaluate(text_file=TEXT, tokens=121, json=kept)

    def test_an_aged_chip_is_one_that_was_opened_at_that_age(self):
        one = chip(noise="pcm-hermes")
        new = one.logits("Once upon")
        aged = one.age("30d").logits("Once upon")
        self.assertEqual(one.seconds, 30 * 86400)
        self.assertFalse(numpy.array_equal(aged, new))
        self.assertTrue(numpy.array_equal(aged, chip(noise="pcm-hermes", time="30d").logits("Once upon")))
        self.assertTrue(numpy.array_equal(one.reprogram(9).logits("Once upon"), chip(noise="pcm-hermes", time="30d", seed=9).logits("Once upon")))
        self.assertTrue(numpy.array_equal(one.reprogram(7).age(0).logits("Once upon"), new))

    def test_a_measured_report_counts_what_the_commands_counts(self):
        def counts(report):
            return without(report["run"], "time", "device_time", "programming_time", "host_time", "tokens_per_s", "threads")
        mine = chip().report(decode_tokens=3).json
        self.assertEqual(counts(mine), counts(said("report", FOLDER / "model.xwp", "--noise", "pcm-afm", "--chip-seed", "7", "--decode-tokens", "3")))


class Errors(unittest.TestCase):
    def assert_as_the_command(self, kind, error, *arguments):
        """`error()` raises `kind` with the message and status of a command."""
        oracle = command(*arguments, check=False)
        with self.assertRaises(kind) as caught:
            error()
        self.assertEqual(oracle.returncode, caught.exception.exit_status)
        shown = str(caught.exception).replace("\n", "\\n")  # the command escapes lines
        self.assertEqual(oracle.stderr, f"crossweave: {caught.exception.kind}: {shown}\n")

    def test_messages_and_kinds_are_those_of_the_command(self):
        damaged = FOLDER / "damaged.xwp"
        damaged.write_bytes((FOLDER / "model.xwp").read_bytes()[:5000])
        self.assert_as_the_command(crossweave.InputError, lambda: crossweave.Program.load(damaged), "inspect", damaged)
        self.assert_as_the_command(crossweave.InputError, lambda: crossweave.compile(FOLDER / "none.gguf"), "compile", FOLDER / "none.gguf", "-o",
                                   FOLDER / "x.xwp")
        self.assert_as_the_command(crossweave.InputError, lambda: chip(noise="loud"), "run", FOLDER / "model.xwp", "--noise", "loud", "-p", "a")
        small = FOLDER / "small.toml"
        text = (ROOT / "arch/chips/afm-512.toml").read_text(encoding="utf-8")
        small.write_text(re.sub(r"(?m)^num_tiles\s*=\s*\d+", "num_tiles = 1", text), encoding="utf-8")
        self.assert_as_the_command(crossweave.CapacityError, lambda: crossweave.compile(MODEL, small, output=FOLDER / "x.xwp"), "compile", MODEL,
                                   "--chip", small, "-o", FOLDER / "x.xwp")

    def test_options_that_mean_nothing_are_named(self):
        for refused, words in ((lambda: chip(time="soon"), "time.*soon"), (lambda: chip(recalibrate="1h"), "recalibrate: expected every:TIME"),
                               (lambda: chip(seed=-1), "chip-seed.*-1"), (lambda: chip(adc_mismatch=float("nan")), "adc_mismatch.*nan"),
                               (lambda: crossweave.compile(MODEL, chips="many"), "chips: expected auto or a number"),
                               (lambda: crossweave.compile(MODEL, row_cuts="odd"), "row-cuts.*odd"),
                               (lambda: crossweave.compile(MODEL, adapt="magic"), "magic"),
                               (lambda: chip().evaluate(), "give text"), (lambda: chip().evaluate("a b c", bos="maybe"), "bos.*maybe"),
                               (lambda: chip().logits(numpy.zeros((2, 2), numpy.int32)), "one dimension, found 2"),
                               (lambda: chip().logits([0.5]), "whole numbers"), (lambda: chip().logits([]), "at least one"),
                               (lambda: chip().logits([1 << 20]), "outside the vocabulary|vocabulary"),
                               (lambda: chip().log_likelihoods([1, 2], begin=2), "begin"), (lambda: crossweave.Reference(MODEL, "analog"), "no chip")):
            with self.subTest(words), self.assertRaisesRegex(crossweave.InputError, words):
                refused()
        with self.assertRaisesRegex(crossweave.CapacityError, "600 are beyond the model's context of 512"):
            chip().logits([1] * 600)

    def test_unknown_options_are_those_of_python(self):
        for refused in (lambda: chip(nose="x"), lambda: crossweave.compile(MODEL, noise="x"), lambda: chip(weights="w8")):
            with self.assertRaises(TypeError):
                refused()

    def test_an_output_never_replaces_an_input(self):
        for path in (MODEL, FOLDER / "model.xwp"):
            with self.assertRaises(crossweave.InputError):
                chip().evaluate("a b c", json=path)
        with self.assertRaises(crossweave.InputError):
            crossweave.compile(MODEL, output=MODEL)


class Package(unittest.TestCase):
    def test_everything_public_is_documented(self):
        for name in crossweave.__all__:
            thing = getattr(crossweave, name)
            if callable(thing) and name != "choices":
                self.assertTrue(thing.__doc__, name)
                members = vars(thing).items() if isinstance(thing, type) else ()
                for member, value in members:
                    if not member.startswith("_") and (callable(value) or isinstance(value, property)):
                        self.assertTrue(value.__doc__, f"{name}.{member}")

    def test_the_stub_names_what_the_module_has(self):
        stub = ast.parse((pathlib.Path(crossweave.__file__).parent / "_core.pyi").read_text(encoding="utf-8"))
        def names(body):
            return {node.name for node in body if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_")} | {
                node.target.id for node in body if isinstance(node, ast.AnnAssign)}
        self.assertEqual({name for name in vars(_core) if not name.startswith("_")}, names(stub.body))
        for node in stub.body:
            if isinstance(node, ast.ClassDef):
                self.assertEqual({name for name in vars(getattr(_core, node.name)) if not name.startswith("_")}, names(node.body))
            elif isinstance(node, ast.FunctionDef):  # the binding's own words begin with its signature
                signature = getattr(_core, node.name).__doc__.split("\n")[0]
                self.assertEqual(re.findall(r"(\w+): ", signature), [argument.arg for argument in node.args.args], node.name)

    def test_version_and_choices_are_the_tools(self):
        self.assertIn(f"crossweave {crossweave.__version__} (contract {crossweave.CONTRACT})", command("version").stdout)
        self.assertIn("afm-512", crossweave.choices()["chip"])

    @unittest.skipUnless(importlib.util.find_spec("pandas"), "pandas is not installed")
    def test_frames_have_a_row_per_thing(self):
        program = crossweave.Program.load(FOLDER / "model.xwp")
        self.assertEqual(len(program.info.frame()), len(program.info.blocks))
        self.assertEqual(list(program.report().frame()["name"]), [call["name"] for call in program.report().calls])
        result = chip().evaluate(tasks={"choices": CHOICES}, chip_seeds=2)
        self.assertEqual(sorted(result.frame()["chip_seed"].unique()), [7, 8])


if __name__ == "__main__":
    unittest.main()
