# SPDX-License-Identifier: GPL-3.0-or-later
"""Picks of real micrographs on to RELION: export, extraction, 2D classes."""

from __future__ import annotations

import unittest
from pathlib import Path
from typing import Any, List, Tuple

import mrcfile
import numpy as np
from PIL import Image

from cryosegment.exchange.coordinates import read_coordinates
from cryosegment.exchange.star import read_star
from cryosegment.tests.machine import NO_DATA, NO_RELION, data_folder, has_relion
from cryosegment.tests.scripted import (
    ProtocolTest,
    plugin_class,
)

PIXEL_SIZE = 1.77  # Å/px
DIAMETER = 191.0  # Å
BOX = 180  # px
SMALL_BOX = 48  # px, the extracted particles
COUNT = 2
SMALL_PIXEL_SIZE = PIXEL_SIZE * BOX / SMALL_BOX
JPEGS = data_folder() / "empiar10017" / "micrographs"


def mrc_copies(folder: Path, count: int) -> None:
    """The first real micrographs as MRC files, 16-bit integers, their rows in the same order."""
    folder.mkdir()
    for path in sorted(JPEGS.glob("*.jp*g"))[:count]:
        with mrcfile.new(folder / f"{path.stem}.mrc") as copy:
            copy.set_data(np.asarray(Image.open(path).convert("L"), dtype=np.int16))
            copy.voxel_size = PIXEL_SIZE


def centre_of_mass(average: np.ndarray) -> Tuple[float, float]:
    """Offset (y, x), px, of the bright density's centre of mass from the box's centre.

    Density is what exceeds the level of the ring outside the particle, within the ring.
    """
    side = len(average)
    y, x = np.mgrid[:side, :side] - side // 2
    radius = np.hypot(y, x)
    particle_px = DIAMETER / SMALL_PIXEL_SIZE
    ring = (radius > 0.6 * particle_px) & (radius < side / 2)
    weight = np.clip(average - average[ring].mean() - 2 * average[ring].std(), 0, None)
    weight = np.where(radius <= 0.6 * particle_px, weight, 0)
    return float((weight * y).sum() / weight.sum()), float((weight * x).sum() / weight.sum())


@unittest.skipUnless(JPEGS.is_dir(), NO_DATA)
@unittest.skipUnless(has_relion(), NO_RELION)
class TestCryoSegmentRelion(ProtocolTest):
    """What RELION makes of the picks."""

    def testChain(self) -> None:
        """Scores reach RELION's files, and the class averages show centred particles."""
        mrc_copies(self.folder / "real", COUNT)
        source = self.importMicrographs(self.folder / "real" / "*.mrc", PIXEL_SIZE)
        pick = self.newPick(source, DIAMETER, binThreads=2)
        self.launchProtocol(pick)
        self.checkExport(pick)
        particles = self.extract(pick, source, BOX, SMALL_BOX)
        assert particles.outputParticles.getSize() > 0.9 * pick.outputCoordinates.getSize()
        assert np.hypot(*centre_of_mass(self.mean(particles))) < 1  # RELION has moved nothing yet
        for share, average in self.classify(particles):
            offset = centre_of_mass(average)
            if share > 0.1:
                assert np.hypot(*offset) < 0.1 * DIAMETER / SMALL_PIXEL_SIZE, (share, offset)

    def checkExport(self, pick: Any) -> None:
        """The exported STAR files hold every pick, with its score."""
        export = self.finished(
            plugin_class("relion.protocols", "ProtRelionExportCoordinates"),
            {"inputCoordinates": (pick, "outputCoordinates")},
        )
        files = sorted(Path(export._getPath("Export")).rglob("*.star"))
        assert len(files) == COUNT
        scores: List[float] = []
        for path in files:
            (block,) = read_star(path).values()
            scores += map(float, block["rlnAutopickFigureOfMerit"])
        mine = [coordinate._cryosegmentScore.get() for coordinate in pick.outputCoordinates]
        np.testing.assert_allclose(sorted(scores), sorted(mine), atol=1e-4)
        assert sum(len(read_coordinates(path, PIXEL_SIZE)) for path in files) == COUNT

    def mean(self, particles: Any) -> np.ndarray:
        """Mean of the extracted images, (h, w)."""
        files = particles.outputParticles.getFiles()
        stacks = [np.atleast_3d(mrcfile.read(path.replace(":mrcs", ""))) for path in files]
        return np.concatenate(stacks).astype(np.float64).mean(axis=0)

    def classify(self, particles: Any) -> List[Tuple[float, np.ndarray]]:
        """Share of the particles and average, (h, w), of each class."""
        classify = self.finished(
            plugin_class("relion.protocols", "ProtRelionClassify2D"),
            {"inputParticles": (particles, "outputParticles")},
            numberOfClasses=4,
            numberOfIterations=4,
            maskDiameterA=240,
            doGpu=False,
            doCTF=False,
            useGradientAlg=False,
            numberOfMpi=1,
            numberOfThreads=2,
        )
        total = particles.outputParticles.getSize()
        averages = []
        for item in classify.outputClasses:
            index, path = item.getRepresentative().getLocation()
            with mrcfile.open(path.replace(":mrcs", "")) as stack:
                averages.append((item.getSize() / total, stack.data[index - 1].copy()))
        return averages
