# SPDX-License-Identifier: GPL-3.0-or-later
"""Labelled micrographs at working scale, held in memory."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from cryosegment.core.images.micrograph import read_micrograph
from cryosegment.core.images.working import (
    WorkingImage,
    labels_at_working_scale,
    working_image,
)
from cryosegment.core.labels.files import read_label_maps
from cryosegment.exchange.ctf import read_ctfs
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.labels import (
    CONTAMINATION,
    EDGE,
    OUTLINED,
    PICKS,
    UNKNOWN,
    LabelEntry,
    is_particle,
    read_labels_index,
)
from cryosegment.exchange.params import InputParams
from cryosegment.exchange.progress import Progress

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ValidationImage:
    """A normalised image with its labels.

    Parameters
    ----------
    image
        Normalised, particles dark.
    valid
        Pixels where particles are picked.
    known
        Pixels whose label is known; picks and centres elsewhere do not count.
    centers_yx
        px.
    diameter
        Nominal particle diameter, px.
    """

    image: Float[Tensor, "h w"]
    valid: Bool[Tensor, "h w"]
    known: Bool[Tensor, "h w"]
    centers_yx: Float[Tensor, "n 2"]
    diameter: float


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
        Pixels that are labelled as the edge of a particle; none if labels have no such class.
    contamination
        Pixels that are labelled as contamination.
    valid
        False on the dead border.
    known
        Pixels whose label is known; none on the dead border.
    centers_yx
        px.
    diameter
        Nominal particle diameter, px.
    pixel_size
        Å/px of the image.
    micrograph
        Its file.
    is_verified
        False if the labels are picks that were not checked.
    has_outlines
        Whether the labels have the size and shape of the particles.
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
    micrograph: Path
    is_verified: bool = True
    has_outlines: bool = False

    def for_validation(self) -> ValidationImage:
        """The image for validation of a network."""
        return ValidationImage(self.image, self.valid, self.known, self.centers_yx, self.diameter)


def labels_fingerprint(images: Sequence[LabelledImage]) -> str:
    """SHA-256 of the labels at working scale, in hexadecimal."""
    found = hashlib.sha256()
    for item in images:
        maps = (item.instances, item.edge, item.contamination, item.known, item.centers_yx)
        for tensor in maps:
            found.update(tensor.contiguous().numpy().tobytes())
    return found.hexdigest()


def for_judging(images: Sequence[LabelledImage]) -> list[LabelledImage]:
    """Images that can be used to tune a model: with checked particles.

    Raises
    ------
    InputError
        If there are fewer than two: tuning needs others to test the choice.
    """
    judges = [item for item in images if item.is_verified and len(item.centers_yx)]
    if len(judges) < 2:
        raise InputError(
            f"expected labels of at least 2 micrographs, looked at by somebody, found "
            f"{len(judges)}: settings must be judged on micrographs that they were not chosen on"
        )
    return judges


def read_labels(
    folders: Sequence[Path], params: InputParams, progress: Progress, ctf: str = ""
) -> list[LabelledImage]:
    """All micrographs of labels folders, without those whose labels are all unknown.

    Parameters
    ----------
    folders
        Labels folders.
    params
        What the network receives: that of the card.
    progress
        Called after each micrograph.
    ctf
        STAR file with the contrast transfer functions, for front ends that need them.

    Raises
    ------
    InputError
        If a folder has no labels, a map does not fit its micrograph, no particle is labelled, or
        a CTF that the front end needs is missing.
    """
    indices = [read_labels_index(folder) for folder in folders]
    entries = [(entry, index.source) for index in indices for entry in index.entries]
    ctfs = read_ctfs(ctf)
    images = []
    for number, (entry, source) in enumerate(entries, start=1):
        micrograph = read_micrograph(
            entry.micrograph, entry.pixel_size, entry.name, ctfs.of(entry.name)
        )
        working = working_image(micrograph, entry.diameter, params)
        image = _labelled(entry, working, source)
        if image.known.any():
            images.append(image)
        else:
            logger.warning("all labels of %s are unknown: it is left out", entry.name)
        progress(number, len(entries), f"read {entry.name}")
    if not any(len(image.centers_yx) for image in images):
        raise InputError(
            f"expected labelled particles in {len(entries)} micrographs, found none: check them"
        )
    return images


def _labelled(entry: LabelEntry, working: WorkingImage, source: str) -> LabelledImage:
    maps = read_label_maps(entry)
    instances = labels_at_working_scale(maps.instances, working, entry.instances)
    classes = labels_at_working_scale(maps.classes, working, entry.classes)
    centers = maps.centers_yx
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
        micrograph=entry.micrograph.resolve(),
        is_verified=source != PICKS,
        has_outlines=source in OUTLINED,
    )
