# SPDX-License-Identifier: GPL-3.0-or-later
"""Masks and pictures that follow the picks, when a run has its threshold."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from jaxtyping import Bool

from cryosegment.core.pipeline.files import Segmentation, write_overlay
from cryosegment.core.pipeline.micrograph import read_working_image
from cryosegment.exchange.card import ModelCard
from cryosegment.exchange.coordinates import Coordinates
from cryosegment.exchange.ctf import read_ctfs
from cryosegment.exchange.params import PickParams
from cryosegment.exchange.pick_folder import INSTANCES, SEGMENTATIONS, PickFolder
from cryosegment.exchange.settings import pick_settings
from cryosegment.exchange.settling import Redraw


def redrawing(card: ModelCard, params: PickParams, folder: Path) -> Redraw:
    """What `settle` calls to rewrite the masks and pictures of a micrograph.

    Parameters
    ----------
    card
        Card of the model.
    params
        Which of them there are.
    folder
        Output folder.
    """
    results, settings = PickFolder(folder), pick_settings(params, card)
    ctfs = read_ctfs(params.ctf if params.overlays else "")

    def redraw(
        path: Path, candidates: Coordinates, is_chosen: Bool[np.ndarray, " n"], differs: bool
    ) -> None:
        name = candidates.name
        if params.masks and (differs or not results.file(INSTANCES, name).exists()):
            segmentation = Segmentation.read(results.file(SEGMENTATIONS, name))
            segmentation.write_instances(results, name, is_chosen)
        if params.overlays and differs:
            working = read_working_image(path, name, settings, ctfs.of(name))
            write_overlay(results, working, candidates.select(is_chosen), params)

    return redraw
