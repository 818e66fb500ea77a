# SPDX-License-Identifier: GPL-3.0-or-later
"""Verification of a model: what it answers to a test image, here and where it was saved."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d

from cryosegment.core.images.micrograph import Micrograph
from cryosegment.core.images.working import working_image
from cryosegment.core.models.inference import predict_logits
from cryosegment.exchange.card import ModelCard
from cryosegment.exchange.ctf import CtfEstimate
from cryosegment.exchange.errors import ModelError
from cryosegment.exchange.params import DARK, InputParams

TOLERANCE = 0.1
"""Largest difference of a block, as a share of the spread of its head's blocks: another rounding
(bfloat16, other kernels) makes up to 0.04, and 1 % of noise on the weights 0.14."""
SIDE, DIAMETER_PX = 192, 32
"""Side of the test image and diameter of its discs, px."""
PIXEL_SIZE = 5.0
BLOCKS = 4

Checksum = tuple[tuple[float, ...], ...]


def draw_test_image() -> Float[Tensor, "h w"]:
    """Dark discs and a bright one in noise, the same on every machine.

    The noise comes from a hash of the pixels' numbers, as generators of random numbers may change.
    """
    number = np.arange(SIDE * SIDE * 4, dtype=np.uint64)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        number = (number ^ (number >> np.uint64(shift))) * np.uint64(factor)
    parts = (number >> np.uint64(40)).astype(np.float64) / 2**24
    noise = parts.reshape(4, SIDE, SIDE).sum(0) - 2
    y, x = np.mgrid[:SIDE, :SIDE]
    discs = np.zeros((SIDE, SIDE))
    for row, column, height in ((40, 50, -1), (60, 130, -1), (130, 90, -1), (140, 150, 4)):
        away = np.hypot(y - row, x - column)
        discs += height / (1 + np.exp((away - DIAMETER_PX / 2) / 2))
    return torch.from_numpy(noise + discs).float()


def checksum(network: nn.Module, params: InputParams) -> Checksum:
    """What each head answers to blocks of the test image, row by row.

    Of a network that answers with maps these are the means of its logits over each block; a network
    that answers with one row for each image gets the blocks one by one.

    Parameters
    ----------
    network
        In evaluation mode.
    params
        What it receives, all of which has a part in the result.
    """
    ctf = CtfEstimate(15_000.0, 15_000.0, 0.0, 300.0, 2.7, 0.1)
    micrograph = Micrograph(draw_test_image(), PIXEL_SIZE, "test image", ctf=ctf)
    working = working_image(micrograph, DIAMETER_PX * PIXEL_SIZE, params, DARK)
    answers = _answers(network, working.image.to(next(network.parameters()).device))
    return tuple(tuple(round(value, 5) for value in head) for head in answers.cpu().tolist())


def _answers(network: nn.Module, image: Float[Tensor, "h w"]) -> Float[Tensor, "k blocks"]:
    side = SIDE // BLOCKS
    blocks = image.unfold(0, side, side).unfold(1, side, side).reshape(-1, 1, side, side)
    with torch.inference_mode():
        rows = network(blocks)
    if rows.ndim == 2:
        return rows.float().T
    return adaptive_avg_pool2d(predict_logits(network, image), BLOCKS).flatten(1)


def difference(found: Checksum, expected: Checksum) -> float:
    """Largest difference of two checksums, in units of the spread of each head's blocks."""
    these, those = np.array(found), np.array(expected)
    if these.shape != those.shape:
        return float("inf")
    spread = np.maximum(those.std(1, keepdims=True), 1e-3)
    return float((np.abs(these - those) / spread).max())


def verify(network: nn.Module, card: ModelCard) -> float:
    """Difference between what a network answers here and what its card says.

    Raises
    ------
    ModelError
        If the card does not say it, or the difference is more than rounding makes.
    """
    if not card.checksum:
        raise ModelError(
            f"expected a checksum in the card of {card.name}, found none: an earlier version saved "
            "the model"
        )
    found = difference(checksum(network, card.input), card.checksum)
    if not found <= TOLERANCE:
        raise ModelError(
            f"expected the answers of {card.name} to the test image within {TOLERANCE:g} of those "
            f"in its card, found {found:.3g}: copy the model again, and check the installation"
        )
    return found
