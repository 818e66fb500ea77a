# SPDX-License-Identifier: GPL-3.0-or-later
"""Choice of the CRF for a network that was trained without one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from cryosegment.core.evaluation.pixels import PixelCounts, count_pixels
from cryosegment.core.images.instance_masks import INSTANCE_THRESHOLD
from cryosegment.core.labels.labelled import LabelledImage
from cryosegment.core.models.model import Model
from cryosegment.core.pipeline.micrograph import segment
from cryosegment.exchange.card import ModelCard
from cryosegment.exchange.params import CrfParams
from cryosegment.exchange.progress import Progress


def choose_card_crf(model: Model, images: Sequence[LabelledImage], progress: Progress) -> ModelCard:
    """The card with its CRF, or without it if masks are better without.

    Parameters
    ----------
    model
        The trained network, and the CRF that its card would recommend.
    images
        Validation images; only those with outlines are used.
    progress
        Called with the figures.
    """
    outlined = [item for item in images if item.has_outlines]
    recommended = model.card.use.crf
    if recommended is None or not outlined:
        return model.card
    found, without = (_iou(model, crf, outlined) for crf in (recommended, None))
    is_better = found >= without
    told = (
        f"pixel IoU {found:.3f} with the CRF, {without:.3f} without: the card recommends "
        f"{'it' if is_better else 'none'}"
    )
    progress(len(images), len(images), told)
    return model.card if is_better else replace(model.card, use=replace(model.card.use, crf=None))


def _iou(model: Model, crf: CrfParams | None, images: Sequence[LabelledImage]) -> float:
    pixels = PixelCounts()
    for item in images:
        particle = segment(item.working, model, crf).particle.cpu() >= INSTANCE_THRESHOLD
        pixels = pixels + count_pixels(particle, item.particles > 0, item.known)
    return pixels.iou
