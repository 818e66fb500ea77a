# SPDX-License-Identifier: GPL-3.0-or-later
"""Decoys: copies of micrographs with randomised phases, to estimate false discoveries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from scipy.spatial import cKDTree

from cryosegment.core.images.working import WorkingImage
from cryosegment.core.models.model import Model
from cryosegment.core.pipeline.micrograph import pick, read_working_image, segment
from cryosegment.exchange.csv_rows import write_rows
from cryosegment.exchange.ctf import read_ctfs
from cryosegment.exchange.params import PickParams
from cryosegment.exchange.pick_folder import (
    CANDIDATES,
    COORDINATES,
    PickFolder,
)
from cryosegment.exchange.settings import pick_settings

REACH = 0.6
"""Pixels nearer than this to the centre of a pick, in diameters, are not background."""
THRESHOLDS = np.arange(0.0, 1.0, 0.01)
"""Of the table."""


def make_decoy(
    working: WorkingImage,
    centers_yx: Float[np.ndarray, "n 2"],
    diameter_px: float,
    generator: torch.Generator,
) -> WorkingImage:
    """An image with the power spectrum of the background of another, and random phases.

    Carbon and dirt are spread evenly over it. Particles are removed first, as their power would
    count as noise.

    Parameters
    ----------
    working
        The image; where it is not valid, the decoy is 0 as well.
    centers_yx
        Its particles, in its pixels.
    diameter_px
        Of these.
    generator
        Of the phases.
    """
    background, valid = working.image.clone(), working.valid
    pixels = torch.ones_like(valid).nonzero().numpy()
    if len(centers_yx):
        near = cKDTree(centers_yx).query(pixels, distance_upper_bound=REACH * diameter_px)[0]
        is_free = torch.from_numpy(np.isinf(near)).reshape(valid.shape) & valid
    else:
        is_free = valid
    background[~is_free] = 0
    scale = float(valid.sum() / is_free.sum().clamp_min(1)) ** 0.5
    phases = torch.fft.rfft2(torch.randn(valid.shape, generator=generator))
    phases = phases / phases.abs().clamp_min(torch.finfo(phases.real.dtype).tiny)
    decoy = torch.fft.irfft2(torch.fft.rfft2(scale * background).abs() * phases, s=valid.shape)
    return replace(working, image=torch.where(valid, decoy, 0.0))


@dataclass(frozen=True)
class FalseDiscoveries:
    """Scores of candidates on micrographs and on their decoys.

    Parameters
    ----------
    micrographs
        Number of micrographs.
    targets, decoys
        Scores of the candidates of these micrographs, and of their decoys.
    """

    micrographs: int
    targets: Float[np.ndarray, " targets"]
    decoys: Float[np.ndarray, " decoys"]

    def counts(self, threshold: float) -> tuple[int, int]:
        """Picks on the micrographs and on their decoys."""
        return int((self.targets >= threshold).sum()), int((self.decoys >= threshold).sum())

    def rate(self, threshold: float) -> float:
        """Estimated fraction of false picks at or above a threshold; 0 without picks.

        Notes
        -----
        Picks on decoys over picks on targets (Elias & Gygi, Nature Methods 2007). As a whole
        decoy has room for false picks, and particles that are not picked are in its spectrum,
        it is rather too high. It counts noise only: ice, carbon and dirt that are taken for
        particles are not in it.
        """
        targets, decoys = self.counts(threshold)
        return min(decoys / targets, 1.0) if targets else 0.0

    def describe(self, threshold: float) -> str:
        """The rate at a threshold, in a line."""
        targets, decoys = self.counts(threshold)
        return (
            f"false discoveries: {decoys} picks on {self.micrographs} micrographs with randomised "
            f"phases and {targets} on the micrographs, so that noise alone makes "
            f"{self.rate(threshold):.1%} of the picks"
        )

    def write(self, path: Path) -> None:
        """Write the rate by threshold, as CSV.

        Raises
        ------
        InputError
            If it cannot be written.
        """
        rows = [
            (f"{threshold:.2f}", *self.counts(threshold), f"{self.rate(threshold):.5f}")
            for threshold in THRESHOLDS
        ]
        write_rows(path, ("threshold", "picks", "decoys", "rate"), rows)


def measure_false_discoveries(
    micrographs: Sequence[tuple[str, Path]], model: Model, params: PickParams, folder: Path
) -> FalseDiscoveries:
    """Pick decoys of some micrographs, and write `false_discovery.csv`.

    Parameters
    ----------
    micrographs
        Name and file of each; decoys are made of some of the finished ones, evenly spread.
    model
        The network and its card.
    params
        How the micrographs were picked, and the number of decoys.
    folder
        Output folder, which gets the table.

    Raises
    ------
    InputError
        If a micrograph cannot be read any more, or the table cannot be written.
    """
    results = PickFolder(folder)
    settings, ctfs, summaries = (
        pick_settings(params, model.card),
        read_ctfs(params.ctf),
        results.summaries(),
    )
    finished = [m for m in micrographs if results.is_picked(m[0])]
    count = min(params.decoys, len(finished))
    rows = np.linspace(0, len(finished) - 1, count).round().astype(int)
    generator = torch.Generator().manual_seed(params.seed)
    targets, decoys = [np.empty(0)], [np.empty(0)]
    for name, path in (finished[row] for row in rows):
        working = read_working_image(path, name, settings, ctfs.of(name))
        chosen = results.read(COORDINATES, name, summaries[name].pixel_size)
        centers = working.from_micrograph(chosen.centers_yx)
        diameter_px = working.in_pixels(params.diameter)
        decoy = make_decoy(working, centers, diameter_px, generator)
        found = pick(name, decoy, segment(decoy, model, settings.crf), settings).candidates
        real = results.read(CANDIDATES, name, summaries[name].pixel_size)
        targets.append(real.scores[settings.is_eligible(real)])
        decoys.append(found.scores[settings.is_eligible(found)])
    result = FalseDiscoveries(count, np.concatenate(targets), np.concatenate(decoys))
    result.write(results.false_discovery)
    return result
