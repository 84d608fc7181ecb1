# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""Tests of scripts/check_xrt_headers.sh, and that host/backends/xrt/xrt_headers.hpp never mixes the headers of two releases."""

import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
INCLUDE = "src/runtime_src/core/include"
COMMON = ["xrt/xrt_bo.h", "xrt/xrt_device.h", "xrt/xrt_kernel.h", "xrt/xrt_uuid.h"]
OLD = [*COMMON, "xclbin.h", "experimental/xrt_ip.h", "experimental/xrt_xclbin.h"]  # 2.13 to 2.18
NEW = [*COMMON, "xrt/detail/xclbin.h", "xrt/experimental/xrt_ip.h", "xrt/experimental/xrt_xclbin.h"]


class Headers(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def write(self, root, names):
        for name in names:
            path = self.folder / root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("", encoding="utf-8")
        return self.folder / root

    def read_headers(self, first, second):
        """What a compiler reads of two releases, the second one where the system's is."""
        command = [os.environ.get("CXX", "g++"), "-std=c++20", "-M", "-nostdinc", "-nostdinc++", "-isystem", str(first), "-isystem", str(second),
                   "-x", "c++", str(ROOT / "host/backends/xrt/xrt_headers.hpp")]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    @unittest.skipUnless(shutil.which(os.environ.get("CXX", "g++")), "needs a compiler")
    def test_a_release_is_never_mixed_with_that_of_the_system(self):
        # Debian has its headers in /usr/include/xrt, which is on every search path as <xrt/...>.
        system = self.write("usr/include", [f"xrt/{name}" for name in OLD])
        for name, layout in (("old", OLD), ("new", NEW)):
            with self.subTest(name):
                release = self.write(name, layout)
                read = self.read_headers(release, system)
                self.assertNotIn(str(system), read)
                for header in layout:
                    self.assertIn(str(release / header), read)

    def check(self, compiler):
        """The script on a repository of one release, with a compiler of the test."""
        repository = self.folder / "repository"
        self.write(f"repository/{INCLUDE}", [*OLD, "xrt/detail/abi.h"])
        git = ["git", "-C", str(repository), "-c", "user.name=test", "-c", "user.email=test@example.org", "-c", "init.defaultBranch=main"]
        for arguments in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "release"], ["tag", "1.0"]):
            subprocess.run([*git, *arguments], check=True)
        fake = self.folder / "compiler"
        fake.write_text(f"""#!/bin/bash
while [ $# -gt 0 ]; do
  case $1 in
    -MF) read=$2 ;;
    -isystem) headers=$2 ;;
    *.cpp) file=$1 ;;
  esac
  shift
done
{compiler}
""", encoding="utf-8")
        fake.chmod(0o755)
        run = subprocess.run([ROOT / "scripts/check_xrt_headers.sh", repository / ".git", "1.0"], capture_output=True, text=True, check=False,
                             env={**os.environ, "CXX": str(fake)})
        return run.returncode, run.stdout, run.stderr

    def test_a_release_that_compiles_passes(self):
        status, out, err = self.check(r'[ -f "$headers/xrt/detail/version.h" ] && printf "card.o: $file \\\n $headers/xrt/xrt_bo.h \\\n /usr/include/c++/12/map\n" >"$read"')
        self.assertEqual((status, err), (0, ""))
        self.assertRegex(out, r"^1\.0: [1-9]\d* sources compile\n$")

    def test_an_error_of_the_compiler_fails(self):
        status, out, err = self.check('case $file in */card.cpp) echo "no such type" >&2; exit 1 ;; esac; echo "x.o: $file" >"$read"')
        self.assertEqual((status, out), (1, ""))
        self.assertIn("1.0: card.cpp:\nno such type", err)

    def test_a_header_of_the_installed_xrt_fails(self):
        status, out, err = self.check(r'printf "x.o: $file $headers/xrt/xrt_bo.h \\\n /usr/include/xrt/experimental/xrt_ip.h\n" >"$read"')
        self.assertEqual((status, out), (1, ""))
        self.assertIn("1.0: card.cpp reads headers of the installed XRT: /usr/include/xrt/experimental/xrt_ip.h", err)


if __name__ == "__main__":
    unittest.main()
