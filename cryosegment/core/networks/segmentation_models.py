# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks of segmentation_models.pytorch, an optional package."""

from __future__ import annotations

import segmentation_models_pytorch
from torch import nn

from cryosegment.core.networks.heads import Heads
from cryosegment.core.networks.segmenter import Segmenter
from cryosegment.exchange.params.networks import BATCH_NORM

FEATURES = 16
"""Channels of what comes before the heads."""
STRIDE = 32
UNUSED = ("_conv_head", "_bn1")
"""Of an EfficientNet's classifier. Without them every weight has a gradient, as training in several
processes wants."""


def segmentation_model(
    heads: Heads, architecture: str, encoder: str, normalization: str = BATCH_NORM
) -> Segmenter:
    """Network of that library, with fresh weights.

    Parameters
    ----------
    heads
        Meaning of the output channels.
    architecture, encoder
        As the library calls them.
    normalization
        `BATCH_NORM`, or `GROUP_NORM` for models of earlier versions.
    """
    body = segmentation_models_pytorch.create_model(
        architecture, encoder, encoder_weights=None, in_channels=1, classes=FEATURES
    )
    for name in UNUSED:
        if hasattr(body.encoder, name):
            delattr(body.encoder, name)
    if normalization == BATCH_NORM:
        _align_halves(body)
    return Segmenter(body, heads, FEATURES, STRIDE, normalization=normalization)


def _align_halves(body: nn.Module) -> None:
    """Let the body enlarge maps by the same weights everywhere, in place.

    The library aligns corners: the weights then depend on where in the image a pixel lies.
    """
    for name, child in body.named_children():
        if isinstance(child, nn.Upsample) and child.align_corners:
            child.align_corners = False
        elif getattr(child, "upsample", False) is True:
            larger = nn.Upsample(scale_factor=2, mode="bilinear")  # in a feature pyramid
            setattr(body, name, nn.Sequential(child.get_submodule("block"), larger))
        else:
            _align_halves(child)
