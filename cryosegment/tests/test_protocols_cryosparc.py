# SPDX-License-Identifier: GPL-3.0-or-later
"""Together with the CryoSPARC plugin: particles on to it, its picks and refined particles back.

CryoSPARC itself is not needed: the tests write what its jobs write, and what the plugin does with
its inputs and with these files is the plugin's own.
"""

from __future__ import annotations

import os
import shlex
import sys
import unittest
from pathlib import Path
from typing import Any, Iterator, Set, Tuple
from unittest import mock

import mrcfile
import numpy as np

from cryosegment.exchange.coordinates import read_coordinates
from cryosegment.exchange.labels import read_labels_index
from cryosegment.exchange.star import read_star, write_star
from cryosegment.tests import cryosparc_files
from cryosegment.tests.machine import NO_CRYOSPARC, NO_RELION, has_cryosparc, has_relion
from cryosegment.tests.scripted import (
    DIAMETER,
    PIXEL_SIZE,
    CryoSegmentProtLabels,
    CryoSegmentProtRankParticles,
    ProtocolTest,
    domain,
    objects,
    params,
    plugin_class,
)

HEIGHT, WIDTH = 640, 512
BOX, SMALL_BOX = 96, 48  # px
CONVERTER = "PYEM_ENV_ACTIVATION"
"""Variable of the plugin: what its shell runs before the Python that turns .cs into STAR."""
ANGLES = ("rlnAngleRot", "rlnAngleTilt", "rlnAnglePsi")
VOLUMES = {"Volume", "VolumeMask"}


def pointers(plugin: str) -> Iterator[Tuple[str, Set[str]]]:
    """Name and classes of each pointer in the forms of a plugin."""
    for title, kind in sorted(domain().getProtocols().items()):
        if kind.__module__.startswith(f"{plugin}."):
            for field, param in kind().getDefinition().iterAllParams():
                if isinstance(param, params.PointerParam):
                    classes = param.pointerClass.get()
                    yield (
                        f"{title}.{field}",
                        set(classes.split(",") if isinstance(classes, str) else classes),
                    )


@unittest.skipUnless(has_cryosparc(), NO_CRYOSPARC)
class TestCryoSegmentCryosparc(ProtocolTest):
    """What goes on to CryoSPARC's plugin, and what comes back."""

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        size = {"count": 1, "height": HEIGHT, "width": WIDTH}
        cls.simulated = cls.launchProtocol(cls.newSimulate(**size))
        cls.truth = Path(cls.simulated.getLabelsFolder()).resolve()
        refined = cls.truth / "coordinates.star", (HEIGHT, WIDTH), PIXEL_SIZE
        cryosparc_files.write_refined(cls.folder / "J5", *refined)

    def testPointers(self) -> None:
        """Every pointer fits what the other plugin makes; volumes are CryoSPARC's own."""
        theirs, ours = dict(pointers("cryosparc2")), dict(pointers("cryosegment"))
        kinds = [
            kind
            for kind in domain().getProtocols().values()
            if kind.__module__.startswith("cryosegment.")
        ]
        made = {each.__name__ for kind in kinds for each in (kind._possibleOutputs or {}).values()}
        left = {name for name, classes in theirs.items() if not classes & made}
        for name in left:
            (kind,) = theirs[name]
            assert kind in VOLUMES or kind.startswith("ProtCryoSparc"), name
        assert len(theirs) - len(left) == 17  # of micrographs and of particles
        taken = set().union(*ours.values())
        assert taken >= {
            "SetOfCoordinates",
            "SetOfCTF",
            "SetOfParticles",
            "SetOfClasses2D",
            *VOLUMES,
        }

    def testPicks(self) -> None:
        """Picks that its import takes lie where the core reads them in the same file."""
        path = self.folder / "J5" / cryosparc_files.PASSED_ON
        program = " ".join(map(shlex.quote, (sys.executable, cryosparc_files.__file__)))
        kind = plugin_class("pwem.protocols", "ProtImportCoordinates")
        with mock.patch.dict(os.environ, {CONVERTER: f'python3() {{ {program} "$2" "$3"; }}'}):
            imported = self.finished(
                kind,
                {"inputMicrographs": (self.simulated, "outputMicrographs")},
                importFrom=kind.IMPORT_FROM_CRYOSPARC,
                filesPath=str(path.parent),
                filesPattern=path.name,
                boxSize=BOX,
            )
        found = np.array([each.getPosition() for each in imported.outputCoordinates])
        (read,) = read_coordinates(path, PIXEL_SIZE).values()
        np.testing.assert_allclose(found[:, ::-1], read.centers_yx, atol=1)
        true = np.array([each.getPosition() for each in self.simulated.outputCoordinates])
        beside = np.array(cryosparc_files.SHIFT) * cryosparc_files.BINNING
        np.testing.assert_allclose(found[::-1], true + beside, atol=1.5)  # its rows are turned
        (name,) = {each.getMicName() for each in imported.outputCoordinates}
        assert name == self.simulated.outputMicrographs.getFirstItem().getMicName()

    @unittest.skipUnless(has_relion(), NO_RELION)
    def testParticles(self) -> None:
        """Ranked particles keep coordinates, CTFs and images on the way there, and their poses
        on the way back, to which labels are made as the simulator drew them.
        """
        ctf = self.simulated, "outputCTF"
        extracted = self.extract(self.simulated, self.simulated, BOX, SMALL_BOX, ctfRelations=ctf)
        ranked = self.finished(
            CryoSegmentProtRankParticles,
            {"inputParticles": (extracted, "outputParticles")},
            diameter=DIAMETER,
            keep="1",
            useGpu=False,
            numberOfThreads=1,
        )
        self.checkInput(ranked.outputParticles)
        refined = self.refine(ranked)
        labels = self.finished(
            CryoSegmentProtLabels,
            {
                "inputMicrographs": (self.simulated, "outputMicrographs"),
                "inputParticles": (refined, "outputParticles"),
                "inputVolume": (self.importMap(), "outputVolume"),
            },
            source=1,
            checkLabels=False,
            numberOfThreads=1,
        )
        (found,), (true,) = (
            read_labels_index(each.getLabelsFolder()).entries for each in (labels, self.simulated)
        )
        found_mask, true_mask = (mrcfile.read(each.instances) > 0 for each in (found, true))
        assert (found_mask & true_mask).sum() / (found_mask | true_mask).sum() > 0.9

    def checkInput(self, particles: Any) -> None:
        """The STAR file that its protocols give to CryoSPARC."""
        path = self.folder / "input_particles.star"
        write = plugin_class("cryosparc2.convert", "writeSetOfParticles")
        write(particles, str(path), str(self.folder))
        block = read_star(path)["particles"]
        items = [item.clone() for item in particles]
        assert block.count == len(items) == self.simulated.outputCoordinates.getSize()
        for name, values in (
            ("rlnCoordinateX", [item.getCoordinate().getX() for item in items]),
            ("rlnCoordinateY", [item.getCoordinate().getY() for item in items]),
            ("rlnDefocusU", [item.getCTF().getDefocusU() for item in items]),
        ):
            np.testing.assert_allclose(np.array(block[name], float), values, rtol=1e-5)
        for item, name in zip(items, block["rlnImageName"]):
            index, file = name.split("@")
            assert int(index) == item.getIndex()
            np.testing.assert_array_equal(
                mrcfile.read(file)[item.getIndex() - 1],
                mrcfile.read(item.getFileName().replace(":mrcs", ""))[item.getIndex() - 1],
            )

    def refine(self, ranked: Any) -> Any:
        """A local refinement that has the true poses: its output, made as it makes it."""
        particles = ranked.outputParticles
        protocol = self.newProtocol(
            plugin_class("cryosparc2.protocols", "ProtCryoSparcLocalRefine")
        )
        self.point(protocol.inputParticles, ranked, "outputParticles")
        self.saveProtocol(protocol)
        os.makedirs(protocol._getExtraPath())
        protocol._initialize()
        true = {each.getObjId(): each.clone() for each in self.simulated.outputCoordinates}
        items = [item.clone() for item in particles]
        columns = {
            name: [str(getattr(true[item.getObjId()], f"_{name}").get()) for item in items]
            for name in ANGLES
        }
        for name, values in (
            ("rlnOriginXAngst", ["0.0"] * len(items)),
            ("rlnOriginYAngst", ["0.0"] * len(items)),
            ("rlnDefocusU", [str(item.getCTF().getDefocusU()) for item in items]),
            ("rlnDefocusV", [str(item.getCTF().getDefocusV()) for item in items]),
            ("rlnDefocusAngle", [str(item.getCTF().getDefocusAngle()) for item in items]),
            ("rlnRandomSubset", ["1"] * len(items)),
        ):
            columns[name] = values
        write_star(protocol._getFileName("out_particles"), {"particles": columns})
        output = objects.SetOfParticles.create(protocol._getExtraPath())
        output.copyInfo(particles)
        protocol._fillDataFromIter(output)
        protocol._defineOutputs(outputParticles=output)
        self.proj._storeProtocol(protocol)
        assert protocol.outputParticles.getFirstItem()._cryosegmentQuality.hasValue()
        return protocol

    def importMap(self) -> Any:
        """The map of the simulated molecule."""
        return self.finished(
            plugin_class("pwem.protocols", "ProtImportVolumes"),
            {},
            filesPath=str(next((self.truth / "maps").glob("*.mrc"))),
            samplingRate=PIXEL_SIZE,
        )
