# SPDX-License-Identifier: GPL-3.0-or-later
"""Estimate of the fraction of the particles that is labelled."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from torch import nn

from cryosegment.core.labels.labelled import LabelledImage
from cryosegment.core.tuning.thresholds import Counts, count_hits
from cryosegment.exchange.errors import InputError

DOUBT = 2.0
"""Number of standard errors by which measured fractions are reduced to compare them."""
FEWEST_HITS = 10
"""Smallest number of picks of labelled particles for an estimate."""


def labelled_share(
    network: nn.Module, images: Sequence[LabelledImage], expected: float | None
) -> float:
    """Fraction of the particles that is labelled, in (0, 1].

    Parameters
    ----------
    network
        A network that was not trained on these labels, so that it finds labelled and other
        particles equally well.
    images
        Images with labels, of which a random part may be missing; labels made of picks do not
        count.
    expected
        Mean number of particles on an image; None to estimate the fraction by the network.

    Raises
    ------
    InputError
        If more are labelled than expected, or too few labelled ones are picked.
    """
    counted = [image for image in images if image.is_verified and len(image.centers_yx)]
    if expected is None:
        return estimate_share(count_hits(network, counted))
    labelled = _labels(counted) / len(counted)
    if labelled > expected:
        raise InputError(
            f"expected {expected:g} particles on a micrograph, found {labelled:.0f} labelled: "
            "give the number of all particles, labelled or not"
        )
    return labelled / expected


def share_with_picks(images: Sequence[LabelledImage], share: float) -> float:
    """Fraction of the particles that is labelled if some labels are picks, which are complete.

    Parameters
    ----------
    images
        Images with labels of both kinds.
    share
        Fraction for labels that are not picks.
    """
    given = _labels([image for image in images if image.is_verified])
    picked = _labels([image for image in images if not image.is_verified])
    return (given + picked) / (given / share + picked)


def _labels(images: Sequence[LabelledImage]) -> int:
    return sum(len(image.centers_yx) for image in images)


def estimate_share(counts: Counts) -> float:
    """Fraction of the best picks that is labelled.

    Raises
    ------
    InputError
        If too few labelled particles are picked.

    Notes
    -----
    The labelled fraction of the picks above a threshold is that of the particles times the
    precision of the picks, which is nearly 1 for the best: the estimate is that of the threshold
    where it is highest after a reduction by its standard error, which is large for few picks
    (mixture proportion estimation: Blanchard, Lee & Scott, 2010; Garg et al., 2021).
    """
    enough = counts.hits >= FEWEST_HITS
    if not enough.any():
        raise InputError(
            f"expected the model to find some of the {counts.labelled} labelled particles, found "
            f"{counts.hits.max()}: give --expected-particles, or start from another model"
        )
    hits, picks = counts.hits[enough], counts.picks[enough]
    surest = np.argmax(hits / picks / (1 + DOUBT / np.sqrt(hits)))
    return float(hits[surest] / picks[surest])
