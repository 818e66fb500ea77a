# SPDX-License-Identifier: GPL-3.0-or-later
"""Simulated micrographs in a scripted project."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import mrcfile
import numpy as np

from cryosegment.exchange.card import read_card
from cryosegment.exchange.params import SimulateParams
from cryosegment.exchange.records import record_to_dict
from cryosegment.exchange.star import read_star
from cryosegment.tests.scripted import (
    DIAMETER,
    PIXEL_SIZE,
    CryoSegmentProtLabels,
    CryoSegmentProtSimulate,
    Pointer,
    ProtocolTest,
    objects,
    true_rows,
)


class TestCryoSegmentSimulate(ProtocolTest):
    """Simulated micrographs in the project, up to picks by a model trained on them."""

    def testChain(self) -> None:
        """Simulate, label, train on both kinds of labels, pick."""
        simulated = self.launchProtocol(self.newSimulate())
        self.checkOutputs(simulated)
        labels = self.newProtocol(CryoSegmentProtLabels, diameter=DIAMETER, numberOfThreads=1)
        self.point(labels.inputCoordinates, simulated, "outputCoordinates")
        self.launchProtocol(labels)
        assert labels.outputMasks.getSize() == 2
        train = self.newTrain(validation=0.5)
        for protocol in (simulated, labels):
            train.inputMasks.append(Pointer(protocol, extended="outputMasks"))
        self.launchProtocol(train)
        card = read_card(train.outputModel.getPath())
        assert card.provenance.label_source == "coordinates, simulation"
        self.checkPicks(train, simulated, simulated.outputCoordinates.getSize())

    def checkOutputs(self, simulated: Any) -> None:
        """Micrographs with acquisition; a mask and coordinates for each, which agree."""
        micrographs, masks = simulated.outputMicrographs, simulated.outputMasks
        coordinates = simulated.outputCoordinates
        assert micrographs.getDim()[:2] == (512, 640)
        assert micrographs.getSamplingRate() == PIXEL_SIZE
        assert micrographs.getAcquisition().getVoltage() == 300
        assert masks.getSize() == micrographs.getSize() == 2
        assert coordinates.getBoxSize() == 90
        assert coordinates.getMicrographs().getSize() == 2
        particles = {mask.getMicId(): mask.getParticles() for mask in masks}
        for mic in micrographs:
            centers = [c.getPosition() for c in coordinates.iterCoordinates(mic.clone())]
            assert abs(len(centers) - particles[mic.getObjId()]) <= 1
            folder = Path(simulated.getLabelsFolder()) / "instances"
            labels = mrcfile.read(folder / mic.getMicName())
            inside = [labels[min(y, 639), min(x, 511)] > 0 for x, y in centers]
            assert np.mean(inside) > 0.8
        assert f"{coordinates.getSize()} particles" in simulated.summary()[0]
        self.checkPoses(simulated)

    def checkPoses(self, simulated: Any) -> None:
        """Coordinates and CTFs carry what the truth says."""
        rows = true_rows(Path(simulated._getExtraPath("simulation")))
        names = ("Rot", "Tilt", "Psi")
        found = [
            [
                each.getMicId(),
                *each.getPosition(),
                *(getattr(each, f"_rlnAngle{n}").get() for n in names),
            ]
            for each in simulated.outputCoordinates
        ]
        np.testing.assert_allclose(np.array(found, float), np.round(rows, 6), atol=0.5)
        block = read_star(Path(simulated.getLabelsFolder()) / "coordinates.star")["particles"]
        true = set(zip(block["rlnMicrographName"], map(float, block["rlnDefocusU"])))
        defocus = {
            (f"micrographs/{ctf.getMicrograph().getMicName()}", ctf.getDefocusU())
            for ctf in simulated.outputCTF
        }
        assert defocus == true

    def testMixtureOfProject(self) -> None:
        """Volumes of the project in given parts; their size is what the project says."""
        first = self.launchProtocol(self.newSimulate(count=1))
        path = first._getExtraPath("simulation/truth/maps/1_builtin.mrc")
        for name, pixel_size in (("large", PIXEL_SIZE), ("small", 0.6 * PIXEL_SIZE)):
            volume = objects.Volume(path)
            volume.setSamplingRate(pixel_size)
            first._defineOutputs(**{name: volume})
        self.proj._storeProtocol(first)
        simulated = self.newSimulate(
            count=1, molecule=2, particles=12, ratios="1, 2", snrDb=-6.0, preferred=1.0
        )
        for name in ("large", "small"):
            simulated.inputVolumes.append(Pointer(first, extended=name))
        self.launchProtocol(simulated)
        coordinates = [each.clone() for each in simulated.outputCoordinates]
        species = [each._rlnClassNumber.get() for each in coordinates]
        assert len(species) == 12
        assert species.count(2) > species.count(1) > 0
        for each, number in zip(coordinates, species):
            diameter = DIAMETER * (1.0, 0.6)[number - 1]
            assert abs(each._cryosegmentDiameter.get() / diameter - 1) < 0.1
            assert each._rlnAngleTilt.get() < 60  # about the preferred view
        assert "2 species, up to 18" in simulated.summary()[0]
        assert "-6 dB" in simulated.summary()[0]

    def testFormDefaults(self) -> None:
        """Every parameter of the command has its field, which starts with its default."""
        values, defaults = self.newSimulate()._values(), self.newProtocol(CryoSegmentProtSimulate)
        fields = {field.name for field in dataclasses.fields(SimulateParams)}
        assert fields - set(values) == {"molecule", "ratios", "gpu", "threads", "resume"}
        expected = record_to_dict(SimulateParams())
        for name, value in defaults._values().items():
            assert value == expected[name], name

    def testValidation(self) -> None:
        """What is missing or impossible is named before anything runs."""
        for options, words in (
            ({"snr": -1.0}, "expected *Signal-to-noise ratio* to be"),
            ({"height": 1}, "size"),
            ({"defocusMin": 9e4}, "defocus"),
            ({"molecule": 1, "moleculeFile": "/nowhere.pdb"}, "Choose the file"),
            ({"molecule": 1, "moleculeFile": f"{__file__}, /nowhere.pdb"}, "/nowhere.pdb"),
            ({"molecule": 2}, "Choose a volume"),
            ({"snrDb": 900.0}, "expected *Signal-to-noise ratio (dB)* to be"),
            ({"molecule": 1, "moleculeFile": __file__, "ratios": "1 2"}, "ratio"),
            ({"molecule": 1, "moleculeFile": __file__, "ratios": "much"}, "much"),
            ({"useGpu": True, "gpuList": "0 1"}, "one GPU"),
        ):
            (error,) = self.newSimulate(**options).validate()
            assert words in error
