# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of ranked particles: the best, the worst, those between, and averages."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch.nn.functional import interpolate

from cryosegment.core.particles.blocks import blocks_of
from cryosegment.core.particles.classes import SIGNAL
from cryosegment.core.particles.model import ParticleMaps
from cryosegment.exchange.particles import ParticleFile
from cryosegment.exchange.particles.scores import SCORES, Selection

SHOWN = 12
"""Images of each kind in the gallery."""
AVERAGED = 500
"""Images of each average, at most, from all over the list."""
SIDE = 96
"""Side of shown images, px."""
BLUR = 0.06
"""Gaussian low-pass of shown images: its standard deviation in particle diameters."""

Image = Float[np.ndarray, "s s"]
Look = Callable[[Float[torch.Tensor, "b h w"], float], ParticleMaps]


@dataclass(frozen=True)
class Shown:
    """An image of the gallery.

    Parameters
    ----------
    image
        Low-passed, without scale.
    signal
        Probability of signal, at the same pixels.
    value
        Its score.
    """

    image: Image
    signal: Image
    value: float


@dataclass(frozen=True)
class Gallery:
    """What ranked particles look like.

    Parameters
    ----------
    groups
        Best, borderline and worst images by the name of the group.
    averages
        Averages of kept and dropped images by name, with how many they are of.
    """

    groups: Mapping[str, Sequence[Shown]]
    averages: Mapping[str, tuple[Image, int]]


def shown_rows(
    values: Float[np.ndarray, " n"], selection: Selection, count: int = SHOWN
) -> dict[str, Int[np.ndarray, " m"]]:
    """Rows of the best, the borderline and the worst particles by a score, good ones first."""
    known = np.flatnonzero(np.isfinite(values))
    sign = -1.0 if SCORES[selection.score].is_rising else 1.0
    order = known[np.argsort(sign * values[known], kind="stable")]
    border = int(selection.chosen[order].sum())
    first = min(max(0, border - count // 2), max(0, len(order) - count))
    return {
        "best": order[:count],
        "borderline": order[first : first + count],
        "worst": order[-count:],
    }


def draw_gallery(
    particles: ParticleFile,
    values: Float[np.ndarray, " n"],
    selection: Selection,
    look: Look,
    diameter: float,
) -> Gallery:
    """Pictures of ranked particles, read again from their stacks.

    Parameters
    ----------
    particles
        The list.
    values
        The score that decides, of each particle.
    selection
        Which are kept.
    look
        What a model sees in images of a pixel size (Å/px).
    diameter
        Å.

    Raises
    ------
    InputError
        If a stack that could be read before cannot be read now.
    """
    groups = {}
    for name, rows in shown_rows(values, selection).items():
        images, signals = _pictures(particles, rows, look, diameter)
        parts = zip(images, signals, values[rows].tolist(), strict=True)
        groups[name] = [Shown(*part) for part in parts]
    averages = {}
    scored = np.isfinite(values)
    for name, chosen in (("kept", selection.chosen), ("dropped", ~selection.chosen & scored)):
        rows = _spread(np.flatnonzero(chosen), AVERAGED)
        if len(rows):
            averages[name] = _average(particles, rows), len(rows)
    return Gallery(groups, averages)


def _spread(rows: Int[np.ndarray, " n"], count: int) -> Int[np.ndarray, " m"]:
    """At most `count` of the rows, evenly from all of them."""
    return rows[np.unique(np.linspace(0, len(rows) - 1, min(count, len(rows))).round().astype(int))]


def _images(
    particles: ParticleFile, rows: Int[np.ndarray, " m"]
) -> list[tuple[Int[np.ndarray, " b"], Float[torch.Tensor, "b h w"], float]]:
    """Images of some rows, normalised: places among the rows, images, and pixel size of each."""
    found = []
    for block in blocks_of(particles.stacks.select(rows)):
        images = torch.from_numpy(block.read(particles.path))
        images = images - images.mean((1, 2), keepdim=True)
        images = images / images.std((1, 2), keepdim=True).clamp(min=1e-12)
        found.append((block.rows, images, block.pixel_size))
    return found


def _average(particles: ParticleFile, rows: Int[np.ndarray, " m"]) -> Image:
    total = sum(_resized(images).sum(0) for _, images, _ in _images(particles, rows))
    assert isinstance(total, torch.Tensor)
    return (total / len(rows)).numpy()


def _pictures(
    particles: ParticleFile, rows: Int[np.ndarray, " m"], look: Look, diameter: float
) -> tuple[Float[np.ndarray, "m s s"], Float[np.ndarray, "m s s"]]:
    """Low-passed images of some rows, and their probability of signal."""
    pictures = np.zeros((len(rows), SIDE, SIDE), np.float32)
    signals = np.zeros_like(pictures)
    for places, images, pixel_size in _images(particles, rows):
        maps = look(images, pixel_size)
        signals[places] = _resized(maps.probabilities[:, SIGNAL]).numpy()
        sigma = BLUR * diameter / pixel_size
        pictures[places] = _resized(_low_passed(images, sigma)).numpy()
    return pictures, signals


def _low_passed(images: Float[torch.Tensor, "b h w"], sigma: float) -> Float[torch.Tensor, "b h w"]:
    """Images after a Gaussian filter of `sigma` px, in Fourier space."""
    height, width = images.shape[-2:]
    y, x = torch.fft.fftfreq(height)[:, None], torch.fft.rfftfreq(width)[None]
    factor = torch.exp(-2 * (np.pi * sigma) ** 2 * (y**2 + x**2))
    return torch.fft.irfft2(torch.fft.rfft2(images) * factor, s=(height, width))


def _resized(images: Float[torch.Tensor, "b h w"]) -> Float[torch.Tensor, "b s s"]:
    return interpolate(images[:, None], (SIDE, SIDE), mode="bilinear", antialias=True)[:, 0]
