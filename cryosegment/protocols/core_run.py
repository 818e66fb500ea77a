# SPDX-License-Identifier: GPL-3.0-or-later
"""The core as a process: the one way in which protocols run it."""

from __future__ import annotations

from subprocess import CalledProcessError

from pyworkflow.utils import Environ

from cryosegment.exchange.files import PathLike, write_text
from cryosegment.exchange.job import INTERRUPTED, OK, SOME_FAILED, Job
from cryosegment.exchange.run_log import last_run
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
        if self.useQueueForSteps():
            self._runInQueue(path, gpu, environ)
            return
        if stays:
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

    def _runInQueue(self, path: PathLike, gpu: bool, environ: Environ) -> None:
        """Run a job as one of the queue's: Scipion sees that it is over, but not how it ended."""
        log = f"{path}.log"
        write_text(log, "")
        command = Plugin.getCommand("run", str(path), "--run-log", log, gpu=gpu)
        self.runJob(*command, env=environ)
        status, error = last_run(log) or (INTERRUPTED, "")
        if status == INTERRUPTED:
            raise RuntimeError(
                "the job of the queue has ended without a result: it was cancelled, or had too "
                "little time or memory; the log of the queue says more"
            )
        if status not in (OK, SOME_FAILED):
            raise RuntimeError(self.inFormWords(error))
