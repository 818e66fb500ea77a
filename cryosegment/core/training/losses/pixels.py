# SPDX-License-Identifier: GPL-3.0-or-later
"""Losses of a single map: by name, of the known pixels of a batch in one row; of the centres."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

Row = Float[Tensor, " n"]
PixelLoss = Callable[[Row, Row], Float[Tensor, ""]]
"""A loss of logits and of their target, 0 or 1."""

FOCUS = 2.0
"""Exponent of the focal loss (Lin et al., 2017)."""
SMOOTHING = 0.1
"""Label smoothing (Szegedy et al., 2016; value of CRISP)."""
FALSE_POSITIVES, FALSE_NEGATIVES = 0.3, 0.7
"""Weights in the Tversky losses (Salehi et al., 2017)."""
TVERSKY_FOCUS = 0.75
"""Exponent of the focal Tversky loss (Abraham & Khan, 2019: 1 / gamma)."""


TINY = 1e-6
"""Lowest Tversky loss: at 0 the gradient of a power is not bounded."""


def of_known(
    loss: PixelLoss,
    logits: Float[Tensor, "b h w"],
    target: Float[Tensor, "b h w"],
    known: Float[Tensor, "b h w"],
) -> Float[Tensor, ""]:
    """A loss of the known pixels; other pixels change neither it nor its gradient.

    Parameters
    ----------
    loss
        Of the known pixels in a row.
    logits, target
        Maps; the target is 0 or 1.
    known
        0 or 1. Where no pixel is known, the loss is 0.
    """
    chosen = known > 0
    if not chosen.any():
        return logits.sum() * 0
    return loss(logits[chosen], target[chosen])


def cross_entropy(logits: Row, target: Row) -> Float[Tensor, ""]:
    """Mean binary cross entropy."""
    return functional.binary_cross_entropy_with_logits(logits, target)


def smoothed_cross_entropy(logits: Row, target: Row) -> Float[Tensor, ""]:
    """Mean binary cross entropy with label smoothing."""
    return cross_entropy(logits, target * (1 - SMOOTHING) + SMOOTHING / 2)


def focal(logits: Row, target: Row) -> Float[Tensor, ""]:
    """Focal loss: cross entropy with more weight on pixels that are wrong."""
    loss = functional.binary_cross_entropy_with_logits(logits, target, reduction="none")
    return ((logits.sigmoid() - target).abs() ** FOCUS * loss).mean()


def tversky(
    logits: Row, target: Row, false_positives: float, false_negatives: float, focus: float = 1.0
) -> Float[Tensor, ""]:
    """One minus the soft Tversky index, to a power; the mean of particles and background.

    With particles alone, an untrained network may call all pixels particle, and stay there.

    Parameters
    ----------
    logits, target
        Of pixels.
    false_positives, false_negatives
        Weights of false positives and negatives: both 0.5 is Dice (Milletari et al., 2016), both 1
        Jaccard.
    focus
        Exponent.
    """
    of_particles = tversky_of_particles(logits, target, false_positives, false_negatives)
    of_background = tversky_of_particles(-logits, 1 - target, false_negatives, false_positives)
    return (of_particles**focus + of_background**focus) / 2


def tversky_of_particles(
    logits: Row, target: Row, false_positives: float, false_negatives: float
) -> Float[Tensor, ""]:
    """The same of particles alone, and no less than a little."""
    probability = logits.sigmoid()
    shared = (probability * target).sum()
    wrong = false_positives * (probability.sum() - shared)
    missed = false_negatives * (target.sum() - shared)
    smooth = (false_positives + false_negatives) / 2  # is 1 in the usual form of Dice, over 2
    return (1 - (shared + smooth) / (shared + wrong + missed + smooth)).clamp(min=TINY)


def lovasz(logits: Row, target: Row) -> Float[Tensor, ""]:
    """The Lovász extension of the Jaccard loss, of the errors |target - p| (Berman et al., 2018).

    Notes
    -----
    Pixels become wrong one after the other, the worst first. The loss is the sum of the errors,
    each times the rise of the Jaccard loss when its pixel becomes wrong: the mean of the rises of
    particles and background.
    """
    errors, order = torch.sort((logits.sigmoid() - target).abs(), descending=True)
    target = target[order]
    rise = (_jaccard_rise(target) + _jaccard_rise(1 - target)) / 2
    return torch.dot(errors, rise)


def _jaccard_rise(target: Row) -> Row:
    """Increase of the Jaccard loss with each pixel that becomes wrong."""
    shared = target.sum() - target.cumsum(0)
    union = target.sum() + (1 - target).cumsum(0)
    jaccard = 1 - shared / union
    return torch.diff(jaccard, prepend=jaccard.new_zeros(1))


def center_focal(
    logits: Float[Tensor, "b h w"], target: Float[Tensor, "b h w"]
) -> Float[Tensor, "b h w"]:
    """Penalty-reduced focal loss of every pixel (Zhou et al., Objects as Points, 2019, eq. 1).

    Parameters
    ----------
    logits
        Of the centre map.
    target
        1 on centres; around them, false positives weigh less where it is higher.
    """
    probability = logits.sigmoid()
    hit = (1 - probability) ** 2 * functional.logsigmoid(logits)
    miss = (1 - target) ** 4 * probability**2 * functional.logsigmoid(-logits)
    return -torch.where(target == 1, hit, miss)


def cross_entropy_and_dice(logits: Row, target: Row) -> Float[Tensor, ""]:
    """The sum of the two, Dice of particles alone: cross entropy knows the background."""
    return cross_entropy(logits, target) + tversky_of_particles(logits, target, 0.5, 0.5)


dice = partial(tversky, false_positives=0.5, false_negatives=0.5)
jaccard = partial(tversky, false_positives=1.0, false_negatives=1.0)
usual_tversky = partial(tversky, false_positives=FALSE_POSITIVES, false_negatives=FALSE_NEGATIVES)
focal_tversky = partial(usual_tversky, focus=TVERSKY_FOCUS)
