# SPDX-License-Identifier: GPL-3.0-or-later
"""Picks against a reference, in scripted projects."""

from __future__ import annotations

import dataclasses
import unittest
from pathlib import Path
from typing import Any

import numpy as np

from cryosegment.exchange.coordinates import Coordinates, write_coordinates_star
from cryosegment.exchange.job import PAGE_NAME
from cryosegment.exchange.params import EvaluateParams
from cryosegment.exchange.records import record_to_dict
from cryosegment.tests.coordinate_sets import DIAMETER, FIRST, SECOND, CoordinateSetsTest
from cryosegment.tests.machine import NO_RELION, has_relion
from cryosegment.tests.scripted import DIAMETER as MOLECULE
from cryosegment.tests.scripted import (
    PIXEL_SIZE,
    CryoSegmentProtConsensus,
    CryoSegmentProtEvaluate,
    CryoSegmentProtRepick,
    CryoSegmentViewerEvaluate,
    MessageView,
    Pointer,
    ProtocolTest,
    plugin_class,
)
from cryosegment.viewers.viewer_evaluate import cells

WITH_FALSE = {**SECOND, "a": [*SECOND["a"], (30, 80)]}
"""One false pick more, the worst of its micrograph."""
GIVEN_ELSEWHERE = {
    "micrographs",
    "picks",
    "reference",
    "masks",
    "reference_masks",
    "names",
}
FROM_SCIPION = {"pixel_size", "json", "y_up", "height", "width"}


class TestCryoSegmentEvaluation(CoordinateSetsTest):
    """Figures that can be counted by hand."""

    def newEvaluation(self, reference: str, *names: str, **options: Any) -> Any:
        """An evaluation of outputs of the import."""
        options = {"diameter": DIAMETER, **options}
        protocol = self.newProtocol(CryoSegmentProtEvaluate, **options)
        self.point(protocol.referenceCoordinates, self.source, reference)
        for name in names:
            protocol.inputCoordinates.append(Pointer(self.source, extended=name))
        return protocol

    def testFigures(self) -> None:
        """Each set has its F1 and its best threshold, which other forms take; Continue renews."""
        self.newSet("hand", FIRST)
        self.newSet("scored", WITH_FALSE, score=5.0)
        self.newSet("plain", SECOND)
        both = self.launchProtocol(self.newEvaluation("hand", "scored", "plain"))
        # two of four particles are hit; (70, 70) and, in the first set, (30, 80) are wrong
        assert abs(both.f1Set1.get() - 2 * 2 / (4 + 4)) < 1e-9
        assert abs(both.f1Set2.get() - 2 * 2 / (4 + 3)) < 1e-9
        assert both.bestThresholdSet1.get() == 4.0
        assert not both.hasAttribute("bestThresholdSet2")  # it has no scores
        summary = " ".join(both.summary())
        assert (
            "4 particles of the reference in 2 micrographs; a pick is right if it lies within 10 Å"
            in summary
        )
        assert "precision 0.500, recall 0.500 of 4 picks" in summary
        assert "Best threshold of set 1: 4, F1 0.571." in summary
        assert "Set 2 has no scores" in summary
        repick = self.newProtocol(CryoSegmentProtRepick)
        repick.threshold.setPointer(Pointer(both, extended="bestThresholdSet1"))
        self.saveProtocol(repick)
        assert repick._repickParams()["threshold"] == "4.0"
        repick.threshold.setPointer(Pointer(both, extended="bestThresholdSet2"))
        (error,) = repick.validate()
        assert error.startswith("*Score threshold* points to a result that is not there")
        self.checkViewer(both)
        both.tolerance.set(0.01)
        assert "Continue" in both.warnings()[0]
        self.launchProtocol(both)
        assert both.f1Set1.get() == 0.0

    def checkViewer(self, protocol: Any) -> None:
        """The report is there, with both micrographs, and a table and curves of all sets."""
        viewer = CryoSegmentViewerEvaluate(project=self.proj, protocol=protocol)
        viewer.setProtocol(protocol)
        assert viewer.evalParamCondition("showReport")
        page = Path(protocol.getFolder(), PAGE_NAME).read_text()
        assert page.count("data:image/") >= 3  # the curves, and each micrograph
        (plotter,) = viewer._showCurves()
        curve = plotter.getFigure().axes[0].lines[0]
        np.testing.assert_allclose(curve.get_xdata()[-1], 0.5)
        np.testing.assert_allclose(curve.get_ydata()[-1], 0.5)
        rows = [cells(own.overall) for own in protocol.getEvaluation().sets]
        assert rows[0][:4] == ["4", "0.5", "0.5", "0.5"]
        assert [row[5] for row in rows] == ["4", ""]  # their best thresholds

    def testNothingYet(self) -> None:
        """Before anything is evaluated, the viewer says so."""
        protocol = self.newProtocol(CryoSegmentProtEvaluate)
        self.saveProtocol(protocol)
        viewer = CryoSegmentViewerEvaluate(project=self.proj, protocol=protocol)
        viewer.setProtocol(protocol)
        assert not viewer.evalParamCondition("showSets")
        (view,) = viewer._showState()
        assert isinstance(view, MessageView)
        assert "yet" in view._msg

    def testForm(self) -> None:
        """Fields start with the record's defaults; what does not go together is said."""
        self.newSet("known", FIRST)
        protocol = self.newEvaluation("known", "known")
        expected = record_to_dict(
            EvaluateParams(picks=("p",), reference="r", diameter=DIAMETER, pixel_size=1.0)
        )
        values = protocol._values()
        assert values == {name: expected[name] for name in values}
        fields = {field.name for field in dataclasses.fields(EvaluateParams)}
        optional = {"distance", "box", "overlap"}
        assert fields - set(values) - GIVEN_ELSEWHERE - FROM_SCIPION == optional
        for options, words in (
            ({"tolerance": -1.0}, "*Tolerance"),
            ({"published": "magic"}, "magic"),
            ({"diameter": 0.5}, "*Particle diameter"),
        ):
            (error,) = self.newEvaluation("known", "known", **options).validate()
            assert words in error
        protocol.inputMasks.append(Pointer(self.source, extended="known"))
        assert "or neither" in protocol.validate()[0]


@unittest.skipUnless(has_relion(), NO_RELION)
class TestCryoSegmentProject(ProtocolTest):
    """A project from picks by hand to extracted particles."""

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.simulated = cls.launchProtocol(cls.newSimulate(snr=0.01))

    def importHand(self) -> Any:
        """Picks by hand, here the truth, that come in files of RELION."""
        folder = self.folder / "hand"
        for mic in self.simulated.outputMicrographs:
            found = self.simulated.outputCoordinates.iterCoordinates(mic.clone())
            centers = np.array([(each.getY(), each.getX()) for each in found], float)
            record = Coordinates(centers, PIXEL_SIZE, mic.getMicName())
            path = folder / Path(mic.getMicName()).with_suffix(".star")
            write_coordinates_star(path, [(mic.getMicName(), record)])
        kind = plugin_class("pwem.protocols", "ProtImportCoordinates")
        return self.finished(
            kind,
            {"inputMicrographs": (self.simulated, "outputMicrographs")},
            importFrom=kind.IMPORT_FROM_RELION,
            filesPath=str(folder),
            filesPattern="*.star",
            boxSize=90,
        )

    def testProject(self) -> None:
        """The best threshold, pointed to, gives the picks whose F1 the evaluation foretold."""
        hand = self.importHand()
        picks = [
            self.launchProtocol(self.newPick(self.simulated, threshold="0.02", **options))
            for options in ({}, {"crf": 1})
        ]
        evaluation = self.evaluate(hand, picks)
        best = evaluation.getEvaluation().sets[0].overall
        repick = self.newProtocol(CryoSegmentProtRepick)
        repick.inputPicking.set(picks[0])
        repick.threshold.setPointer(Pointer(evaluation, extended="bestThresholdSet1"))
        self.launchProtocol(repick)
        scores = np.array([each._cryosegmentScore.get() for each in picks[0].outputCoordinates])
        kept = repick.outputCoordinates.getSize()
        assert kept == (scores >= evaluation.bestThresholdSet1.get()).sum() < len(scores)
        again = self.evaluate(hand, [repick])
        assert abs(again.f1Set1.get() - best.best_f1) < 1e-9
        assert again.f1Set1.get() > evaluation.f1Set1.get()
        consensus = self.newProtocol(CryoSegmentProtConsensus, diameter=MOLECULE)
        for source in (repick, picks[1]):
            consensus.inputCoordinates.append(Pointer(source, extended="outputCoordinates"))
        self.launchProtocol(consensus)
        assert consensus.outputCoordinates.getSize() <= kept
        particles = self.extract(consensus, self.simulated, 80, 32)
        assert particles.outputParticles.getSize() > 0.9 * consensus.outputCoordinates.getSize()

    def evaluate(self, hand: Any, runs: Any) -> Any:
        """An evaluation of the picks of runs against those by hand."""
        protocol = self.newProtocol(CryoSegmentProtEvaluate, diameter=MOLECULE)
        self.point(protocol.referenceCoordinates, hand, "outputCoordinates")
        for run in runs:
            protocol.inputCoordinates.append(Pointer(run, extended="outputCoordinates"))
        return self.launchProtocol(protocol)
