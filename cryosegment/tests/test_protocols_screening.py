# SPDX-License-Identifier: GPL-3.0-or-later
"""The second look at picks, in a scripted project."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict

from cryosegment.exchange.card import SCREENING, read_card
from cryosegment.exchange.coordinates import read_coordinates
from cryosegment.exchange.csv_rows import read_rows
from cryosegment.exchange.job import JOB_NAME, read_job
from cryosegment.exchange.screen_folder import COUNTS_NAME
from cryosegment.tests.scripted import (
    DIAMETER,
    PIXEL_SIZE,
    CryoSegmentProtScreenPicks,
    CryoSegmentProtTrainScreening,
    CryoSegmentViewerScreen,
    ProtocolTest,
    simulate,
)


def by_id(coordinates: Any) -> Dict[int, Any]:
    """Copies of the coordinates of a set, by id."""
    return {coordinate.getObjId(): coordinate.clone() for coordinate in coordinates}


class TestCryoSegmentScreening(ProtocolTest):
    """Every pick is kept or dropped, with all that it had, and what was found of it."""

    def testScreening(self) -> None:
        """Screen picks with scores."""
        micrographs = self.importMicrographs(simulate(self.folder / "sim", 2) / "*.mrc", PIXEL_SIZE)
        pick = self.launchProtocol(self.newPick(micrographs, threshold="0.05"))
        options = {"diameter": DIAMETER, "threshold": "0.5", "useGpu": False, "numberOfThreads": 1}
        inputs = {"inputCoordinates": (pick, "outputCoordinates")}
        screen = self.finished(CryoSegmentProtScreenPicks, inputs, **options)
        given, kept = by_id(pick.outputCoordinates), by_id(screen.outputCoordinates)
        dropped = by_id(screen.outputDropped) if hasattr(screen, "outputDropped") else {}
        assert set(kept) | set(dropped) == set(given)
        assert not set(kept) & set(dropped)
        for number, coordinate in {**kept, **dropped}.items():
            before = given[number]
            assert coordinate.getPosition() == before.getPosition()
            assert coordinate.getMicId() == before.getMicId()
            assert coordinate._cryosegmentScore.get() == before._cryosegmentScore.get()
            assert 0 <= coordinate._cryosegmentScreening.get() <= 1
            assert 0 <= coordinate._cryosegmentInterference.get() <= 1
            assert (coordinate._cryosegmentProbability.get() >= 0.5) == (number in kept)
        job = read_job(Path(screen._getExtraPath("screened"), JOB_NAME))
        assert job.params["gpu"] == "cpu"
        assert screen.boxsize.get() == pick.boxsize.get()
        _, *rows = read_rows(Path(screen._getExtraPath("screened"), COUNTS_NAME))
        assert sum(int(row[1]) for row in rows) == len(given)
        assert sum(int(row[2]) for row in rows) == len(kept)
        assert f"*{len(kept)} picks* of {len(given)} kept." in screen._summary()[0]
        viewer = CryoSegmentViewerScreen(project=self.proj, protocol=screen)
        viewer.setProtocol(screen)
        content = viewer._content()
        for mic in micrographs.outputMicrographs:
            (name,) = (
                n for n, file in content.files.items() if Path(file).name in mic.getFileName()
            )
            circles, crosses = content.marks(name)
            for marks, own in ((circles, kept), (crosses, dropped)):
                here = [c for c in own.values() if c.getMicId() == mic.getObjId()]
                places = sorted((c.getY(), c.getX()) for c in here)
                assert sorted(map(tuple, marks.centers_yx)) == places
            assert content.cells(name)[2] == len(circles.centers_yx)
        self.checkTraining(pick)

    def checkTraining(self, pick: Any) -> None:
        """A model learns from labels and false picks, and screens with them; others are refused."""
        train = self.newProtocol(
            CryoSegmentProtTrainScreening,
            steps=2,
            batch=8,
            diameter=DIAMETER,
            useGpu=False,
            numberOfThreads=1,
        )
        self.point(train.inputCoordinates, pick, "outputCoordinates")
        self.point(train.inputPicks, pick, "outputCoordinates")
        assert "a picker's scores" in train.warnings()[0]
        self.launchProtocol(train)
        card = read_card(train.outputModel.getPath())
        assert card.task == SCREENING
        assert card.provenance.training["steps"] == 2
        assert card.provenance.training["picks"].endswith("picks.star")
        exported = read_coordinates(train._getExtraPath("picks.star"), PIXEL_SIZE)
        assert sum(map(len, exported.values())) == pick.outputCoordinates.getSize()
        assert "Trained on 1 micrograph, validated on 1 more." in train.summary()
        options = {"diameter": DIAMETER, "threshold": "0", "useGpu": False, "modelSource": 1}
        screen = self.newProtocol(CryoSegmentProtScreenPicks, numberOfThreads=1, **options)
        self.point(screen.inputCoordinates, pick, "outputCoordinates")
        self.point(screen.inputModel, train, "outputModel")
        self.launchProtocol(screen)
        job = read_job(Path(screen._getExtraPath("screened"), JOB_NAME))
        assert job.params["model"].endswith(train.outputModel.getPath())
        pick.modelSource.set(1)
        self.point(pick.inputModel, train, "outputModel")
        assert "which is for screening" in pick.validate()[0]
