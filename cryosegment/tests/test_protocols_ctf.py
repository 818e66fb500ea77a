# SPDX-License-Identifier: GPL-3.0-or-later
"""Models whose front end corrects the CTF, in a scripted project."""

from __future__ import annotations

from typing import Any, Dict

from cryosegment.exchange.card import read_card
from cryosegment.exchange.ctf import CtfEstimate, read_ctfs
from cryosegment.exchange.params.front_end import FLIP
from cryosegment.tests.scripted import (
    Pointer,
    ProtocolTest,
    objects,
)


class TestCryoSegmentCtf(ProtocolTest):
    """Training and picking with CTFs, and where some are missing."""

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.simulated = cls.launchProtocol(cls.newSimulate(height=384, width=384))
        cls.addPhasePlate()
        cls.train = cls.newCtfTrain("outputCTF")
        cls.launchProtocol(cls.train)

    @classmethod
    def addPhasePlate(cls) -> None:
        """A CTF of the first micrograph alone, which does not say how it was acquired."""
        simulated = cls.simulated
        ctfs = objects.SetOfCTF.create(simulated._getExtraPath())
        ctfs.setMicrographs(Pointer(simulated, extended="outputMicrographs"))
        ctf = simulated.outputCTF.getFirstItem().clone()
        ctf.getMicrograph().setAcquisition(objects.Acquisition())
        ctf.setPhaseShift(90.0)
        ctfs.append(ctf)
        simulated._defineOutputs(outputPhasePlate=ctfs)
        cls.proj._storeProtocol(simulated)

    @classmethod
    def newCtfTrain(cls, ctfs: str) -> Any:
        """A training that flips phases, on the simulated labels."""
        train = cls.newTrain()
        train.frontEnd.set(train.getParam("frontEnd").choices.index(FLIP))
        train.inputMasks.append(Pointer(cls.simulated, extended="outputMasks"))
        if ctfs:
            cls.point(train.inputCTF, cls.simulated, ctfs)
        return train

    def newCtfPick(self, ctfs: str) -> Any:
        """Picking with the model that was trained."""
        pick = self.newPick(self.simulated, modelSource=1)
        self.point(pick.inputModel, self.train, "outputModel")
        if ctfs:
            self.point(pick.inputCTF, self.simulated, ctfs)
        return pick

    def true_ctfs(self) -> Dict[str, CtfEstimate]:
        """What the simulation wrote."""
        folder = self.simulated._getExtraPath("simulation", "truth")
        return read_ctfs(f"{folder}/coordinates.star")

    def testTrain(self) -> None:
        """The core gets the CTFs of the set."""
        assert read_card(self.train.outputModel.getPath()).input.front_end.name == FLIP
        assert read_ctfs(self.train._getExtraPath("ctfs.star")) == self.true_ctfs()

    def testValidation(self) -> None:
        """CTFs that are missing are named before anything runs."""
        for protocol in (self.newCtfTrain(""), self.newCtfPick("")):
            (error,) = protocol.validate()
            assert "choose *CTFs*" in error
        tuned = self.newCtfTrain("")
        tuned.modelSource.set(1)
        tuned.frontEnd.set(0)
        self.point(tuned.inputModel, self.train, "outputModel")
        assert f"front end {FLIP} needs the CTF" in tuned.validate()[0]
        (error,) = self.newCtfTrain("outputPhasePlate").validate()
        assert error.startswith("1 labelled micrograph without a CTF, such as simulated_0002")

    def testPick(self) -> None:
        """A micrograph without CTF fails alone; with the CTFs of all, all are picked again."""
        pick = self.newCtfPick("outputPhasePlate")
        warning = "1 micrograph without a CTF, such as simulated_0002: it will fail."
        assert pick.warnings() == [warning]  # and none of the diameter, which the model has seen
        self.launchProtocol(pick)
        (error,) = pick.getFailures().items()
        assert error[0] == "simulated_0002"
        assert "expected the CTF of simulated_0002" in error[1]
        true = self.true_ctfs()["simulated_0001"]
        (found,) = read_ctfs(pick._getExtraPath("ctfs.star")).values()
        assert found == CtfEstimate(
            *(true.defocus_u, true.defocus_v, true.defocus_angle, 300.0, 2.7, 0.1, 90.0)
        )
        self.point(pick.inputCTF, self.simulated, "outputCTF")
        assert "inputs have changed since" in " ".join(pick.warnings())
        self.launch(pick)
        assert pick.isFinished(), pick.getErrorMessage()
        assert pick.getFailures() == {}
        assert read_ctfs(pick._getExtraPath("ctfs.star")) == self.true_ctfs()
        assert {coordinate.getMicId() for coordinate in pick.outputCoordinates} == {1, 2}

    def testPreview(self) -> None:
        """The wizard's micrographs are picked with CTFs, too, before there is a run."""
        values = self.newCtfPick("outputCTF").getPreviewParams(str(self.folder))
        assert values["ctf"].startswith(str(self.folder))
        assert read_ctfs(values["ctf"]) == self.true_ctfs()
