# SPDX-License-Identifier: GPL-3.0-or-later
"""Processes of the core that stay between the batches of a run: torch and the model load once."""

from __future__ import annotations

import subprocess
import sys
import threading
from typing import Dict, List, Mapping, Sequence, Tuple

from cryosegment.exchange.files import PathLike
from cryosegment.exchange.job import ANSWER
from cryosegment.plugin import Plugin


class StayingCore:
    """A process that runs one job after the other; it ends with the protocol that started it.

    Parameters
    ----------
    gpus
        GPUs that all its jobs get; none for what the jobs say.
    environ
        Its environment.
    """

    def __init__(self, gpus: Sequence[int], environ: Mapping[str, str]) -> None:
        words = [Plugin.getPython(), "-m", "cryosegment", "serve"]
        words += ["--gpu", ",".join(map(str, gpus))] if gpus else []
        self._process = subprocess.Popen(
            words,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=sys.stderr,
            env=dict(environ),
            encoding="utf-8",
            errors="surrogateescape",
        )

    def run(self, path: PathLike) -> int:
        """Exit status of a job; what it prints goes to the log of the run."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(f"{path}\n")
            self._process.stdin.flush()
        except BrokenPipeError:  # it has ended, and says below with what status
            pass
        for line in self._process.stdout:
            if line.startswith(ANSWER):
                return int(line[len(ANSWER) :])
            sys.stdout.write(line)
            sys.stdout.flush()
        return self._process.wait()

    @property
    def isAlive(self) -> bool:
        """Whether it can take another job."""
        return self._process.poll() is None

    def close(self) -> None:
        """Let it end, and close its pipes."""
        self._process.communicate()


class StayingCores:
    """The staying processes of a run: one for each job at a time and choice of GPUs."""

    def __init__(self) -> None:
        self._idle: Dict[Tuple[int, ...], List[StayingCore]] = {}
        self._lock = threading.Lock()

    def run(self, path: PathLike, gpus: Sequence[int], environ: Mapping[str, str]) -> int:
        """Exit status of a job, in a process that has no other now."""
        key = tuple(gpus)
        with self._lock:
            idle = self._idle.setdefault(key, [])
            core = idle.pop() if idle else None
        if core is not None and not core.isAlive:
            core.close()
            core = None
        core = core or StayingCore(key, environ)
        status = core.run(path)
        with self._lock:
            idle.append(core)
        return status

    def close(self) -> None:
        """Let all of them end."""
        with self._lock:
            for cores in self._idle.values():
                while cores:
                    cores.pop().close()
