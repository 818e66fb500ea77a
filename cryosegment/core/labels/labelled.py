# SPDX-License-Identifier: GPL-3.0-or-later
"""Labelled micrographs at working scale, held in memory."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

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
from cryosegment.exchange.ctf import CtfEstimate, read_ctfs
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
from cryosegment.exchange.names import ByMicrograph
from cryosegment.exchange.params import InputParams, PickParams
from cryosegment.exchange.progress import Progress

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class LabelledImage:
    """A micrograph at working scale and its labels.

    Parameters
    ----------
    working
        The micrograph.
    instances
        0 is background, k the particle of row k - 1 of `centers_yx`.
    classes
        Values of `cryosegment.exchange.labels.CLASSES`.
    centers_yx
        px of the working image.
    diameter
        Nominal particle diameter, px of the working image.
    micrograph
        Where it comes from: images of the same micrograph are not independent.
    is_verified
        False if the labels are picks that were not checked.
    has_outlines
        Whether the labels have the size and shape of the particles.
    """

    working: WorkingImage
    instances: Int[Tensor, "h w"]
    classes: Int[Tensor, "h w"]
    centers_yx: Float[Tensor, "n 2"]
    diameter: float
    micrograph: str
    is_verified: bool = True
    has_outlines: bool = False

    @property
    def particles(self) -> Int[Tensor, "h w"]:
        """The instances where they are not contaminated."""
        return torch.where(is_particle(self.classes), self.instances, 0)

    @property
    def edge(self) -> Bool[Tensor, "h w"]:
        """Pixels that are labelled as the edge of a particle; none if labels have no such class."""
        return self.classes == EDGE

    @property
    def contamination(self) -> Bool[Tensor, "h w"]:
        """Pixels that are labelled as contamination."""
        return self.classes == CONTAMINATION

    @property
    def known(self) -> Bool[Tensor, "h w"]:
        """Pixels whose label is known; none on the dead border."""
        return (self.classes != UNKNOWN) & self.working.valid

    def without(self, area: Bool[Tensor, "h w"]) -> LabelledImage:
        """The same image, whose labels in an area are unknown."""
        return replace(self, classes=torch.where(area, UNKNOWN, self.classes))


def labels_fingerprint(images: Sequence[LabelledImage]) -> str:
    """SHA-256 of the labels at working scale, in hexadecimal."""
    found = hashlib.sha256()
    for item in images:
        maps = (item.particles, item.edge, item.contamination, item.known, item.centers_yx)
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
        image = read_labelled_image(entry, source, params, ctfs)
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


def read_labelled_image(
    entry: LabelEntry,
    source: str,
    params: InputParams,
    ctfs: ByMicrograph[CtfEstimate],
    contrast: str = PickParams.contrast,
) -> LabelledImage:
    """A micrograph of a labels folder.

    Parameters
    ----------
    entry, source
        Its entry, and the source of the labels.
    params
        What the network receives: that of the card.
    ctfs
        Contrast transfer functions, for front ends that need them.
    contrast
        "dark" or "bright" particles in the micrograph, or "auto" to find out.

    Raises
    ------
    InputError
        If a file cannot be read, a map does not fit its micrograph, or a CTF that the front end
        needs is missing.
    """
    micrograph = read_micrograph(
        entry.micrograph, entry.pixel_size, entry.name, ctfs.of(entry.name)
    )
    working = working_image(micrograph, entry.diameter, params, contrast)
    maps = read_label_maps(entry)
    return LabelledImage(
        working=working,
        instances=labels_at_working_scale(maps.instances, working, entry.instances),
        classes=labels_at_working_scale(maps.classes, working, entry.classes),
        centers_yx=torch.from_numpy(working.from_micrograph(maps.centers_yx)).float(),
        diameter=working.in_pixels(entry.diameter),
        micrograph=str(entry.micrograph.resolve()),
        is_verified=source != PICKS,
        has_outlines=source in OUTLINED,
    )
