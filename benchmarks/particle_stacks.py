# SPDX-License-Identifier: GPL-3.0-or-later
"""Stacks of boxes around picks, as an extraction makes them: bright particles, binned."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import mrcfile
import numpy as np
import torch
from jaxtyping import Bool, Float

from cryosegment.core.images.micrograph import read_micrograph
from cryosegment.core.images.resample import fourier_crop
from cryosegment.exchange.coordinates import Coordinates
from cryosegment.exchange.star import write_star


@dataclass(frozen=True)
class Boxes:
    """How boxes are cut.

    Parameters
    ----------
    side, binned
        Of a box on the micrograph and in the stack, px.
    pixel_size
        Of the micrograph, Å/px.
    """

    side: int
    binned: int
    pixel_size: float


def extract(
    micrographs: Mapping[str, Path], picks: Mapping[str, Coordinates], boxes: Boxes, folder: Path
) -> Iterator[tuple[str, Bool[np.ndarray, " n"]]]:
    """Write `particles.star` and a stack for each micrograph; which picks have a whole box.

    Parameters
    ----------
    micrographs
        Files with dark particles, by name.
    picks
        By the name of their micrograph.
    boxes
        How they are cut.
    folder
        Gets the files.
    """
    folder.mkdir(parents=True, exist_ok=True)
    columns: dict[str, list[str]] = {"rlnImageName": [], "rlnMicrographName": []}
    for name, found in picks.items():
        image = -read_micrograph(micrographs[name], boxes.pixel_size).image
        corners = np.rint(found.centers_yx).astype(int) - boxes.side // 2
        limits = np.array(image.shape) - boxes.side
        is_whole = ((corners >= 0) & (corners <= limits)).all(1)
        images = [_box(image, y, x, boxes) for y, x in corners[is_whole]]
        with mrcfile.new(folder / f"{name}.mrcs", overwrite=True) as file:
            file.set_data(np.stack(images))
            file.set_image_stack()
        count = len(images)
        columns["rlnImageName"] += [f"{i + 1:06d}@{name}.mrcs" for i in range(count)]
        columns["rlnMicrographName"] += [f"{name}.mrc"] * count
        yield name, is_whole
    binned_size = boxes.pixel_size * boxes.side / boxes.binned
    optics = {
        "rlnOpticsGroup": [1],
        "rlnOpticsGroupName": ["one"],
        "rlnImagePixelSize": [binned_size],
        "rlnImageSize": [boxes.binned],
        "rlnImageDimensionality": [2],
        **{"rlnVoltage": [300.0], "rlnSphericalAberration": [2.7], "rlnAmplitudeContrast": [0.1]},
    }
    particles = {**columns, "rlnOpticsGroup": [1] * len(columns["rlnImageName"])}
    write_star(folder / "particles.star", {"optics": optics, "particles": particles})


def _box(
    image: Float[torch.Tensor, "h w"], y: int, x: int, boxes: Boxes
) -> Float[np.ndarray, "s s"]:
    """A box, normalised as RELION does: by what lies outside of the circle in it."""
    box = fourier_crop(image[y : y + boxes.side, x : x + boxes.side], boxes.binned, boxes.binned)
    axis = torch.arange(boxes.binned) - boxes.binned // 2
    outside = axis[:, None] ** 2 + axis[None] ** 2 > (0.375 * boxes.binned) ** 2
    background = box[outside]
    return ((box - background.mean()) / background.std().clamp(min=1e-6)).numpy()
