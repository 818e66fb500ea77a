# SPDX-License-Identifier: GPL-3.0-or-later
"""Particle images with their masks, at the working scale: what models of them are trained on."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float16, Int, UInt8
from torch import Tensor

from cryosegment.core.images.mrc import read_sections
from cryosegment.core.images.resample import resample_labels
from cryosegment.core.particles.model import working_images
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.files import read_json
from cryosegment.exchange.labels import PARTICLE, SUMMARY_NAME
from cryosegment.exchange.params import InputParams
from cryosegment.exchange.particles import MASKS_NAME, ParticleMasks, read_particle_masks
from cryosegment.exchange.progress import Progress
from cryosegment.exchange.relion import project_file

AT_ONCE = 256

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class LabelledParticles:
    """Images of one size with their masks.

    Parameters
    ----------
    images
        As a network sees them.
    signal
        1 on the particle's footprint, else 0.
    units
        Number of the micrograph of each, which training and validation never share.
    """

    images: Float16[Tensor, "n h w"]
    signal: UInt8[Tensor, "n h w"]
    units: Int[np.ndarray, " n"]

    def __len__(self) -> int:
        return len(self.images)

    def select(self, chosen: np.ndarray) -> LabelledParticles:
        """Some of them, by a mask, (n,)."""
        index = torch.from_numpy(np.flatnonzero(chosen))
        return LabelledParticles(self.images[index], self.signal[index], self.units[chosen])


@dataclass(frozen=True)
class Source:
    """A folder of masks, and which of them are read.

    Parameters
    ----------
    folder
        Made by `cryosegment labels project`.
    masks
        What it holds.
    rows
        The rows that are read.
    first_unit
        Number of its first micrograph.
    """

    folder: Path
    masks: ParticleMasks
    rows: Int[np.ndarray, " n"]
    first_unit: int


def read_labelled_particles(
    folders: Sequence[Path],
    params: InputParams,
    contrast: str,
    most: int,
    seed: int,
    progress: Progress,
) -> list[LabelledParticles]:
    """Images and masks of some folders, those of one size together.

    Parameters
    ----------
    folders
        Made by `cryosegment labels project`.
    params
        What the network receives.
    contrast
        Whether particles are bright or dark in the images.
    most
        Most particles to read, chosen at random.
    seed
        Of this choice.
    progress
        Called as images are read.

    Raises
    ------
    InputError
        If a folder has no masks, a stack is missing or cannot be read, or an image and its mask
        differ in size.
    """
    sources = _choose(folders, most, seed)
    total, done = sum(len(source.rows) for source in sources), 0
    found: dict[tuple[int, ...], list[LabelledParticles]] = {}
    for source in sources:
        diameter = _read_diameter(source.folder)
        for rows in _parts(source):
            part = _read(source, rows, diameter, params, contrast)
            found.setdefault(tuple(part.images.shape[1:]), []).append(part)
            done += len(rows)
            progress(done, total, "particles")
    return [_together(parts) for parts in found.values()]


def fingerprint_of_particles(groups: Sequence[LabelledParticles]) -> str:
    """Start of the SHA-256 of all images and masks."""
    digest = hashlib.sha256()
    for group in groups:
        digest.update(group.images.numpy().tobytes())
        digest.update(group.signal.numpy().tobytes())
    return digest.hexdigest()[:16]


def _read_diameter(folder: Path) -> float:
    """Diameter of the masked particles, Å."""
    path = folder / SUMMARY_NAME
    try:
        return float(read_json(path)["diameter"])
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"expected the diameter of the particles in {path}, found none ({error}): make the "
            "masks again"
        ) from None


def _choose(folders: Sequence[Path], most: int, seed: int) -> list[Source]:
    """The rows to read of each folder, at most so many together."""
    tables = [read_particle_masks(folder / MASKS_NAME) for folder in folders]
    lengths = [len(table) for table in tables]
    total = sum(lengths)
    chosen = np.sort(np.random.default_rng(seed).permutation(total)[:most])
    if total > most:
        logger.warning("%d of %d particles are taken; --particles takes more", most, total)
    ends = np.cumsum(lengths)
    units = np.cumsum([0, *(len(table.micrographs.names) for table in tables)])
    sources = []
    for folder, table, end, unit in zip(folders, tables, ends, units[:-1], strict=True):
        first = end - len(table)
        own = chosen[(chosen >= first) & (chosen < end)] - first
        sources.append(Source(folder, table, own, int(unit)))
    return sources


def _parts(source: Source) -> list[Int[np.ndarray, " n"]]:
    """Rows that are read at once: of one stack of images, one of masks and one pixel size."""
    masks, rows = source.masks, source.rows
    keys = (masks.images.numbers[rows], masks.masks.numbers[rows], masks.pixel_sizes[rows])
    kinds = np.unique(np.stack(keys), axis=1, return_inverse=True)[1].reshape(-1)
    parts = [rows[kinds == kind] for kind in range(kinds.max(initial=-1) + 1)]
    return [part[i : i + AT_ONCE] for part in parts for i in range(0, len(part), AT_ONCE)]


def _read(
    source: Source,
    rows: Int[np.ndarray, " n"],
    diameter: float,
    params: InputParams,
    contrast: str,
) -> LabelledParticles:
    """Images and masks of rows of one stack."""
    table, row = source.masks, int(rows[0])
    listed = source.folder / MASKS_NAME
    stack = project_file(listed, table.images[row], "stack")
    images = read_sections(stack, table.image_positions[rows])
    classes = read_sections(source.folder / table.masks[row], table.mask_positions[rows])
    if images.shape != classes.shape:
        raise InputError(
            f"expected masks of {images.shape[1]} x {images.shape[2]} px for {stack}, found "
            f"{classes.shape[1]} x {classes.shape[2]}: make the masks again"
        )
    pixel_size = float(table.pixel_sizes[row])
    working, _ = working_images(torch.from_numpy(images), pixel_size, diameter, params, contrast)
    shape = (working.shape[1], working.shape[2])
    scaled = [resample_labels(plane == PARTICLE, shape) for plane in classes]
    signal = torch.from_numpy(np.stack(scaled).astype(np.uint8))
    units = table.micrographs.numbers[rows] + source.first_unit
    return LabelledParticles(working.half(), signal, units)


def _together(parts: list[LabelledParticles]) -> LabelledParticles:
    """Images of one size."""
    return LabelledParticles(
        torch.cat([part.images for part in parts]),
        torch.cat([part.signal for part in parts]),
        np.concatenate([part.units for part in parts]),
    )
