# SPDX-License-Identifier: GPL-3.0-or-later
"""What the protocol tests share: a project, micrographs, and runs.

Tests take Scipion's and the plugin's classes from here, so that the environment comes first.
"""

from __future__ import annotations

import cryosegment.tests.environment  # noqa: F401  # before pyworkflow

# isort: split
import shutil
import tempfile
import threading
import time
from pathlib import Path
from typing import Any, Callable, Mapping, Tuple

import numpy as np
import pyworkflow
from pwem import objects
from pwem.emlib.image import ImageHandler
from pwem.protocols import ProtImportMicrographs, ProtUnionSet
from pyworkflow.object import Pointer
from pyworkflow.protocol import (
    MODE_RESTART,
    MODE_RESUME,
    STATUS_FINISHED,
    STATUS_RUNNING,
    params,
)
from pyworkflow.protocol.params import LEVEL_ADVANCED
from pyworkflow.tests import BaseTest, setupTestProject
from pyworkflow.viewer import MessageView
from scipion.install.funcs import Environment as Installer

from cryosegment import protocols
from cryosegment.core_files import core_file
from cryosegment.exchange.star import read_star
from cryosegment.objects import MicrographMask, SegmentationModel, SetOfMicrographMasks
from cryosegment.plugin import Plugin
from cryosegment.protocols import (
    CryoSegmentProtConsensus,
    CryoSegmentProtEvaluate,
    CryoSegmentProtImportModel,
    CryoSegmentProtLabels,
    CryoSegmentProtPick,
    CryoSegmentProtRankParticles,
    CryoSegmentProtRepick,
    CryoSegmentProtScreenPicks,
    CryoSegmentProtSimulate,
    CryoSegmentProtTrain,
    CryoSegmentProtTrainParticles,
    CryoSegmentProtTrainScreening,
    CryoSegmentProtTune,
)
from cryosegment.protocols.form_fields import form_values
from cryosegment.protocols.staying_core import StayingCores
from cryosegment.protocols.streamed_picking import QUIET_SECONDS
from cryosegment.viewers import (
    CryoSegmentViewerConsensus,
    CryoSegmentViewerEvaluate,
    CryoSegmentViewerLabels,
    CryoSegmentViewerPick,
    CryoSegmentViewerRank,
    CryoSegmentViewerScreen,
    CryoSegmentViewerTrain,
    CryoSegmentViewerTune,
)

__all__ = [
    "DIAMETER",
    "LEVEL_ADVANCED",
    "MODE_RESTART",
    "MODE_RESUME",
    "PIXEL_SIZE",
    "QUIET_SECONDS",
    "STATUS_FINISHED",
    "STATUS_RUNNING",
    "CryoSegmentProtConsensus",
    "CryoSegmentProtEvaluate",
    "CryoSegmentProtImportModel",
    "CryoSegmentProtLabels",
    "CryoSegmentProtPick",
    "CryoSegmentProtRankParticles",
    "CryoSegmentProtRepick",
    "CryoSegmentProtScreenPicks",
    "CryoSegmentProtSimulate",
    "CryoSegmentProtTrain",
    "CryoSegmentProtTrainParticles",
    "CryoSegmentProtTrainScreening",
    "CryoSegmentProtTune",
    "CryoSegmentViewerConsensus",
    "CryoSegmentViewerEvaluate",
    "CryoSegmentViewerLabels",
    "CryoSegmentViewerPick",
    "CryoSegmentViewerRank",
    "CryoSegmentViewerScreen",
    "CryoSegmentViewerTrain",
    "CryoSegmentViewerTune",
    "ImageHandler",
    "Installer",
    "MessageView",
    "MicrographMask",
    "Plugin",
    "Pointer",
    "ProtUnionSet",
    "ProtocolTest",
    "SegmentationModel",
    "SetOfMicrographMasks",
    "StayingCores",
    "core_file",
    "domain",
    "form_values",
    "objects",
    "params",
    "plugin_class",
    "protocols",
    "simulate",
    "true_rows",
]

PIXEL_SIZE = 3.0  # Å/px of the simulated micrographs
DIAMETER = 180.0  # Å, of the built-in molecule
MOST_SECONDS, POLL_SECONDS = 300.0, 0.5
"""Time that a run has for the next thing, and between two looks at it."""

pyworkflow.Config.getDomain().getPlugins()


def domain() -> Any:
    """Scipion's domain: where all plugins' classes are found."""
    return pyworkflow.Config.getDomain()


def plugin_class(module: str, name: str) -> Any:
    """A protocol class of another plugin."""
    return domain().importFromPlugin(module, name, doRaise=True)


def simulate(folder: Path, count: int) -> Path:
    """Folder of `count` simulated micrographs, particles dark; the truth is beside it."""
    options = {"count": count, "pixel-size": PIXEL_SIZE, "snr": 0.1, "seed": 7}
    arguments = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    Plugin.runCore("simulate", "--output", str(folder), "--size", "640", "768", *arguments)
    return folder / "micrographs"


def true_rows(folder: Path) -> np.ndarray:
    """Number of the micrograph, x, y, rot, tilt, psi of all simulated particles, (n, 6)."""
    block = read_star(folder / "truth" / "coordinates.star")["particles"]
    numbers = [float(name.split("_")[-1].split(".")[0]) for name in block["rlnMicrographName"]]
    names = ("CoordinateX", "CoordinateY", "AngleRot", "AngleTilt", "AnglePsi")
    return np.array([numbers, *(np.array(block[f"rln{name}"], float) for name in names)]).T


class ProtocolTest(BaseTest):
    """A project for each class of tests, and shorthands for its runs."""

    @classmethod
    def setUpClass(cls) -> None:
        setupTestProject(cls)
        cls.folder = Path(tempfile.mkdtemp(prefix="cryosegment_data_"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)

    @classmethod
    def importMicrographs(cls, pattern: Path, pixel_size: float) -> Any:
        """A finished import of the micrographs that `pattern` names."""
        return cls.launchProtocol(cls.newImport(pattern, pixel_size))

    @classmethod
    def newImport(cls, pattern: Path, pixel_size: float, **options: Any) -> Any:
        """An import of the micrographs that `pattern` names."""
        return cls.newProtocol(
            ProtImportMicrographs,
            filesPath=str(pattern.parent),
            filesPattern=pattern.name,
            samplingRateMode=0,
            samplingRate=pixel_size,
            magnification=50000,
            voltage=300,
            sphericalAberration=2.7,
            **options,
        )

    @classmethod
    def newSimulate(cls, **options: Any) -> Any:
        """Two small micrographs of the built-in molecule, on the CPU."""
        size = {"count": 2, "height": 640, "width": 512, "pixelSize": PIXEL_SIZE, "snr": 0.2}
        options = {"useGpu": False, "numberOfThreads": 1, **size, **options}
        return cls.newProtocol(CryoSegmentProtSimulate, **options)

    @classmethod
    def newPick(cls, source: Any, diameter: float = DIAMETER, **options: Any) -> Any:
        """A picking protocol on the micrographs of an import, on the CPU."""
        options = {"useGpu": False, "binThreads": 1, **options}
        protocol = cls.newProtocol(CryoSegmentProtPick, diameter=diameter, **options)
        cls.point(protocol.inputMicrographs, source, "outputMicrographs")
        return protocol

    @classmethod
    def extract(cls, pick: Any, source: Any, box: int, small_box: int, **inputs: Any) -> Any:
        """Particles that RELION extracts, bright, in boxes scaled down."""
        inputs["inputCoordinates"] = pick, "outputCoordinates"
        inputs["inputMicrographs"] = source, "outputMicrographs"
        return cls.finished(
            plugin_class("relion.protocols", "ProtRelionExtractParticles"),
            inputs,
            boxSize=box,
            doRescale=True,
            rescaledSize=small_box,
            doInvert=True,
            doNormalize=True,
            numberOfMpi=1,
        )

    @classmethod
    def newTrain(cls, **options: Any) -> Any:
        """A short training on the CPU, in epochs."""
        options = {"useGpu": False, "numberOfThreads": 1, "unit": 1, "epochs": 1, **options}
        options = {"patch": 64, "batch": 32, **options}
        return cls.newProtocol(CryoSegmentProtTrain, **options)

    def checkPicks(self, train: Any, micrographs: Any, count: int) -> None:
        """The trained model picks about as many particles as there are, and scores them."""
        pick = self.newPick(micrographs, modelSource=1)
        self.point(pick.inputModel, train, "outputModel")
        self.launchProtocol(pick)
        assert abs(pick.outputCoordinates.getSize() / count - 1) < 0.25
        scores = [each._cryosegmentScore.get() for each in pick.outputCoordinates]
        assert 0 < min(scores) < max(scores) <= 1

    @staticmethod
    def point(pointer: Any, protocol: Any, output: str) -> None:
        """Make an input point to an output of another protocol."""
        pointer.set(protocol)
        pointer.setExtended(output)

    @classmethod
    def finished(cls, kind: Any, inputs: Mapping[str, Tuple[Any, str]], **options: Any) -> Any:
        """A run of a protocol, from its inputs: protocol and output by the form's name."""
        protocol = cls.newProtocol(kind, **options)
        for name, (source, output) in inputs.items():
            cls.point(getattr(protocol, name), source, output)
        return cls.launchProtocol(protocol)

    @classmethod
    def launchProtocol(cls, protocol: Any) -> Any:
        """Run a protocol to its end; it must finish."""
        cls.proj.launchProtocol(protocol, wait=True)
        assert protocol.isFinished(), protocol.getErrorMessage()
        return protocol

    @classmethod
    def launch(cls, protocol: Any, mode: int = MODE_RESUME) -> Any:
        """Run a protocol whatever its end: status and outputs are for the test to look at."""
        protocol.runMode.set(mode)
        cls.proj.launchProtocol(protocol, wait=True)
        return protocol

    def waitFor(self, protocol: Any, is_true: Callable[[], bool]) -> None:
        """Look at a run again and again until something is true of it."""
        deadline, pause = time.monotonic() + MOST_SECONDS, threading.Event()
        self.proj._updateProtocol(protocol)
        while not is_true():
            assert time.monotonic() < deadline, (protocol.getStatus(), protocol.getErrorMessage())
            pause.wait(POLL_SECONDS)
            self.proj._updateProtocol(protocol)
