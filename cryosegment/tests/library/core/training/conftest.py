# SPDX-License-Identifier: GPL-3.0-or-later
"""A tiny network, and labels folders of micrographs of discs."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from cryosegment.core.images.micrograph import write_image
from cryosegment.core.labels.canvas import Canvas, ClassRules
from cryosegment.core.labels.shapes import ellipse
from cryosegment.core.models.checkpoint import save_checkpoint
from cryosegment.core.networks import HEADS, build_network
from cryosegment.exchange.card import ModelCard, Provenance, TrainedNetwork
from cryosegment.exchange.coordinates import Coordinates, write_coordinates
from cryosegment.exchange.labels import LabelEntry, LabelsIndex, write_labels_index
from cryosegment.exchange.params import InputParams

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
