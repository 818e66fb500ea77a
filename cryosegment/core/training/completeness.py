# SPDX-License-Identifier: GPL-3.0-or-later
"""How many of the particles are labelled."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from torch import nn

from cryosegment.core.training.labelled import LabelledImage
from cryosegment.core.training.validation import Counts, count_hits
from cryosegment.exchange.errors import InputError

DOUBT = 2.0
"""Standard errors by which a measured share may be too high."""
FEWEST_HITS = 10
"""Fewer picks of labelled particles than this say nothing about the others."""


def labelled_share(
    network: nn.Module, images: Sequence[LabelledImage], expected: float | None
) -> float:
    """Share of the particles that are labelled, in (0, 1].

    Parameters
    ----------
    network
        One that was not trained on these labels: it must find labelled and other particles alike.
    images
        With labels, of which some may be missing, but not those of one kind of particle; labels
        that are a picker's do not count.
    expected
        Particles on an image; None to estimate the share from what the network picks.

    Raises
    ------
    InputError
        If more are labelled than expected, or too few labelled ones are picked.
    """
    counted = [image for image in images if image.is_verified and len(image.centers_yx)]
    if expected is None:
        return estimate_share(count_hits(network, [image.for_validation() for image in counted]))
    labelled = _labels(counted) / len(counted)
    if labelled > expected:
        raise InputError(
            f"expected {expected:g} particles on a micrograph, found {labelled:.0f} labelled: "
            "give the number of all particles, labelled or not"
        )
    return labelled / expected


def share_with_picks(images: Sequence[LabelledImage], share: float) -> float:
    """Share of the particles that are labelled where some labels are a picker's, who saw all.

    Parameters
    ----------
    images
        Of both kinds.
    share
        Of the particles, where the labels are no picker's.
    """
    given = _labels([image for image in images if image.is_verified])
    picked = _labels([image for image in images if not image.is_verified])
    return (given + picked) / (given / share + picked)


def _labels(images: Sequence[LabelledImage]) -> int:
    return sum(len(image.centers_yx) for image in images)


def estimate_share(counts: Counts) -> float:
    """The part of the surest picks that is labelled.

    Raises
    ------
    InputError
        If too few labelled particles are picked.

    Notes
    -----
    Of the picks down to a threshold, the labelled are the share of the particles times the part
    of the picks that are particles, which is nearly 1 for the surest: the estimate is the highest
    over all thresholds, where the few picks of the highest ones count as the poor measure that
    they are (mixture proportion estimation: Blanchard, Lee & Scott, 2010; Garg et al., 2021).
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
