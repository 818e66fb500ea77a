# SPDX-License-Identifier: GPL-3.0-or-later
"""The Scipion project of `circle.py`."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import mrcfile
import numpy as np
from circle_maps import first_below, in_box, onto, shell_correlation, soft_sphere
from micrograph_sets import read_simulation
from peers import LOG_WIDTH, pick_with_topaz

from cryosegment.convert import scaled_coordinates
from cryosegment.core.evaluation.metrics import evaluate
from cryosegment.core.images.micrograph import write_image
from cryosegment.exchange.coordinates import Coordinates, read_coordinates, write_coordinates_star
from cryosegment.exchange.labels import read_labels_index
from cryosegment.exchange.particles.scores import AGREEMENT, SCORES
from cryosegment.protocols import (
    CryoSegmentProtLabels,
    CryoSegmentProtPick,
    CryoSegmentProtRankParticles,
    CryoSegmentProtSimulate,
    CryoSegmentProtTrain,
)
from cryosegment.protocols.labels_form import SOURCE_RECONSTRUCTION
from cryosegment.protocols.model_choice import MODEL_GENERAL, MODEL_PROJECT
from cryosegment.protocols.simulation_form import MOLECULE_FILE
from cryosegment.scripting import ScriptedProject

HALVES, KNOWN = 0.143, 0.5
"""Correlations at which the resolution is read: of half maps, and with the known map."""
START = 50.0
"""Å: what is finer is cut from the map that refinements start from."""
ORIENTATIONS = 50
"""At most so many of each particle count, of which one without a particle has thousands."""
COMPARED, AGREEING = 30.0, 0.85
"""Å, from where to half of it particles are compared with their map; fraction that is labelled."""
LOCAL_SEARCH = 3
"""RELION's number of the angular step, 3.7°, from which it looks around the best orientation."""
BINNING = 2
MASK = 1.2
"""Diameter of RELION's circular mask, in particle diameters."""
CONTAMINATION = {"iceBlobs": 8, "carbon": 0.5, "junk": 0.1, "aggregates": 2, "iceGradient": 0.3}
CPU = {"useGpu": False, "numberOfThreads": 2}


Output = tuple[Any, str]
"""A protocol, and the name of one of its outputs."""


class Circle:
    """The project, and what its runs share."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.arguments = arguments
        self.project = ScriptedProject("circle")
        self.simulated = self.simulate()
        self.micrographs = self.simulated, "outputMicrographs"
        entries = read_labels_index(self.simulated.getLabelsFolder()).entries
        self.diameter, self.pixel_size = entries[0].diameter, entries[0].pixel_size
        self.truth = read_coordinates(Path(entries[0].coordinates).parent, self.pixel_size)
        self.box = BINNING * arguments.small_box
        self.reference = self.import_reference()

    def run(self) -> None:
        """Every set of picks on its way to a map; the second round learns from the first."""
        self.print_row("true coordinates", (self.simulated, "outputCoordinates"))
        first = self.pick("general model"), "outputCoordinates"
        refined = self.print_row("general model, ranked", first, is_ranked=True)
        model = self.train(self.sort(refined), (refined[0], "outputVolume"))
        second = self.pick("second round", model), "outputCoordinates"
        self.print_row("second round, ranked", second, is_ranked=True)
        if self.arguments.peers:
            self.print_row("RELION LoG", (self.pick_with_relion(), "outputCoordinates"))
            self.print_row("Topaz", (self.pick_with_topaz(), "outputCoordinates"))

    def simulate(self) -> Any:
        """Micrographs with ice, carbon and broken particles, and their truth."""
        wanted = self.arguments
        return self.project.run(
            CryoSegmentProtSimulate,
            "simulate",
            molecule=MOLECULE_FILE,
            moleculeFile=str(next(wanted.maps.rglob(f"{wanted.molecule}.*"))),
            count=wanted.count,
            height=wanted.side,
            width=wanted.side,
            particles=wanted.particles,
            pixelSize=wanted.pixel_size,
            snr=wanted.snr,
            seed=wanted.seed,
            **CONTAMINATION,
            **CPU,
        )

    def import_reference(self) -> Any:
        """The known map, in the box of the particles."""
        path = next(Path(self.simulated.getLabelsFolder()).glob("maps/*"))
        small = in_box(mrcfile.read(path), self.box, BINNING)
        known = self.arguments.work / "known.mrc"
        write_image(known, small.astype(np.float32), BINNING * self.pixel_size)
        return self.project.run(
            self.project.plugin("pwem.protocols.ProtImportVolumes"),
            "import the known map",
            filesPath=str(known),
            samplingRate=BINNING * self.pixel_size,
        )

    def pick(self, label: str, trained: Any = None) -> Any:
        """Picks of the general model, or of one that was trained."""
        model = [("inputModel", trained, "outputModel")] if trained else []
        return self.project.run(
            CryoSegmentProtPick,
            f"pick: {label}",
            [("inputMicrographs", *self.micrographs), *model],
            diameter=self.diameter,
            modelSource=MODEL_PROJECT if trained else MODEL_GENERAL,
            useGpu=False,
        )

    def pick_with_relion(self) -> Any:
        """Picks of RELION's Laplacian of Gaussian, around the true diameter."""
        low, high = (round(self.diameter * (1 + sign * LOG_WIDTH)) for sign in (-1, 1))
        return self.project.run(
            self.project.plugin("relion.protocols.ProtRelionAutopickLoG"),
            "pick: RELION LoG",
            [("inputMicrographs", *self.micrographs)],
            boxSize=self.box,
            minDiameter=low,
            maxDiameter=high,
            numberOfMpi=1,
        )

    def pick_with_topaz(self) -> Any:
        """Picks of Topaz' packaged detector, imported."""
        work = self.arguments.work
        truth = Path(self.simulated.getLabelsFolder()).resolve()
        output = work / "topaz_picks"
        output.mkdir(exist_ok=True)
        picks, _ = pick_with_topaz(read_simulation(truth.parent), output, work)
        star = output / "picks.star"
        pairs = [(f"{name}.mrc", found) for name, found in picks.chosen.items()]
        write_coordinates_star(star, pairs)
        kind = self.project.plugin("pwem.protocols.ProtImportCoordinates")
        return self.project.run(
            kind,
            "pick: Topaz",
            [("inputMicrographs", *self.micrographs)],
            importFrom=kind.IMPORT_FROM_RELION,
            filesPath=str(star),
            boxSize=self.box,
        )

    def print_row(self, name: str, picks: Output, is_ranked: bool = False) -> Output:
        """Picks judged, and by the map that their particles give: the refined particles."""
        begun = time.monotonic()
        particles = self.extract(name, picks), "outputParticles"
        if is_ranked:
            particles = self.rank(name, particles), "outputParticles"
        refined = self.refine(name, particles)
        evaluation = evaluate(read_picks(picks), self.truth, self.diameter).overall
        number = getattr(*particles).getSize()
        figures = [evaluation.precision, evaluation.recall, evaluation.f1]
        cells = [f"{value:.3f}" for value in figures] + [str(number)]
        cells += [f"{value:.2f}" for value in self.resolutions(refined)]
        cells += [f"{(time.monotonic() - begun) / 60:.0f}"]
        print(f"| {name} | {' | '.join(cells)} |", flush=True)
        return refined, "outputParticles"

    def extract(self, name: str, picks: Output) -> Any:
        """Particles of the picks, binned, bright, with their CTFs."""
        return self.project.run(
            self.project.plugin("relion.protocols.ProtRelionExtractParticles"),
            f"extract: {name}",
            [
                ("inputCoordinates", *picks),
                ("inputMicrographs", *self.micrographs),
                ("ctfRelations", self.simulated, "outputCTF"),
            ],
            boxSize=self.box,
            doRescale=True,
            rescaledSize=self.arguments.small_box,
            doInvert=True,
            doNormalize=True,
            numberOfMpi=1,
        )

    def rank(self, name: str, particles: Output) -> Any:
        """Particles that are worth keeping, after a look at their classes."""
        self.project.run(
            self.project.plugin("relion.protocols.ProtRelionClassify2D"),
            f"classify: {name}",
            [("inputParticles", *particles)],
            numberOfClasses=8,
            numberOfIterations=8,
            maskDiameterA=round(MASK * self.diameter),
            useGradientAlg=False,
            doGpu=False,
            numberOfMpi=1,
            numberOfThreads=2,
        )
        return self.project.run(
            CryoSegmentProtRankParticles,
            f"rank: {name}",
            [("inputParticles", *particles)],
            diameter=self.diameter,
            **CPU,
        )

    def sort(self, refined: Output) -> Output:
        """Refined particles that agree with their map; it is labels that they are for, not maps."""
        ranked = self.project.run(
            CryoSegmentProtRankParticles,
            "rank: refined",
            [("inputParticles", *refined), ("inputVolume", refined[0], "outputVolume")],
            diameter=self.diameter,
            aligned_to=COMPARED,
            score=list(SCORES).index(AGREEMENT),
            keep=str(AGREEING),
            **CPU,
        )
        return ranked, "outputParticles"

    def refine(self, name: str, particles: Output) -> Any:
        """A map by RELION's auto-refine, from the known map without what is finer than START."""
        return self.project.run(
            self.project.plugin("relion.protocols.ProtRelionRefine3D"),
            f"refine: {name}",
            [("inputParticles", *particles), ("referenceVolume", self.reference, "outputVolume")],
            initialLowPassFilterA=START,
            maskDiameterA=round(MASK * self.diameter),
            symmetryGroup=self.arguments.symmetry,
            localSearchAutoSamplingDeg=LOCAL_SEARCH,
            doGpu=False,
            numberOfMpi=3,
            numberOfThreads=1,
            extraParams=f"--random_seed 1 --maxsig {ORIENTATIONS}",
        )

    def resolutions(self, refined: Any) -> tuple[float, float]:
        """Å at which the half maps, and the map and the known one, no longer agree."""
        volume = refined.outputVolume
        halves = [mrcfile.read(half.split(":")[0]) for half in volume.getHalfMaps(asList=True)]
        known = mrcfile.read(self.reference.outputVolume.getFileName().split(":")[0])
        found = onto(known, mrcfile.read(volume.getFileName().split(":")[0]))
        sphere = soft_sphere(len(known))
        length = len(known) * volume.getSamplingRate()
        return (
            first_below(shell_correlation(*(sphere * half for half in halves)), HALVES, length),
            first_below(shell_correlation(sphere * found, sphere * known), KNOWN, length),
        )

    def train(self, particles: Output, volume: Output) -> Any:
        """A model that has learnt from labels of refined particles."""
        labels = self.project.run(
            CryoSegmentProtLabels,
            "label micrographs",
            [
                ("inputMicrographs", *self.micrographs),
                ("inputParticles", *particles),
                ("inputVolume", *volume),
            ],
            source=SOURCE_RECONSTRUCTION,
            numberOfThreads=1,
        )
        return self.project.run(
            CryoSegmentProtTrain,
            "train",
            [("inputMasks", labels, "outputMasks")],
            minutes=self.arguments.minutes,
            **CPU,
        )


def read_picks(picks: Output) -> dict[str, Coordinates]:
    """Coordinates of an output by the name of their micrograph."""
    coordinates = getattr(*picks)
    return scaled_coordinates(coordinates, coordinates.getMicrographs())
