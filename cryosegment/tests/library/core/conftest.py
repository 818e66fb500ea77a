# SPDX-License-Identifier: GPL-3.0-or-later
"""Micrographs of discs, their labels, a network that knows what a disc is, and a tiny one."""

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
from cryosegment.core.labels.canvas import Canvas, ClassRules
from cryosegment.core.labels.shapes import ellipse
from cryosegment.core.models.checkpoint import save_checkpoint
from cryosegment.core.models.model import Model
from cryosegment.core.networks import HEADS, build_network
from cryosegment.exchange.card import ModelCard, Provenance, TrainedNetwork, Use
from cryosegment.exchange.coordinates import Coordinates, write_coordinates
from cryosegment.exchange.labels import LabelEntry, LabelsIndex, write_labels_index
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


TINY = {"widths": [8, 16], "deep_blocks": 0, "normalization": "batch"}


@pytest.fixture
def tiny_network() -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = build_network("compact", **TINY)
        for _ in range(20):  # statistics of what it is fed
            network(torch.randn(2, 1, 48, 48))
    return network


@pytest.fixture
def tiny_model(tmp_path: Path, tiny_network: nn.Module) -> Path:
    """A model that knows nothing, small enough to be trained in a test."""
    path = tmp_path / "tiny.safetensors"
    card = ModelCard(
        "tiny",
        TrainedNetwork("compact", TINY, HEADS),
        InputParams(20.0),
        provenance=Provenance(license="CC0-1.0"),
    )
    save_checkpoint(path, tiny_network, card)
    return path


@pytest.fixture
def make_labels(tmp_path: Path, draw_truth: Callable) -> Callable[..., Path]:
    """Makes a labels folder of discs: `make_labels(name, count)`."""

    def make(
        name: str = "labels",
        count: int = 2,
        ring: float = 0.1,
        shape: tuple[int, int] = (300, 220),
        edge: float = 0.0,
        source: str = "coordinates",
    ) -> Path:
        folder = tmp_path / name
        entries = []
        for number in range(count):
            truth = draw_truth(f"{name}_{number}", shape, seed=number)
            stem, size = truth.micrograph.name, truth.micrograph.pixel_size
            diameter_px = truth.diameter / size
            canvas = Canvas(shape, truth.centers_yx)
            for row, center in enumerate(truth.centers_yx, start=1):
                canvas.paint(row, center, ellipse(diameter_px, diameter_px, 0.0, center % 1))
            classes = canvas.classes(ClassRules(edge / size, ring * diameter_px))
            entry = LabelEntry(
                stem,
                folder / f"{stem}.mrc",
                folder / f"{stem}_instances.mrc",
                folder / f"{stem}_classes.mrc",
                folder / f"{stem}.star",
                size,
                shape,
                truth.diameter,
            )
            folder.mkdir(exist_ok=True)
            truth.write(folder)
            write_image(entry.instances, canvas.instances, size)
            write_image(entry.classes, classes, size)
            write_coordinates(entry.coordinates, Coordinates(truth.centers_yx, size, stem))
            entries.append(entry)
        write_labels_index(folder, LabelsIndex(tuple(entries), source))
        return folder

    return make
