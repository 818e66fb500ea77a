# SPDX-License-Identifier: GPL-3.0-or-later
"""Training of a model of particle images on masks of refined particles."""

from __future__ import annotations

import datetime
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import nn

from cryosegment import __version__
from cryosegment.core.models.checkpoint import fingerprint as fingerprint_of_file
from cryosegment.core.models.checkpoint import save_checkpoint
from cryosegment.core.networks import build_network
from cryosegment.core.particles.augmentation import LabelledBatches
from cryosegment.core.particles.classes import CLASSES, PIXELS_PER_DIAMETER, class_map
from cryosegment.core.particles.labelled import (
    LabelledParticles,
    fingerprint_of_particles,
    read_labelled_particles,
)
from cryosegment.core.particles.losses import class_loss
from cryosegment.core.particles.model import load_particle_model
from cryosegment.core.particles.overlap import confusion, overlap_of
from cryosegment.core.training.fit.curves import Curves
from cryosegment.core.training.fit.loop import fit
from cryosegment.core.training.fit.settings import FitSettings, Validation
from cryosegment.core.training.fit.state import begin_state, check_resumed
from cryosegment.exchange.card import PARTICLE_IMAGES, ModelCard, Provenance, TrainedNetwork
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.finished import fingerprint
from cryosegment.exchange.model_files import model_path
from cryosegment.exchange.params import InputParams, TrainParticlesParams
from cryosegment.exchange.params.particle_training import DEFAULT_MINUTES
from cryosegment.exchange.progress import Progress
from cryosegment.exchange.records import record_to_dict
from cryosegment.exchange.training_settings import (
    learning_rate_of,
    minutes_of,
    network_arguments,
)

MOST_VALIDATED = 2000
"""Images of one size that a validation takes, the first: more would take longer than training."""
AT_ONCE = 64

logger = logging.getLogger(__name__)


def train_particles(
    folders: Sequence[Path],
    output: Path,
    params: TrainParticlesParams,
    device: str,
    progress: Progress,
) -> None:
    """Train on the masks of some folders, and write the best network with its card.

    Beside the model are its state and its curves, as for picking models. A model that training
    starts from may tell how good images are; the new one does not, as all its images are good.

    Parameters
    ----------
    folders
        Made by `cryosegment labels project`.
    output
        Model file.
    params
        How to train.
    device
        Torch device.
    progress
        Called as images are read, and after every step in thousandths of the training.

    Raises
    ------
    InputError, ModelError, ParameterError
        If masks, images, the model to start from or the parameters cannot be used.
    """
    check_resumed(output, params.resume)
    network, card = start_of(params)
    groups = read_labelled_particles(
        folders, card.input, params.contrast, params.particles, params.seed, progress
    )
    parts = split_particles(groups, params.validation, params.seed)
    number = sum(map(len, parts.training))
    labels = f"{fingerprint_of_particles(groups)} {fingerprint(params)}"
    settings = replace(_settings(params, number, device), labels=labels)
    state_path, curves = begin_state(output, params.resume), Curves(output, "IoU", progress)
    batches = LabelledBatches(parts.training, params.batch, params.seed)
    validation = OverlapValidation(parts.validation)
    best, state = fit(network, batches, validation, settings, state_path, curves)
    curves.write(state)
    curves.close()
    facts = {"steps": state.step, "seconds": round(state.seconds)}
    found = Validation(state.best_score, state.best)
    card = replace(
        card, name=output.stem, provenance=_describe(card.provenance, params, parts, found, facts)
    )
    save_checkpoint(output, best, card)


@dataclass(frozen=True)
class Parts:
    """Images for training and for validation.

    Parameters
    ----------
    training, validation
        Those of one size together.
    is_held_out
        Whether the latter are not used for training.
    """

    training: list[LabelledParticles]
    validation: list[LabelledParticles]
    is_held_out: bool


def split_particles(groups: Sequence[LabelledParticles], fraction: float, seed: int) -> Parts:
    """Keep the particles of some micrographs for validation; with one micrograph, train on all.

    Parameters
    ----------
    groups
        Images of one size each.
    fraction
        Of the micrographs, at least one and not all; 0 to train on all.
    seed
        Seed of the random choice.

    Raises
    ------
    InputError
        If there is no particle.
    """
    if not groups:
        raise InputError("expected particles with masks, found none: make masks of some particles")
    units = np.unique(np.concatenate([group.units for group in groups]))
    if len(units) < 2 or fraction == 0:
        logger.warning(
            "no micrograph is kept for validation: the overlap is that of the particles trained "
            "on, and flatters the model"
        )
        return Parts(list(groups), list(groups), False)
    count = min(max(1, round(fraction * len(units))), len(units) - 1)
    held = np.random.default_rng(seed).permutation(units)[:count]
    is_held = [np.isin(group.units, held) for group in groups]
    chosen = list(zip(groups, is_held, strict=True))
    return Parts(
        [group.select(~kept) for group, kept in chosen if not kept.all()],
        [group.select(kept) for group, kept in chosen if kept.any()],
        True,
    )


@dataclass(frozen=True)
class OverlapValidation:
    """Validation of a network by the mean intersection over union of the three classes.

    Parameters
    ----------
    groups
        Images of one size each.
    """

    groups: Sequence[LabelledParticles]

    def __call__(self, network: nn.Module) -> Validation:
        """The mean over the classes, counted over all pixels, and that of each."""
        counts = torch.zeros(len(CLASSES), len(CLASSES), dtype=torch.long)
        device = next(network.parameters()).device
        for group in self.groups:
            for first in range(0, min(len(group), MOST_VALIDATED), AT_ONCE):
                some = slice(first, first + AT_ONCE)
                images = group.images[some, None].float().to(device)
                with torch.inference_mode():
                    logits = network(images.contiguous(memory_format=torch.channels_last)).cpu()
                found = logits[:, : len(CLASSES)].argmax(1)
                counts += confusion(found, class_map(group.signal[some].int()))
        figures = overlap_of(counts)
        return Validation(figures["iou"], figures)


def start_of(params: TrainParticlesParams) -> tuple[nn.Module, ModelCard]:
    """The network to train, which tells the three classes, and its card so far."""
    if params.start:
        start = load_particle_model(params.start, "cpu")
        facts = replace(start.card.network, heads=CLASSES)
        network = build_network(facts.architecture, CLASSES, **facts.arguments)
        _load_classes(network, start.network)
        card = ModelCard("", facts, start.card.input, task=PARTICLE_IMAGES)
        parent = fingerprint_of_file(model_path(params.start))
        return network, replace(card, provenance=Provenance(parent=parent, license="unstated"))
    arguments = network_arguments(params)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(params.seed)
        network = build_network(params.network, CLASSES, **arguments)
    return network, ModelCard(
        "",
        TrainedNetwork(params.network, arguments, CLASSES),
        InputParams(PIXELS_PER_DIAMETER),
        provenance=Provenance(license="unstated"),
        task=PARTICLE_IMAGES,
    )


def _load_classes(network: nn.Module, start: nn.Module) -> None:
    """Weights of a network that may have further heads after the three classes, in place."""
    wanted, given = network.state_dict(), start.state_dict()
    network.load_state_dict(
        {n: t if t.ndim == 0 else given[n][: len(t)] for n, t in wanted.items()}
    )


def _settings(params: TrainParticlesParams, particles: int, device: str) -> FitSettings:
    """How long and how fast to train on that many particles."""
    steps = None
    if params.epochs is not None:
        steps = max(1, params.epochs * particles // params.batch)
    return FitSettings(
        loss=class_loss,
        steps=steps,
        minutes=minutes_of(params.minutes, steps, DEFAULT_MINUTES),
        learning_rate=learning_rate_of(params),
        patience=params.patience,
        moving_statistics=0.0 if params.start else FitSettings.moving_statistics,
        device=device,
    )


def _describe(
    provenance: Provenance,
    params: TrainParticlesParams,
    parts: Parts,
    found: Validation,
    facts: dict[str, int],
) -> Provenance:
    """Where the trained model comes from."""
    held = parts.validation if parts.is_held_out else []
    where = "validation micrographs" if parts.is_held_out else "training micrographs"
    data = {
        "micrographs": _count_units(parts.training),
        "particles": sum(map(len, parts.training)),
        "validation": _count_units(held),
        "validation particles": sum(map(len, held)),
    }
    return replace(
        provenance,
        label_source="reconstruction",
        training_data=(data,),
        training={**record_to_dict(params), **facts},
        metrics=(
            {
                "data": where,
                "metric": "mean IoU of signal, edge and background",
                "value": round(found.score, 4),
            },
        ),
        software={"cryosegment": __version__, "torch": torch.__version__},
        date=datetime.date.today().isoformat(),
    )


def _count_units(groups: Sequence[LabelledParticles]) -> int:
    """Number of micrographs."""
    return len(np.unique(np.concatenate([np.empty(0, np.int64), *(g.units for g in groups)])))
