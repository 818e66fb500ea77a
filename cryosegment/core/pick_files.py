# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of each micrograph in the output folder of picking."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from cryosegment.core.images.micrograph import write_image
from cryosegment.core.images.resample import resample_labels
from cryosegment.core.images.working import WorkingImage
from cryosegment.core.instance_masks import at_micrograph_scale
from cryosegment.core.overlay import draw_picks, write_png
from cryosegment.core.picking import renumber
from cryosegment.core.pipeline import Picks
from cryosegment.exchange.coordinates import (
    WRITTEN,
    Coordinates,
    read_coordinates,
    write_coordinates,
)
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.files import atomic_path, remove_file
from cryosegment.exchange.params import PickParams

CONTAMINATED = 0.5
"""Probability above which a pixel is in the contamination mask."""
BOX_FACTOR = 1.5
"""Box size of .box and .cbox files, in particle diameters."""
KINDS = {
    "candidates": ".star",
    "instances": ".mrc",
    "segmentations": ".npz",
    "contamination_masks": ".mrc",
    "probability": ".mrc",
    "contamination": ".mrc",
    "overlays": ".png",
    **{name: written.suffix for name, written in WRITTEN.items()},
    "coordinates": ".star",
}
"""Folder and suffix of each kind of file of a micrograph."""


def coordinates_path(folder: Path, name: str) -> Path:
    """File of the picks of a micrograph."""
    return folder / "coordinates" / f"{name}.star"


def candidates_path(folder: Path, name: str) -> Path:
    """File of all candidates of a micrograph."""
    return folder / "candidates" / f"{name}.star"


def instances_path(folder: Path, name: str) -> Path:
    """File of the masks of a micrograph's picks."""
    return folder / "instances" / f"{name}.mrc"


def is_finished(folder: Path, name: str) -> bool:
    """Whether a micrograph was picked before; its coordinates are written last."""
    return coordinates_path(folder, name).exists()


def read_one(path: Path, name: str, pixel_size: float) -> Coordinates:
    """Coordinates of one micrograph from its file."""
    return read_coordinates(path, pixel_size)[name]


@dataclass(frozen=True)
class Segmentation:
    """Segmentation of a micrograph, from which the masks of any of its candidates can be made.

    Parameters
    ----------
    labels
        At working scale: 0 background, k the pixels of candidate k - 1.
    particle
        Particle map from which they were made.
    pixel_size, scale_yx
        As in `WorkingImage`.
    """

    labels: Int[Tensor, "h w"]
    particle: Float[Tensor, "h w"]
    pixel_size: float
    scale_yx: tuple[float, float]

    @classmethod
    def of(cls, picks: Picks) -> Segmentation:
        """That of a micrograph's candidates."""
        particle, working = picks.maps.particle.cpu(), picks.working
        return cls(picks.labels, particle, working.pixel_size, working.scale_yx)

    def write(self, path: Path) -> None:
        """Write it as NumPy's `.npz`."""
        with atomic_path(path) as temporary:
            np.savez_compressed(
                temporary,
                labels=self.labels.numpy(),
                particle=self.particle.numpy().astype(np.float16),
                scale=np.array([self.pixel_size, *self.scale_yx]),
            )

    @classmethod
    def read(cls, path: Path) -> Segmentation:
        """Read a file written by `write`.

        Raises
        ------
        InputError
            If it is missing or damaged.
        """
        try:
            with np.load(path, allow_pickle=False) as file:
                labels, particle = (torch.from_numpy(file[name]) for name in ("labels", "particle"))
                pixel_size, *scale = map(float, file["scale"])
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
            raise InputError(
                f"cannot read {path}, from which masks are made: {error}; pick again without "
                "--resume"
            ) from error
        return cls(labels, particle.float(), pixel_size, (scale[0], scale[1]))

    def write_instances(self, folder: Path, name: str, is_chosen: Bool[np.ndarray, " n"]) -> None:
        """Write the masks of the picks, at the pixel size of the micrograph."""
        working = WorkingImage(self.particle, self.particle >= 0, self.pixel_size, self.scale_yx)
        instances = renumber(self.labels, torch.from_numpy(is_chosen)).short()
        full = at_micrograph_scale(instances, self.particle, working)
        write_image(instances_path(folder, name), full, working.micrograph_pixel_size)


def segmentation_path(folder: Path, name: str) -> Path:
    """File of a micrograph's segmentation, which is kept until the run has its threshold."""
    return folder / "segmentations" / f"{name}.npz"


def remove_files(folder: Path, name: str, kinds: set[str]) -> None:
    """Remove files of a micrograph that an earlier run has left."""
    for kind in kinds:
        remove_file(folder / kind / f"{name}{KINDS[kind]}")


def _written(params: PickParams, settled: bool) -> set[str]:
    """The kinds of files that a micrograph gets."""
    kinds = {"candidates", "coordinates", *(name for name in WRITTEN if name in params.formats)}
    if params.masks:
        kinds |= {"contamination_masks", "instances" if settled else "segmentations"}
    if params.maps:
        kinds |= {"probability", "contamination"}
    return kinds | ({"overlays"} if params.overlays else set())


def write_picks(folder: Path, name: str, picks: Picks, params: PickParams, settled: bool) -> None:
    """Write all files of a micrograph, its coordinates last; those of other kinds go.

    Parameters
    ----------
    settled
        Whether the picks are final, and not updated when the run has its threshold.
    """
    working = picks.working
    write_coordinates(candidates_path(folder, name), picks.candidates)
    if params.masks:
        segmentation = Segmentation.of(picks)
        if settled:
            segmentation.write_instances(folder, name, picks.is_chosen)
        else:
            segmentation.write(segmentation_path(folder, name))
        dirty = (picks.maps.contamination > CONTAMINATED).cpu().numpy()
        dirty = resample_labels(dirty, working.micrograph_shape)
        size = working.micrograph_pixel_size
        write_image(folder / "contamination_masks" / f"{name}.mrc", dirty, size)
    if params.maps:
        for kind in ("particle", "contamination"):
            values = getattr(picks.maps, kind).cpu().numpy().astype(np.float16)
            sub = "probability" if kind == "particle" else kind
            write_image(folder / sub / f"{name}.mrc", values, working.pixel_size)
    if params.overlays:
        write_overlay(folder, working, picks.chosen, params)
    remove_files(folder, name, set(KINDS) - _written(params, settled))
    write_chosen(folder, picks.chosen, params)


def write_overlay(
    folder: Path, working: WorkingImage, chosen: Coordinates, params: PickParams
) -> None:
    """Write a picture of a micrograph with its picks."""
    picture = draw_picks(working, chosen, params.diameter)
    write_png(folder / "overlays" / f"{chosen.name}.png", picture)


def write_chosen(folder: Path, chosen: Coordinates, params: PickParams) -> None:
    """Write the picks in all formats of a file for each micrograph, each in a folder of its own."""
    box_size = round(BOX_FACTOR * params.diameter / chosen.pixel_size / 2) * 2
    for name, written in WRITTEN.items():
        if name in params.formats:
            written.write(written.path(folder, chosen.name), chosen, box_size)
    write_coordinates(coordinates_path(folder, chosen.name), chosen)
