# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of each micrograph in the output folder of picking."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from cryosegment.core.images.instance_masks import at_micrograph_scale
from cryosegment.core.images.micrograph import write_image
from cryosegment.core.images.overlay import draw_picks, write_png
from cryosegment.core.images.resample import resample_labels
from cryosegment.core.images.working import WorkingImage
from cryosegment.core.picking import CONTAMINATED, renumber
from cryosegment.core.pipeline.picks import Picks
from cryosegment.exchange.coordinates import (
    WRITTEN,
    Coordinates,
    write_coordinates,
)
from cryosegment.exchange.params import MICROGRAPH, PickParams
from cryosegment.exchange.pick_folder import (
    CANDIDATES,
    CONTAMINATION,
    CONTAMINATION_MASKS,
    COORDINATES,
    INSTANCES,
    OVERLAYS,
    PROBABILITY,
    SEGMENTATIONS,
    SUFFIXES,
    PickFolder,
)
from cryosegment.exchange.segmentations import (
    SavedSegmentation,
    read_segmentation,
    write_segmentation,
)

LEAST = 2.0**-24
"""Smallest probability of a pixel in saved maps, above 0 in half precision."""


@dataclass(frozen=True)
class Segmentation:
    """Segmentation of a micrograph, from which the masks of any of its candidates can be made.

    Parameters
    ----------
    labels
        At working scale: 0 background, k the pixels of candidate k - 1.
    particle
        Particle map from which they were made, for masks at the scale of the micrograph; None
        where masks are at working scale.
    pixel_size, scale_yx
        As in `WorkingImage`.
    """

    labels: Int[Tensor, "h w"]
    particle: Float[Tensor, "h w"] | None
    pixel_size: float
    scale_yx: tuple[float, float]

    @classmethod
    def of(cls, picks: Picks, scale: str) -> Segmentation:
        """That of a micrograph's candidates, for masks at a `mask_scale`."""
        particle, working = picks.maps.particle.cpu(), picks.working
        outlines = particle if scale == MICROGRAPH else None
        return cls(picks.labels, outlines, working.pixel_size, working.scale_yx)

    def write(self, path: Path) -> None:
        """Write it to a file."""
        particle = None if self.particle is None else self.particle.numpy()
        saved = SavedSegmentation(self.labels.numpy(), particle, self.pixel_size, self.scale_yx)
        write_segmentation(path, saved)

    @classmethod
    def read(cls, path: Path) -> Segmentation:
        """Read a file written by `write`.

        Raises
        ------
        InputError
            If it is missing or damaged.
        """
        saved = read_segmentation(path)
        outlines = None if saved.particle is None else torch.from_numpy(saved.particle)
        return cls(torch.from_numpy(saved.labels), outlines, saved.pixel_size, saved.scale_yx)

    def write_instances(
        self, folder: PickFolder, name: str, is_chosen: Bool[np.ndarray, " n"]
    ) -> None:
        """Write the masks of the picks."""
        instances, size = (
            renumber(self.labels, torch.from_numpy(is_chosen)).short(),
            self.pixel_size,
        )
        if self.particle is not None:
            working = WorkingImage(self.particle, self.particle >= 0, size, self.scale_yx)
            instances = at_micrograph_scale(instances, self.particle, working)
            size = working.micrograph_pixel_size
        write_image(folder.file(INSTANCES, name), instances, size)


def _written(params: PickParams) -> set[str]:
    """The kinds of files that a micrograph gets."""
    kinds = {CANDIDATES, COORDINATES, *(name for name in WRITTEN if name in params.formats)}
    if params.masks:
        kinds |= {CONTAMINATION_MASKS, INSTANCES, SEGMENTATIONS}
    if params.maps:
        kinds |= {PROBABILITY, CONTAMINATION}
    return kinds | ({OVERLAYS} if params.overlays else set())


def write_picks(
    folder: PickFolder, name: str, picks: Picks, params: PickParams, settled: bool
) -> None:
    """Write all files of a micrograph, its coordinates last; those of other kinds go.

    Parameters
    ----------
    settled
        Whether the picks are final, and not updated when the run has its threshold.
    """
    working = picks.working
    write_coordinates(folder.file(CANDIDATES, name), picks.candidates)
    if params.masks:
        segmentation = Segmentation.of(picks, params.mask_scale)
        segmentation.write(folder.file(SEGMENTATIONS, name))
        if settled:
            segmentation.write_instances(folder, name, picks.is_chosen)
        else:
            folder.remove(name, {INSTANCES})
        dirty, size = picks.contaminated.cpu().numpy(), working.pixel_size
        if params.mask_scale == MICROGRAPH:
            dirty = resample_labels(dirty, working.micrograph_shape)
            size = working.micrograph_pixel_size
        write_image(folder.file(CONTAMINATION_MASKS, name), dirty, size)
    if params.maps:
        excluded = picks.contaminated & (picks.maps.contamination <= CONTAMINATED)
        for kind, plane in (
            (PROBABILITY, picks.maps.particle),
            (CONTAMINATION, picks.maps.contamination.masked_fill(excluded, 1.0)),
        ):
            lowest = torch.where(picks.maps.valid, LEAST, 0.0)  # what is 0 is not valid
            values = torch.maximum(plane, lowest).cpu().numpy().astype(np.float16)
            write_image(folder.file(kind, name), values, working.pixel_size)
    if params.overlays:
        write_overlay(folder, working, picks.chosen, params)
    folder.remove(name, set(SUFFIXES) - _written(params))
    folder.write(picks.chosen, params)


def write_overlay(
    folder: PickFolder, working: WorkingImage, chosen: Coordinates, params: PickParams
) -> None:
    """Write a picture of a micrograph with its picks."""
    picture = draw_picks(working, chosen, params.diameter)
    write_png(folder.file(OVERLAYS, chosen.name), picture)
