# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that labels from coordinates can be, in a scripted project."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any, Tuple

import mrcfile
import numpy as np

from cryosegment.exchange.labels import (
    CONTAMINATION,
    EDGE,
    PARTICLE,
    PICKED,
    UNKNOWN,
    read_labels_index,
)
from cryosegment.exchange.params import (
    LabelsCoordinatesParams,
    LabelsReconstructionParams,
)
from cryosegment.exchange.records import record_to_dict
from cryosegment.tests.cryosparc_files import write_refined
from cryosegment.tests.scripted import (
    DIAMETER,
    MODE_RESTART,
    PIXEL_SIZE,
    CryoSegmentProtLabels,
    ProtocolTest,
    objects,
    plugin_class,
)

SHORT = 0.4 * DIAMETER
GIVEN_ELSEWHERE = {"pixel_size", "template", "resume", "coordinates", "particles", "map", "mask"}
FROM_SCIPION = {"passthrough", "particle_pixel_size", "map_pixel_size", "score", "gpu", "threads"}


class TestCryoSegmentLabels(ProtocolTest):
    """Labels of one simulated micrograph with few particles, and with ice."""

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        options = {"count": 1, "height": 768, "width": 640, "particles": 12, "iceBlobs": 6}
        cls.simulated = cls.launchProtocol(cls.newSimulate(**options))
        (entry,) = read_labels_index(cls.simulated.getLabelsFolder()).entries
        cls.true_classes = mrcfile.read(entry.classes)

    def newLabels(self, **options: Any) -> Any:
        """Labels of the simulated coordinates."""
        options = {"diameter": DIAMETER, "checkLabels": False, "numberOfThreads": 1, **options}
        labels = self.newProtocol(CryoSegmentProtLabels, **options)
        self.point(labels.inputCoordinates, self.simulated, "outputCoordinates")
        return labels

    def maps(self, labels: Any) -> Tuple[np.ndarray, np.ndarray]:
        """Instances and classes that a run makes, or makes anew on Continue, (h, w)."""
        self.launchProtocol(labels)
        (entry,) = read_labels_index(labels.getLabelsFolder()).entries
        instances = mrcfile.read(entry.instances)
        (coverage,) = [mask.getCoverage() for mask in labels.outputMasks]
        labels.outputMasks.close()  # Continue makes another file
        assert abs(coverage - (instances > 0).mean()) < 1e-6
        return instances, mrcfile.read(entry.classes)

    def checkAxes(self, instances: np.ndarray, area: float) -> None:
        """Particles that nothing cuts have the area, px, and lie along their angles."""
        whole = 0
        for number, coordinate in enumerate(self.simulated.outputCoordinates, start=1):
            y, x = np.nonzero(instances == number)
            if abs(len(y) / area - 1) > 0.02:
                continue  # beside another or at the border
            whole += 1
            assert np.hypot(y.mean() - coordinate.getY(), x.mean() - coordinate.getX()) < 1
            (xx, xy), (_, yy) = np.cov(x, y)
            angle = np.rad2deg(0.5 * np.arctan2(-2 * xy, xx - yy))  # against the clock: y is down
            turn = (angle - coordinate._rlnAnglePsi.get() + 90) % 180 - 90
            assert abs(turn) < 3
        assert whole >= 4

    def testEllipses(self) -> None:
        """Each lies along the angle of its coordinate."""
        labels = self.newLabels(shape=1, ellipse=SHORT)
        instances, _ = self.maps(labels)
        self.checkAxes(instances, np.pi / 4 * DIAMETER * SHORT / PIXEL_SIZE**2)
        assert "ellipses" in labels.methods()[0]

    def bars(self) -> Path:
        """Stack of a blank image and a bar of 31 x 9 px along the rows."""
        path = self.folder / "averages.mrcs"
        bar = np.zeros((2, 64, 64), dtype=np.float32)
        bar[0] = 1
        bar[1, 28:37, 17:48] = 1
        with mrcfile.new(path, bar, overwrite=True) as stack:
            stack.voxel_size = PIXEL_SIZE
        return path

    def testTemplate(self) -> None:
        """The silhouette of an average by its number, as long as the diameter; Continue makes it.

        Of classes, it is the representative of the largest.
        """
        path = str(self.bars())
        averages = objects.SetOfAverages.create(self.simulated._getExtraPath())
        classes = objects.SetOfClasses2D.create(self.simulated._getExtraPath())
        averages.setSamplingRate(PIXEL_SIZE)
        for number, count in ((1, 2), (2, 3)):
            average = objects.Particle(location=(number, path))
            averages.append(average.clone())
            cluster = objects.Class2D(objId=number)
            cluster.setRepresentative(average)
            classes.append(cluster)
            for _ in range(count):
                cluster.append(objects.Particle(location=(1, path)))
            classes.update(cluster)
        self.simulated._defineOutputs(outputAverages=averages, outputClasses=classes)
        self.proj._storeProtocol(self.simulated)
        labels = self.newLabels()
        self.launchProtocol(labels)  # discs
        labels.shape.set(2)
        length = DIAMETER / PIXEL_SIZE
        for output, number in (("outputAverages", 2), ("outputClasses", 0)):
            self.point(labels.inputTemplate, self.simulated, output)
            labels.templateNumber.set(number)
            instances, _ = self.maps(labels)
            self.checkAxes(instances, 9 * 31 * (length / np.hypot(9, 31)) ** 2)
        labels.templateNumber.set(3)
        assert "no average has the number 3" in labels.validate()[0]

    def testContamination(self) -> None:
        """What a picking run has found is labelled as such, and no particle in it; edges, too."""
        picking = self.newPick(self.simulated)
        picking.setObjLabel("first picks")
        self.saveProtocol(picking)
        labels = self.newLabels(edgeWidth=0.0, unknownOutside=True)
        labels.inputContamination.set(picking)
        assert "first picks has written no masks" in labels.validate()[0]
        ice = self.true_classes == CONTAMINATION
        name = self.simulated.outputMicrographs.getFirstItem().getMicName()
        folder = Path(picking.getContaminationFolder())
        folder.mkdir(parents=True)
        mrcfile.write(folder / name, ice.astype(np.float32))
        instances, classes = self.maps(labels)
        assert ((classes == CONTAMINATION) == ice).all()
        assert not instances[ice].any()
        assert not (classes == EDGE).any()
        assert (classes[[0, 0, -1, -1], [0, -1, 0, -1]] == UNKNOWN).any()
        _, classes = self.maps(self.newLabels(edgeWidth=30.0))
        assert (classes == EDGE).sum() > (classes == PARTICLE).sum() > 0

    def testContinue(self) -> None:
        """What it will delete is said before, and nothing where nothing has changed."""
        labels = self.launchProtocol(self.newLabels())
        assert labels.warnings() == []
        labels.diameter.set(0.9 * DIAMETER)
        (warning,) = labels.warnings()
        assert "*Continue* deletes *outputMasks* (1 item)" in warning
        labels.runMode.set(MODE_RESTART)
        assert labels.warnings() == []

    def testPickedCoordinates(self) -> None:
        """Coordinates with a picker's scores are warned of; the truth of a simulation has none."""
        assert self.newLabels().warnings() == []
        picks = objects.SetOfCoordinates.create(self.simulated._getExtraPath(), suffix="Picks")
        picks.setMicrographs(self.simulated.outputCoordinates.getMicrographs(asPointer=True))
        for coordinate in self.simulated.outputCoordinates:
            coordinate._cryosegmentScore = objects.Float(0.7)
            picks.append(coordinate)
        self.simulated._defineOutputs(outputPicks=picks)
        self.proj._storeProtocol(self.simulated)
        labels = self.newLabels()
        self.point(labels.inputCoordinates, self.simulated, "outputPicks")
        assert "a picker's scores" in labels.warnings()[0]
        self.maps(labels)
        assert read_labels_index(labels.getLabelsFolder()).source == PICKED
        labels.minPickScore.set(0.5)  # the labels say themselves that they are picks
        assert not any("picker" in text for text in labels.warnings())

    def testRefinedByCryosparc(self) -> None:
        """Its files are read as its job left them, without a plugin of it."""
        truth = Path(self.simulated.getLabelsFolder()).resolve()
        size = self.true_classes.shape, PIXEL_SIZE
        path = write_refined(self.folder / "J5", truth / "coordinates.star", *size)
        volume = self.finished(
            plugin_class("pwem.protocols", "ProtImportVolumes"),
            {},
            filesPath=str(next((truth / "maps").glob("*.mrc"))),
            samplingRate=PIXEL_SIZE,
        )
        labels = self.newProtocol(
            CryoSegmentProtLabels, source=1, checkLabels=False, numberOfThreads=1
        )
        self.point(labels.inputMicrographs, self.simulated, "outputMicrographs")
        self.point(labels.inputVolume, volume, "outputVolume")
        assert "either *Refined particles* or their file" in labels.validate()[0]
        labels.particlesFile.set(str(path.with_suffix(".csv")))
        assert "J5_003_particles.csv" in labels.validate()[0]
        labels.particlesFile.set(str(path))
        _, classes = self.maps(labels)
        found, true = ((each == PARTICLE) | (each == EDGE) for each in (classes, self.true_classes))
        assert (found & true).sum() / (found | true).sum() > 0.95

    def testOwnDiameters(self) -> None:
        """Picks may have a measured diameter each; without one the form's counts.

        Continue makes the labels again.
        """
        coordinates = objects.SetOfCoordinates.create(self.simulated._getExtraPath())
        first = self.simulated.outputCoordinates
        coordinates.setMicrographs(first.getMicrographs(asPointer=True))
        for number, coordinate in enumerate(first, start=1):
            if number == first.getSize():
                break  # not all are picked
            coordinate._cryosegmentDiameter.set(60.0 if number == 1 else None)
            coordinates.append(coordinate)
        self.simulated._defineOutputs(outputMeasured=coordinates)
        self.proj._storeProtocol(self.simulated)
        labels = self.newLabels()
        for is_own, output, diameter in (
            (True, "outputMeasured", 60.0),
            (False, "outputMeasured", DIAMETER),
            (False, "outputCoordinates", DIAMETER),
        ):
            labels.ownDiameters.set(is_own)
            self.point(labels.inputCoordinates, self.simulated, output)
            instances, _ = self.maps(labels)
            area = (instances == 1).sum() * PIXEL_SIZE**2
            assert 0.5 < area / (np.pi / 4 * diameter**2) < 1.1
            assert instances.max() == first.getSize() - (output == "outputMeasured")

    def testFormDefaults(self) -> None:
        """Parameters of the commands have their fields, which start with their defaults."""
        for source, record in ((0, LabelsCoordinatesParams), (1, LabelsReconstructionParams)):
            labels = self.newProtocol(CryoSegmentProtLabels, source=source, shape=1)
            inputs = (
                {"diameter": DIAMETER, "coordinates": "c"} if source == 0 else {"particles": "p"}
            )
            expected = record_to_dict(record(**inputs))
            values = {**labels._values(), **({"diameter": DIAMETER} if source == 0 else {})}
            assert values == {name: expected[name] for name in values}
            fields = {field.name for field in dataclasses.fields(record)}
            assert fields - set(values) - GIVEN_ELSEWHERE - FROM_SCIPION <= {"y_up"}

    def testValidation(self) -> None:
        """What is missing or impossible is named before anything runs."""
        for options, words in (
            ({"shape": 1}, "short diameter"),
            ({"shape": 1, "ellipse": 2 * DIAMETER}, "at most the diameter"),
            ({"shape": 2}, "Choose a template"),
            ({"edgeWidth": -1.0}, "expected *Width of the edge class (Å)* to be at least 0 "),
            ({"diameter": None}, "*Particle diameter (Å)* cannot be EMPTY."),
        ):
            (error,) = self.newLabels(**options).validate()
            assert words in error
