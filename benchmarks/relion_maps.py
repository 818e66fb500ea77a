# SPDX-License-Identifier: GPL-3.0-or-later
"""Maps of picks, by RELION's own programs; what is finished is not made again."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import mrcfile
import numpy as np
import torch
from circle_maps import (
    first_below,
    in_box,
    onto,
    shell_correlation,
    shell_sums,
    shells,
    soft_sphere,
)
from peers import run_quietly
from real_micrographs import (
    ABERRATION,
    AMPLITUDE,
    VOLTAGE,
    cross_spectrum,
    fitted_defocus,
    write_whitened,
)

from cryosegment.core.images.micrograph import write_image
from cryosegment.exchange.coordinates import Coordinates, write_coordinates
from cryosegment.exchange.particles.record import Particles
from cryosegment.exchange.star.writer import write_star

HALVES, KNOWN = 0.143, 0.5
"""Correlations at which the resolution is read: of half maps, and with the known map."""
START = 80.0
"""Å: what is finer is cut from the map that refinements start from."""
JOINED = 100.0
"""Å: what is coarser the half maps share."""
LIMITS = "--strict_highres_exp 24 --maxsig 25 --offset_range 2 --offset_step 2 --norm --scale"
LIMITS += (
    " --pad 2 --preread_images --dont_combine_weights_via_disc --pool 10 --j 1 --random_seed 1"
)
"""What keeps a search short: Å, poses of a particle, px; and what every search has."""
MASK = 1.2
"""Diameter of RELION's circular mask, in particle diameters."""
BOX = 1.55
"""Side of the boxes, in particle diameters, or a little more."""
CTFS = "micrographs.star"
PARTICLES = "particles.star"
REFINED = "refined/run_data.star"
HALF = "refined/run_half{}_class001_unfil.mrc"


@dataclass(frozen=True)
class Laboratory:
    """Micrographs at the coarse pixel size of a refinement, and the map that is known.

    Parameters
    ----------
    folder
        Gets all files.
    height
        Rows of the original micrographs, which are turned upside down: JPEG counts rows from the
        top, as the projections of the known map do not.
    original
        Pixel size of the micrographs, Å/px.
    binning
        Pixels of the micrographs along a side of one of theirs here.
    diameter
        Of the particles, Å.
    symmetry
        Of the particles, in RELION's words.
    """

    folder: Path
    height: int
    original: float
    binning: int
    diameter: float
    symmetry: str

    @property
    def pixel_size(self) -> float:
        """Å/px of the particles."""
        return self.binning * self.original

    @property
    def box(self) -> int:
        """Side of the particles, px; even."""
        return 2 * int(np.ceil(BOX * self.diameter / self.pixel_size / 2))

    @property
    def length(self) -> float:
        """Side of the particles, Å."""
        return self.box * self.pixel_size

    @property
    def known(self) -> Path:
        """The known map, in the box of the particles."""
        return self.folder / "known.mrc"

    def prepare(self, micrographs: list[Path], molecule: Path, poses: Particles) -> None:
        """Write the micrographs, the known map and the defocus of each.

        Parameters
        ----------
        micrographs
            Files.
        molecule
            The known map, of half our pixel size.
        poses
            Of particles on these micrographs, y from the last row.
        """
        images = write_whitened(
            micrographs, self.folder / "micrographs", self.original, self.binning
        )
        with mrcfile.open(molecule) as file:
            density, voxel = file.data.astype(np.float64), float(file.voxel_size.x)
        if not np.isclose(2 * voxel, self.pixel_size):
            raise SystemExit(f"{molecule}: expected {self.pixel_size / 2} Å/voxel, got {voxel}")
        rim = slice((len(density) - 2 * self.box) // 2, (len(density) + 2 * self.box) // 2)
        small = in_box(density[rim, rim, rim], 2 * self.box, 2)
        write_image(self.known, small.astype(np.float32), self.pixel_size)
        self._write_defocus(images, poses)

    def _write_defocus(self, images: list[Path], poses: Particles) -> None:
        if (self.folder / CTFS).exists():
            return
        stems = np.array([Path(name).stem for name in poses.micrographs])
        small = poses.scaled(np.full(2, 1 / self.binning))
        defocus = []
        for path in images:
            image = torch.from_numpy(mrcfile.read(path))
            own = small.select(stems == path.stem)
            spectrum = cross_spectrum(image, own, self.known, self.pixel_size)
            defocus.append(fitted_defocus(spectrum, self.length))
            print(f"{path.stem}: {defocus[-1] / 1e4:.2f} µm underfocus", flush=True)
        optics = {
            "rlnOpticsGroupName": ["falcon"],
            "rlnOpticsGroup": [1],
            "rlnMicrographPixelSize": [self.pixel_size],
            "rlnMicrographOriginalPixelSize": [self.pixel_size],
            "rlnVoltage": [VOLTAGE],
            "rlnSphericalAberration": [ABERRATION],
            "rlnAmplitudeContrast": [AMPLITUDE],
        }
        table = {
            "rlnMicrographName": [f"micrographs/{path.name}" for path in images],
            "rlnOpticsGroup": [1] * len(images),
            "rlnDefocusU": defocus,
            "rlnDefocusV": defocus,
            "rlnDefocusAngle": [0.0] * len(images),
        }
        write_star(self.folder / CTFS, {"optics": optics, "micrographs": table})

    def extract(self, name: str, picks: Mapping[str, Coordinates]) -> Path:
        """Particles of some picks, bright and normalised, in a folder of that name."""
        folder = self.folder_of(name)
        if (folder / PARTICLES).exists():
            return folder
        shutil.rmtree(folder, ignore_errors=True)
        (folder / "picks/micrographs").mkdir(parents=True)
        (folder / "micrographs").symlink_to(self.folder.absolute() / "micrographs")
        for stem, found in picks.items():
            flipped = found.flipped(self.height).at_pixel_size(self.pixel_size)
            write_coordinates(folder / f"picks/micrographs/{stem}_picks.star", flipped)
        radius = round(MASK * self.diameter / self.pixel_size / 2)
        command = f"relion_preprocess --i ../{CTFS} --coord_dir picks/ --extract --norm"
        command += f" --coord_suffix _picks.star --part_dir stacks/ --part_star {PARTICLES}"
        command += f" --extract_size {self.box} --bg_radius {radius} --invert_contrast"
        run_quietly(command.split(), folder)
        return folder

    def refine(self, name: str) -> None:
        """A map of extracted particles by auto-refine, from the blurred known map."""
        folder = self.folder_of(name)
        if (folder / REFINED).exists():
            return
        (folder / REFINED).parent.mkdir(exist_ok=True)
        command = "mpirun --allow-run-as-root --oversubscribe -np 3 relion_refine_mpi"
        command += (
            f" --i {PARTICLES} --o refined/run --ref {self.known.absolute()} --ini_high {START}"
        )
        command += f" --auto_refine --split_random_halves --low_resol_join_halves {JOINED} --ctf"
        command += f" --particle_diameter {round(MASK * self.diameter)} --sym {self.symmetry}"
        command += " --zero_mask --flatten_solvent --firstiter_cc --healpix_order 2"
        command += f" --auto_local_healpix_order 4 --auto_ignore_angles {LIMITS}"
        run_quietly(command.split(), folder)

    def folder_of(self, name: str) -> Path:
        """Where the particles of a name are, and their map."""
        return self.folder / name.replace(", ", "_").replace(" ", "_")

    def particles(self, name: str) -> Path:
        """Refined particles of a name."""
        return self.folder_of(name) / REFINED

    def agreement(self, name: str) -> tuple[float, float, float]:
        """Å at which the half maps, and the map and the known one, no longer agree.

        Behind them the correlation with the known map, whose amplitudes the map is given before.
        """
        sphere, with_known = soft_sphere(self.box), self.with_known(name)
        power = shell_sums(np.abs(np.fft.fftn(sphere * mrcfile.read(self.known))) ** 2)
        of_halves = shell_correlation(*(sphere * half for half in self.halves(name)))
        return (
            first_below(of_halves, HALVES, self.length),
            first_below(with_known, KNOWN, self.length),
            float(with_known[1:] @ power[1:] / power[1:].sum()),
        )

    def with_known(self, name: str) -> np.ndarray:
        """Correlation of the map of a name with the known one, by Fourier shell."""
        sphere, known = soft_sphere(self.box), mrcfile.read(self.known)
        found = onto(known, sum(self.halves(name)))
        return shell_correlation(sphere * found, sphere * known)

    def halves(self, name: str) -> list[np.ndarray]:
        """The half maps of a name."""
        return [mrcfile.read(self.folder_of(name) / HALF.format(half)) for half in (1, 2)]

    def like_known(self, name: str) -> np.ndarray:
        """The map of a name with the amplitudes of the known one, shell by shell."""
        known = mrcfile.read(self.known)
        spectrum = np.fft.fftn(onto(known, sum(self.halves(name))))
        ratio = shell_sums(np.abs(np.fft.fftn(known)) ** 2) / shell_sums(np.abs(spectrum) ** 2)
        shell = shells(self.box)
        kept = np.where(shell < len(ratio), np.sqrt(ratio)[shell.clip(max=len(ratio) - 1)], 0)
        return np.fft.ifftn(spectrum * kept).real
