# SPDX-License-Identifier: GPL-3.0-or-later
"""Molecules for simulation: densities on a cubic grid from models, maps or the built-in one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor

from cryosegment.core.images.volume import read_volume
from cryosegment.core.optics.projection import Projector
from cryosegment.core.optics.surface import SURFACE_SIGMA, longest_dimension, surface_level
from cryosegment.core.simulation.atoms import builtin_atoms, read_atoms
from cryosegment.exchange.errors import InputError, ParameterError

BUILTIN = "builtin"
MAP_SUFFIXES = (".mrc", ".map", ".ccp4")
MODEL_SUFFIXES = (".pdb", ".ent", ".cif", ".mmcif")
# Its oversampled spectrum takes about 6 GB.
LARGEST_BOX = 400


@dataclass(frozen=True)
class Molecule:
    """Density of one molecule, centred: its centre of mass lies on voxel `n // 2`.

    Attributes
    ----------
    density
        Solvent = 0, mean within the support = 1; index `[z, y, x]`.
    support
        The molecule's body: True inside its surface.
    pixel_size
        Å per voxel.
    diameter
        Longest dimension of the support, Å.
    name
        Stem of the file, or "builtin".
    """

    density: Float[Tensor, "n n n"]
    support: Bool[Tensor, "n n n"]
    pixel_size: float
    diameter: float
    name: str

    @cached_property
    def projector(self) -> Projector:
        """The density, ready to be projected."""
        return Projector(self.density)

    def to(self, device: str | torch.device) -> Molecule:
        """The same molecule on a device."""
        return replace(self, density=self.density.to(device), support=self.support.to(device))


def read_molecule(
    source: str | Path, pixel_size: float, resolution: float | None = None, assembly: str = "1"
) -> Molecule:
    """Molecule from a PDB or mmCIF model, an MRC map (each also gzipped), or "builtin".

    Parameters
    ----------
    source
        File, or "builtin" for the procedural molecule that needs none.
    pixel_size
        Å per voxel of the result.
    resolution
        Where the density's amplitudes have fallen to 1/e, Å. Default: three voxels, at least 4 Å.
    assembly
        Biological assembly of a model that the file defines; "asu" takes the atoms as they are,
        which is also done when the file defines no assembly of that name.

    Raises
    ------
    ParameterError
        If the pixel size or resolution cannot be.
    InputError
        If the file is missing, of another kind, empty or too large for the pixel size.
    """
    if not pixel_size > 0:
        raise ParameterError(f"expected a pixel size above 0 Å/px, got {pixel_size}")
    resolution = max(3 * pixel_size, 4.0) if resolution is None else resolution
    if not resolution > 0:
        raise ParameterError(f"expected a resolution above 0 Å, got {resolution}")
    if str(source) == BUILTIN:
        return molecule_from_atoms(*builtin_atoms(), pixel_size, resolution, BUILTIN)
    path = Path(source)
    stem, suffix = _name(path)
    if suffix in MODEL_SUFFIXES:
        return molecule_from_atoms(*read_atoms(path, assembly), pixel_size, resolution, stem)
    if suffix in MAP_SUFFIXES:
        volume, voxel = read_volume(path)
        return molecule_from_map(volume, voxel, pixel_size, resolution, stem)
    raise InputError(
        f"expected a molecule as .pdb, .cif, .mrc or .map (.gz allowed) or 'builtin', got {source}"
    )


def molecule_from_atoms(
    positions_zyx: NDArray[np.float64],
    weights: NDArray[np.float64],
    pixel_size: float,
    resolution: float,
    name: str,
) -> Molecule:
    """Molecule whose density is its atoms' weights, low-passed by a Gaussian.

    Parameters
    ----------
    positions_zyx
        Atom positions, Å, `(atoms, 3)`.
    weights
        Scattering strength of each atom, such as its electrons, `(atoms,)`.
    pixel_size
        Å per voxel.
    resolution
        Where amplitudes have fallen to 1/e, Å.
    name
        The molecule's name.

    Raises
    ------
    InputError
        If there are no atoms or the grid would be too large.
    """
    if len(positions_zyx) == 0:
        raise InputError(f"expected atoms in molecule {name}, found none: give another file")
    centre = np.average(positions_zyx, axis=0, weights=weights)
    points = (positions_zyx - centre) / pixel_size
    size = _box_size(float(np.linalg.norm(points, axis=1).max()), resolution / pixel_size, name)
    grid = _splat(points + size // 2, weights, size)
    frequency = torch.fft.fftfreq(size)
    # Trilinear splatting is a convolution with a triangle: its sinc^2 is divided out.
    one = torch.exp(-((frequency * resolution / pixel_size) ** 2)) / torch.sinc(frequency) ** 2
    half = one[: size // 2 + 1]
    spectrum = torch.fft.rfftn(grid)
    spectrum *= one[:, None, None] * one[:, None] * half
    return _finish(torch.fft.irfftn(spectrum, s=grid.shape), pixel_size, name)


def molecule_from_map(
    volume: NDArray[np.float32], voxel_size: float, pixel_size: float, resolution: float, name: str
) -> Molecule:
    """Molecule from a density map: its largest connected body, the solvent around it removed.

    Parameters
    ----------
    volume
        Map, molecule bright, `(d, h, w)`.
    voxel_size
        Å per voxel of the map.
    pixel_size
        Å per voxel of the result.
    resolution
        Where the added low-pass filter has fallen to 1/e, Å.
    name
        The molecule's name.

    Raises
    ------
    InputError
        If nothing stands out of the map or the grid would be too large.
    """
    body = _largest_body(volume, voxel_size, name)
    solvent = float(np.median(volume[~body])) if (~body).any() else 0.0
    soft = ndimage.gaussian_filter(
        ndimage.binary_dilation(body, iterations=2).astype(np.float32), 1.0
    )
    clean = np.maximum(volume - solvent, 0) * soft
    sigma = resolution / (np.pi * np.sqrt(2) * voxel_size)
    if resolution > 2 * voxel_size:
        clean = ndimage.gaussian_filter(clean, sigma)
    points = np.argwhere(body)
    centre = np.array(ndimage.center_of_mass(np.where(body, clean, 0)))
    reach = float(np.linalg.norm(points - centre, axis=1).max()) * voxel_size / pixel_size
    size = _box_size(reach, resolution / pixel_size, name)
    step = pixel_size / voxel_size
    grid = ndimage.affine_transform(
        clean, np.eye(3) * step, centre - step * (size // 2), (size,) * 3, order=3
    )
    return _finish(torch.from_numpy(grid.astype(np.float32)), pixel_size, name)


def _name(path: Path) -> tuple[str, str]:
    bare = path.with_suffix("") if path.suffix.lower() in (".gz", ".bz2") else path
    return bare.stem, bare.suffix.lower()


def _box_size(reach: float, resolution: float, name: str) -> int:
    """Even box, px, that holds the molecule in every orientation."""
    size = 2 * int(np.ceil(reach + 1.5 * resolution + 2))
    if size > LARGEST_BOX:
        raise InputError(
            f"molecule {name} needs a box of {size} px, expected at most {LARGEST_BOX}: "
            "give a larger pixel size"
        )
    return size


def _splat(
    points_zyx: NDArray[np.float64], weights: NDArray[np.float64], size: int
) -> Float[Tensor, "n n n"]:
    """Weights spread trilinearly on a cubic grid."""
    grid = torch.zeros(size**3)
    low = np.floor(points_zyx).astype(np.int64)
    fraction = points_zyx - low
    for corner in np.ndindex(2, 2, 2):
        share = np.prod(np.where(corner, fraction, 1 - fraction), axis=1) * weights
        index = np.ravel_multi_index(tuple((low + corner).T), (size,) * 3)
        grid.index_add_(0, torch.from_numpy(index), torch.from_numpy(share).float())
    return grid.reshape(size, size, size)


def _largest_body(volume: NDArray[np.float32], voxel_size: float, name: str) -> NDArray[np.bool_]:
    """The largest connected region above half of the map's interior value."""
    smooth = ndimage.gaussian_filter(volume, SURFACE_SIGMA / voxel_size)
    smooth = smooth - np.median(smooth)
    labels, count = ndimage.label(smooth > surface_level(smooth))
    if count == 0:
        raise InputError(f"expected a density that stands out in map {name}, found none")
    return np.asarray(labels == 1 + np.argmax(np.bincount(labels.ravel())[1:]))


def _finish(density: Float[Tensor, "n n n"], pixel_size: float, name: str) -> Molecule:
    """Support, scale and diameter of a centred density."""
    smooth = ndimage.gaussian_filter(density.numpy(), SURFACE_SIGMA / pixel_size)
    support = smooth > surface_level(smooth)
    if not support.any():
        raise InputError(f"expected molecule {name} to fill a voxel of {pixel_size} Å, found none")
    inside = torch.from_numpy(support)
    scaled = density / density[inside].mean()
    return Molecule(scaled, inside, pixel_size, longest_dimension(support) * pixel_size, name)
