# SPDX-License-Identifier: GPL-3.0-or-later
"""The core as a process: the one way in which protocols run it."""

from __future__ import annotations

from subprocess import CalledProcessError

from cryosegment.exchange.files import PathLike
from cryosegment.exchange.job import OK, SOME_FAILED, Job
from cryosegment.plugin import Plugin
from cryosegment.protocols.messages import FormWords
from cryosegment.protocols.staying_core import StayingCores


class CoreRun(FormWords):
    """A protocol that runs jobs of the core."""

    _label = None

    _cores = StayingCores()

    def _runCore(
        self, job: Job, path: PathLike, gpu: bool = False, threads: int = 1, stays: bool = False
    ) -> None:
        """Run a job.

        Parameters
        ----------
        job, path
            The job, and the file that it is written to.
        gpu
            Whether Scipion gives it the GPUs of the step.
        threads
            CPU threads.
        stays
            Whether the process then stays for the next job; not where each is one of a queue.

        Raises
        ------
        RuntimeError
            If it fails, with its last message; a few inputs that failed are no failure.
        """
        job.write(path)
        environ = Plugin.getEnviron()
        environ["OMP_NUM_THREADS"] = str(max(1, threads))
        if stays and not self.useQueueForSteps():
            gpus = self._stepsExecutor.getGpuList() if gpu else []
            status = self._cores.run(path, gpus, environ)
            if status not in (OK, SOME_FAILED):
                raise RuntimeError(self._coreError(f"the core ended with status {status}"))
            return
        try:
            self.runJob(*Plugin.getCommand("run", str(path), gpu=gpu), env=environ)
        except CalledProcessError as error:
            if error.returncode != SOME_FAILED:
                raise RuntimeError(self._coreError(str(error))) from error
