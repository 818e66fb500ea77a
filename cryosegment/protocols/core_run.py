# SPDX-License-Identifier: GPL-3.0-or-later
"""The core as a process: the one way in which protocols run it."""

from __future__ import annotations

from subprocess import CalledProcessError

from cryosegment.exchange.files import PathLike
from cryosegment.exchange.job import SOME_FAILED, Job
from cryosegment.plugin import Plugin
from cryosegment.protocols.messages import FormWords


class CoreRun(FormWords):
    """A protocol that runs jobs of the core."""

    _label = None

    def _runCore(self, job: Job, path: PathLike, gpu: bool = False, threads: int = 1) -> None:
        """Run a job.

        Parameters
        ----------
        job, path
            The job, and the file that it is written to.
        gpu
            Whether Scipion gives it the GPUs of the step.
        threads
            CPU threads.

        Raises
        ------
        RuntimeError
            If it fails, with its last message; a few inputs that failed are no failure.
        """
        job.write(path)
        environ = Plugin.getEnviron()
        environ["OMP_NUM_THREADS"] = str(max(1, threads))
        try:
            self.runJob(*Plugin.getCommand("run", str(path), gpu=gpu), env=environ)
        except CalledProcessError as error:
            if error.returncode != SOME_FAILED:
                raise RuntimeError(self._coreError(str(error))) from error
