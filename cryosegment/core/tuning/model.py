# SPDX-License-Identifier: GPL-3.0-or-later
"""A model that is tuned on labelled micrographs: what it starts from, and what is written."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from cryosegment.core.labels.labelled import LabelledImage, for_judging, read_labels
from cryosegment.core.models.checkpoint import fingerprint, save_checkpoint
from cryosegment.core.models.model import Model, load_model
from cryosegment.exchange.card import Facts, ModelCard, Use
from cryosegment.exchange.model_files import model_path
from cryosegment.exchange.params import CrfTuneParams, TuneParams
from cryosegment.exchange.progress import Progress


@dataclass(frozen=True)
class Bench:
    """A model, and the labelled micrographs that its settings are judged on.

    Parameters
    ----------
    model
        The model.
    parent
        SHA-256 of its file.
    images
        At least two, whose labels were checked.
    """

    model: Model
    parent: str
    images: Sequence[LabelledImage]

    def save(self, output: Path, use: Use, metrics: Sequence[Facts]) -> ModelCard:
        """Write a copy of the model with other settings.

        Parameters
        ----------
        output
            Model file.
        use
            The settings.
        metrics
            What they give, for the card.
        """
        card = self.model.card
        provenance = replace(
            card.provenance,
            parent=self.parent,
            metrics=(*card.provenance.metrics, *metrics),
            date=datetime.date.today().isoformat(),
            software={**card.provenance.software, "torch": torch.__version__},
        )
        card = replace(card, name=output.stem, use=use, provenance=provenance)
        save_checkpoint(output, self.model.network, card)
        return card


def set_up(
    folders: Sequence[Path],
    params: TuneParams | CrfTuneParams,
    device: str,
    progress: Progress,
) -> Bench:
    """Read a model and labelled micrographs.

    Parameters
    ----------
    folders
        Labels folders.
    params
        The model, and the STAR file with the contrast transfer functions.
    device
        Torch device.
    progress
        Called after each micrograph.

    Raises
    ------
    InputError, ModelError
        If the labels or the model cannot be used, or fewer than two micrographs are labelled.
    """
    model = load_model(params.model, device)
    labelled = read_labels(folders, model.card.input, progress, params.ctf)
    return Bench(model, fingerprint(model_path(params.model)), for_judging(labelled))


def metric_rows(data: str, figures: Mapping[str, float], threshold: float) -> list[Facts]:
    """Figures as a card has them.

    Parameters
    ----------
    data
        What they were measured on.
    figures
        By name.
    threshold
        At which threshold.
    """
    return [
        {"data": data, "metric": name, "value": round(value, 4), "threshold": threshold}
        for name, value in figures.items()
    ]
