# SPDX-License-Identifier: GPL-3.0-or-later
"""Simulation, labels and training in a scripted project."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mrcfile
import numpy as np

from cryosegment.exchange.card import read_card
from cryosegment.exchange.labels import read_labels_index
from cryosegment.exchange.params import LabelsReconstructionParams, TrainParams
from cryosegment.exchange.star import read_star
from cryosegment.tests.scripted import (
    DIAMETER,
    PIXEL_SIZE,
    CryoSegmentProtLabels,
    CryoSegmentProtSimulate,
    CryoSegmentProtTrain,
    CryoSegmentViewerTrain,
    Pointer,
    ProtocolTest,
    SegmentationModel,
    SetOfMicrographMasks,
    objects,
    simulate,
)

BINNING = 2  # particle images are coarser than the micrographs


def rotation(rot: float, tilt: float, psi: float) -> np.ndarray:
    """RELION's matrix of angles in degrees, (3, 3)."""

    def about_z(angle: float) -> np.ndarray:
        c, s = np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))
        return np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]])

    c, s = np.cos(np.deg2rad(tilt)), np.sin(np.deg2rad(tilt))
    return about_z(psi) @ np.array([[c, 0, -s], [0, 1, 0], [s, 0, c]]) @ about_z(rot)


def true_rows(folder: Path) -> np.ndarray:
    """Number of the micrograph, x, y, rot, tilt, psi of all simulated particles, (n, 6)."""
    block = read_star(folder / "truth" / "coordinates.star")["particles"]
    numbers = [float(name.split("_")[-1].split(".")[0]) for name in block["rlnMicrographName"]]
    names = ("CoordinateX", "CoordinateY", "AngleRot", "AngleTilt", "AnglePsi")
    return np.array([numbers, *(np.array(block[f"rln{name}"], float) for name in names)]).T


class TrainingTest(ProtocolTest):
    """Shorthands for trainings."""

    @classmethod
    def newTrain(cls, **options: Any) -> Any:
        """A short training on the CPU, in epochs."""
        options = {"useGpu": False, "numberOfThreads": 1, "unit": 1, "epochs": 1, **options}
        options = {"patch": 64, "batch": 32, **options}
        return cls.newProtocol(CryoSegmentProtTrain, **options)

    def checkPicks(self, train: Any, micrographs: Any, count: int) -> None:
        """The trained model picks about as many particles as there are."""
        pick = self.newPick(micrographs, modelSource=1)
        self.point(pick.inputModel, train, "outputModel")
        self.launchProtocol(pick)
        assert abs(pick.outputCoordinates.getSize() / count - 1) < 0.25


class TestCryoSegmentTraining(TrainingTest):
    """Labels from coordinates and reconstructions, and models trained on them."""

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.simulated = cls.folder / "simulated"
        micrographs = simulate(cls.simulated, 3)
        cls.truth = true_rows(cls.simulated)
        cls.source = cls.importMicrographs(micrographs / "*.mrc", PIXEL_SIZE)
        cls.addInputs()

    @classmethod
    def addInputs(cls) -> None:
        """Give the import the outputs of a picking and a refinement: the truth, binned."""
        source = cls.source
        mics = {float(mic.getObjId()): mic.clone() for mic in source.outputMicrographs}
        coordinates = objects.SetOfCoordinates.create(source._getPath())
        coordinates.setBoxSize(90)
        pointer = cls.newPick(source).inputMicrographs
        coordinates.setMicrographs(pointer)
        particles = objects.SetOfParticles.create(source._getPath())
        particles.setSamplingRate(BINNING * PIXEL_SIZE)
        particles.setAlignmentProj()
        for number, x, y, *angles in cls.truth:
            if number < 3:  # nobody has picked in the last
                coordinate = objects.Coordinate(x=round(x), y=round(y))
                coordinate.setMicrograph(mics[number])
                coordinates.append(coordinate)
            particle = objects.Particle(location=(1, "none.mrcs"))
            binned = np.round(np.array([x, y]) / BINNING) + 3  # as far off as a picker may be
            coordinate = objects.Coordinate(x=int(binned[0]), y=int(binned[1]))
            coordinate.setMicrograph(mics[number])
            particle.setCoordinate(coordinate)
            particle.setTransform(cls.transform(angles, binned - np.array([x, y]) / BINNING))
            particles.append(particle)
        volume = objects.Volume(str(next((cls.simulated / "truth" / "maps").glob("*.mrc"))))
        volume.setSamplingRate(float(mrcfile.open(volume.getFileName()).voxel_size.x))
        source._defineOutputs(
            outputCoordinates=coordinates,
            outputParticles=particles,
            outputVolume=volume,
            outputMasks=SetOfMicrographMasks.create(source._getPath()),  # not of labels
        )
        cls.proj._storeProtocol(source)

    @staticmethod
    def transform(angles: Any, shift_xy: np.ndarray) -> objects.Transform:
        """What Scipion keeps of a pose: the inverse of rotation and negative origin."""
        forward = np.eye(4)
        forward[:3, :3] = rotation(*angles)
        forward[:2, 3] = -shift_xy
        return objects.Transform(matrix=np.linalg.inv(forward))

    @classmethod
    def newLabels(cls, **options: Any) -> Any:
        """A labels protocol on the coordinates, or the particles."""
        labels = cls.newProtocol(CryoSegmentProtLabels, numberOfThreads=1, **options)
        if options.get("source"):
            cls.point(labels.inputMicrographs, cls.source, "outputMicrographs")
            cls.point(labels.inputParticles, cls.source, "outputParticles")
            cls.point(labels.inputVolume, cls.source, "outputVolume")
        else:
            cls.point(labels.inputCoordinates, cls.source, "outputCoordinates")
        return labels

    def testLabelsFromCoordinates(self) -> None:
        """A disc for each coordinate; a micrograph without any is left out."""
        labels = self.launchProtocol(self.newLabels(diameter=DIAMETER))
        masks = labels.outputMasks
        count = int((self.truth[:, 0] < 3).sum())
        assert masks.getSize() == 2
        assert abs(sum(mask.getParticles() for mask in masks) - count) <= 1
        assert masks.getDim()[:2] == (768, 640)
        assert masks.getMicrographs().getSize() == 3
        folder = masks.getLabelsFolder()
        assert folder == labels._getExtraPath("labels")
        index = read_labels_index(folder)
        assert index.source == "coordinates"
        assert [entry.diameter for entry in index.entries] == [DIAMETER] * 2
        assert "particles* labelled in 2 micrographs" in labels.summary()[0]

    def testLabelsFromReconstruction(self) -> None:
        """Footprints of binned, shifted particles cover the pixels of the simulated ones."""
        labels = self.launchProtocol(self.newLabels(source=1))
        masks = labels.outputMasks
        assert masks.getSize() == 3
        for mask in masks:
            found = mrcfile.read(mask.getFileName()) > 0
            name = Path(mask.getFileName()).name
            true = mrcfile.read(self.simulated / "truth" / "instances" / name) > 0
            assert (found & true).sum() / (found | true).sum() > 0.9
        assert read_labels_index(masks.getLabelsFolder()).source == "reconstruction"
        summary = " ".join(labels.summary())
        assert "Rejected: " in summary
        assert "particle" in summary

    def testLabelsOfBadMicrograph(self) -> None:
        """It is named, the others are labelled; when all are bad, the run says why."""
        path = Path(self.source.outputMicrographs.getFirstItem().getFileName()).resolve()
        other = path.with_name(path.name.replace("1.mrc", "2.mrc"))
        for bad, count in ((path, 1), (other, 0)):
            good = bad.rename(bad.with_suffix(".good"))
            self.addCleanup(good.replace, bad)
            bad.write_text("this is no micrograph")
            labels = self.launch(self.newLabels(diameter=DIAMETER))
            assert labels.isFinished() == bool(count)
            assert path.stem in labels.getFailures()
            assert f"{2 - count} micrographs failed" in labels.summary()[-1]
        assert "failed" in labels.getErrorMessage()
        assert not labels.hasAttribute("outputMasks")

    def testLabelsValidation(self) -> None:
        """What is missing or impossible is named before anything runs."""
        assert "diameter" in self.newLabels(diameter=-5.0).validate()[0]
        labels = self.newLabels(source=1, minScore="much")
        assert "much" in labels.validate()[0]
        labels = self.newLabels(source=1)
        labels.inputVolume.set(None)
        labels.inputMicrographs.set(None)
        assert [text.split()[2] for text in labels.validate()] == ["micrographs", "volume"]

    def testTrain(self) -> None:
        """Masks and coordinates make a model that picks; Continue trains on."""
        labels = self.launchProtocol(self.newLabels(source=1))
        train = self.newTrain()
        train.inputMasks.append(Pointer(labels, extended="outputMasks"))
        self.launchProtocol(train)
        model, history = train.outputModel, train.getHistory()
        assert isinstance(model, SegmentationModel)
        card = read_card(model.getPath())
        assert card.label_source == "reconstruction"
        assert card.training["start"] == "general"
        summary = " ".join(train.summary())
        assert "best F1" in summary
        assert "Trained on: 2 micrographs, 1 validation" in summary

        train.epochs.set(2)
        self.launch(train)
        assert train.isFinished(), train.getErrorMessage()
        longer = train.getHistory()
        assert longer[: len(history)] == history
        assert longer[-1]["step"] == 2 * history[-1]["step"]
        self.checkCurves(train)
        self.checkPicks(train, self.source, len(self.truth))

    def checkCurves(self, train: Any) -> None:
        """The viewer draws loss and F1 at every validation, and the last example."""
        viewer = CryoSegmentViewerTrain(project=self.proj, protocol=train)
        (plotter,) = viewer._visualize(train)
        loss, score, example = plotter.getFigure().axes
        assert "missed" in example.get_title()
        height, width = example.images[0].get_array().shape[:2]
        assert height < width == 2 * 480 + 8
        assert len(score.lines[0].get_xdata()) == len(train.getHistory())
        assert len(loss.lines[0].get_xdata()) == len(train.getHistory()) - 1
        assert (loss.lines[0].get_ydata() > 0).all()

    def testTrainOnCoordinates(self) -> None:
        """Coordinates alone make labels and a model, here from scratch."""
        train = self.newTrain(diameter=DIAMETER, modelSource=2, modelName="own")
        self.point(train.inputCoordinates, self.source, "outputCoordinates")
        self.launchProtocol(train)
        card = read_card(train.outputModel.getPath())
        assert (card.name, card.label_source) == ("own", "coordinates")
        assert card.training["start"] == ""
        assert card.particle_diameters == (DIAMETER, DIAMETER)

    def testFormDefaults(self) -> None:
        """Every field starts with the default of the parameter record."""
        train, defaults = self.newProtocol(CryoSegmentProtTrain), TrainParams()
        for name in ("validation", "batch", "patch", "seed"):
            assert getattr(train, name).get() == getattr(defaults, name)
        for name in ("network", "loss", "crf"):
            assert train.getEnumText(name) == getattr(defaults, name)
        labels = self.newProtocol(CryoSegmentProtLabels)
        record = LabelsReconstructionParams(particles="file")
        for attribute, name in (("lowPass", "low_pass"), ("mapThreshold", "map_threshold")):
            assert getattr(labels, attribute).get() == getattr(record, name)
        assert labels.getEnumText("coordinateScale") == "auto"

    def testTrainValidation(self) -> None:
        """What is missing or impossible is named before anything runs."""
        assert "Choose labels" in self.newTrain().validate()[0]
        for options, words in (
            ({}, "diameter"),
            ({"validation": 2.0}, "validation"),
            ({"modelName": "a/b"}, "name of the model"),
            ({"modelSource": 1}, "Choose a segmentation model"),
            ({"useGpu": True, "gpuList": "0 1"}, "one GPU"),
        ):
            if options:
                options["diameter"] = DIAMETER
            train = self.newTrain(**options)
            self.point(train.inputCoordinates, self.source, "outputCoordinates")
            errors = train.validate()
            assert len(errors) == 1, errors
            assert words in errors[0]

    def testMasksOfPicks(self) -> None:
        """Masks that a picker made are refused: they are no labels."""
        train = self.newTrain()
        train.inputMasks.append(Pointer(self.source, extended="outputMasks"))
        assert "Masks of picks" in train.validate()[0]


class TestCryoSegmentSimulate(TrainingTest):
    """Simulated micrographs in the project, up to picks by a model trained on them."""

    def newSimulate(self, **options: Any) -> Any:
        """Two small micrographs, on the CPU."""
        size = {"height": 640, "width": 512, "pixelSize": PIXEL_SIZE, "snr": 0.2}
        options = {"useGpu": False, "numberOfThreads": 1, "count": 2, **size, **options}
        return self.newProtocol(CryoSegmentProtSimulate, **options)

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
        assert card.label_source == "coordinates, simulation"
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

    def testMoleculeOfProject(self) -> None:
        """A volume of the project is simulated, with as many particles as wanted."""
        first = self.launchProtocol(self.newSimulate(count=1))
        volume = objects.Volume(first._getExtraPath("simulation/truth/maps/1_builtin.mrc"))
        volume.setSamplingRate(PIXEL_SIZE)
        first._defineOutputs(outputVolume=volume)
        self.proj._storeProtocol(first)
        simulated = self.newSimulate(count=1, molecule=2, particles=5)
        self.point(simulated.inputVolume, first, "outputVolume")
        self.launchProtocol(simulated)
        assert simulated.outputCoordinates.getSize() == 5

    def testValidation(self) -> None:
        """What is missing or impossible is named before anything runs."""
        for options, words in (
            ({"snr": -1.0}, "snr"),
            ({"height": 1}, "size"),
            ({"defocusMin": 9e4}, "defocus_min"),
            ({"molecule": 1, "moleculeFile": "/nowhere.pdb"}, "Choose the file"),
            ({"useGpu": True, "gpuList": "0 1"}, "one GPU"),
        ):
            (error,) = self.newSimulate(**options).validate()
            assert words in error
