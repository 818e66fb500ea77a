# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels and training in a scripted project."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mrcfile
import numpy as np

from cryosegment.exchange.card import read_card
from cryosegment.exchange.job import Job
from cryosegment.exchange.labels import PICKED, PICKS, read_labels_index
from cryosegment.exchange.params import (
    FRONT_ENDS,
    LabelsReconstructionParams,
    TrainParams,
)
from cryosegment.exchange.parts import NETWORKS
from cryosegment.exchange.training_history import write_history
from cryosegment.exchange.training_settings import network_arguments
from cryosegment.tests.scripted import (
    DIAMETER,
    PIXEL_SIZE,
    CryoSegmentProtLabels,
    CryoSegmentProtTrain,
    CryoSegmentViewerTrain,
    MicrographMask,
    Plugin,
    Pointer,
    ProtocolTest,
    ProtUnionSet,
    SegmentationModel,
    SetOfMicrographMasks,
    objects,
    simulate,
    true_rows,
)

BINNING = 2  # particle images are coarser than the micrographs


def rotation(rot: float, tilt: float, psi: float) -> np.ndarray:
    """RELION's matrix of angles in degrees, (3, 3)."""

    def about_z(angle: float) -> np.ndarray:
        c, s = np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))
        return np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]])

    c, s = np.cos(np.deg2rad(tilt)), np.sin(np.deg2rad(tilt))
    return about_z(psi) @ np.array([[c, 0, -s], [0, 1, 0], [s, 0, c]]) @ about_z(rot)


class TestCryoSegmentTraining(ProtocolTest):
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
                coordinate._cryosegmentScore = objects.Float(1 - number / 3)
                coordinate.setMicrograph(mics[number])
                coordinates.append(coordinate)
            particle = objects.Particle(location=(1, "none.mrcs"))
            binned = np.round(np.array([x, y]) / BINNING) + 3  # as far off as a picker may be
            coordinate = objects.Coordinate(x=int(binned[0]), y=int(binned[1]))
            coordinate.setMicrograph(mics[number])
            particle.setCoordinate(coordinate)
            particle.setClassId(1 + (number == 3))
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
        index = read_labels_index(labels.getLabelsFolder())
        assert index.source == PICKED  # they have scores
        assert [entry.diameter for entry in index.entries] == [DIAMETER] * 2
        assert "particles* labelled in 2 micrographs" in labels.summary()[0]

    def testLabelsFromPicks(self) -> None:
        """Of the second micrograph no pick is sure; the labels are not for validation."""
        labels = self.launchProtocol(self.newLabels(diameter=DIAMETER, minPickScore=0.5))
        assert labels.outputMasks.getSize() == 1
        index = read_labels_index(labels.getLabelsFolder())
        assert index.source == PICKS
        train = self.newTrain()
        train.inputMasks.append(Pointer(labels, extended="outputMasks"))
        self.launch(train)
        assert "picks alone" in train.getErrorMessage()

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
        assert read_labels_index(labels.getLabelsFolder()).source == "reconstruction"
        summary = " ".join(labels.summary())
        assert "Rejected: " in summary
        assert "particle" in summary

    def testLabelsOfClass(self) -> None:
        """Particles of other classes are left out, and counted."""
        labels = self.newLabels(source=1, classes="2", checkLabels=False)
        self.launchProtocol(labels)
        counts = [mask.getParticles() for mask in labels.outputMasks]
        true = (self.truth[:, 0] == 3).sum()
        assert abs(sum(counts) - true) <= 2
        assert f"{len(self.truth) - true} class not chosen" in " ".join(labels.summary())

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
            failed = "1 micrograph" if count else "2 micrographs"
            assert f"*{failed} failed*" in "".join(labels.summary())
        assert "failed" in labels.getErrorMessage()
        assert not labels.hasAttribute("outputMasks")

    def testLabelsValidation(self) -> None:
        """What is missing or impossible is named before anything runs."""
        assert "diameter" in self.newLabels(diameter=-5.0).validate()[0]
        assert "much" in self.newLabels(source=1, classes="much").validate()[0]
        assert "1.5" in self.newLabels(source=1, classes="1.5").validate()[0]
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
        model = train.outputModel
        assert isinstance(model, SegmentationModel)
        card = read_card(model.getPath())
        assert card.provenance.label_source == "reconstruction"
        assert card.provenance.training["start"] == "general"
        summary = " ".join(train.summary())
        assert "best F1 on the validation micrographs" in summary
        assert " in 2 micrographs, validated on 1 more." in summary
        self.checkState(train)
        self.checkCurves(train)
        self.checkPicks(train, self.source, len(self.truth))

    def checkState(self, train: Any) -> None:
        """What training goes on from is gone at its end; what Continue deletes is said."""
        extra = Path(train._getExtraPath())
        assert not [path.name for path in extra.iterdir() if ".state" in path.name]
        assert train.warnings() == []
        for field, value in ((train.seed, 1), (train.epochs, 2)):
            before = field.get()
            field.set(value)
            assert "deletes *outputModel*" in train.warnings()[0]
            field.set(before)

    def testInterrupted(self) -> None:
        """Continue goes on where a training broke, but not with other settings."""
        labels = self.launchProtocol(self.newLabels(source=1, checkLabels=False))
        train = self.newTrain()
        train.inputMasks.append(Pointer(labels, extended="outputMasks"))
        self.saveProtocol(train)
        train._remember()
        job = Job("train", train._trainValues(), train._writeMaskLabels(), train._modelPath())
        job.write(train._getExtraPath("train.json"))
        Plugin.runCore("run", train._getExtraPath("train.json"))
        Path(train._modelPath()).unlink()  # as if it had been stopped before its end
        history = train.getHistory()
        train.epochs.set(2)
        assert train.warnings() == []
        train.seed.set(1)
        assert f"the training so far ({history[-1]['step']:.0f} steps)" in train.warnings()[0]
        train.seed.set(0)
        self.launch(train)
        assert train.isFinished(), train.getErrorMessage()
        longer = train.getHistory()
        assert longer[: len(history)] == history
        assert longer[-1]["step"] == 2 * history[-1]["step"]

    def testTrainOnSubset(self) -> None:
        """Of a subset of masks, its micrographs alone are trained on, each once."""
        labels = self.launchProtocol(self.newLabels(source=1, checkLabels=False))
        subset = SetOfMicrographMasks.create(labels._getExtraPath())
        subset.copyInfo(labels.outputMasks)
        chosen = [mask.clone() for mask in labels.outputMasks][1:]
        for mask in chosen:
            subset.append(mask)
        labels._defineOutputs(outputSubset=subset)
        self.proj._storeProtocol(labels)
        union = self.newProtocol(ProtUnionSet)
        for output in ("outputSubset", "outputSubset"):
            union.inputSets.append(Pointer(labels, extended=output))
        self.launchProtocol(union)
        train = self.newTrain()
        train.inputMasks.append(Pointer(union, extended="outputSet"))
        train.inputMasks.append(Pointer(labels, extended="outputSubset"))
        self.launchProtocol(train)
        (data,) = read_card(train.outputModel.getPath()).provenance.training_data
        assert (data["micrographs"], data["validation"]) == (1, 1)
        assert data["particles"] in [mask.getParticles() for mask in chosen]
        assert "in 1 micrograph, validated on 1 more." in " ".join(train.summary())

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
        other = self.newTrain()
        other.setObjLabel("another")
        self.saveProtocol(other)
        rows = ({"step": 0.0, "score": 0.5}, {"step": 9.0, "score": 1.0})
        write_history(other._modelPath(), [{"seconds": 1.0, **row} for row in rows])
        (plotter,) = viewer._visualize(train)
        drawn = {line.get_label(): line.get_xydata() for line in plotter.getFigure().axes[1].lines}
        assert drawn["another"].tolist() == [[0, 0.5], [9, 1]]
        assert len(drawn) > 1

    def testTrainOnCoordinates(self) -> None:
        """Coordinates alone make labels and a model, here from scratch."""
        partial = {"labelsAre": 1, "expectedParticles": 400.0}
        options = {"modelSource": 2, "modelName": "own", "validation": 0.0, **partial}
        train = self.newTrain(diameter=DIAMETER, **options)
        self.point(train.inputCoordinates, self.source, "outputCoordinates")
        self.launchProtocol(train)
        assert "best F1 on the training micrographs" in " ".join(train.summary())
        card = read_card(train.outputModel.getPath())
        assert (card.name, card.provenance.label_source) == ("own", PICKED)  # they have scores
        assert "The truth was a picker's" in " ".join(train.summary())
        assert "a picker's scores" in train.warnings()[0]
        assert card.provenance.training["start"] == ""
        share = card.provenance.training["labelled_share"]
        assert 0 < share < 1
        assert f"The labels have {share:.0%} of the particles." in train.summary()
        assert card.provenance.particle_diameters == (DIAMETER, DIAMETER)
        self.checkOtherDiameter(train)

    def checkOtherDiameter(self, train: Any) -> None:
        """Continue with another diameter makes labels anew, and trains anew on them."""
        for epochs, diameter in ((1, 0.8 * DIAMETER), (2, 0.9 * DIAMETER)):
            history = train.getHistory()
            train.diameter.set(diameter)
            train.epochs.set(epochs)
            self.launch(train)
            assert train.isFinished(), train.getErrorMessage()
            card = read_card(train.outputModel.getPath())
            assert card.provenance.particle_diameters == (diameter, diameter)
            assert train.getHistory()[: len(history)] != history

    def testFormDefaults(self) -> None:
        """Every field starts with the default of the parameter record."""
        train, defaults = self.newProtocol(CryoSegmentProtTrain), TrainParams()
        for name in ("validation", "batch", "patch", "seed"):
            assert getattr(train, name).get() == getattr(defaults, name)
        for name in ("network", "encoder", "loss", "crf"):
            assert train.getEnumText(name) == getattr(defaults, name)
        assert train.branches.get() == defaults.branches
        assert train.getEnumText("labelsAre") == defaults.labels_are
        assert train.getEnumText("partialLoss") == defaults.partial_loss
        assert train.expectedParticles.get() is None
        labels = self.newProtocol(CryoSegmentProtLabels)
        record = LabelsReconstructionParams(particles="file")
        for attribute, name in (("lowPass", "low_pass"), ("mapThreshold", "map_threshold")):
            assert getattr(labels, attribute).get() == getattr(record, name)
        assert labels.getEnumText("coordinateScale") == "auto"

    def testNetworkChoice(self) -> None:
        """A network's own fields show with it, and only they become parameters."""
        for network, shown in (
            ("compact", {}),
            ("unet++", {"encoder": "resnet50"}),
            ("attention-unet", {}),
            ("multi-atrous", {"branches": 3}),
        ):
            train = self.newProtocol(
                CryoSegmentProtTrain,
                modelSource=2,
                network=list(NETWORKS).index(network),
                encoder=2,
                branches=3,
            )
            for name in ("encoder", "branches"):
                assert train.evalParamCondition(name) == (name in shown)
            found = TrainParams(**train._trainValues())
            assert found.network == network
            assert network_arguments(found) == {**shown, "normalization": "batch"}
            train.modelSource.set(0)
            assert not train.evalParamCondition("encoder")
            assert TrainParams(**train._trainValues()).network == "compact"

    def testLowPass(self) -> None:
        """What was typed for a front end that is no longer chosen does not count."""
        train = self.newProtocol(CryoSegmentProtTrain, lowPass=30.0)
        assert TrainParams(**train._trainValues()).low_pass == 0
        train.frontEnd.set(FRONT_ENDS.index("low-pass") + 1)
        found = TrainParams(**train._trainValues())
        assert (found.front_end, found.low_pass) == ("low-pass", 30.0)

    def testTrainValidation(self) -> None:
        """What is missing or impossible is named before anything runs."""
        assert "Choose labels" in self.newTrain().validate()[0]
        for options, words in (
            ({}, "Give the *Particle diameter*"),
            ({"validation": 2.0}, "expected *Validation fraction* to be at least 0"),
            ({"labelsAre": 1, "modelSource": 2}, "partial labels need the expected number"),
            ({"modelName": "a/b"}, "*Name of the new model*"),
            ({"modelSource": 1}, "Choose a segmentation model"),
            ({"useGpu": True, "gpuList": "0 1", "batch": 7}, "cannot share a batch of 7"),
        ):
            if options:
                options["diameter"] = DIAMETER
            train = self.newTrain(**options)
            self.point(train.inputCoordinates, self.source, "outputCoordinates")
            errors = train.validate()
            assert len(errors) == 1, errors
            assert words in errors[0]

    def testMasksOfPicks(self) -> None:
        """Masks that a picker made are refused: they are no labels; so are empty sets."""
        train = self.newTrain()
        train.inputMasks.append(Pointer(self.source, extended="outputMasks"))
        assert "A set of masks is empty" in train.validate()[0]
        masks = SetOfMicrographMasks.create(self.source._getExtraPath())
        masks.append(MicrographMask(self.source._getExtraPath("instances", "picked.mrc")))
        self.source._defineOutputs(outputPicked=masks)
        self.proj._storeProtocol(self.source)
        train.inputMasks[0].setExtended("outputPicked")
        assert "masks of picks" in train.validate()[0]
