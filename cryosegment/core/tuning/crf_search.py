# SPDX-License-Identifier: GPL-3.0-or-later
"""Random search for the best CRF on labelled images, scored by pixels and boundaries."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Optional

import numpy as np
from jaxtyping import Bool, Float
from torch import Tensor

from cryosegment.core.crf import refine_logits
from cryosegment.core.evaluation.boundaries import BoundaryCounts, count_boundaries
from cryosegment.core.evaluation.pixels import PixelCounts, count_pixels
from cryosegment.core.tuning.trials import Trial, Tuning, cross_validate
from cryosegment.exchange.params import CRF_PRESETS, AppearanceTerm, CrfParams
from cryosegment.exchange.progress import Progress

SIGMA_OF_FEATURE = {"logits": 2.0, "intensity": 0.5, "denoised": 0.5, "network": 0.5}
"""Middle of the searched standard deviations in each feature, in its unit."""


@dataclass(frozen=True)
class SegmentedImage:
    """Logits and features of a network for a labelled image.

    Parameters
    ----------
    logits
        Log-odds of particle.
    features
        Features for appearance kernels.
    mask
        Pixels that are labelled as particle.
    known
        Pixels whose label is known.
    valid
        Pixels that take part in the CRF.
    """

    logits: Float[Tensor, "h w"]
    features: Mapping[str, Float[Tensor, "_ h w"]]
    mask: Bool[Tensor, "h w"]
    known: Bool[Tensor, "h w"]
    valid: Bool[Tensor, "h w"]


@dataclass(frozen=True)
class Score:
    """Agreement of masks with labels; those of several images add up."""

    pixels: PixelCounts
    boundaries: BoundaryCounts

    def __add__(self, other: Score) -> Score:
        return Score(self.pixels + other.pixels, self.boundaries + other.boundaries)

    @property
    def value(self) -> float:
        """Mean of pixel IoU and boundary F1, each 0 where there is nothing to compare."""
        return float(np.nan_to_num([self.pixels.iou, self.boundaries.f1]).mean())


CrfTrial = Trial[Optional[CrfParams], Score]
"""A CRF, or None for none, and the agreement of its masks with the labels of each image."""
FOLDS = 2
"""Folds of the cross-validation."""


def score_crf(image: SegmentedImage, crf: CrfParams | None) -> Score:
    """Score of one image; the mask is where refined logits are positive."""
    logits = image.logits
    if crf is not None:
        logits = refine_logits(logits, image.features, crf, image.valid)
    mask = logits > 0
    return Score(
        count_pixels(mask, image.mask, image.known),
        count_boundaries(mask, image.mask, image.known),
    )


def tune_crf(
    images: Sequence[SegmentedImage], temperature: float, trials: int, seed: int, progress: Progress
) -> Tuning[CrfTrial]:
    """Try no CRF, the presets and random CRFs.

    Parameters
    ----------
    images
        At least two.
    temperature
        Temperature of the logits.
    trials
        Number of CRFs to try.
    seed
        Seed of the random CRFs.
    progress
        Called after each trial.
    """
    random = np.random.default_rng(seed)
    features = tuple(images[0].features)
    presets = [c for c in CRF_PRESETS.values() if set(c.features()) <= set(features)]
    drawn = [_draw(random, features) for _ in range(trials)]
    candidates = [dataclasses.replace(c, temperature=temperature) for c in [*presets, *drawn]]
    tried: list[CrfTrial] = [Trial(None, [score_crf(image, None) for image in images])]
    for crf in candidates[:trials]:
        tried.append(Trial(crf, [score_crf(image, crf) for image in images]))
        best = max(trial.total().value for trial in tried)
        progress(len(tried) - 1, trials, f"best score {best:.4f}")
    return judge(tried)


def judge(trials: Sequence[CrfTrial]) -> Tuning[CrfTrial]:
    """The best trial, and its mean gain over the first in a cross-validation."""

    def choose(images: Sequence[int] | None = None) -> CrfTrial:
        return max(trials, key=lambda trial: trial.total(images).value)

    before = trials[0]
    gains = [
        choice.total(held).value - before.total(held).value
        for choice, held in cross_validate(len(before.results), FOLDS, choose)
    ]
    return Tuning(trials, before, choose(), float(np.mean(gains)))


def _draw(random: np.random.Generator, features: Sequence[str]) -> CrfParams:
    """A random CRF around the presets: factors between 1/8 and 8 for weights, 1/4 and 4 else."""

    def around(middle: float, factor: float) -> float:
        return float(f"{middle * factor ** random.uniform(-1, 1):.3g}")

    feature = str(random.choice(["", *features]))
    terms: tuple[str, ...] = ()
    if feature:
        reach = around(SIGMA_OF_FEATURE[feature], 4)
        terms = (str(AppearanceTerm(feature, around(1, 8), around(8, 4), reach)),)
    return CrfParams(
        solver=str(random.choice(["mean-field", "l2", "frank-wolfe"])),
        gaussian_weight=around(1, 8),
        gaussian_sigma=around(1.5, 3),
        appearance=terms,
    )
