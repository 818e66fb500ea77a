# SPDX-License-Identifier: GPL-3.0-or-later
"""Micrographs of discs, and a network that knows what a disc is."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.special import expit
from torch import Tensor, nn
from torch.nn import functional

from cryosegment.core.images.micrograph import Micrograph, write_image
from cryosegment.core.models.model import Model
from cryosegment.core.networks import HEADS
from cryosegment.exchange.card import ModelCard, TrainedNetwork, Use
from cryosegment.exchange.params import InputParams
from cryosegment.tests.machine import NO_RELION
from cryosegment.tests.relion import Relion

PIXELS_PER_DIAMETER = 20.0


class DiscNetwork(nn.Module):
    """A network that needs no training: in every window it finds the centroid of what is dark.

    It is right wherever discs stand more than a diameter apart.
    """

    def __init__(self, diameter: float = PIXELS_PER_DIAMETER, dark: float = -3.0) -> None:
        super().__init__()
        self.radius = diameter / 2
        self.dark = dark
        reach = int(diameter)
        steps = torch.arange(-reach, reach + 1).float()
        y, x = torch.meshgrid(steps, steps, indexing="ij")
        self.kernels = nn.Parameter(torch.stack((torch.ones_like(y), y, x))[:, None])

    def forward(self, image: Tensor) -> Tensor:
        dark = (image < self.dark).float()
        padding = self.kernels.shape[-1] // 2
        mass, *moments = functional.conv2d(dark, self.kernels, padding=padding).unbind(1)
        offsets = [moment / mass.clamp(min=1) / self.radius for moment in moments]
        spread = (offsets[0] ** 2 + offsets[1] ** 2) / (2 * 0.24**2)
        heat = torch.exp(-spread).clamp(1e-4, 1 - 1e-4) * dark[:, 0]
        particle = 16 * dark[:, 0] - 8
        nothing = torch.full_like(heat, -8.0)
        return torch.stack((particle, heat.logit(eps=1e-4), *offsets, nothing, nothing), 1)


def draw_discs(
    shape: tuple[int, int], centers_yx: np.ndarray, diameter: float, softness: float = 1.0
) -> np.ndarray:
    """1 in the discs, 0 outside, with a smooth edge; sizes in px."""
    pixels = np.stack(np.indices(shape), -1)
    image = np.zeros(shape)
    for center in centers_yx:
        distance = np.linalg.norm(pixels - center, axis=-1)
        image = np.maximum(image, expit((diameter / 2 - distance) / (softness / 4)))
    return image


def jittered_grid(
    shape: tuple[int, int], spacing: float, random: np.random.Generator
) -> np.ndarray:
    """Centres `(n, 2)` about `spacing` px apart that lie off the border, at no whole pixel."""
    rows, columns = (np.arange(spacing / 2, side - spacing / 2, spacing) for side in shape)
    grid = np.stack(np.meshgrid(rows, columns, indexing="ij"), -1).reshape(-1, 2)
    return grid + random.uniform(-0.08, 0.08, grid.shape) * spacing


@dataclass(frozen=True)
class Truth:
    """A micrograph and the centres of its discs, px."""

    micrograph: Micrograph
    centers_yx: np.ndarray
    diameter: float  # Å

    def write(self, folder: Path) -> Path:
        """The micrograph as MRC."""
        path = folder / f"{self.micrograph.name}.mrc"
        write_image(path, self.micrograph.image, self.micrograph.pixel_size)
        return path


DrawTruth = Callable[..., Truth]


@pytest.fixture
def draw_truth() -> DrawTruth:
    """Draws dark discs in weak noise: `draw_truth(name, shape, diameter Å, pixel_size)`."""

    def draw(
        name: str = "discs",
        shape: tuple[int, int] = (300, 220),
        diameter: float = 60.0,
        pixel_size: float = 2.0,
        seed: int = 0,
    ) -> Truth:
        random = np.random.default_rng(seed)
        diameter_px = diameter / pixel_size
        centers = jittered_grid(shape, 2.4 * diameter_px, random)
        image = 100 - 10 * draw_discs(shape, centers, diameter_px)
        image += 0.3 * random.standard_normal(shape)
        micrograph = Micrograph(torch.from_numpy(image.astype(np.float32)), pixel_size, name)
        return Truth(micrograph, centers, diameter)

    return draw


@pytest.fixture
def disc_model() -> Model:
    """A model that finds discs."""
    card = ModelCard(
        "discs", TrainedNetwork("none", {}, HEADS), InputParams(PIXELS_PER_DIAMETER), Use(0.5)
    )
    return Model(DiscNetwork().eval(), card)


@pytest.fixture
def relion(tmp_path: Path) -> Relion:
    if shutil.which("relion_project") is None:
        pytest.skip(NO_RELION)
    return Relion(tmp_path)
