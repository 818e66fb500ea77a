# SPDX-License-Identifier: GPL-3.0-or-later
"""Picking in a scripted project on simulated micrographs, good and bad."""

from __future__ import annotations

import json
import os
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any, Dict
from unittest.mock import patch

import mrcfile
import numpy as np
import tifffile

from cryosegment.exchange.card import read_card
from cryosegment.exchange.coordinates import read_coordinates
from cryosegment.exchange.job import PAGE_NAME, Job, read_job
from cryosegment.exchange.mixture import probabilities_in_data_set
from cryosegment.exchange.model_files import GENERAL, model_path
from cryosegment.exchange.params import CalibrationParams
from cryosegment.exchange.thresholds import threshold_of_best_f1
from cryosegment.tests.scripted import (
    DIAMETER,
    MODE_RESTART,
    PIXEL_SIZE,
    QUIET_SECONDS,
    CryoSegmentProtImportModel,
    CryoSegmentProtRepick,
    CryoSegmentViewerPick,
    ImageHandler,
    Plugin,
    ProtocolTest,
    SegmentationModel,
    SetOfMicrographMasks,
    StayingCores,
    core_file,
    objects,
    simulate,
)
from cryosegment.viewers.windows import read_image, selection_of
from cryosegment.window.picks import PickDisplay

GARBAGE = "this is no micrograph"


def distances(found: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Distance of each found centre to the nearest true one, px."""
    return np.linalg.norm(found[:, None] - truth[None], axis=-1).min(axis=1)


def best_threshold(scores: np.ndarray) -> float:
    """The threshold that is chosen from the scores of candidates."""
    return threshold_of_best_f1(scores, probabilities_in_data_set(scores))


def calibrate(path: Path, numbers: Dict[str, float]) -> None:
    """Write a copy of the general model whose card calibrates its scores."""
    data = model_path(GENERAL).read_bytes()
    length = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8 : 8 + length])
    card = read_card(model_path(GENERAL))
    use = replace(card.use, calibration=CalibrationParams(**numbers))
    header["__metadata__"]["model_card"] = replace(card, use=use).to_json()
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data[8 + length :])


class TestCryoSegmentPick(ProtocolTest):
    """Outputs, batches, Continue, models, and micrographs that fail."""

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.micrographs = simulate(cls.folder / "simulated", 3)
        cls.source = cls.importMicrographs(cls.micrographs / "*.mrc", PIXEL_SIZE)
        cls.whole = cls.newPick(cls.source, masks=True, streamingBatchSize=2, threshold="card")
        cls.launchProtocol(cls.whole)

    def testOutputs(self) -> None:
        """Particles lie where the simulation put them, with scores, masks and a box size."""
        pick, coordinates = self.whole, self.whole.outputCoordinates
        truth = read_coordinates(
            self.folder / "simulated" / "truth" / "coordinates.star", PIXEL_SIZE
        )
        count = sum(map(len, truth.values()))
        assert abs(coordinates.getSize() - count) < 0.25 * count
        assert coordinates.getBoxSize() == 90
        assert pick.boxsize.get() == 90
        for mic in self.source.outputMicrographs:
            mine = [(c.getY(), c.getX()) for c in coordinates.iterCoordinates(mic.clone())]
            name = os.path.splitext(mic.getMicName())[0]
            away = distances(np.array(mine, float), truth[name].centers_yx)
            assert np.mean(away < 0.25 * DIAMETER / PIXEL_SIZE) > 0.8
        self.checkScores(coordinates)
        self.checkMasks(pick.outputMasks, coordinates.getSize())
        assert f"{coordinates.getSize()} particles" in pick.summary()[0]
        assert f"{DIAMETER:g} Å" in pick.methods()[0]

    def checkScores(self, coordinates: object) -> None:
        """Every coordinate has the attributes that RELION's files keep."""
        threshold = self.whole.getThreshold()
        for coordinate in coordinates:
            score = coordinate._cryosegmentScore.get()
            assert round(score, 4) >= round(threshold, 4)
            assert score <= 1
            assert coordinate._rlnAutopickFigureOfMerit.get() == score
            assert coordinate._rlnClassNumber.get() == 0
            assert coordinate._rlnAnglePsi.get() == 0
            axes = coordinate._cryosegmentLongAxis.get(), coordinate._cryosegmentShortAxis.get()
            assert 1.5 * DIAMETER > axes[0] >= axes[1] > 0.2 * DIAMETER
            assert abs(coordinate._cryosegmentAxisAngle.get()) <= 90
            assert coordinate._cryosegmentIsolation.get() > 0.4 * DIAMETER
            assert coordinate.getMicName()

    def checkMasks(self, masks: SetOfMicrographMasks, count: int) -> None:
        """One mask a micrograph, which it covers, with about as many particles as picks."""
        assert masks.getSize() == 3
        extent = np.multiply(masks.getDim()[:2], masks.getSamplingRate())
        whole = np.multiply((768, 640), PIXEL_SIZE)
        assert np.abs(extent - whole).max() < masks.getSamplingRate()
        assert masks.getSamplingRate() > PIXEL_SIZE
        assert masks.getMicrographs().getSize() == 3
        assert abs(sum(mask.getParticles() for mask in masks) - count) < 0.2 * count
        for mask in masks:
            assert 0.02 < mask.getCoverage() < 0.9

    def page(self, viewer: Any) -> str:
        """The page that a viewer lets the core make."""
        Plugin.runCore(*viewer._reportWords())
        return Path(viewer._reportFolder(), PAGE_NAME).read_text()

    def testViews(self) -> None:
        """The window shows the picks and masks; a page says what they look like."""
        viewer = CryoSegmentViewerPick(project=self.proj, protocol=self.whole)
        viewer.setProtocol(self.whole)
        count = self.whole.outputCoordinates.getSize()
        page = self.page(viewer)
        assert f"Picks of {self.whole.getRunName()}" in page
        assert f">{count:,}</dd>" in page
        assert "Mean image" in page
        selection = selection_of(self.whole)
        content = PickDisplay(selection, read_image).content("picks")
        first = self.source.outputMicrographs.getFirstItem()
        (name,) = (
            name for name, file in content.files.items() if Path(file).samefile(first.getFileName())
        )
        mine = [c.getPosition() for c in self.whole.outputCoordinates.iterCoordinates(first)]
        (circles,) = content.marks(name)
        assert len(circles.centers_yx) == len(mine)
        placed = circles.centers_yx[:, ::-1]
        assert distances(placed, np.array(mine, float)).max() < 0.75  # rounding
        assert circles.diameter_px == DIAMETER / PIXEL_SIZE
        masks = content.tints(name)["masks of the picks"]().colors[..., 3] > 0
        written = mrcfile.read(self.whole.getMaskFile(first.clone())) > 0
        np.testing.assert_array_equal(masks, written)

    def testOtherFormats(self) -> None:
        """TIFF, and a format that Scipion converts, give the same coordinates as MRC."""
        others = self.folder / "others"
        others.mkdir()
        tifffile.imwrite(
            others / "simulated_0001.tif", mrcfile.read(self.micrographs / "simulated_0001.mrc")
        )
        ImageHandler().convert(
            str(self.micrographs / "simulated_0002.mrc"), str(others / "simulated_0002.spi")
        )
        source = self.importMicrographs(others / "simulated_*", PIXEL_SIZE)
        pick = self.launchProtocol(self.newPick(source))
        assert pick.getFailures() == {}
        for name in ("simulated_0001", "simulated_0002"):
            found, expected = (
                read_coordinates(p._getExtraPath("coordinates", f"{name}.star"), PIXEL_SIZE)[name]
                for p in (pick, self.whole)
            )
            np.testing.assert_allclose(found.centers_yx, expected.centers_yx, atol=0.01)

    def testTiffOfBytes(self) -> None:
        """The core gets a copy whose rows and grey levels are those that Scipion has."""
        image = (np.arange(60 * 80) % 251).astype(np.uint8).reshape(60, 80)
        path = self.folder / "bytes.tif"
        tifffile.imwrite(path, image)
        mic = objects.Micrograph(str(path))
        mic.setMicName("bytes.tif")
        copy = core_file(mic, str(self.folder / "copies"))
        np.testing.assert_array_equal(mrcfile.read(copy), image)
        np.testing.assert_array_equal(ImageHandler().read(str(path)).getData(), image)

    def testModelOfProject(self) -> None:
        """An imported copy of the general model picks what the general model picks."""
        imported = self.newProtocol(CryoSegmentProtImportModel, source=0)
        self.launchProtocol(imported)
        assert isinstance(imported.outputModel, SegmentationModel)
        assert "general" in str(imported.outputModel)
        pick = self.newPick(self.source, modelSource=1, threshold="card")
        assert "Choose a segmentation model" in pick.validate()[0]
        self.point(pick.inputModel, imported, "outputModel")
        self.launchProtocol(pick)
        assert pick.outputCoordinates.getSize() == self.whole.outputCoordinates.getSize()

    def testCalibratedModel(self) -> None:
        """The first batch chooses its threshold, the next takes what those before it say."""
        path = self.folder / "calibrated.safetensors"
        calibrate(path, {"a": 9.0, "b": 0.9, "c": 2.0})
        imported = self.newProtocol(CryoSegmentProtImportModel, modelPath=str(path))
        self.launchProtocol(imported)
        pick = self.newPick(self.source, modelSource=1, streamingBatchSize=2)
        self.point(pick.inputModel, imported, "outputModel")
        self.launchProtocol(pick)
        jobs = [
            read_job(job) for job in sorted(Path(pick._getExtraPath()).glob("batches/*/job.json"))
        ]
        first, second = (job.params["threshold"] for job in jobs)
        assert first == "auto"
        candidates = read_coordinates(pick._getExtraPath("candidates"), PIXEL_SIZE)
        known = np.concatenate([candidates[name].scores for name in jobs[0].names])
        assert abs(float(second) - best_threshold(known)) < 1e-5
        everything = np.concatenate([found.scores for found in candidates.values()])
        assert abs(pick.getThreshold() - best_threshold(everything)) < 1e-6
        assert "chosen on the micrographs" in " ".join(pick.summary())
        summaries = pick.getSummaries()
        assert set(summaries) == set(candidates)
        for name, row in summaries.items():
            assert abs(row.expected - candidates[name].scores.sum()) < 0.01
        pick.threshold.set("card")
        assert "the model's threshold" in " ".join(pick.summary())
        assert pick.getThreshold() != read_card(path).use.threshold

    def testEmptyMicrographs(self) -> None:
        """Ice without particles is named in the summary; a particle says what looks odd."""
        folder = self.folder / "ice"
        folder.mkdir()
        ice = np.random.default_rng(0).normal(size=(640, 768)).astype(np.float32)
        for name, image in (("ice", ice), ("good", mrcfile.read(next(self.micrographs.iterdir())))):
            with mrcfile.new(folder / f"{name}.mrc") as file:
                file.set_data(image)
                file.voxel_size = PIXEL_SIZE
        pick = self.newPick(self.importMicrographs(folder / "*.mrc", PIXEL_SIZE))
        self.launchProtocol(pick)
        assert pick.getSummaries()["ice"].grade == "no ice"
        for output, name, grade in (
            (pick.outputMicrographs, "good.mrc", "good"),
            (pick.outputMicrographsDiscarded, "ice.mrc", "no ice"),
        ):
            (mic,) = (item.clone() for item in output)
            assert (mic.getMicName(), mic._cryosegmentGrade.get()) == (name, grade)
            assert (mic._cryosegmentQuality.get() > 0.5) == (grade == "good")
            assert output.getSamplingRate() == PIXEL_SIZE
            assert output.isStreamClosed()
        assert "1 of 2 micrographs, such as ice" in " ".join(pick.summary())
        doubts = {c.getMicName(): c._cryosegmentDoubts.get() for c in pick.outputCoordinates}
        assert not doubts["good.mrc"]

    def testContinueWithOtherParameters(self) -> None:
        """Continue keeps what is done, and redoes it where a parameter has changed."""
        pick = self.launchProtocol(self.newPick(self.source))
        many = pick.outputCoordinates.getSize()
        star = Path(pick._getExtraPath("coordinates", "simulated_0001.star"))
        before = star.stat().st_mtime_ns
        written = pick._signatureFile()
        params, *others = json.loads(written.read_text())
        old = {name: value for name, value in json.loads(params).items() if name != "recenter"}
        written.write_text(json.dumps([json.dumps(old), *others]))  # as of an earlier version
        self.launch(pick)
        assert pick.outputCoordinates.getSize() == many
        assert star.stat().st_mtime_ns == before

        pick.minDistance.set("0.3")
        (warning,) = pick.warnings()
        assert f"*Continue* deletes *outputCoordinates* ({many} items), *boxsize*" in warning
        self.launch(pick)
        assert pick.isFinished(), pick.getErrorMessage()
        assert pick.outputCoordinates.getSize() >= many
        assert star.stat().st_mtime_ns > before

    def testContinueWithAnotherSelection(self) -> None:
        """Continue takes other picks from the candidates, and a fresh run gives the same."""
        pick = self.launchProtocol(self.newPick(self.source, masks=True, streamingBatchSize=2))
        jobs = list(Path(pick._getExtraPath("batches")).glob("*/job.json"))
        times = [job.stat().st_mtime_ns for job in jobs]
        scores = sorted(c._cryosegmentScore.get() for c in pick.outputCoordinates)
        threshold = scores[len(scores) // 2] + 0.00005  # STAR files keep fewer digits
        pick.threshold.set(f"{threshold:.5f}")
        pick.sizeClasses.set("10")  # no mask is that small
        (warning,) = pick.warnings()
        assert "without picking again" in warning
        self.launch(pick)
        assert pick.isFinished(), pick.getErrorMessage()
        assert [job.stat().st_mtime_ns for job in jobs] == times
        expected = sum(score >= threshold for score in scores)
        assert pick.outputCoordinates.getSize() == expected
        assert sum(pick.getCounts().values()) == expected
        assert pick.outputCoordinatesSize2.getSize() == expected
        assert not pick.hasAttribute("outputCoordinatesSize1")
        masks = [mrcfile.read(mask.getFileName()) for mask in pick.outputMasks]
        assert sum(mask.max() for mask in masks) == expected
        assert not Path(pick._getExtraPath("repicked")).exists()
        self.launch(pick, MODE_RESTART)
        assert pick.outputCoordinates.getSize() == expected
        for before, mask in zip(masks, pick.outputMasks):
            assert (before != mrcfile.read(mask.getFileName())).mean() < 1e-4

    def testRepick(self) -> None:
        """Other picks of a run, which keep their scores; the run and its outputs stay."""
        before = self.whole.outputCoordinates.getSize()
        selection = selection_of(self.whole)
        selection.move(0.0)
        candidates = [selection.picks(name) for name in selection.files]
        scores, sizes = (
            np.concatenate([getattr(each, name) for each in candidates])
            for name in ("scores", "diameters")
        )
        best = np.argsort(scores)[-20:]
        half = float(np.median(sizes[best]))
        classes = f"10, {half}, 9000"  # nothing is that small or large
        repick = self.newProtocol(CryoSegmentProtRepick, number=20, masks=True, sizeClasses=classes)
        repick.inputPicking.set(self.whole)
        self.launchProtocol(repick)
        chosen = repick.outputCoordinates
        assert chosen.getSize() == 20 < before == self.whole.outputCoordinates.getSize()
        given = sorted(c._cryosegmentScore.get() for c in chosen)
        np.testing.assert_allclose(given, scores[best], atol=1e-4)
        assert all(c._rlnAutopickFigureOfMerit.get() == c._cryosegmentScore.get() for c in chosen)
        assert chosen.getBoxSize() == repick.boxsize.get() == self.whole.boxsize.get()
        assert sum(mrcfile.read(m.getFileName()).max() for m in repick.outputMasks) == 20
        assert "*20 particles* in 3 micrographs" in repick.summary()[0]
        assert scores[best[0]] - 0.1 < repick.getThreshold() <= scores[best[0]]
        viewer = CryoSegmentViewerPick(project=self.proj, protocol=repick)
        viewer.setProtocol(repick)
        assert ">20</dd>" in self.page(viewer)

        small, large = repick.outputCoordinatesSize2, repick.outputCoordinatesSize3
        assert small.getSize() + large.getSize() == 20
        assert max(c._cryosegmentDiameter.get() for c in small) < half
        assert min(c._cryosegmentDiameter.get() for c in large) >= half
        assert small.getBoxSize() == chosen.getBoxSize()
        assert not repick.hasAttribute("outputCoordinatesSize1")
        assert not repick.hasAttribute("outputCoordinatesSize4")

        threshold = self.whole.threshold.get()
        self.whole.threshold.set("0.9")
        self.addCleanup(self.whole.threshold.set, threshold)
        (error,) = self.whole.validate()
        assert "re-picking" in error
        repick.number.set(None)
        repick.minDistance.set("0.1")
        assert repick.validate() == []
        self.launch(repick)
        assert "at which candidates were kept" in repick.getErrorMessage()
        repick.threshold.set("high")
        assert "expected *Score threshold* to be" in repick.validate()[0]

    def testValidation(self) -> None:
        """Impossible values are named before anything runs."""
        for options, words in (
            ({"diameter": 100000.0}, "does not fit"),
            ({"diameter": -5.0}, "diameter"),
            ({"diameter": None}, "*Particle diameter (Å)* cannot be EMPTY."),
            ({"threshold": "high"}, "expected *Score threshold* to be"),
            ({"threshold": "1.5"}, "expected *Score threshold* to be"),
            ({"boxSize": 20}, "smaller than the particle"),
            ({"boxSize": 91}, "odd"),
            ({"edge": -1.0}, "expected *Distance from the border (diameters)* to be"),
            ({"minDistance": "far"}, "expected *Smallest distance (diameters)* to be"),
            ({"maxDiameter": "-3"}, "expected *Largest mask (Å)* to be"),
            ({"useGpu": True, "gpuList": ""}, "numbers of GPUs"),
            ({"useGpu": True, "gpuList": "first"}, "numbers of GPUs"),
            ({"useGpu": True, "gpuList": "0 1", "numberOfThreads": 2}, "give 3 Scipion threads"),
        ):
            errors = self.newPick(self.source, **options).validate()
            assert len(errors) == 1, errors
            assert words in errors[0]
        shared = self.newPick(self.source, useGpu=True, gpuList="0 1", numberOfThreads=3)
        assert not shared.validate()
        for text in ("Auto", " ", None):
            assert not self.newPick(self.source, threshold=text).validate()

    def testImportValidation(self) -> None:
        """What is no model is refused before it is imported."""
        garbage = self.folder / "garbage.safetensors"
        garbage.write_text(GARBAGE)
        for path, words in (
            ("", "Choose a model file"),
            (self.folder / "missing.safetensors", "does not exist"),
            (garbage, "is not one"),
        ):
            imported = self.newProtocol(CryoSegmentProtImportModel, modelPath=str(path))
            (error,) = imported.validate()
            assert words in error

    def testNothingFound(self) -> None:
        """A threshold that nothing reaches ends in one clear line, not in an empty set."""
        pick = self.launch(self.newPick(self.source, threshold="1"))
        assert pick.isFailed()
        assert "no particle was found in 3 micrographs" in pick.getErrorMessage()
        assert not pick.hasAttribute("outputCoordinates")

    def spoil(self, name: str) -> Path:
        """Replace a micrograph by garbage until the test ends."""
        path = self.micrographs / f"{name}.mrc"
        good = path.with_suffix(".good")
        path.rename(good)
        path.write_text(GARBAGE)
        self.addCleanup(lambda: good.exists() and good.replace(path))
        return good

    def isNearlyWhole(self, coordinates: Any) -> bool:
        """A batch has the threshold of the micrographs that were done then: a pick may differ."""
        size = self.whole.outputCoordinates.getSize()
        return abs(coordinates.getSize() - size) < 0.02 * size

    def testOneFails(self) -> None:
        """The run finishes without it, says so, and Continue picks it once it is good."""
        good = self.spoil("simulated_0002")
        pick = self.launchProtocol(self.newPick(self.source, streamingBatchSize=3))
        assert list(pick.getFailures()) == ["simulated_0002"]
        assert "*1 micrograph failed*, such as simulated_0002" in pick.summary()[-1]
        two = pick.outputCoordinates.getSize()
        ids = pick.outputCoordinates.aggregate(["COUNT"], "_micId", ["_micId"])
        assert len(ids) == 2

        good.replace(good.with_suffix(".mrc"))
        self.launch(pick)
        assert pick.isFinished(), pick.getErrorMessage()
        assert pick.getFailures() == {}
        assert pick.outputCoordinates.getSize() > two
        ids = pick.outputCoordinates.aggregate(["COUNT"], "_micId", ["_micId"])
        assert len(ids) == 3
        assert self.isNearlyWhole(pick.outputCoordinates)

    def testAllFail(self) -> None:
        """When every micrograph fails, the run fails and says why."""
        for i in (1, 2, 3):
            self.spoil(f"simulated_000{i}")
        pick = self.launch(self.newPick(self.source, streamingBatchSize=2))
        assert pick.isFailed()
        assert "all 3 micrographs failed, the first with" in pick.getErrorMessage()
        assert not pick.hasAttribute("outputCoordinates")

    def testResumeAfterBreak(self) -> None:
        """A run that broke at its second micrograph goes on there and keeps the first."""
        pick = self.newPick(self.source, streamingBatchSize=1, numberOfThreads=1)
        self.saveProtocol(pick)
        blocker = Path(pick._getExtraPath("batches", "000002"))  # a file where a folder must go
        blocker.parent.mkdir(parents=True)
        blocker.write_text("")
        self.launch(pick)
        assert pick.isFailed()
        assert "cannot write" in pick.getErrorMessage()
        star = Path(pick._getExtraPath("coordinates", "simulated_0001.star"))
        before = star.stat().st_mtime_ns

        blocker.unlink()
        self.launch(pick)
        assert pick.isFinished(), pick.getErrorMessage()
        assert star.stat().st_mtime_ns == before
        assert self.isNearlyWhole(pick.outputCoordinates)

    def testCoreStays(self) -> None:
        """One process takes all batches; another takes over when it has ended."""
        files, used = sorted(self.micrographs.glob("*.mrc")), []
        cores, environ = StayingCores(), Plugin.getEnviron()
        values = {"diameter": DIAMETER, "pixel_size": PIXEL_SIZE, "gpu": "cpu"}
        for file in files:
            path, output = self.folder / f"{file.stem}.json", str(self.folder / "staying")
            Job("pick", values, (str(file),), f"{output}_{file.stem}").write(path)
            assert cores.run(path, (), environ) == 0
            assert len(read_coordinates(f"{output}_{file.stem}/coordinates", PIXEL_SIZE)) == 1
            (core,) = cores._idle[()]
            used.append(core._process)
            if len(used) == 2:
                core._process.kill()
                core._process.wait()
        first, second, third = used
        assert first is second
        assert third is not second
        cores.close()
        assert third.returncode == 0
        for process in used:
            assert process.stdin.closed
            assert process.stdout.closed

    def testBrokenModel(self) -> None:
        """A model that is damaged after its import is named before anything runs."""
        imported = self.newProtocol(CryoSegmentProtImportModel, modelPath=str(model_path(GENERAL)))
        self.launchProtocol(imported)
        pick = self.newPick(self.source, modelSource=1)
        self.point(pick.inputModel, imported, "outputModel")
        Path(imported.outputModel.getPath()).write_text(GARBAGE)
        assert ".safetensors" in pick.validate()[0]
        self.launch(pick)
        assert pick.isFailed()
        assert ".safetensors" in pick.getErrorMessage()
        assert not pick.hasAttribute("outputCoordinates")

    def testMissingGpu(self) -> None:
        """A GPU that is not there stops the run with the core's own words."""
        pick = self.newPick(self.source, useGpu=True, gpuList="98")
        assert ("No NVIDIA GPU" in " ".join(pick.warnings())) != Plugin.hasGpu()
        self.launch(pick)
        assert pick.isFailed()
        assert "GPU 98 was asked for" in pick.getErrorMessage()
        assert "*GPU IDs: No*" in pick.getErrorMessage()
        assert "--gpu" not in pick.getErrorMessage()

    def testIncompleteBatch(self) -> None:
        """While micrographs come, a batch waits for more, but not when none has come for long."""
        pick = self.newPick(self.source, streamingBatchSize=2)
        self.saveProtocol(pick)
        pick.initialIds, pick.micDict, pick.streamClosed = [], {}, False
        mics = [mic.clone() for mic in self.source.outputMicrographs]
        with patch("time.monotonic") as clock:
            for seconds, given, made in (
                (0.0, mics, 1),
                (QUIET_SECONDS - 1, mics[2:], 0),
                (QUIET_SECONDS, mics[2:], 1),
                (2 * QUIET_SECONDS, [], 0),
            ):
                clock.return_value = seconds
                assert len(pick._insertNewMicsSteps(given)) == made
        assert list(pick.micDict) == [mic.getMicName() for mic in mics]
