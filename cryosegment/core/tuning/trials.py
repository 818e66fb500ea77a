# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings that are tried on labelled images, and what a cross-validation says of the best."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Any, Generic, TypeVar

Settings = TypeVar("Settings")
Result = TypeVar("Result", bound=Any)
Choice = TypeVar("Choice")


@dataclass(frozen=True)
class Trial(Generic[Settings, Result]):
    """Settings, and what they give on each image: results that add up.

    Parameters
    ----------
    settings
        What was tried.
    results
        One for each image.
    """

    settings: Settings
    results: Sequence[Result]

    def total(self, images: Sequence[int] | None = None) -> Result:
        """The result on some of the images, one at least; on all if left out."""
        chosen = range(len(self.results)) if images is None else images
        return reduce(add, (self.results[index] for index in chosen))


@dataclass(frozen=True)
class Tuning(Generic[Choice]):
    """Result of a search.

    Parameters
    ----------
    trials
        All trials; the first is what was used before.
    before
        What was used before.
    best
        The best on all images, on which its figures are optimistic.
    gain
        How much better it is than before on images that it was not chosen on.
    """

    trials: Sequence[Trial[Any, Any]]
    before: Choice
    best: Choice
    gain: float

    @property
    def choice(self) -> Choice:
        """The best, or what was used before if nothing is gained on other images."""
        return self.best if self.gain > 0 else self.before


def cross_validate(
    images: int, folds: int, choose: Callable[[Sequence[int]], Choice]
) -> list[tuple[Choice, Sequence[int]]]:
    """The images of each fold, with what is chosen on those of all others.

    Parameters
    ----------
    images
        Number of images, at least two.
    folds
        Number of folds, at least two; no more than images are used.
    choose
        Chooses on some of the images.
    """
    folds = min(folds, images)
    parts: list[tuple[Choice, Sequence[int]]] = []
    for fold in range(folds):
        rest = [index for index in range(images) if index % folds != fold]
        parts.append((choose(rest), range(fold, images, folds)))
    return parts
