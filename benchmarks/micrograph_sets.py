# SPDX-License-Identifier: GPL-3.0-or-later
"""Sets of micrographs with known particles that pickers are compared on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from scoring import Sets, run

from cryosegment.exchange.coordinates import read_coordinates
from cryosegment.exchange.labels import read_labels_index

REAL_DIAMETER, REAL_PIXEL_SIZE = 191.0, 1.77
"""Of the beta-galactosidase of EMPIAR-10017: Å, Å/px."""
SIMULATION = "simulation"
"""Folder of a scene's simulation in the folder of the set."""


@dataclass(frozen=True)
class MicrographSet:
    """Micrographs of one kind, and where their particles are.

    Parameters
    ----------
    name
        What a row of a table calls it.
    folder
        Name of a folder for what is made of it.
    micrographs
        Files, particles dark.
    reference
        Coordinates by micrograph.
    diameter
        Of the particles, Å.
    pixel_size
        Å/px.
    """

    name: str
    folder: str
    micrographs: list[Path]
    reference: Sets
    diameter: float
    pixel_size: float


@dataclass(frozen=True)
class Scene:
    """How `cryosegment simulate` makes a set.

    Parameters
    ----------
    molecule
        Beginning of the name of an atomic model.
    snr
        Variance of the noise-free micrograph over that of the noise, at full size.
    pixel_size
        Å/px.
    options
        All others.
    word
        What is special about it, for the row's name.
    """

    molecule: str
    snr: float
    pixel_size: float = 1.77
    options: str = "--particles 300 --ice-blobs 6 --carbon 0.5 --ice-gradient 0.3"
    word: str = ""

    @property
    def folder(self) -> str:
        """Name of the set's folder."""
        word = f"_{self.word.replace(' ', '-')}" if self.word else ""
        return f"{self.molecule}_{self.snr}{word}"


UNSEEN = tuple(Scene(name, snr) for name in ("6vxx", "1wcm", "5a1a") for snr in (0.05, 0.01))
"""Molecules that the training of the shipped model never saw, with ice and carbon."""
DIRT = "--particles 200 --ice-blobs 60 --carbon 1 --gold 5 --aggregates 6 --ice-gradient 1"
HARD = (
    Scene("1e6v", 0.01, 1.0, word="small"),
    Scene("5a1a", 0.003, word="very noisy"),
    Scene("6vxx", 0.02, options="--coverage 0.6 --min-distance 0.8 --touching 0.5", word="crowded"),
    Scene("5a1a", 0.01, options="--particles 10", word="sparse"),
    Scene("1wcm", 0.05, options=f"{DIRT} --junk 0.5", word="dirty"),
    Scene("1wcm", 0.05, options=DIRT, word="dirty without broken particles"),
)
NUMBERS = tuple(
    Scene("6vxx", 0.02, options=f"--particles {number}", word=f"{number} particles")
    for number in (5, 20, 100, 400)
)
"""From next to nothing to crowded, all else equal."""
SETS = {"unseen": UNSEEN, "hard": HARD, "numbers": NUMBERS}


def simulated(
    scenes: tuple[Scene, ...], maps: Path, work: Path, count: int
) -> Iterator[MicrographSet]:
    """Each scene, simulated where `work` does not hold it yet.

    Parameters
    ----------
    scenes
        What to simulate.
    maps
        Holds the atomic models, in any subfolders.
    work
        Gets a folder for each scene.
    count
        Micrographs of a set, each 4096 x 4096.
    """
    for scene in scenes:
        truth = work / scene.folder / SIMULATION / "truth"
        if not (truth / "labels.json").exists():
            molecule = next(maps.rglob(f"{scene.molecule}.*"))
            lengths = f"--size 4096 4096 --pixel-size {scene.pixel_size} --snr {scene.snr} --seed 7"
            own = [
                "--molecule",
                str(molecule),
                "--count",
                str(count),
                "--output",
                str(truth.parent),
            ]
            run("simulate", *lengths.split(), *scene.options.split(), *own)
        found = read_simulation(truth.parent)
        name = f"{scene.molecule}, {found.diameter:.0f} Å, SNR {scene.snr} {scene.word}"
        yield replace(found, name=name.strip())


def read_simulation(folder: Path) -> MicrographSet:
    """A set that `cryosegment simulate` has made, named after its folder."""
    entry = read_labels_index(folder / "truth").entries[0]
    name = folder.parent.name if folder.name == SIMULATION else folder.name
    return MicrographSet(
        name,
        name,
        sorted((folder / "micrographs").glob("*.mrc")),
        read_coordinates(folder / "truth" / "coordinates", entry.pixel_size),
        entry.diameter,
        entry.pixel_size,
    )


def read_empiar10017(folder: Path) -> MicrographSet:
    """The 14 micrographs of real beta-galactosidase, and the experts' picks.

    Parameters
    ----------
    folder
        Holds `micrographs` (JPEG) and `coordinates`.
    """
    return MicrographSet(
        "EMPIAR-10017",
        "empiar10017",
        sorted((folder / "micrographs").glob("*.jpg")),
        read_coordinates(folder / "coordinates", REAL_PIXEL_SIZE),
        REAL_DIAMETER,
        REAL_PIXEL_SIZE,
    )
