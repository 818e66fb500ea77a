# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules that select picks among candidates: from the parameters and the model card."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Optional

import numpy as np

from cryosegment.exchange.card import ModelCard
from cryosegment.exchange.coordinates import Coordinates
from cryosegment.exchange.errors import ParameterError
from cryosegment.exchange.params import (
    AUTO,
    CARD,
    CalibrationParams,
    PickParams,
    SelectionParams,
    calibration_of_card,
    selection_of_card,
)
from cryosegment.exchange.thresholds import (
    threshold_of_best_f1,
    threshold_of_number,
    threshold_of_precision,
)


@dataclass(frozen=True)
class PickingRules:
    """Rules that select picks among candidates.

    Parameters
    ----------
    selection
        Centre finder, distance and sizes.
    diameter
        Particle diameter, Å.
    calibration
        Turns the scores of the network into probabilities; None if the model has none.
    threshold
        Lowest score of a pick; None if it is chosen from the candidates of the data set.
    precision, number
        Target of the threshold, instead of the highest expected F1.
    """

    selection: SelectionParams
    diameter: float
    calibration: Optional[CalibrationParams]
    threshold: Optional[float]
    precision: Optional[float] = None
    number: Optional[int] = None

    def scores(self, raw: np.ndarray) -> np.ndarray:
        """Scores of picks from the network's own, (n,)."""
        return raw if self.calibration is None else self.calibration.probabilities(raw)

    def has_size(self, candidates: Coordinates) -> np.ndarray:
        """Mask of the candidates that are neither too small nor too large, (n,)."""
        return self.selection.has_size(candidates.diameters / self.diameter)

    def chosen(self, candidates: Coordinates, threshold: float) -> np.ndarray:
        """Mask of the candidates that are picks, (n,)."""
        return self.has_size(candidates) & (candidates.scores >= threshold)

    def threshold_for(self, scores: np.ndarray) -> float:
        """Lowest score of a pick.

        Parameters
        ----------
        scores
            Of all candidates of the data set that have the right size, (n,).
        """
        if self.threshold is not None:
            return self.threshold
        if self.number is not None:
            return threshold_of_number(scores, self.number)
        if self.precision is not None:
            return threshold_of_precision(scores, self.precision)
        return threshold_of_best_f1(scores)


def picking_rules(card: ModelCard, params: PickParams) -> PickingRules:
    """The rules of the parameters; where these are auto, those of the model card.

    Raises
    ------
    ParameterError
        If a precision is given and the scores of the model are not probabilities.
    ModelError
        If this version does not know what the card recommends.
    """
    selection = params.selection(card.picking)
    calibration = calibration_of_card(card.calibration, selection.centers)
    if params.precision is not None and calibration is None:
        raise ParameterError(
            f"expected a model whose scores are probabilities for a wished precision, but "
            f"{params.model} has no calibration for centres by {selection.centers}: give a "
            "threshold, or train the model with this version"
        )
    rules = PickingRules(
        selection, params.diameter, calibration, None, params.precision, params.number
    )
    if params.number is not None or params.precision is not None:
        return rules
    if params.threshold not in (AUTO, CARD):
        return replace(rules, threshold=float(params.threshold))
    if params.threshold == CARD or calibration is None:
        return replace(rules, threshold=card_threshold(card, selection.centers))
    return rules


def card_threshold(card: ModelCard, centers: str = "") -> float:
    """The threshold that a card recommends, as a score of picks.

    Parameters
    ----------
    card
        Its own threshold is one of the network's scores.
    centers
        Centre finder; by default the one that the card recommends.

    Raises
    ------
    ModelError
        If the card recommends what this version does not know.
    """
    centers = centers or selection_of_card(card.picking).centers
    calibration = calibration_of_card(card.calibration, centers)
    if calibration is None:
        return card.threshold
    return float(calibration.probabilities(np.array([card.threshold]))[0])
