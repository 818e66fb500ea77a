# SPDX-License-Identifier: GPL-3.0-or-later
"""Other picks of a picking run where they need its segmentations or its maps."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from cryosegment.core.images.micrograph import read_image
from cryosegment.core.images.working import WorkingImage
from cryosegment.core.picking import ParticleMaps, renumber
from cryosegment.core.pipeline.files import Segmentation
from cryosegment.core.pipeline.micrograph import pick
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.pick_folder import CONTAMINATION, PROBABILITY, SEGMENTATIONS
from cryosegment.exchange.repicking import Repicking
from cryosegment.exchange.settings import pick_settings


def take_with_masks(run: Repicking, name: str) -> None:
    """Take over the candidates of a micrograph, and what their masks are made of.

    Raises
    ------
    InputError
        If these cannot be read, as where the picking run wrote no masks, or not written.
    """
    segmentation = Segmentation.read(run.source.file(SEGMENTATIONS, name))
    kept = torch.from_numpy(run.take(name))
    labels = renumber(segmentation.labels, kept)
    replace(segmentation, labels=labels).write(run.target.file(SEGMENTATIONS, name))


def find_again(run: Repicking, name: str) -> None:
    """Find the candidates of a micrograph in its maps.

    Raises
    ------
    InputError
        If there are none.
    """
    files = {kind: run.source.file(kind, name) for kind in (PROBABILITY, CONTAMINATION)}
    if not all(path.exists() for path in files.values()):
        raise InputError(
            f"expected the maps of {name} in {run.source.path}, where other centers are looked "
            "for: pick with --maps"
        )
    planes = {kind: read_image(path) for kind, path in files.items()}
    values, pixel_size = planes[PROBABILITY]
    particle = torch.from_numpy(values.astype(np.float32))
    contamination = torch.from_numpy(planes[CONTAMINATION][0].astype(np.float32))
    valid = particle > 0  # the dead border is 0 in saved maps
    height, width = run.summaries[name].shape
    scale_yx = height / values.shape[0], width / values.shape[1]
    working = WorkingImage(particle, valid, pixel_size, scale_yx)
    maps = ParticleMaps(particle, contamination, valid)
    picks = pick(name, working, maps, pick_settings(run.after, run.card))
    run.add(picks.candidates)
    if run.after.masks:
        Segmentation.of(picks, run.after.mask_scale).write(run.target.file(SEGMENTATIONS, name))
