# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings: what the parameters say, or where they say auto the model card, or else the default.

All that is auto is decided here (for trainings in `training_settings.py`), but for what depends on
the machine (which GPU) or on the image (whether its particles are dark), which is measured where it
is met.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Dict, Optional

import numpy as np

from cryosegment.exchange.card import ModelCard
from cryosegment.exchange.coordinates import Coordinates
from cryosegment.exchange.errors import InputError, ParameterError
from cryosegment.exchange.labels import are_outlined
from cryosegment.exchange.mixture import probabilities_in_data_set
from cryosegment.exchange.params import (
    AUTO,
    CARD,
    CRF_PRESETS,
    DROP,
    NO_CRF,
    CalibrationParams,
    CrfMapsParams,
    CrfParams,
    InputParams,
    PickParams,
    SelectionParams,
)
from cryosegment.exchange.thresholds import (
    threshold_of_best_f1,
    threshold_of_number,
    threshold_of_precision,
)

MOST = 0.5
"""Share of its disc above which a candidate lies on contamination."""


@dataclass(frozen=True)
class PickSettings:
    """All that picking runs on, besides the micrographs and the network.

    Parameters
    ----------
    input
        What the network receives.
    diameter
        Particle diameter, Å.
    pixel_size
        Of the micrographs, Å/px; None for that of each file's header.
    contrast
        Whether particles are dark or bright in the micrographs, or auto (see `finds_contrast`).
    edge
        Smallest distance of a pick from the edge of the micrograph, in particle diameters.
    crf
        Refines the particle map; None for no CRF.
    selection
        Centre finder, distance and sizes.
    calibration
        Turns the scores of the network into probabilities; None if the model has none.
    threshold
        Lowest score of a pick; None if it is chosen from the candidates of the data set.
    drops_contaminated
        Whether candidates on contamination are no picks.
    drops_filaments
        Whether candidates on filaments are no picks.
    precision, number
        Target of the threshold, instead of the highest expected F1.
    sam
        Folder of the checkpoint for centres by SAM.
    recenter
        Whether picks are moved to the centres of mass of their masks.
    draws_outlines
        Whether masks are as long as the particles are; those of models that were trained on discs
        run together where particles are close.
    """

    input: InputParams
    diameter: float
    pixel_size: Optional[float]
    contrast: str
    edge: float
    crf: Optional[CrfParams]
    selection: SelectionParams
    calibration: Optional[CalibrationParams]
    threshold: Optional[float]
    drops_contaminated: bool = True
    drops_filaments: bool = True
    precision: Optional[float] = None
    number: Optional[int] = None
    sam: str = ""
    recenter: bool = False
    draws_outlines: bool = True

    @property
    def finds_contrast(self) -> bool:
        """Whether each micrograph is looked at for whether its particles are dark."""
        return self.contrast == AUTO

    def scores(self, raw: np.ndarray) -> np.ndarray:
        """Scores of picks from the network's own, (n,)."""
        return raw if self.calibration is None else self.calibration.probabilities(raw)

    def is_eligible(self, candidates: Coordinates) -> np.ndarray:
        """Mask of the candidates that are picks if their score is high enough, (n,).

        They are neither too small nor too large, nor lie on contamination or filaments where these
        are dropped.
        """
        has_size = self.selection.has_size(candidates.diameters / self.diameter)
        on_contamination = np.nan_to_num(candidates.contamination) > MOST
        on_filament = np.nan_to_num(candidates.filaments) > MOST
        is_dropped = on_contamination & self.drops_contaminated | on_filament & self.drops_filaments
        return has_size & ~is_dropped

    def chosen(self, candidates: Coordinates, threshold: float) -> np.ndarray:
        """Mask of the candidates that are picks, (n,)."""
        return self.is_eligible(candidates) & (candidates.scores >= threshold)

    def threshold_for(
        self, scores: np.ndarray, probabilities: Optional[np.ndarray] = None
    ) -> float:
        """Lowest score of a pick.

        Parameters
        ----------
        scores
            Of all eligible candidates of the data set, (n,).
        probabilities
            Of each to be a particle in this data set, (n,), where they are known already.
        """
        if self.threshold is not None:
            return self.threshold
        if self.number is not None:
            return threshold_of_number(scores, self.number)
        if probabilities is None:
            probabilities = probabilities_in_data_set(scores)
        if self.precision is not None:
            return threshold_of_precision(scores, probabilities, self.precision)
        return threshold_of_best_f1(scores, probabilities)


def pick_settings(params: PickParams, card: ModelCard) -> PickSettings:
    """The settings by the parameters of `pick`; where these are auto, by the model card.

    Raises
    ------
    ParameterError
        If a precision is given and the scores of the model are not probabilities.
    """
    selection = _selection(params, card.use.selection)
    calibration = _calibration(card, selection.centers)
    if params.precision is not None and calibration is None:
        raise ParameterError(
            f"expected a model whose scores are probabilities for a wished precision, but "
            f"{params.model} has no calibration for centres by {selection.centers}: give a "
            "threshold, or train the model with this version"
        )
    return PickSettings(
        input=card.input,
        diameter=params.diameter,
        pixel_size=params.pixel_size,
        contrast=params.contrast,
        edge=params.edge,
        crf=chosen_crf(params.crf, card, params.crf_solver, params.crf_strength),
        selection=selection,
        calibration=calibration,
        threshold=_threshold(params, card, selection.centers),
        drops_contaminated=params.contaminated == DROP,
        drops_filaments=params.filaments == DROP,
        precision=params.precision,
        number=params.number,
        sam=params.sam,
        recenter=params.recenter,
        draws_outlines=are_outlined(card.provenance.label_source),
    )


def _selection(params: PickParams, recommended: SelectionParams) -> SelectionParams:
    chosen: Dict[str, Any] = {}
    if params.centers not in (AUTO, recommended.centers):
        chosen.update(centers=params.centers, scale=0.0)
    if params.min_distance != AUTO:
        chosen["min_distance"] = float(params.min_distance)
    if params.min_diameter != AUTO:
        chosen["smallest"] = float(params.min_diameter) / params.diameter
    if params.max_diameter != AUTO:
        chosen["largest"] = float(params.max_diameter) / params.diameter
    return replace(recommended, **chosen)


def _threshold(params: PickParams, card: ModelCard, centers: str) -> Optional[float]:
    """Lowest score of a pick; None where the candidates of the data set decide."""
    if params.number is not None or params.precision is not None:
        return None
    if is_score(params.threshold):
        return float(params.threshold)
    if params.threshold == CARD or _calibration(card, centers) is None:
        return recommended_threshold(card, centers)
    return None


def is_score(threshold: str) -> bool:
    """Whether a threshold of picks is given as a score, and not by the model or the data set."""
    return threshold not in (AUTO, CARD)


def _calibration(card: ModelCard, centers: str) -> Optional[CalibrationParams]:
    """Calibration of the scores of a centre finder; None if the model has none."""
    found = card.use.calibration
    return found if found is not None and found.centers == centers else None


def recommended_threshold(card: ModelCard, centers: str = "") -> float:
    """The threshold that a card recommends, as a score of picks.

    Parameters
    ----------
    card
        Its own threshold is one of the network's scores.
    centers
        Centre finder; by default the one that the card recommends.
    """
    calibration = _calibration(card, centers or card.use.selection.centers)
    if calibration is None:
        return card.use.threshold
    return float(calibration.probabilities(np.array([card.use.threshold]))[0])


def chosen_crf(
    name: str, card: ModelCard, solver: str = AUTO, strength: float = 1.0
) -> Optional[CrfParams]:
    """The CRF that a user chose; None for no CRF.

    Parameters
    ----------
    name
        `none`, `auto` for that of the model card, or a preset.
    card
        Card of the model.
    solver
        Replaces the CRF's own; `auto` keeps that.
    strength
        Factor on the weights of the CRF.
    """
    if name == NO_CRF:
        return None
    crf = card.use.crf if name == AUTO else CRF_PRESETS[name]
    if crf is None:
        return None
    return replace(crf, solver=crf.solver if solver == AUTO else solver).stronger(strength)


def crf_of_maps(params: CrfMapsParams, card: ModelCard) -> CrfParams:
    """The CRF that refines saved maps.

    Raises
    ------
    InputError
        If it should be that of the model, which has none.
    """
    crf = chosen_crf(params.crf, card, params.solver)
    if crf is None:
        raise InputError(f"the card of {card.name} recommends no CRF: choose one with --crf")
    changed = replace(
        crf,
        engine=params.engine,
        iterations=params.iterations or crf.iterations,
        appearance=params.appearance or crf.appearance,
    )
    return changed.stronger(params.strength)
