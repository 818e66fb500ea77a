# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs that Scipion gives to a queue: SLURM on this machine, with two GPUs that are none."""

from __future__ import annotations

import os
import shutil
import subprocess
import unittest
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, List, Set
from unittest import mock

from cryosegment.tests.scripted import (
    PIXEL_SIZE,
    Pointer,
    ProtocolTest,
    simulate,
)
from cryosegment.tests.slurm import cluster, what_is_missing

WHOLE, STEPS = "N", "Y"
"""What is a job of the queue: a protocol, or each of its steps that runs a program."""
HOSTS = """[localhost]
PARALLEL_COMMAND = mpirun -np %_(JOB_NODES)d %_(COMMAND)s
NAME = SLURM
MANDATORY = 0
SUBMIT_COMMAND = sbatch --parsable %_(JOB_SCRIPT)s
CHECK_COMMAND = squeue --noheader --jobs %_(JOB_ID)s
CANCEL_COMMAND = scancel %_(JOB_ID)s
SUBMIT_TEMPLATE = #!/bin/bash
    ##SBATCH --job-name=%_(JOB_NAME)s
    ##SBATCH --partition=%_(JOB_QUEUE)s
    ##SBATCH --gres=gpu:%_(GPU_COUNT)s
    ##SBATCH --output=%_(JOB_LOGS)s.out
    echo "%_(JOB_NAME)s $CUDA_VISIBLE_DEVICES" >> {devices}
    %_(JOB_COMMAND)s
QUEUES = {{"main": [["QUEUE_FOR_JOBS", "N", "Use queue for jobs", "", "", "Normal"]]}}
QUEUES_DEFAULT = {{}}
"""
THRESHOLD = "0.3"
EPOCHS = 30
"""Of a training that is cancelled on the way. In minutes, a slow machine would validate less."""


@unittest.skipIf(what_is_missing(), what_is_missing())
class TestCryoSegmentQueue(ProtocolTest):
    """Picking and training by both kinds of jobs."""

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        stack = ExitStack()
        cls.addClassCleanup(stack.close)
        short = stack.enter_context(TemporaryDirectory(prefix="slurm_"))  # as its sockets want
        environment = stack.enter_context(cluster(Path(short) / "one"))
        stack.enter_context(mock.patch.dict(os.environ, environment))
        cls.devices = cls.folder / "devices"
        cls.devices.touch()
        hosts = cls.folder / "hosts.conf"
        hosts.write_text(HOSTS.format(devices=cls.devices))
        cls.proj._loadHosts(str(hosts))
        cls.micrographs = simulate(cls.folder, 3)
        cls.source = cls.importMicrographs(cls.micrographs / "*.mrc", PIXEL_SIZE)
        cls.labels = cls.launchProtocol(cls.newSimulate())

    def start(self, protocol: Any, jobs: str) -> Any:
        """Give a run to the queue."""
        protocol._useQueue.set(True)
        protocol.setQueueParams(("main", {"QUEUE_FOR_JOBS": jobs}))
        self.proj.launchProtocol(protocol, wait=False)
        return protocol

    def finish(self, protocol: Any) -> None:
        """Wait for its end, which must be a good one."""
        self.waitFor(protocol, lambda: not protocol.isActive())
        assert protocol.isFinished(), protocol.getErrorMessage()

    def lose(self, protocol: Any) -> None:
        """Cancel its job, which must end the run."""
        subprocess.run(["scancel", str(protocol.getJobIds()[0])], check=True)
        self.waitFor(protocol, lambda: not protocol.isActive())
        assert protocol.isFailed()

    def devicesOf(self, protocol: Any) -> List[str]:
        """The GPU that each of its jobs got."""
        lines = (line.split() for line in self.devices.read_text().splitlines())
        return [device for name, device in lines if name.split("-")[0] == protocol.strId()]

    def picked(self, protocol: Any) -> Set[Any]:
        """Micrograph and place of every pick."""
        picks = [(each.getMicName(), *each.getPosition()) for each in protocol.outputCoordinates]
        assert len(set(picks)) == len(picks)
        return set(picks)

    def pickWhileTheyCome(self, jobs: str) -> Any:
        """A picking run to which the last micrograph comes when the others are picked."""
        files = sorted(self.micrographs.iterdir())
        folder = self.folder / jobs
        folder.mkdir()
        for file in files[:2]:
            shutil.copy(file, folder)
        collected = {"dataStreaming": True, "fileTimeout": "1"}
        source = self.newImport(folder / "*.mrc", PIXEL_SIZE, **collected)
        self.proj.launchProtocol(source, wait=False)
        self.waitFor(source, lambda: source.hasAttribute("outputMicrographs"))
        options = {"streamingBatchSize": 1, "numberOfThreads": 3, "streamingSleepOnWait": 1}
        pick = self.start(self.newPick(source, threshold=THRESHOLD, **options), jobs)
        self.waitFor(pick, lambda: pick.hasAttribute("outputCoordinates"))
        shutil.copy(files[2], folder)
        self.waitFor(source, lambda: source.outputMicrographs.getSize() == 3)
        source.stopImport(None)
        self.finish(pick)
        return pick

    def testStreaming(self) -> None:
        """The picks are those of a run without a queue, and SLURM gives each job a GPU."""
        expected = self.picked(self.launchProtocol(self.newPick(self.source, threshold=THRESHOLD)))
        assert len({name for name, *_ in expected}) == 3
        for jobs, count in ((WHOLE, 1), (STEPS, 3)):
            pick = self.pickWhileTheyCome(jobs)
            assert len(self.devicesOf(pick)) == count
            assert set(self.devicesOf(pick)) <= {"0", "1"}
            assert self.picked(pick) == expected

    def testGpus(self) -> None:
        """Jobs count the GPUs that the queue gives them, whatever the form says."""
        pick = self.start(self.newPick(self.source, useGpu=True, gpuList="1"), STEPS)
        self.waitFor(pick, lambda: not pick.isActive())
        scripts = [path.read_text() for path in Path(pick._getLogsPath()).glob("*.job")]
        assert scripts
        assert all('"--gpu" "0"' in script for script in scripts)
        assert pick.isFinished() or "GPU" in pick.getErrorMessage()  # in the core's own words

    def testTraining(self) -> None:
        """A job that the queue loses goes on from its last validation, and a model comes of it."""
        for jobs in (WHOLE, STEPS):
            train = self.newTrain(epochs=EPOCHS)
            train.inputMasks.append(Pointer(self.labels, extended="outputMasks"))
            self.start(train, jobs)
            self.waitFor(train, lambda: len(train.getHistory()) > 2)  # noqa: B023  # called at once
            self.lose(train)
            before = train.getHistory()[:-1]  # the last may not have been saved
            assert not train.hasAttribute("outputModel")
            self.proj.launchProtocol(train, wait=False)
            self.finish(train)
            after = train.getHistory()
            assert after[: len(before)] == before  # to the microsecond
            assert after[-1]["step"] > before[-1]["step"]
            assert os.path.exists(train.outputModel.getPath())

    def testCancelled(self) -> None:
        """A job that the queue loses ends the run, which then goes on from there."""
        for jobs, words in ((WHOLE, "JOB ID"), (STEPS, "the job of the queue has ended")):
            pick = self.start(self.newPick(self.source, streamingBatchSize=1), jobs)
            self.waitFor(pick, lambda: bool(self.devicesOf(pick)))  # noqa: B023  # called at once
            self.lose(pick)
            assert words in pick.getErrorMessage()
            self.proj.launchProtocol(pick, wait=False)
            self.finish(pick)
            assert len({name for name, *_ in self.picked(pick)}) == 3
