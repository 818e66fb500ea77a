# SPDX-License-Identifier: GPL-3.0-or-later
"""Split of micrographs for training and validation."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cryosegment.core.labels.labelled import LabelledImage
from cryosegment.exchange.errors import InputError

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Split:
    """Labelled micrographs for training and for validation.

    Parameters
    ----------
    training
        Micrographs for training.
    validation
        Micrographs for validation, whose labels are not picks.
    is_held_out
        Whether the latter are not used for training.
    """

    training: tuple[LabelledImage, ...]
    validation: tuple[LabelledImage, ...]
    is_held_out: bool


def split(images: Sequence[LabelledImage], fraction: float, seed: int) -> Split:
    """Keep micrographs for validation; if there is only one, or the fraction is 0, train on all.

    Parameters
    ----------
    images
        Labels of micrographs, each with one or more.
    fraction
        Fraction of the micrographs with checked labels to keep; at least one, and not all.
    seed
        Seed of the random choice.

    Raises
    ------
    InputError
        If all labels are picks, which cannot show whether a model is better than the picker.
    """
    verified = [image for image in images if image.is_verified and len(image.centers_yx)]
    files = list(dict.fromkeys(image.micrograph for image in verified))
    if not files:
        raise InputError(
            "expected particles to validate on, found picks alone, which cannot tell whether a "
            "model picks better: label at least one micrograph by hand, or from a reconstruction"
        )
    if len(files) < 2 or fraction == 0:
        logger.warning(
            "no micrograph is kept for validation: F1 is that of the micrographs trained on, and "
            "flatters the model"
        )
        return Split(tuple(images), tuple(verified), False)
    count = min(max(1, round(fraction * len(files))), len(files) - 1)
    order = np.random.default_rng(seed).permutation(len(files))
    held = {files[index] for index in order[:count]}
    return Split(
        tuple(image for image in images if image.micrograph not in held),
        tuple(image for image in verified if image.micrograph in held),
        True,
    )
