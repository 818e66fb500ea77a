# SPDX-License-Identifier: GPL-3.0-or-later
"""Projections of a volume by Fourier slices, and silhouettes of a body, in RELION's convention."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Complex, Float
from torch import Tensor
from torch.nn.functional import grid_sample, pad

from cryosegment.exchange.errors import InputError

# Slices are read from a spectrum sampled this much finer than the volume's own.
OVERSAMPLING = 2
# Slices interpolated at once: bounds the memory, changes nothing else.
CHUNK = 64
# A pixel belongs to the silhouette when the body is this thick along its ray, in voxels.
THICKNESS = 1.0


class Projector:
    """A volume ready to be projected: its spectrum is computed once.

    Parameters
    ----------
    volume
        Cubic, index `[z, y, x]`; it turns about voxel `n // 2` and must vanish at the box's rim.

    Raises
    ------
    InputError
        If the volume is not cubic or its side is odd.
    """

    def __init__(self, volume: Float[Tensor, "d h w"]) -> None:
        size = volume.shape[0]
        if volume.shape != (size, size, size) or size % 2:
            raise InputError(f"expected a cubic volume of even side, got {tuple(volume.shape)}")
        self.size = size
        self._padded = OVERSAMPLING * size
        offset = torch.arange(size, device=volume.device) - size // 2
        # Trilinear interpolation of the spectrum dims the volume by sinc^2 along each axis.
        gain = 1 / torch.sinc(offset / self._padded) ** 2
        margin = (self._padded - size) // 2
        wide = pad(volume * gain[:, None, None] * gain[:, None] * gain, (margin, margin) * 3)
        spectrum = torch.fft.rfftn(torch.fft.ifftshift(wide))
        spectrum = torch.fft.fftshift(spectrum, dim=(0, 1))
        self._spectrum = torch.view_as_real(spectrum).permute(3, 0, 1, 2).contiguous()[None]

    def project(self, rotations: Float[Tensor, "n 3 3"]) -> Float[Tensor, "n h w"]:
        """Sums along the rays, for each rotation of `rotation_matrices`; density × voxels."""
        images = [self._project(some) for some in rotations.split(CHUNK)]
        empty = self._spectrum.new_zeros(0, self.size, self.size)
        return torch.cat(images) if images else empty

    def transforms(
        self, rotations: Float[Tensor, "n 3 3"], frequencies: Float[Tensor, "h f 2"]
    ) -> Complex[Tensor, "n h f"]:
        """Fourier transforms of the projections about their origin, at some frequencies.

        Parameters
        ----------
        rotations
            As `rotation_matrices` gives them.
        frequencies
            Along x and y, in cycles per voxel; beyond 0.5 the transforms are 0.
        """
        n = self._padded
        plane = n * frequencies.to(rotations.dtype)
        # An image frequency (x, y, 0) lies at A^T (x, y, 0) in the volume.
        points = torch.einsum("hwi,nij->nhwj", plane, rotations[:, :2])
        is_mirrored = points[..., 0] < 0
        points = torch.where(is_mirrored[..., None], -points, points)
        points = points + points.new_tensor([0, n // 2, n // 2])
        limits = points.new_tensor([n // 2, n - 1, n - 1])
        values = grid_sample(
            self._spectrum.to(rotations.dtype),
            (2 * points / limits - 1)[None],
            mode="bilinear",
            align_corners=True,
        )[0]
        imaginary = torch.where(is_mirrored, -values[1], values[1])
        inside = (plane.square().sum(dim=-1) < (n // 2) ** 2).to(values.dtype)
        return torch.complex(values[0] * inside, imaginary * inside)

    def _project(self, rotations: Float[Tensor, "n 3 3"]) -> Float[Tensor, "n h w"]:
        n = self._padded
        x = torch.arange(n // 2 + 1, device=rotations.device, dtype=rotations.dtype) / n
        y = torch.fft.fftfreq(n, device=rotations.device, dtype=rotations.dtype)
        plane = torch.stack(torch.meshgrid(y, x, indexing="ij")[::-1], dim=-1)
        slices = self.transforms(rotations, plane)
        images = torch.fft.fftshift(torch.fft.irfft2(slices, s=(n, n)), dim=(1, 2))
        margin = (n - self.size) // 2
        return images[:, margin : margin + self.size, margin : margin + self.size]


def project(
    volume: Float[Tensor, "d h w"], rotations: Float[Tensor, "n 3 3"]
) -> Float[Tensor, "n h w"]:
    """Projections of a cubic volume; its voxel `n // 2` falls on pixel `n // 2`.

    Parameters
    ----------
    volume
        Index `[z, y, x]`, vanishing at the box's rim; the side is even.
    rotations
        As `rotation_matrices` gives them.

    Returns
    -------
    Sums along the rays, in density × voxels.

    Raises
    ------
    InputError
        If the volume is not cubic or its side is odd.
    """
    return Projector(volume).project(rotations)


def rotation_matrices(angles: Float[Tensor, "n 3"]) -> Float[Tensor, "n 3 3"]:
    """Rotations A of RELION's Euler angles: a point p (x, y, z) of the volume moves to A p.

    Parameters
    ----------
    angles
        rot, tilt, psi in degrees (ZYZ; `_rlnAngleRot`, `_rlnAngleTilt`, `_rlnAnglePsi`).

    Notes
    -----
    Heymann, Chagoyen & Belnap, J. Struct. Biol. 151 (2005), 196-207.
    """
    rot, tilt, psi = torch.deg2rad(angles).unbind(dim=1)
    return _about_z(psi) @ _about_y(tilt) @ _about_z(rot)


def random_angles(count: int, generator: torch.Generator) -> Float[Tensor, "n 3"]:
    """Uniformly random orientations: rot, tilt, psi in degrees."""
    uniform = torch.rand(count, 3, generator=generator, device=generator.device)
    rot, psi = 360 * uniform[:, 0] - 180, 360 * uniform[:, 2] - 180
    tilt = torch.rad2deg(torch.arccos(1 - 2 * uniform[:, 1]))
    return torch.stack((rot, tilt, psi), dim=1)


def silhouettes(
    support: Bool[Tensor, "n n n"], rotations: Float[Tensor, "r 3 3"]
) -> Bool[Tensor, "r n n"]:
    """Outlines of a body: the pixels whose ray runs through it for at least one voxel.

    The body's voxels are rotated and each is shared bilinearly between the four pixels around it,
    which gives the thickness. Two layers of voxels suffice, as they cover what lies inside.

    Parameters
    ----------
    support
        The body, index `[z, y, x]`, in a cubic box that holds it in every orientation.
    rotations
        As `rotation_matrices` gives them.
    """
    size = support.shape[0]
    points = _shell(support)
    covered = torch.zeros(len(rotations), size, size, dtype=torch.bool, device=support.device)
    for mask, rotation in zip(covered, rotations, strict=True):
        x, y = (rotation[:2] @ points.to(rotation.dtype).T + size // 2).unbind()
        mask |= _splat(y, x, size) >= THICKNESS
    return covered


def _shell(support: Bool[Tensor, "n n n"]) -> Float[Tensor, "p 3"]:
    """The two outer layers of voxels, as x, y, z from the centre."""
    inner = support
    for _ in range(2):
        shifted = [inner.roll(step, dims=axis) for axis in range(3) for step in (1, -1)]
        inner = inner & torch.stack(shifted).all(dim=0)
    voxels = torch.nonzero(support & ~inner).flip(1)
    return (voxels - support.shape[0] // 2).float()


def _splat(y: Float[Tensor, " p"], x: Float[Tensor, " p"], size: int) -> Float[Tensor, "n n"]:
    """Points shared bilinearly between pixels."""
    row, column = y.floor(), x.floor()
    down, right = y - row, x - column
    first = (row * size + column).long()
    image = torch.zeros(size * size, device=y.device, dtype=y.dtype)
    for step, share in (
        (0, (1 - down) * (1 - right)),
        (1, (1 - down) * right),
        (size, down * (1 - right)),
        (size + 1, down * right),
    ):
        image.index_add_(0, first + step, share)
    return image.reshape(size, size)


def _about_z(angle: Float[Tensor, " n"]) -> Float[Tensor, "n 3 3"]:
    c, s, zero, one = angle.cos(), angle.sin(), torch.zeros_like(angle), torch.ones_like(angle)
    return torch.stack((c, s, zero, -s, c, zero, zero, zero, one), dim=1).reshape(-1, 3, 3)


def _about_y(angle: Float[Tensor, " n"]) -> Float[Tensor, "n 3 3"]:
    c, s, zero, one = angle.cos(), angle.sin(), torch.zeros_like(angle), torch.ones_like(angle)
    return torch.stack((c, zero, -s, zero, one, zero, s, zero, c), dim=1).reshape(-1, 3, 3)
