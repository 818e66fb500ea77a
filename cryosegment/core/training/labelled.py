# SPDX-License-Identifier: GPL-3.0-or-later
"""Labelled micrographs at working scale, held in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from cryosegment.core.images.micrograph import read_image, read_micrograph
from cryosegment.core.images.working import labels_at_working_scale, working_image
from cryosegment.core.training.validation import ValidationImage
from cryosegment.exchange.coordinates import read_coordinates
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.labels import (
    CONTAMINATION,
    EDGE,
    UNKNOWN,
    LabelEntry,
    is_particle,
    read_labels_index,
)
from cryosegment.exchange.progress import Progress


@dataclass(frozen=True)
class LabelledImage:
    """A micrograph and its labels at working scale.

    Parameters
    ----------
    image
        Normalised, particles dark.
    instances
        0 is background, k the particle of row k - 1 of `centers_yx`.
    edge
        Where the labels see the edge of a particle; nowhere where they have no such class.
    contamination
        Where there is ice or carbon.
    valid
        False on the dead border.
    known
        Where the label says anything at all; nowhere on the dead border.
    centers_yx
        px.
    diameter
        Nominal particle diameter, px.
    pixel_size
        Å/px of the image.
    """

    image: Float[Tensor, "h w"]
    instances: Int[Tensor, "h w"]
    edge: Bool[Tensor, "h w"]
    contamination: Bool[Tensor, "h w"]
    valid: Bool[Tensor, "h w"]
    known: Bool[Tensor, "h w"]
    centers_yx: Float[Tensor, "n 2"]
    diameter: float
    pixel_size: float

    def for_validation(self) -> ValidationImage:
        """The same for scoring a network."""
        return ValidationImage(self.image, self.valid, self.known, self.centers_yx, self.diameter)


def read_labels(
    folders: Sequence[Path], pixels_per_diameter: float, progress: Progress
) -> list[LabelledImage]:
    """All labelled micrographs of the folders.

    Raises
    ------
    InputError
        If a folder has no labels, a map does not fit its micrograph, or no particle is labelled.
    """
    entries = [entry for folder in folders for entry in read_labels_index(folder).entries]
    images = []
    for index, entry in enumerate(entries):
        images.append(_read_entry(entry, pixels_per_diameter))
        progress(index + 1, len(entries), f"read {entry.name}")
    if not any(len(image.centers_yx) for image in images):
        raise InputError(
            f"expected labelled particles in {len(images)} micrographs, found none: check them"
        )
    return images


def _read_entry(entry: LabelEntry, pixels_per_diameter: float) -> LabelledImage:
    micrograph = read_micrograph(entry.micrograph, entry.pixel_size, entry.name)
    working = working_image(micrograph, entry.diameter, pixels_per_diameter)
    instances, classes = (
        labels_at_working_scale(read_image(path)[0], working, path)
        for path in (entry.instances, entry.classes)
    )
    found = read_coordinates(entry.coordinates, entry.pixel_size)
    centers = np.concatenate([item.centers_yx for item in found.values()] or [np.empty((0, 2))])
    if int(instances.max()) > len(centers):
        raise InputError(
            f"expected a coordinate for each of {int(instances.max())} instances of {entry.name}, "
            f"found {len(centers)}: make the labels anew"
        )
    return LabelledImage(
        image=working.image,
        instances=torch.where(is_particle(classes), instances, 0),
        edge=classes == EDGE,
        contamination=classes == CONTAMINATION,
        valid=working.valid,
        known=(classes != UNKNOWN) & working.valid,
        centers_yx=torch.from_numpy(centers / np.array(working.scale_yx)).float(),
        diameter=entry.diameter / working.pixel_size,
        pixel_size=working.pixel_size,
    )
