# SPDX-License-Identifier: GPL-3.0-or-later
"""Kinds of picks side by side: their maps, averages of their particles, views and likeness."""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt
import mrcfile
import numpy as np
import torch
from jaxtyping import Float
from matplotlib.figure import SubFigure
from particle_likeness import BACKGROUND_SHARE
from real_micrographs import frequencies, radial_frequency, shell_sums, transfer
from relion_maps import Laboratory
from scipy.ndimage import affine_transform

from cryosegment.core.optics.projection import Projector, rotation_matrices
from cryosegment.exchange.particles.poses import read_poses
from cryosegment.exchange.particles.readers import read_particle_images
from cryosegment.exchange.particles.record import ParticleImages

AXES = {"x": (1, 2, 0), "y": (2, 0, 1), "z": (0, 1, 2)}
"""Views along an axis of the map: which of its axes lie along the columns, the rows, the ray."""
HALF_TURNS = np.array(
    [np.diag(signs) for signs in ((1, 1, 1), (1, -1, -1), (-1, 1, -1), (-1, -1, 1))]
)
"""The symmetry D2."""
NEAR = np.cos(np.radians(35))
"""Particles are averaged that are seen this near to an axis."""
BAND = (100.0, 25.0)
"""Å: what particles and projections are compared in."""
COLOURS = ("#0072b2", "#009e73", "#999999")
"""Told apart by the colour-blind (Okabe & Ito)."""
END_ON = 0.9
"""Cosine of a view with the long axis, z, from which on it counts as such."""
FINEST = 9
"""Fourier shells of the maps whose correlation is printed."""
BINS = np.linspace(0, 1, 11)


def draw(laboratory: Laboratory, kinds: list[str], figure: Path) -> None:
    """Draw the known map, and for each kind its map, averages, views and likeness.

    Parameters
    ----------
    laboratory
        Holds a refinement of each kind.
    kinds
        Their names; the last is background.
    figure
        PNG to write.
    """
    canvas = plt.figure(figsize=(10, 7.6), layout="constrained")
    top, bottom = canvas.subfigures(2, 1, height_ratios=(5.4, 2.2))
    refined = {kind: read_particle_images(laboratory.particles(kind)) for kind in kinds}
    columns = {"known map": along_axes(mrcfile.read(laboratory.known))}
    for kind, images in refined.items():
        label, folder = label_of(kind), laboratory.folder_of(kind)
        columns[f"{label}:\nmap"] = along_axes(laboratory.like_known(kind))
        columns[f"{label}:\nparticles"] = averages(images, folder, laboratory.pixel_size)
    axes = top.subplots(3, len(columns))
    for column, (name, pictures) in zip(axes.T, columns.items(), strict=True):
        column[0].set_title(name, fontsize=9)
        for place, picture in zip(column, pictures, strict=True):
            place.imshow(picture, cmap="gray")
            place.set_axis_off()
    draw_poses(bottom, laboratory, refined)
    canvas.savefig(figure, dpi=85)


def label_of(kind: str) -> str:
    """What a kind is called without its number."""
    return kind.split(",")[0]


def along_axes(cube: Float[np.ndarray, "n n n"]) -> list[Float[np.ndarray, "n n"]]:
    """A map seen along its axes."""
    rotations = torch.from_numpy(np.stack([np.eye(3)[list(rows)] for rows in AXES.values()]))
    volume = torch.from_numpy(np.ascontiguousarray(cube, np.float32))
    return list(Projector(volume).project(rotations.float()).numpy())


def averages(
    images: ParticleImages, folder: Path, pixel_size: float
) -> list[Float[np.ndarray, "n n"]]:
    """Means of the particles that are seen near each axis, turned to the view along it.

    Parameters
    ----------
    images
        Refined particles.
    folder
        That the names of their images start from.
    pixel_size
        Å/px.
    """
    matrices = rotation_matrices(torch.from_numpy(images.particles.angles)).numpy()
    shifts = images.particles.shifts_yx / pixel_size
    pixels = read_images(images, folder)
    found = []
    for rows in AXES.values():
        view = np.eye(3)[list(rows)]
        turned = matrices[:, None] @ HALF_TURNS  # every particle in its four equal poses
        nearest = np.argmax(turned[:, :, 2] @ view[2], axis=1)
        chosen = turned[np.arange(len(turned)), nearest]
        is_near = chosen[:, 2] @ view[2] > NEAR
        rest = chosen[is_near] @ view.T
        angles = np.arctan2(rest[:, 1, 0] - rest[:, 0, 1], rest[:, 0, 0] + rest[:, 1, 1])
        aligned = [
            turned_back(image, shift, angle)
            for image, shift, angle in zip(pixels[is_near], shifts[is_near], angles, strict=True)
        ]
        found.append(np.mean(aligned, 0))
    return found


def turned_back(
    image: Float[np.ndarray, "n n"], shift_yx: Float[np.ndarray, " 2"], angle: float
) -> Float[np.ndarray, "n n"]:
    """An image whose particle lies at its middle minus a shift (px), turned back by an angle."""
    cosine, sine = np.cos(angle), np.sin(angle)
    matrix = np.array([[cosine, sine], [-sine, cosine]])  # of (y, x)
    middle = np.full(2, len(image) // 2)
    offset = middle - shift_yx - matrix @ middle
    return affine_transform(image, matrix, offset, order=1, mode="nearest")


def read_images(images: ParticleImages, folder: Path) -> Float[np.ndarray, "n h w"]:
    """The images of particles."""
    names = [name.split("@") for name in images.names]
    stacks = {stack: mrcfile.read(folder / stack) for _, stack in names}
    return np.stack([stacks[stack][int(number) - 1] for number, stack in names])


def draw_poses(
    panel: SubFigure, laboratory: Laboratory, refined: dict[str, ParticleImages]
) -> None:
    """How the views of each kind are spread, and how like projections its particles are."""
    axes = panel.subplots(1, 4)
    scores = {kind: correlations(laboratory, kind, images) for kind, images in refined.items()}
    level = np.quantile(scores[list(refined)[-1]], BACKGROUND_SHARE)
    for (kind, images), colour in zip(refined.items(), COLOURS, strict=True):
        along, own = view_directions(images.particles.angles), scores[kind]
        for place, some, bins in zip(axes, [*along.T, own], [*[BINS] * 3, 20], strict=True):
            place.hist(some, bins, histtype="step", color=colour, linewidth=1.5)
        axes[0].plot([], [], color=colour, label=label_of(kind))
        likeness = f"{np.median(own):.2f}, {np.mean(own > level):.3f} above {level:.2f}"
        ends = f"{np.mean(along[:, 2] > END_ON):.3f} seen end-on"
        shells = enumerate(laboratory.with_known(kind)[:FINEST])
        curve = [f"{value:.2f} at {laboratory.length / k:.0f} Å" for k, value in shells if k > 2]
        print(f"{kind}: median correlation {likeness}; {ends}; map: {', '.join(curve)}")
    titles = [f"|cosine| of view and {name}" for name in AXES]
    for place, title in zip(axes, [*titles, "correlation with projection"], strict=True):
        place.set_title(title, fontsize=9)
        place.tick_params(labelsize=7)
    panel.legend(loc="outside lower center", ncols=3, frameon=False, fontsize=9)


def correlations(
    laboratory: Laboratory, kind: str, images: ParticleImages
) -> Float[np.ndarray, " n"]:
    """Correlation of each particle with the known map's projection in its pose, with its CTF.

    In Fourier space, within `BAND`; each shell of the projections has the same power, as the
    micrographs have.
    """
    side, pixel_size = laboratory.box, laboratory.pixel_size
    pixels = torch.from_numpy(read_images(images, laboratory.folder_of(kind)))
    shifts = torch.from_numpy(images.particles.shifts_yx / pixel_size).float()
    turns = torch.einsum("na,ahf->nhf", shifts, frequencies(side))
    observed = torch.fft.rfft2(torch.fft.ifftshift(pixels, dim=(1, 2)))
    observed = observed * torch.exp(-2j * torch.pi * turns)
    rotations = rotation_matrices(torch.from_numpy(images.particles.angles).float())
    projector = Projector(torch.from_numpy(mrcfile.read(laboratory.known)))
    models = torch.fft.rfft2(torch.fft.ifftshift(projector.project(rotations), dim=(1, 2)))
    frequency = radial_frequency(side)
    shell = (frequency * side).round().long()
    models = models / shell_sums(models.abs().square().mean(0), shell)[shell].sqrt()
    defocus = read_poses(laboratory.particles(kind)).ctfs[:, 0]
    ctfs = {value: transfer(value).transfer(side, side, pixel_size) for value in set(defocus)}
    models = models * torch.stack([ctfs[value] for value in defocus])
    is_seen = (frequency > pixel_size / BAND[0]) & (frequency < pixel_size / BAND[1])
    observed, models = observed[:, is_seen], models[:, is_seen]
    product = (observed * models.conj()).real.sum(1)
    return (product / observed.norm(dim=1) / models.norm(dim=1)).numpy()


def view_directions(angles: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "n 3"]:
    """Size of the cosine of each view with the axes of the map, which D2 and mirrors leave."""
    return np.abs(rotation_matrices(torch.from_numpy(angles)).numpy()[:, 2])
