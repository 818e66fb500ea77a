# SPDX-License-Identifier: GPL-3.0-or-later
"""Particles that RELION extracts, ranked, and the kept ones classified by RELION."""

from __future__ import annotations

import unittest
from pathlib import Path
from typing import Any

import mrcfile
import numpy as np
from matplotlib.colors import to_rgba
from scipy.spatial.transform import Rotation

from cryosegment.exchange.particles.scores import SCORES, select
from cryosegment.exchange.star import read_star
from cryosegment.tests.machine import NO_RELION, has_relion
from cryosegment.tests.scripted import (
    DIAMETER,
    CryoSegmentProtRankParticles,
    CryoSegmentViewerRank,
    MessageView,
    ProtocolTest,
    objects,
    plugin_class,
    true_rows,
)
from cryosegment.viewers.threshold_window import KEPT_COLOR

BOX, SMALL_BOX = 96, 32  # px
ATTRIBUTES = ("Quality", "ETS", "SignalFraction", "Centring", "Compactness", "Margin", "Neighbours")
KEPT, DROPPED = "outputParticles", "outputParticlesDropped"


def facts(particle: Any) -> Any:
    """What a particle has that ranking must leave."""
    ctf = particle.getCTF()
    return (
        particle.getObjId(),
        particle.getLocation(),
        particle.getCoordinate().getPosition(),
        ctf and ctf.getDefocusU(),
    )


@unittest.skipUnless(has_relion(), NO_RELION)
class TestCryoSegmentRankParticles(ProtocolTest):
    """Ranking of a set of particles with coordinates and CTFs."""

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.simulated = cls.launchProtocol(cls.newSimulate(width=768))
        ctf = cls.simulated, "outputCTF"
        cls.extracted = cls.extract(cls.simulated, cls.simulated, BOX, SMALL_BOX, ctfRelations=ctf)
        cls.particles = cls.extracted.outputParticles

    @classmethod
    def newRank(cls, **options: Any) -> Any:
        """A ranking of the extracted particles, on the CPU."""
        options = {"useGpu": False, "numberOfThreads": 1, "diameter": DIAMETER, **options}
        protocol = cls.newProtocol(CryoSegmentProtRankParticles, **options)
        cls.point(protocol.inputParticles, cls.extracted, KEPT)
        return protocol

    def testKeptIntoClassification(self) -> None:
        """The same particles come back with scores; RELION classifies the kept ones."""
        rank = self.launchProtocol(self.newRank(keep="0.5"))
        before = {each.getObjId(): facts(each) for each in self.particles}
        kept, dropped = getattr(rank, KEPT), getattr(rank, DROPPED)
        assert kept.getSize() == round(0.5 * len(before))
        assert kept.getSize() + dropped.getSize() == len(before)
        assert kept.getSamplingRate() == self.particles.getSamplingRate()
        after = {each.getObjId(): facts(each) for own in (kept, dropped) for each in own}
        assert after == before
        for name in ATTRIBUTES:
            assert all(np.isfinite(getattr(p, f"_cryosegment{name}").get()) for p in kept)
        worst = min(each._cryosegmentQuality.get() for each in kept)
        assert worst >= max(each._cryosegmentQuality.get() for each in dropped)
        self.checkRows(rank)
        classified = self.finished(
            plugin_class("relion.protocols", "ProtRelionClassify2D"),
            {"inputParticles": (rank, KEPT)},
            numberOfClasses=2,
            numberOfIterations=1,
            maskDiameterA=220,
            doGpu=False,
            numberOfMpi=1,
            numberOfThreads=2,
            doCTF=False,
            useGradientAlg=False,
        )
        classes = classified.outputClasses
        assert sum(each.getSize() for each in classes) == kept.getSize()
        data = classified._getExtraPath("relion_it001_data.star")
        assert read_star(data)["particles"].count == kept.getSize()

    def checkRows(self, rank: Any) -> None:
        """The scores of a particle are those of its row among the input."""
        fractions = {p.getObjId(): p._cryosegmentSignalFraction.get() for p in getattr(rank, KEPT)}
        rows = [each.getObjId() for each in self.particles]
        found = rank.getScores()["signal_fraction"]
        for number, value in fractions.items():
            assert abs(found[rows.index(number)] - value) < 1e-6

    def testAgreementWithAVolume(self) -> None:
        """Particles with their true orientations agree with the map, others by chance."""
        self.addRefined()
        options = {"diameter": DIAMETER, "keep": "0.5", "aligned_to": 60.0}
        rank = self.newRank(score=list(SCORES).index("agreement"), **options)
        self.point(rank.inputParticles, self.extracted, "outputRefined")
        assert "leave the volume out" in self.newVolumeRank(rank, None).validate()[0]
        self.launchProtocol(self.newVolumeRank(rank, 60.0))
        found = rank.getScores()["agreement"]
        right = np.arange(len(found)) % 2 == 0
        assert found[right].mean() > found[~right].mean() + 0.3
        rows = [each.getObjId() for each in self.extracted.outputRefined]
        for particle in getattr(rank, KEPT):
            value = found[rows.index(particle.getObjId())]
            assert abs(particle._cryosegmentAgreement.get() - value) < 1e-6
        assert any("A resolution that is measured there" in line for line in rank.summary())

    def newVolumeRank(self, rank: Any, aligned_to: Any) -> Any:
        """The same ranking with the map of the simulation."""
        self.point(rank.inputVolume, self.extracted, "outputVolume")
        rank.aligned_to.set(aligned_to)
        return rank

    def addRefined(self) -> None:
        """Give the extraction a map, and particles of which every second is wrongly aligned."""
        source, folder = self.extracted, Path(self.simulated.getLabelsFolder())
        truth = true_rows(folder.parent)
        volume = objects.Volume(str(next((folder / "maps").glob("*.mrc"))))
        volume.setSamplingRate(float(mrcfile.open(volume.getFileName()).voxel_size.x))
        refined = objects.SetOfParticles.create(source._getPath(), suffix="_refined")
        refined.copyInfo(self.particles)
        refined.setAlignmentProj()
        for particle in self.particles:
            coordinate = particle.getCoordinate()
            own = truth[truth[:, 0] == coordinate.getMicId()]
            scaled = own[:, 1:3] * SMALL_BOX / BOX  # coordinates count pixels of the images
            away = np.hypot(*(scaled - coordinate.getPosition()).T)
            assert away.min() < 1.5
            error = (refined.getSize() % 2) * np.array([50, 60, 70])
            angles = own[np.argmin(away), 3:] + error
            matrix = np.eye(4)
            matrix[:3, :3] = Rotation.from_euler("ZYZ", angles, degrees=True).as_matrix()
            particle.setTransform(objects.Transform(matrix=matrix))
            refined.append(particle)
        source._defineOutputs(outputRefined=refined, outputVolume=volume)
        self.proj._storeProtocol(source)

    def testAnotherSelection(self) -> None:
        """Continue scores nothing again; the viewer's choice is a further output."""
        rank = self.launchProtocol(self.newRank(keep="0.5"))
        finished = Path(rank.getFolder()) / "finished.csv"
        stamp = finished.read_text()
        rank.keep.set("0.25")
        self.launch(rank)
        assert finished.read_text() == stamp
        total = self.particles.getSize()
        assert getattr(rank, KEPT).getSize() == round(0.25 * total)
        assert "quality at least" in rank.summary()[0]
        selection = select(rank.getScores(), "centring", fraction=0.4)
        name = rank.registerSelection(selection)
        assert name == "outputParticles2"
        assert getattr(rank, name).getSize() == round(0.4 * total)
        assert rank.registerSelection(selection) == "outputParticles3"

    def testViewer(self) -> None:
        """Nothing yet is said; the threshold follows the slider, and the button registers."""
        rank = self.newRank(keep="0.5", score=list(SCORES).index("centring"))
        self.saveProtocol(rank)
        (view,) = self.viewer(rank)._getVisualizeDict()["showState"]()
        assert isinstance(view, MessageView)
        self.launchProtocol(rank)
        viewer = self.viewer(rank)
        views = viewer._getVisualizeDict()
        assert viewer.getEnumText("score") == "centring"
        for name in ("showGallery", "showAverages", "showGroups"):
            (view,) = views[name](name)
            assert view.getFigure().axes[0].images
        views["score"]()
        window, total = viewer._window, self.particles.getSize()
        assert window.selection.chosen.sum() == round(0.5 * total)
        values = rank.getScores()["centring"]
        for threshold in np.quantile(values, (0.1, 0.8)):
            window.slider.set_val(threshold)
            kept = int((values <= threshold).sum())
            assert f"{kept} of {total} kept" in window.axes.get_title()
            places = [bar.get_x() for bar in window.axes.patches]
            blue = [bar.get_facecolor() == to_rgba(KEPT_COLOR) for bar in window.axes.patches]
            assert max(x for x, is_kept in zip(places, blue) if is_kept) <= threshold
        window._keep()
        assert rank.outputParticles2.getSize() == kept

    def viewer(self, protocol: Any) -> Any:
        viewer = CryoSegmentViewerRank(project=self.proj, protocol=protocol)
        viewer.setProtocol(protocol)
        return viewer

    def testWhatIsRefused(self) -> None:
        """Wishes that contradict, in the words of the form."""
        rank = self.newRank(keep="0.5", threshold=0.3)
        assert rank.validate() == [
            "expected one of keep, threshold and purity: leave the others out"
        ]
        assert "expected *Fraction to keep*" in self.newRank(keep="2").validate()[0]
