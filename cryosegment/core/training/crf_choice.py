# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a network that was trained without a CRF is to be used with one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from cryosegment.core.evaluation.pixels import PixelCounts, count_pixels
from cryosegment.core.images.working import WorkingImage
from cryosegment.core.picking.centers import find_candidates
from cryosegment.core.pipeline import INSTANCE_THRESHOLD, Model, segment
from cryosegment.core.training.fit import Validation
from cryosegment.core.training.labelled import LabelledImage
from cryosegment.core.training.validation import NO_COUNTS, best_of_counts, compare
from cryosegment.exchange.card import ModelCard
from cryosegment.exchange.params import CARD_CRF, NO_CRF, PickParams, crf_of_card
from cryosegment.exchange.progress import Progress


@dataclass(frozen=True)
class Use:
    """How good a model is, used in some way.

    Parameters
    ----------
    particles
        F1 of its picks, and the threshold that reaches it.
    iou
        Of its pixels with labels that have outlines; nan where none have.
    """

    particles: Validation
    iou: float

    @property
    def score(self) -> float:
        """F1 of the picks, and as much for pixels where they can be judged."""
        return self.particles.score + (0.0 if math.isnan(self.iou) else self.iou)

    def __str__(self) -> str:
        pixels = "" if math.isnan(self.iou) else f" (pixel IoU {self.iou:.3f})"
        return f"F1 {self.particles.score:.3f}{pixels}"


def choose_card_crf(
    model: Model, images: Sequence[LabelledImage], labelled_share: float, progress: Progress
) -> tuple[ModelCard, Validation]:
    """The card with its CRF, or with none where none is better; F1 and threshold as it is used.

    Parameters
    ----------
    model
        The trained network, and the CRF that its card would recommend.
    images
        For validation.
    labelled_share
        Share of the particles that are labelled.
    progress
        Told the figures.
    """
    card = model.card
    without = _use(model, NO_CRF, images, labelled_share)
    if crf_of_card(card.crf) is None:
        return card, without.particles
    found = _use(model, CARD_CRF, images, labelled_share)
    is_better = found.score >= without.score
    recommended = "it" if is_better else "none"
    told = f"{found} with the CRF, {without} without: the card recommends {recommended}"
    progress(len(images), len(images), told)
    if is_better:
        return card, found.particles
    return replace(card, crf={"preset": NO_CRF}), without.particles


def _use(model: Model, crf: str, images: Sequence[LabelledImage], labelled_share: float) -> Use:
    counts, pixels = NO_COUNTS, PixelCounts()
    for item in images:
        working = WorkingImage(item.image, item.valid, item.pixel_size, (1.0, 1.0))
        params = PickParams(diameter=item.diameter * item.pixel_size, crf=crf)
        maps = segment(working, model, params)
        counts = counts + compare(find_candidates(maps, item.diameter), item.for_validation())
        if item.has_outlines:
            found = maps.particle.cpu() >= INSTANCE_THRESHOLD
            pixels = pixels + count_pixels(found, item.instances > 0, item.known)
    return Use(best_of_counts(counts, labelled_share), pixels.iou)
