# SPDX-License-Identifier: GPL-3.0-or-later
"""SLURM on this machine alone, as long as a block runs: Debian's packages slurm-wlm and munge."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Callable, Dict, Iterator

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "sinfo")
PATIENCE = 60.0
"""Seconds that a daemon may take to be ready."""
LOOK = 0.2
"""Seconds between two looks at it."""
SETTINGS = """ClusterName=soak
SlurmctldHost={host}(127.0.0.1)
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
SlurmUser=root
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=2
MpiDefault=none
SlurmctldPort={port}
SlurmdPort={next_port}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
GresTypes=gpu
NodeName={host} NodeAddr=127.0.0.1 CPUs={cores} RealMemory={memory} Gres=gpu:2
PartitionName=main Nodes={host} Default=YES State=UP
"""
GPUS = """Name=gpu File=/dev/null
Name=gpu File=/dev/zero
"""
"""What SLURM takes for two GPUs."""


def what_is_missing() -> str:
    """Why there can be no SLURM here; empty where there can."""
    path = f"{os.environ.get('PATH', '')}:/usr/sbin"
    missing = [name for name in PROGRAMS if shutil.which(name, path=path) is None]
    if missing:
        return f"no {missing[0]}: install Debian's slurm-wlm and munge"
    return "" if os.geteuid() == 0 else "SLURM's daemons are started as root alone"


@contextmanager
def cluster(folder: Path) -> Iterator[Dict[str, str]]:
    """The environment in which `sbatch` reaches a cluster of this machine's cores.

    Parameters
    ----------
    folder
        For the settings, state and logs of the daemons; a short path, as sockets want.
    """
    shutil.rmtree(folder, ignore_errors=True)
    for name in ("state", "spool"):
        (folder / name).mkdir(parents=True)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
    port = free_port()
    facts = {"host": socket.gethostname(), "folder": folder, "port": port, "next_port": port + 1}
    settings = SETTINGS.format(cores=os.cpu_count(), memory=memory // 2, **facts)
    (folder / "slurm.conf").write_text(settings)
    (folder / "gres.conf").write_text(GPUS)
    (folder / "munge.key").write_bytes(os.urandom(1024))
    (folder / "munge.key").chmod(0o400)
    environment = {**os.environ, "SLURM_CONF": str(folder / "slurm.conf")}
    environment["PATH"] += ":/usr/sbin"
    munge = ["munged", "--foreground", "--force", f"--key-file={folder}/munge.key"]
    munge += [f"--{name}={folder}/munge.{name.split('-')[0]}" for name in ("socket", "pid-file")]
    munge += [f"--{name}={folder}/munge.{name[:4]}" for name in ("log-file", "seed-file")]
    daemons = []
    try:
        for command in (munge, ["slurmctld", "-D"], ["slurmd", "-D"]):
            with (folder / f"{command[0]}.out").open("wb") as log:
                daemons.append(
                    subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)
                )
            if command is munge:  # the others end where there is none
                wait_until((folder / "munge.socket").exists, "munged")
        wait_until(lambda: is_idle(environment), "SLURM")
        yield environment
    finally:
        for daemon in reversed(daemons):
            daemon.terminate()
            daemon.wait()


def free_port() -> int:
    """A port that nothing listens on, and whose next one is free, too."""
    while True:
        with socket.socket() as one, socket.socket() as other:
            one.bind(("127.0.0.1", 0))
            port = int(one.getsockname()[1])
            try:
                other.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
            return port


def is_idle(environment: Dict[str, str]) -> bool:
    """Whether the node takes jobs."""
    command = ["sinfo", "--noheader", "--format=%T"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    return done.stdout.strip() == "idle"


def wait_until(is_ready: Callable[[], bool], name: str) -> None:
    """Wait for a daemon, which tells nobody when it is ready."""
    begun = time.monotonic()
    while not is_ready():
        if time.monotonic() - begun > PATIENCE:
            raise RuntimeError(f"{name} is not ready after {PATIENCE:.0f} s: see its log")
        time.sleep(LOOK)
