# SPDX-License-Identifier: GPL-3.0-or-later
"""Loss functions for partial labels, where some particles look like background.

All assume that the labelled particles are a random part of all.
"""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional

from cryosegment.core.networks import HEADS
from cryosegment.core.training.data.targets import PickingTargets
from cryosegment.core.training.losses.pixels import center_focal

Map = Float[Tensor, "b h w"]

NEAR = 0.1
"""Target of the centre map above which a pixel belongs to a labelled centre."""
SITE_REACH = 0.25
"""Radius within which a site is the highest pixel of the centre map, in diameters."""


def nonnegative_terms(
    logits: Float[Tensor, "b 6 h w"], targets: PickingTargets, share: float
) -> dict[str, Tensor]:
    """Terms of particle map, centre map and edges by non-negative risks.

    With complete labels these are cross entropy and Dice, penalty-reduced focal loss and cross
    entropy.

    Parameters
    ----------
    logits
        Channels in the order of `networks.HEADS`.
    targets
        Of the labelled particles.
    share
        Fraction of the particles that is labelled.
    """
    maps = HEADS.split(logits)
    labelled = targets.particle * targets.known
    own = _own_area(targets)
    pixels = targets.known.sum().clamp(min=1)
    particles = ((targets.center == 1) * targets.known).sum().clamp(min=1) / share

    def risk(area: Map, given: Map, negative: Map) -> Float[Tensor, ""]:
        rest = given * (targets.known - area)
        return nonnegative_risk(given * area, negative * area, rest, share)

    nothing = torch.zeros_like(targets.center)
    centers = [center_focal(maps["center"], target) for target in (targets.center, nothing)]
    dice = nonnegative_dice(maps["particle"], labelled, targets.known - labelled, share)
    return {
        "particle": risk(labelled, *_entropies(maps["particle"], targets.particle)) / pixels + dice,
        "center": risk(own, *centers) / particles,
        "edge": risk(labelled, *_entropies(maps["edge"], targets.edge)) / pixels,
    }


def nonnegative_risk(
    positive: Map, negative: Map, unlabelled: Map, share: float
) -> Float[Tensor, ""]:
    """Estimate of the loss if all particles were labelled (Kiryo et al., 2017).

    Parameters
    ----------
    positive
        Losses of the pixels of labelled particles.
    negative
        Losses of the same pixels as background.
    unlabelled
        Losses of the other pixels.
    share
        Fraction of the particles that is labelled.

    Notes
    -----
    For each labelled particle, 1 / share exist, of which (1 - share) / share count as background.
    Their loss, estimated by the labelled ones, is subtracted; the rest is the risk of the
    background, and therefore not negative.
    """
    missing = (1 - share) / share
    background = unlabelled.sum() - missing * negative.sum()
    return positive.sum() / share + background.clamp(min=0)


def nonnegative_dice(
    logits: Map, labelled: Map, unlabelled: Map, share: float
) -> Float[Tensor, ""]:
    """One minus the soft Dice coefficient if all particles were labelled, likewise estimated.

    Parameters
    ----------
    logits
        Of the particle map.
    labelled, unlabelled
        Pixels of labelled particles, and the other known ones: 0 or 1.
    share
        Fraction of the particles that is labelled.
    """
    probability = logits.sigmoid()
    found, particle = (probability * labelled).sum() / share, labelled.sum() / share
    elsewhere = (probability * unlabelled).sum() - (1 - share) * found
    picked = found + elsewhere.clamp(min=0)
    return 1 - (2 * found + 1) / (picked + particle + 1)


def _entropies(logits: Map, target: Map) -> tuple[Map, Map]:
    """Cross entropies to a target and to background."""
    entropy = functional.binary_cross_entropy_with_logits
    return entropy(logits, target, reduction="none"), functional.softplus(logits)


def _own_area(targets: PickingTargets) -> Map:
    """1 on known pixels of labelled particles and around their centres."""
    return torch.maximum(targets.particle, (targets.center > NEAR).float()) * targets.known


def binomial_terms(
    logits: Float[Tensor, "b 6 h w"], targets: PickingTargets, share: float, diameter: float
) -> dict[str, Tensor]:
    """Terms of particle map, centre map and edges by generalised expectation (GE-binomial).

    Labelled particles have the usual loss; of the other pixels, only the number of particles
    among their sites must be as expected (Bepler et al., Topaz, 2019).

    Parameters
    ----------
    logits
        Channels in the order of `networks.HEADS`.
    targets
        Of the labelled particles.
    share
        Fraction of the particles that is labelled.
    diameter
        Particle diameter, px.
    """
    maps = HEADS.split(logits)
    labelled = targets.particle * targets.known
    own = _own_area(targets)
    particles = ((targets.center == 1) * targets.known).sum().clamp(min=1)
    missing = float(particles) * (1 - share) / share
    sites = find_sites(maps["center"], targets.known - own, diameter)
    size = 2 * (round(diameter) // 4) + 1
    around = functional.avg_pool2d(maps["particle"].sigmoid(), size, 1, size // 2)
    entropy = _entropies(maps["particle"], targets.particle)[0] * labelled
    edge = _entropies(maps["edge"], targets.edge)[0] * labelled
    pixels = labelled.sum().clamp(min=1)
    focal = (center_focal(maps["center"], targets.center) * own).sum() / particles
    counted = [binomial_penalty(p[sites], missing) for p in (around, maps["center"].sigmoid())]
    return {
        "particle": entropy.sum() / pixels + counted[0] / missing,
        "center": focal + counted[1] / missing,
        "edge": edge.sum() / pixels,
    }


def find_sites(logits: Map, unlabelled: Map, diameter: float) -> Bool[Tensor, "b h w"]:
    """Peaks of the centre map, of any height, on pixels without label.

    Parameters
    ----------
    logits
        Of the centre map.
    unlabelled
        0 or 1.
    diameter
        Particle diameter, px.
    """
    reach = max(1, round(SITE_REACH * diameter))
    fixed = logits.detach()
    return (fixed >= functional.max_pool2d(fixed, 2 * reach + 1, 1, reach)) & (unlabelled > 0)


def binomial_penalty(probability: Float[Tensor, " sites"], expected: float) -> Float[Tensor, ""]:
    """Cross entropy of the predicted number of particles to a binomial distribution.

    Parameters
    ----------
    probability
        That there is a particle, for each site.
    expected
        Number of particles, a priori.

    Notes
    -----
    The predicted number is that of independent sites, taken for normal.
    """
    sites = len(probability)
    if sites == 0:
        return probability.sum()
    variance = (probability * (1 - probability)).sum() + 1e-6
    counts = torch.arange(sites + 1.0, device=probability.device)
    predicted = torch.softmax(-((counts - probability.sum()) ** 2) / (2 * variance), 0)
    rate = min(max(expected / sites, 1e-6), 1 - 1e-6)
    prior = torch.distributions.Binomial(sites, probability.new_tensor(rate)).log_prob(counts)
    return -(predicted * prior).sum()
