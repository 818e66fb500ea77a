# SPDX-License-Identifier: GPL-3.0-or-later
"""Training of a model on labels, from scratch or from another model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from torch import nn

from cryosegment.core.labels.labelled import LabelledImage, labels_fingerprint, read_labels
from cryosegment.core.models.checkpoint import save_checkpoint
from cryosegment.core.models.model import Model
from cryosegment.core.training.card import describe, label_source, start_of
from cryosegment.core.training.data.augmentation import LEVELS
from cryosegment.core.training.data.completeness import labelled_share, share_with_picks
from cryosegment.core.training.data.patches import PatchBatches
from cryosegment.core.training.data.split import Split, split
from cryosegment.core.training.examples import write_examples
from cryosegment.core.training.fit.curves import Curves
from cryosegment.core.training.fit.loop import fit
from cryosegment.core.training.fit.objective import Loss
from cryosegment.core.training.fit.ranks import ALONE, Ranks
from cryosegment.core.training.fit.settings import FitSettings, Validation
from cryosegment.core.training.fit.state import begin_state, check_resumed
from cryosegment.core.training.joint import RefinedNetwork
from cryosegment.core.training.losses.picking import PickingLoss
from cryosegment.core.training.validation import THRESHOLD, best_f1
from cryosegment.core.tuning.calibration import calibrate
from cryosegment.core.tuning.crf_choice import choose_card_crf
from cryosegment.core.tuning.pick_model import mapped_image
from cryosegment.exchange.card import ModelCard
from cryosegment.exchange.finished import fingerprint
from cryosegment.exchange.params import (
    CRF_PRESETS,
    NO_CRF,
    TrainParams,
)
from cryosegment.exchange.params.training import COMPLETE, DEFAULT_MINUTES
from cryosegment.exchange.progress import Progress
from cryosegment.exchange.training_history import PICTURE
from cryosegment.exchange.training_settings import learning_rate_of, minutes_of

PATCHES_PER_MICROGRAPH = 64
"""Number of patches of a micrograph in one epoch."""


def train(
    folders: Sequence[Path],
    output: Path,
    params: TrainParams,
    device: str,
    progress: Progress,
    ranks: Ranks = ALONE,
) -> None:
    """Train on the labels of some folders and write the best network with its card.

    Each validation writes, beside the model, `.state.safetensors`, from which a training is
    resumed, the best network so far, the curves (see `Curves`) and a picture (see
    `write_examples`). Resuming a finished training only writes the model again.

    Parameters
    ----------
    folders
        Labels folders.
    output
        Model file.
    params
        How to train.
    device
        Torch device.
    progress
        Called when a micrograph was read, and after every step in thousandths of the training.
    ranks
        The processes that train together, all of which call this.

    Raises
    ------
    InputError, ModelError, ParameterError
        If labels, the model to start from or the parameters cannot be used, or the state of a
        model that should be trained further is missing.
    """
    check_resumed(output, params.resume)
    network, card = start_of(params)
    if params.crf != NO_CRF:
        network = RefinedNetwork(network, CRF_PRESETS[params.crf])
    images = read_labels(folders, card.input, progress, params.ctf)
    parts = split(images, params.validation, params.seed)
    (share,) = ranks.from_first(_labelled_share(images, network.to(device), params, progress))
    settings = replace(
        _settings(params, _loss(params, parts, share, card), len(parts.training), device),
        ranks=ranks,
        labels=f"{labels_fingerprint(images)} {fingerprint(params)}",
    )
    batches = _batches(parts.training, params, device, ranks)
    state_path, curves = begin_state(output, params.resume, ranks), Curves(output, "F1", progress)
    validate = _validation(parts, share, output)
    best, state = fit(network, batches, validate, settings, state_path, curves)
    if not ranks.is_first:
        return
    curves.write(state)
    curves.close()
    model = _as_used(best, card, parts, progress)
    found = Validation(state.best_score, state.best)
    facts = {
        "labelled_share": round(share, 3),
        "steps": state.step,
        "seconds": round(state.seconds),
    }
    judged, use = [mapped_image(item, model) for item in parts.validation], model.card.use
    card = replace(
        model.card,
        name=output.stem,
        use=replace(use, calibration=calibrate(judged, use.selection, share)),
        provenance=replace(
            model.card.provenance, label_source=label_source(folders), training=facts
        ),
    )
    save_checkpoint(output, model.network, describe(card, params, found, parts))


def _as_used(best: nn.Module, card: ModelCard, parts: Split, progress: Progress) -> Model:
    """The network without its CRF, which is in the card."""
    if isinstance(best, RefinedNetwork):
        use = replace(card.use, crf=best.learned())
        return Model(best.network, replace(card, use=use))
    return Model(best, choose_card_crf(Model(best, card), parts.validation, progress))


def _validation(parts: Split, share: float, output: Path) -> Callable[[nn.Module], Validation]:
    """Scores a network on the micrographs for validation, and draws what it finds there.

    A CRF behind it has no part in what is found.
    """

    def validate(candidate: nn.Module) -> Validation:
        network = candidate.network if isinstance(candidate, RefinedNetwork) else candidate
        found = best_f1(network, parts.validation, share)
        write_examples(
            output.with_suffix(PICTURE),
            candidate,
            parts.validation,
            found.figures[THRESHOLD],
        )
        return found

    return validate


def _labelled_share(
    images: list[LabelledImage], network: nn.Module, params: TrainParams, progress: Progress
) -> float:
    """Fraction of the particles that is labelled."""
    if params.labels_are == COMPLETE:
        return 1.0
    share = labelled_share(network, images, params.expected_particles)
    progress(len(images), len(images), f"{share:.0%} of the particles are labelled")
    return share


def _loss(params: TrainParams, parts: Split, share: float, card: ModelCard) -> PickingLoss:
    """The loss where a share of the particles that are not picks is labelled."""
    return PickingLoss(
        params.loss,
        share_with_picks(parts.training, share),
        params.partial_loss,
        card.input.pixels_per_diameter,
    )


def _batches(
    training: Sequence[LabelledImage], params: TrainParams, device: str, ranks: Ranks
) -> PatchBatches:
    """The patches that this process draws."""
    batch, augmentation = ranks.part(params.batch), LEVELS[params.augmentation]
    return PatchBatches(training, params.patch, batch, params.seed, augmentation, device)


def _settings(params: TrainParams, loss: Loss, micrographs: int, device: str) -> FitSettings:
    """How long and how fast to train on that many micrographs."""
    steps = None
    if params.epochs is not None:
        steps = max(1, params.epochs * micrographs * PATCHES_PER_MICROGRAPH // params.batch)
    return FitSettings(
        loss=loss,
        steps=steps,
        minutes=minutes_of(params.minutes, steps, DEFAULT_MINUTES),
        learning_rate=learning_rate_of(params),
        schedule=params.schedule,
        patience=params.patience,
        moving_statistics=0.0 if params.start else FitSettings.moving_statistics,
        device=device,
    )
