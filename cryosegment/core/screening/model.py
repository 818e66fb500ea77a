# SPDX-License-Identifier: GPL-3.0-or-later
"""Screening models: what is in the middle of the boxes of an image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from cryosegment.core.images.boxes import cut_boxes
from cryosegment.core.models.model import Model, load_for
from cryosegment.core.screening.boxes import (
    INTERFERENCE_KIND,
    PARTICLE_KIND,
)
from cryosegment.exchange.card import SCREENING
from cryosegment.exchange.files import PathLike
from cryosegment.exchange.params import AUTO
from cryosegment.exchange.screening import KINDS

AT_ONCE = 256
"""Boxes that are classified at once."""


@dataclass(frozen=True, repr=False)
class ScreeningModel(Model):
    """A classifier of boxes on its device, and its card."""

    def kinds(
        self, image: Float[Tensor, "h w"], centers_yx: Float[Tensor, "n 2"]
    ) -> Float[np.ndarray, "n k"]:
        """Probability of each kind in the middle of the boxes around places of an image.

        That of a particle is calibrated, where particles are as frequent as all else.

        Parameters
        ----------
        image
            At the scale of the model, normalised.
        centers_yx
            px.
        """
        logits = classify(self.picker, image, centers_yx, self.card.network.tile_size)
        score = log_odds(logits).sigmoid().double().numpy()
        calibration = self.card.use.calibration
        particle = score if calibration is None else calibration.probabilities(score)
        others = logits.double().softmax(1).numpy()
        interference = others[:, INTERFERENCE_KIND] / (1 - others[:, PARTICLE_KIND]).clip(1e-12)
        bad = (1 - particle) * interference.clip(0, 1)
        return np.stack((particle, bad, 1 - particle - bad), axis=1)


def load_screening_model(model: PathLike, device: str = AUTO) -> ScreeningModel:
    """A screening model by path or by the name `screening`.

    Parameters
    ----------
    model
        Path, or `screening` for the shipped model.
    device
        As torch names it, such as cpu or cuda:0; auto: a GPU if there is one.

    Raises
    ------
    InputError, ModelError, ParameterError
        As `load_for`.
    """
    return ScreeningModel(*load_for(model, device, SCREENING, KINDS))


def classify(
    network: nn.Module, image: Float[Tensor, "h w"], centers_yx: Float[Tensor, "n 2"], side: int
) -> Float[Tensor, "n k"]:
    """Logits of the kinds of boxes around places of an image.

    Parameters
    ----------
    network
        In evaluation mode.
    image
        At working scale.
    centers_yx
        px.
    side
        Of the boxes, px.
    """
    found = [torch.zeros(0, len(KINDS))]
    if not len(centers_yx):
        return found[0]
    device = next(network.parameters()).device
    with torch.inference_mode():
        for some in centers_yx.split(AT_ONCE):
            boxes = cut_boxes(image, some, side).to(device, memory_format=torch.channels_last)
            found.append(network(boxes).float().cpu())
    return torch.cat(found)


def log_odds(logits: Float[Tensor, "n k"]) -> Float[Tensor, " n"]:
    """Logarithm of the odds that a box shows a particle."""
    others = [k for k in range(logits.shape[1]) if k != PARTICLE_KIND]
    return logits[:, PARTICLE_KIND] - logits[:, others].logsumexp(1)
