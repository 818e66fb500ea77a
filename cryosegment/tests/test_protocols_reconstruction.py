# SPDX-License-Identifier: GPL-3.0-or-later
"""From picks through RELION's 3D classification to labels, a model trained on them, and its picks.

Particles that Scipion has extracted lie on the micrographs in pixels of their own, binned images;
those of a STAR file in pixels of the micrographs.
"""

from __future__ import annotations

import unittest
from pathlib import Path
from typing import Any

import mrcfile
import numpy as np
from scipy.spatial import cKDTree

from cryosegment.exchange.card import PARTICLE_IMAGES, read_card
from cryosegment.exchange.coordinates import read_coordinates
from cryosegment.exchange.labels import LabelEntry, read_labels_index
from cryosegment.exchange.star import read_star, write_star
from cryosegment.tests.machine import NO_RELION, has_relion
from cryosegment.tests.scripted import (
    DIAMETER,
    CryoSegmentProtLabels,
    CryoSegmentProtTrainParticles,
    ImageHandler,
    Pointer,
    ProtocolTest,
    plugin_class,
)

PIXEL_SIZE = 3.5  # Å/px of the micrographs
HEIGHT, WIDTH = 960, 1152  # px
COUNT = 3
BOX = 80  # px
SMALL_BOX = 32  # px, the extracted particles
SMALL_PIXEL_SIZE = PIXEL_SIZE * BOX / SMALL_BOX
ITERATIONS = 2


@unittest.skipUnless(has_relion(), NO_RELION)
class TestCryoSegmentReconstruction(ProtocolTest):
    """Labels of particles that RELION has aligned, beside the exact truth."""

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        size = {"count": COUNT, "height": HEIGHT, "width": WIDTH, "pixelSize": PIXEL_SIZE}
        cls.simulated = cls.launchProtocol(cls.newSimulate(**size))
        truth = read_labels_index(cls.simulated.getLabelsFolder())
        cls.truth = {entry.name: entry for entry in truth.entries}
        cls.picked = cls.launchProtocol(cls.newPick(cls.simulated))
        ctf = cls.simulated, "outputCTF"
        cls.extracted = cls.extract(cls.picked, cls.simulated, BOX, SMALL_BOX, ctfRelations=ctf)
        cls.volume = cls.finished(
            plugin_class("pwem.protocols", "ProtImportVolumes"),
            {},
            filesPath=str(next(Path(cls.simulated.getLabelsFolder()).resolve().glob("maps/*.mrc"))),
            samplingRate=PIXEL_SIZE,
        )
        cls.classified = cls.classify()

    @classmethod
    def classify(cls) -> Any:
        """The particles aligned to the map, in steps of a binned pixel and 15 degrees."""
        reference = cls.finished(
            plugin_class("relion.protocols", "ProtRelionResizeVolume"),
            {"inputVolumes": (cls.volume, "outputVolume")},
            doRescale=True,
            rescaleSamplingRate=SMALL_PIXEL_SIZE,
            doResize=True,
            resizeSize=SMALL_BOX,
        )
        return cls.finished(
            plugin_class("relion.protocols", "ProtRelionClassify3D"),
            {
                "inputParticles": (cls.extracted, "outputParticles"),
                "referenceVolume": (reference, "outputVol"),
            },
            numberOfClasses=1,
            numberOfIterations=ITERATIONS,
            maskDiameterA=220,
            initialLowPassFilterA=30,
            angularSamplingDeg=1,
            offsetSearchRangePix=2,
            offsetSearchStepPix=0.5,
            doGpu=False,
            numberOfMpi=1,
            numberOfThreads=2,
            extraParams="--random_seed 1 --perturb 0",
        )

    def label(self, particles: Any, volume: Any) -> Any:
        """Labels of the micrographs; particles and volume are a protocol and its output."""
        return self.finished(
            CryoSegmentProtLabels,
            {
                "inputMicrographs": (self.simulated, "outputMicrographs"),
                "inputParticles": particles,
                "inputVolume": volume,
            },
            source=1,
            numberOfThreads=1,
        )

    def testExtractedParticles(self) -> None:
        """Coordinates count particle pixels; the map is the classification's own."""
        first = "outputClasses.1", "outputVolumes.1"
        labels = self.label(*((self.classified, output) for output in first))
        self.checkLabels(labels, "particle")

    def testParticleModel(self) -> None:
        """A model of particle images learns from projections of the map."""
        train = self.finished(
            CryoSegmentProtTrainParticles,
            {
                "inputParticles": (self.classified, "outputClasses.1"),
                "inputVolume": (self.volume, "outputVolume"),
            },
            modelSource=2,
            epochs=2,
            useGpu=False,
            numberOfThreads=1,
        )
        card = read_card(train.outputModel.getPath())
        assert card.task == PARTICLE_IMAGES
        data = card.provenance.training_data[0]
        total = self.extracted.outputParticles.getSize()
        assert data["particles"] + data["validation particles"] == total
        assert data["micrographs"] + data["validation"] == COUNT
        assert "Mean overlap" in train.summary()[-1]
        self.checkMasks(train.outputMasks, total)
        assert not train.methods()[0].endswith("unknown.")

    def checkMasks(self, masks: Any, total: int) -> None:
        """Each particle has its mask, whose signal is where its image is bright."""
        assert masks.getSize() == total
        ids = [particle.getObjId() for particle in self.extracted.outputParticles]
        assert sorted(mask.getObjId() for mask in masks) == ids
        images = {each.getObjId(): each.clone() for each in self.classified.outputClasses[1]}
        contrasts = []
        for mask in masks:
            classes, image = (
                ImageHandler().read(each.getLocation()).getData()
                for each in (mask, images[mask.getObjId()])
            )
            assert set(np.unique(classes)) == {0, 1, 3}
            contrasts.append(image[classes == 1].mean() - image[classes == 0].mean())
        assert np.quantile(contrasts, 0.05) > 0

    def testImportedParticles(self) -> None:
        """Coordinates of a STAR file count micrograph pixels; a model is trained on the labels."""
        path = self.writeStar()
        kind = plugin_class("pwem.protocols", "ProtImportParticles")
        imported = self.finished(
            kind,
            {},
            importFrom=kind.IMPORT_FROM_RELION,
            starFile=str(path),
            samplingRate=SMALL_PIXEL_SIZE,
            magnification=50000,
            haveDataBeenPhaseFlipped=False,
        )
        assert imported.outputParticles.getSize() == self.extracted.outputParticles.getSize()
        labels = self.label((imported, "outputParticles"), (self.volume, "outputVolume"))
        self.checkLabels(labels, "micrograph")
        train = self.newTrain()
        train.inputMasks.append(Pointer(labels, extended="outputMasks"))
        self.launchProtocol(train)
        self.checkPicks(train, self.simulated, self.simulated.outputCoordinates.getSize())

    def writeStar(self) -> Path:
        """RELION's particles as it leaves them without Scipion, the last micrograph first."""
        data = self.classified._getExtraPath(f"relion_it{ITERATIONS:03d}_data.star")
        blocks = read_star(data)
        optics, particles = (dict(blocks[name]) for name in ("optics", "particles"))
        optics["rlnMicrographOriginalPixelSize"] = [str(PIXEL_SIZE)]
        picks = {each.getObjId(): each.getPosition() for each in self.picked.outputCoordinates}
        rows = [picks[int(number)] for number in particles.pop("rlnImageId")]
        particles["rlnCoordinateX"], particles["rlnCoordinateY"] = map(list, zip(*rows))
        names = particles["rlnMicrographName"]
        particles["rlnMicrographName"] = [f"micrographs/{name}" for name in names]
        path = Path(self.proj.getPath("run_data.star"))
        turned = {name: cells[::-1] for name, cells in particles.items()}
        write_star(path, {"optics": optics, "particles": turned})
        return path

    def checkLabels(self, labels: Any, scale: str) -> None:
        """Every particle has its footprint, where and as the simulator drew it."""
        assert f"coordinates are in {scale} pixels" in " ".join(labels.summary())
        assert labels.outputMasks.getSize() == COUNT
        index = read_labels_index(labels.getLabelsFolder())
        assert index.source == "reconstruction"
        compared = [self.compare(entry) for entry in index.entries]
        offsets, overlaps = (np.concatenate(each) for each in zip(*compared))
        assert len(offsets) > 0.95 * self.simulated.outputCoordinates.getSize()
        assert np.abs(offsets.mean(axis=0)).max() < 0.5
        assert np.quantile(np.hypot(*offsets.T), 0.95) < 0.08 * DIAMETER / PIXEL_SIZE
        assert np.median(overlaps) > 0.8
        assert np.quantile(overlaps, 0.1) > 0.7

    def compare(self, entry: LabelEntry) -> Any:
        """Offset (y, x), px, of each label from the nearest true particle, and their overlap."""
        true = self.truth[entry.name]
        centers, true_centers = (
            read_coordinates(each.coordinates, PIXEL_SIZE)[entry.name].centers_yx
            for each in (entry, true)
        )
        instances, true_instances = (mrcfile.read(each.instances) for each in (entry, true))
        _, nearest = cKDTree(true_centers).query(centers)
        overlaps = []
        for number, partner in enumerate(nearest):
            mask, true_mask = instances == number + 1, true_instances == partner + 1
            overlaps.append((mask & true_mask).sum() / (mask | true_mask).sum())
        return centers - true_centers[nearest], overlaps
