# SPDX-License-Identifier: GPL-3.0-or-later
"""The body of a particle: the volume inside the surface of its map, or inside its mask."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from scipy import ndimage
from skimage.filters import threshold_li, threshold_otsu

from cryosegment.core.optics.surface import SURFACE_SIGMA, longest_dimension, surface_level
from cryosegment.exchange.errors import InputError, ParameterError

MASK_LEVEL = 0.5
"""The body of a mask is where it exceeds this fraction of its highest value."""
SIGNAL_FLOOR = 0.02
"""Values below this fraction of the highest are left out as solvent by li and otsu."""
MAX_RADIUS = 120
"""Bodies with a radius of more voxels than this are sampled coarser."""


@dataclass(frozen=True)
class Body:
    """The body of a particle on a cubic grid of even side; rotations are about voxel `n // 2`.

    Attributes
    ----------
    level
        Above 0 inside the surface, below outside; index `[z, y, x]`.
    voxel_size
        Å per voxel.
    notes
        How it was made, in sentences.
    """

    level: Float[np.ndarray, "n n n"]
    voxel_size: float
    notes: tuple[str, ...]

    @property
    def support(self) -> Bool[np.ndarray, "n n n"]:
        """The voxels inside."""
        return np.asarray(self.level > 0)

    @property
    def diameter(self) -> float:
        """Longest dimension, Å."""
        return longest_dimension(self.support) * self.voxel_size

    @property
    def radius(self) -> float:
        """Largest distance from the centre of rotation, Å."""
        points = np.argwhere(self.support) - self.level.shape[0] // 2
        return float(np.linalg.norm(points, axis=1).max() + 1) * self.voxel_size

    @property
    def center_xyz(self) -> Float[np.ndarray, " 3"]:
        """Centre of mass relative to the centre of rotation, Å."""
        points = np.argwhere(self.support).mean(axis=0) - self.level.shape[0] // 2
        return np.asarray(points[::-1] * self.voxel_size)

    def at_voxel_size(self, voxel_size: float) -> Body:
        """The same body on another grid, in the smallest box that holds it."""
        size = 2 * int(np.ceil(self.radius / voxel_size + 2))
        step = voxel_size / self.voxel_size
        origin = self.level.shape[0] // 2 - step * (size // 2)
        level = ndimage.affine_transform(
            self.level, np.eye(3) * step, np.full(3, origin), (size,) * 3, order=1, cval=-1.0
        )
        return Body(level, voxel_size, self.notes)


def body_from_map(
    volume: Float[np.ndarray, "d h w"],
    voxel_size: float,
    threshold: str = "surface",
    low_pass_sigma: float = SURFACE_SIGMA,
    dilation: float = 0.0,
) -> Body:
    """The largest connected body of a density map.

    Parameters
    ----------
    volume
        Density; rotations are about voxel `n // 2` of each axis.
    voxel_size
        Å per voxel.
    threshold
        "surface": the molecular surface, at 0.4 of the density of the interior, as in the
        simulator; "li" or "otsu": these methods, on the values above the solvent; or a density
        as text.
    low_pass_sigma
        Standard deviation of the Gaussian that smooths the map first, Å.
    dilation
        Distance by which the surface is moved outwards, Å.

    Raises
    ------
    ParameterError
        If the threshold is none of these.
    InputError
        If no density is above the threshold.
    """
    cubic = _cubic(volume, float(np.median(volume)))
    smooth = ndimage.gaussian_filter(cubic, low_pass_sigma / voxel_size)
    solvent = _solvent(smooth)
    smooth -= solvent
    notes = []
    sign = 1.0
    if float(np.vdot(smooth * smooth, smooth)) < 0:  # the third moment
        notes.append("the map is inverted (particle darker than solvent): its sign was changed")
        sign = -1.0
    smooth *= sign
    value = _threshold(smooth, threshold, sign, solvent)
    support = _largest(smooth > value)
    if not support.any() or support.all():
        raise InputError(
            f"expected a body above density {value:.4g} of the map, found "
            f"{'nothing' if not support.any() else 'all of it'}: give another threshold or a mask"
        )
    part = support.sum() / max(1, int((smooth > value).sum()))
    notes.append(
        f"body: largest connected part ({part:.0%}) of the map, smoothed by a Gaussian of "
        f"{low_pass_sigma:g} Å, above {sign * value + solvent:.4g} ({threshold}), dilated by "
        f"{dilation:g} Å"
    )
    return _body(smooth / value - 1, support, voxel_size, dilation, tuple(notes))


def body_from_mask(
    mask: Float[np.ndarray, "d h w"], voxel_size: float, dilation: float = 0.0
) -> Body:
    """The body of a 3-D mask, binary or with soft edges: where it exceeds half its highest value.

    Raises
    ------
    InputError
        If the mask is empty or full.
    """
    cubic = _cubic(mask, 0.0)
    top = float(cubic.max())
    support = cubic > MASK_LEVEL * top
    if top <= 0 or not support.any() or support.all():
        raise InputError("expected a mask with voxels inside and outside, found one of a kind")
    note = f"body: mask above {MASK_LEVEL * top:.4g}, dilated by {dilation:g} Å"
    return _body(cubic / (MASK_LEVEL * top) - 1, support, voxel_size, dilation, (note,))


def _cubic(volume: Float[np.ndarray, "d h w"], fill: float) -> Float[np.ndarray, "n n n"]:
    """Padded to an even cube; voxel `n // 2` of each axis remains the centre of rotation."""
    side = max(2 * max(size // 2, size - size // 2) for size in volume.shape)
    cubic = np.full((side,) * 3, fill, np.float32)
    start = [side // 2 - size // 2 for size in volume.shape]
    place = tuple(slice(first, first + size) for first, size in zip(start, volume.shape))
    cubic[place] = volume
    return cubic


def _solvent(volume: Float[np.ndarray, "n n n"]) -> float:
    """Median of the density outside the inscribed sphere of the box."""
    axis = np.arange(volume.shape[0]) - volume.shape[0] // 2
    squared = axis[:, None, None] ** 2 + axis[:, None] ** 2 + axis**2
    return float(np.median(volume[squared > (volume.shape[0] // 2) ** 2]))


def _threshold(
    smooth: Float[np.ndarray, "n n n"], threshold: str, sign: float, solvent: float
) -> float:
    """Level of a smoothed map that was moved by `solvent` and then multiplied by `sign`."""
    if threshold == "surface":
        return surface_level(smooth)
    if threshold in ("li", "otsu"):
        signal = smooth[smooth > SIGNAL_FLOOR * np.quantile(smooth, 1 - 1e-4)]
        rule = threshold_li if threshold == "li" else threshold_otsu
        return float(rule(signal)) if signal.size else np.inf
    try:
        value = sign * (float(threshold) - solvent)
    except ValueError:
        raise ParameterError(
            f"expected the map's threshold to be surface, li, otsu or a density, got {threshold!r}"
        ) from None
    if not value > 0:
        raise ParameterError(
            f"expected the map's threshold to lie on the particle's side of the solvent's density "
            f"{solvent:.4g}, got {threshold}"
        )
    return value


def _largest(support: Bool[np.ndarray, "n n n"]) -> Bool[np.ndarray, "n n n"]:
    labels, count = ndimage.label(support)
    if count == 0:
        return support
    return np.asarray(labels == 1 + np.argmax(np.bincount(labels.ravel())[1:]))


def _body(
    level: Float[np.ndarray, "n n n"],
    support: Bool[np.ndarray, "n n n"],
    voxel_size: float,
    dilation: float,
    notes: tuple[str, ...],
) -> Body:
    """A body with a level that is above 0 on the support and nowhere else."""
    if dilation > 0:
        outside = ndimage.distance_transform_edt(~support)
        inside = ndimage.distance_transform_edt(support)
        # distances count from voxel centres: the surface lies half a voxel before them
        level = np.where(support, inside - 0.5, 0.5 - outside) + dilation / voxel_size
        return Body(level.astype(np.float32), voxel_size, notes)
    near = ndimage.binary_dilation(support)
    level = np.where(near, level, -1.0)
    # a neighbouring body is cut off where it comes near
    level[near & ~support] = np.minimum(level[near & ~support], -1e-6)
    return Body(np.clip(level, -1.0, 1.0).astype(np.float32), voxel_size, notes)
