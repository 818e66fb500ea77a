# SPDX-License-Identifier: GPL-3.0-or-later
"""Models tuned on labelled micrographs, in a scripted project."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import Any

from cryosegment.exchange.card import read_card
from cryosegment.exchange.job import read_job
from cryosegment.exchange.model_files import GENERAL, PARTICLES, model_path
from cryosegment.exchange.params import CrfTuneParams, TuneParams
from cryosegment.exchange.records import record_to_dict
from cryosegment.exchange.settings import recommended_threshold
from cryosegment.tests.scripted import (
    DIAMETER,
    CryoSegmentProtTune,
    CryoSegmentViewerTune,
    MessageView,
    Pointer,
    ProtocolTest,
    SegmentationModel,
)


class TestCryoSegmentTune(ProtocolTest):
    """What suits a few labelled micrographs is what the new model recommends."""

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.source = cls.launchProtocol(cls.newSimulate(snr=0.05))

    def newTune(self, output: str, **options: Any) -> Any:
        """A tuning on the simulated masks, or on the true coordinates."""
        options = {"useGpu": False, "numberOfThreads": 1, **options}
        tune = self.newProtocol(CryoSegmentProtTune, **options)
        if output == "outputMasks":
            tune.inputMasks.append(Pointer(self.source, extended=output))
        else:
            self.point(tune.inputCoordinates, self.source, output)
        return tune

    def testPicking(self) -> None:
        """Of all that was tried the best is recommended, and picking takes it from the card."""
        tune = self.launchProtocol(self.newTune("outputCoordinates", diameter=DIAMETER))
        card = read_card(tune.outputModel.getPath())
        with open(Path(tune.outputModel.getPath()).with_suffix(".picking.csv")) as file:
            rows = [row for row in csv.DictReader(file) if row["centers"] == "heatmap"]
        best = max(rows, key=lambda row: float(row["f1"]))
        said = re.search(r"on the same micrographs: F1 ([\d.]+)", " ".join(tune.summary()))
        assert abs(float(said[1]) - float(best["f1"])) < 1e-4
        general = read_card(model_path(GENERAL))
        is_better = "The card recommends" in " ".join(tune.summary())
        assert is_better != (card.use == general.use)
        if is_better:
            assert abs(card.use.threshold - float(best["threshold"])) < 1e-3
        assert card.network == general.network
        pick = self.newPick(self.source, modelSource=1, threshold="card")
        self.point(pick.inputModel, tune, "outputModel")
        self.launchProtocol(pick)
        scores = [coordinate._cryosegmentScore.get() for coordinate in pick.outputCoordinates]
        assert min(scores) >= recommended_threshold(card)
        self.checkViewer(tune)

    def checkViewer(self, tune: Any) -> None:
        """It has the drawing and the summary, or says that there is nothing yet."""
        viewer = CryoSegmentViewerTune(project=self.proj, protocol=tune)
        plotter, message = viewer._visualize(tune)
        (axes,) = plotter.getFigure().axes
        assert axes.images[0].get_array().shape[1] > 1000
        assert message._msg == "\n".join(tune.summary())
        (message,) = viewer._visualize(self.newTune("outputMasks"))
        assert isinstance(message, MessageView)
        assert "yet" in message._msg

    def testBoth(self) -> None:
        """The CRF is searched first, then the picking with it; Continue says what it deletes."""
        tune = self.newTune("outputMasks", tuneCrf=True, trials=2, modelName="own")
        assert tune.warnings() == []
        self.launchProtocol(tune)
        crf = read_card(tune._getExtraPath("crf", "own.safetensors"))
        card = read_card(tune.outputModel.getPath())
        assert card.name == "own"
        assert card.use.crf == crf.use.crf
        assert read_job(tune._getExtraPath("tune.json")).params["model"].endswith(tune._crfModel())
        assert card.provenance.metrics[: len(crf.provenance.metrics)] == crf.provenance.metrics
        text = " ".join(tune.summary())
        assert text.index("CRF") < text.index("cross-validation")
        tune.trials.set(3)
        assert "deletes *outputModel*" in tune.warnings()[0]

    def testOtherModel(self) -> None:
        """A model that is for something else is refused by its card, here and in other forms."""
        self.source._defineOutputs(outputModel=SegmentationModel(str(model_path(PARTICLES))))
        self.proj._storeProtocol(self.source)
        for protocol in (
            self.newTune("outputMasks", modelSource=1),
            self.newPick(self.source, modelSource=1),
        ):
            self.point(protocol.inputModel, self.source, "outputModel")
            (error,) = protocol.validate()
            assert "expected a model for picking" in error

    def testForm(self) -> None:
        """Fields start with the records' defaults; what is missing or unwise is said."""
        tune = self.newTune("outputMasks", tuneCrf=True)
        for record, (command, values) in zip((CrfTuneParams, TuneParams), tune._searches()):
            expected = {**record_to_dict(record()), "gpu": "cpu"}
            assert values == {name: expected[name] for name in values}, command
            assert set(expected) - set(values) == {"model", "ctf", "threads"}
        tune.centers.set("heatmap, magic")
        assert "magic" in tune.validate()[0]
        for output, options, words in (
            ("outputCoordinates", {}, "Give the *Particle diameter*"),
            ("outputMasks", {"tunePicking": False}, "Choose what to tune"),
            ("outputMasks", {"folds": 1}, "*Folds*"),
            ("outputMasks", {"modelName": "a/b"}, "*Name of the new model*"),
        ):
            (error,) = self.newTune(output, **options).validate()
            assert words in error
        discs = self.newTune("outputCoordinates", diameter=DIAMETER, tuneCrf=True)
        (warning,) = discs.warnings()
        assert "The labels are discs" in warning
