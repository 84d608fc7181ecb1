# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""The job array of docs/sweep.md on a Slurm of its own on this machine: test_sweep_slurm.py FOLDER

Needs slurmctld, slurmd and sbatch (Debian: slurm-wlm) and to be root, as which slurmd starts jobs. FOLDER is not used."""
import os
import pathlib
import re
import socket
import subprocess
import sys
import time
import unittest

import environment
from support import COMMAND, FOLDER, MODEL, ROOT, TEXT, command

for program in ("slurmctld", "slurmd", "sbatch"):
    environment.needs(program, "slurm-wlm")
if os.geteuid() != 0:
    sys.exit("this needs to be root: slurmd starts jobs in the name of users")
sys.argv[1:2] = []

STUDY = FOLDER / "noise.toml"
POINTS, TASKS = 12, 4
CONFIGURATION = """ClusterName=crossweave
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmctldPort={first}
SlurmdPort={second}
AuthType=auth/none
CredType=cred/none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
NodeName={host} NodeAddr=127.0.0.1 CPUs={cores} State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def documented_script():
    """The script of the job array in docs/sweep.md, for fewer tasks with fewer cores."""
    block, = re.findall(r"```sh\n(#!/bin/sh\n#SBATCH.*?)```", (ROOT / "docs/sweep.md").read_text(encoding="utf-8"), re.DOTALL)
    for before, after in ((r"--array=0-7", f"--array=0-{TASKS - 1}"), (r"--cpus-per-task=4", "--cpus-per-task=1"), (r"--threads 4", "--threads 1")):
        assert before in block, before
        block = block.replace(before, after)
    return block


class JobArray(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        for name in ("state", "spool"):
            (FOLDER / name).mkdir()
        first, second = free_ports(2)
        configuration = FOLDER / "slurm.conf"
        configuration.write_text(CONFIGURATION.format(folder=FOLDER, host=socket.gethostname().split(".")[0], first=first, second=second, cores=os.cpu_count()),
                                 encoding="utf-8")
        cls.environment = {**os.environ, "SLURM_CONF": str(configuration), "PATH": f"{pathlib.Path(COMMAND).parent}:{os.environ['PATH']}"}
        cls.servers = [subprocess.Popen([server, "-D"], env=cls.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for server in ("slurmctld", "slurmd")]
        cls.addClassCleanup(cls.stop)
        cls.wait(lambda: "idle" in cls.slurm("sinfo", "--noheader", check=False).stdout, "the node is not idle")
        STUDY.write_text(f'[measure]\ntext = "{TEXT}"\ntokens = 400\n[options]\nmodel = "{MODEL}"\nnoise = "pcm-hermes"\n[grid]\nadapt = ["none", "fold"]\n'
                         'chip-seed = "0..2"\ntime = [0, "1d"]\n', encoding="utf-8")
        (FOLDER / "array.sh").write_text(documented_script(), encoding="utf-8")

    @classmethod
    def stop(cls):
        for server in reversed(cls.servers):
            server.terminate()
            server.wait(30)

    @classmethod
    def slurm(cls, *words, check=True):
        return subprocess.run([*map(str, words)], env=cls.environment, cwd=FOLDER, capture_output=True, text=True, check=check)

    @classmethod
    def wait(cls, condition, said):
        end = time.monotonic() + 120
        while not condition():
            if time.monotonic() > end:
                raise AssertionError(f"{said}\n" + "".join((FOLDER / f"{name}.log").read_text(errors="replace")[-1500:] for name in ("slurmctld", "slurmd")))
            time.sleep(0.1)

    def submitted(self):
        return self.slurm("sbatch", "--parsable", "array.sh").stdout.strip()

    def ended(self, job):
        self.wait(lambda: not self.slurm("squeue", "--noheader", "--jobs", job, check=False).stdout.strip(), f"job {job} does not end")

    def lines(self):
        return sum(path.read_bytes().count(b"\n") for path in (FOLDER / "results").glob("*.jsonl"))

    def test_an_array_whose_task_was_killed_is_submitted_again_and_has_the_figures_of_one_process(self):
        job = self.submitted()
        self.wait(lambda: self.lines() > 0, "nothing was measured")
        self.slurm("scancel", "--signal=KILL", "--full", job)
        self.ended(job)
        there = self.lines()
        self.assertLess(there, POINTS, "the array had ended before it was killed")
        again = self.submitted()
        self.ended(again)
        self.assertEqual(self.lines(), POINTS)
        told = "".join(path.read_text(encoding="utf-8") for path in FOLDER.glob(f"slurm-{again}_*.out"))
        self.assertEqual(sum(map(int, re.findall(r"(\d+) were there", told))), there)
        command("sweep", STUDY, "-o", FOLDER / "serial")
        tables = []
        for folder in ("results", "serial"):
            command("sweep", STUDY, "-o", FOLDER / folder, "--merge", "--csv", FOLDER / f"{folder}.csv")
            tables.append((FOLDER / f"{folder}.csv").read_text(encoding="utf-8"))
        self.assertEqual(*tables)
        self.assertEqual(tables[0].count("\n"), POINTS + 1)


if __name__ == "__main__":
    unittest.main()
