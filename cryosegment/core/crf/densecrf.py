# SPDX-License-Identifier: GPL-3.0-or-later
"""Mean field by pydensecrf, an optional package: another engine, on the CPU only."""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from cryosegment.core.crf.engines import KernelSpec
from cryosegment.exchange.errors import ParameterError

APART = 1e3
"""Distance in feature space, in sigmas, that separates valid pixels from others."""


def pydensecrf_logits(
    unary: Float[Tensor, "k h w"],
    specs: Sequence[KernelSpec],
    iterations: int,
    valid: Float[Tensor, "h w"],
) -> Float[Tensor, "k h w"]:
    """Logarithms of the label probabilities after mean field, with Potts compatibility.

    Parameters
    ----------
    unary
        Minus the logarithm of each label's probability.
    specs
        Kernels.
    iterations
        Number of iterations.
    valid
        1 for pixels that count, 0 for the others.

    Raises
    ------
    ParameterError
        If pydensecrf is not installed.

    Notes
    -----
    Krähenbühl & Koltun, NeurIPS 2011.
    """
    labels, height, width = unary.shape
    model = _densecrf().DenseCRF2D(width, height, labels)
    model.setUnaryEnergy(_single(unary.reshape(labels, -1)))
    for spec in specs:
        points = _single(_points(spec, valid))
        model.addPairwiseEnergy(points, compat=float(spec.weight))
    q = np.array(model.inference(iterations)).reshape(labels, height, width)
    return torch.from_numpy(q).to(unary).clamp(min=torch.finfo(torch.float32).tiny).log()


def _densecrf() -> ModuleType:
    try:
        import pydensecrf.densecrf as densecrf
    except ImportError as error:
        raise ParameterError(
            "the engine pydensecrf needs a package that is not installed here: install "
            "scipion-em-cryosegment[pydensecrf], or choose the engine grid"
        ) from error
    module: ModuleType = densecrf
    return module


def _points(spec: KernelSpec, valid: Float[Tensor, "h w"]) -> Float[Tensor, "d n"]:
    """Position and feature of every pixel, in sigmas; pixels that do not count lie far away."""
    height, width = valid.shape
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    axes = [columns.to(valid) / spec.sigma, rows.to(valid) / spec.sigma]
    known = valid
    if spec.plane is not None:
        known = valid * ~spec.plane.isnan()
        axes.append(torch.where(known > 0, spec.plane.to(valid), 0.0) / spec.feature_sigma)
    if not bool(known.all()):
        axes.append((1 - known) * APART)
    return torch.stack(axes).reshape(len(axes), -1)


def _single(values: Tensor) -> np.ndarray:
    return np.ascontiguousarray(values.detach().cpu().numpy(), dtype=np.float32)
