# SPDX-License-Identifier: GPL-3.0-or-later
"""Picking from Python: of an image or a file, or of several with one threshold."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import Tensor

from cryosegment.core.images.micrograph import Micrograph, micrograph_in_memory, read_micrograph
from cryosegment.core.models.model import Model
from cryosegment.core.picking import ParticleMaps
from cryosegment.core.pipeline.micrograph import pick_micrograph
from cryosegment.core.pipeline.picks import Picks
from cryosegment.exchange.errors import InputError, ParameterError
from cryosegment.exchange.params import PickParams, kind_of
from cryosegment.exchange.records import record_from_dict
from cryosegment.exchange.settings import pick_settings

Image = str | Path | Micrograph | npt.NDArray[np.generic] | Tensor
"""A file, what was read from one, or grey levels."""

OPTIONS = (
    *("threshold", "precision", "number"),
    *("centers", "sam", "min_distance", "min_diameter", "max_diameter", "recenter", "edge"),
    *("crf", "crf_solver", "crf_strength"),
    *("contrast", "contaminated", "filaments"),
)
"""Parameters of `PickParams` that say which particles are picked in an image."""

logger = logging.getLogger(__name__)


def pick(
    image: Image,
    model: Model,
    diameter: float,
    pixel_size: float | None = None,
    **options: Any,
) -> Picks:
    """Pick the particles of one image, whose candidates alone choose the threshold.

    Parameters
    ----------
    image
        A file, a `Micrograph`, or grey levels `(h, w)`: a NumPy array or a tensor of any type of
        real numbers, checked and mended like a file.
    model
        From `load_model`.
    diameter
        Particle diameter, Å.
    pixel_size
        Å/px; of a file, by default its header's.
    options
        As the options of `cryosegment pick`, with _ for -: threshold, precision, number; centers,
        sam, min_distance, min_diameter, max_diameter, recenter, edge; crf, crf_solver,
        crf_strength; contrast; contaminated, filaments.

    Returns
    -------
    Its coordinates count pixels of the image; its maps are on the CPU.

    Raises
    ------
    InputError
        If the image cannot be read or picked, or nothing says its pixel size.
    ParameterError
        If an option is unknown or out of bounds, or the diameter does not fit the image.
    ModelError
        If the model lacks what is asked for.
    """
    return _pick(_micrograph(image, pixel_size, "image"), model, _params(diameter, options))


def pick_many(
    images: Iterable[Image],
    model: Model,
    diameter: float,
    pixel_size: float | None = None,
    **options: Any,
) -> list[Picks]:
    """Pick the particles of several images, with one threshold chosen from all their candidates.

    Everything stays in memory, about 20 MB for each image; `cryosegment pick` picks data sets.

    Parameters
    ----------
    images
        As for `pick`; arrays are named image_1, image_2 and so on.
    model, diameter, pixel_size, options
        As for `pick`.

    Raises
    ------
    InputError, ParameterError, ModelError
        As `pick`, at the first image that fails.
    """
    params = _params(diameter, options)
    settings = pick_settings(params, model.card)
    micrographs = (
        _micrograph(image, pixel_size, f"image_{number}")
        for number, image in enumerate(images, start=1)
    )
    found = [_pick(micrograph, model, params) for micrograph in micrographs]
    scores = [picks.candidates.scores[settings.is_eligible(picks.candidates)] for picks in found]
    threshold = settings.threshold_for(np.concatenate([np.empty(0), *scores]))
    return [
        replace(picks, is_chosen=settings.chosen(picks.candidates, threshold)) for picks in found
    ]


def _params(diameter: float, options: dict[str, Any]) -> PickParams:
    unknown = sorted(set(options) - set(OPTIONS))
    if unknown:
        raise ParameterError(
            f"option {unknown[0]} is none of picking in memory: expected {', '.join(OPTIONS)}"
        )
    plain = {
        name: value.item() if isinstance(value, np.generic) else value
        for name, value in {"diameter": diameter, **options}.items()
    }
    return record_from_dict(
        PickParams,
        {n: str(v) if kind_of(PickParams, n).type is str else v for n, v in plain.items()},
    )


def _micrograph(image: Image, pixel_size: float | None, name: str) -> Micrograph:
    if isinstance(image, Micrograph):
        return image if pixel_size is None else replace(image, pixel_size=pixel_size)
    if isinstance(image, str | Path):
        return read_micrograph(image, pixel_size)
    if pixel_size is None:
        raise InputError(f"expected the pixel size of {name}, got none: give pixel_size, Å/px")
    return micrograph_in_memory(image, pixel_size, name)


def _pick(micrograph: Micrograph, model: Model, params: PickParams) -> Picks:
    picks = pick_micrograph(micrograph, model, params)
    for note in picks.working.notes:
        logger.warning("%s: %s", micrograph.name, note)
    return replace(picks, maps=_on_cpu(picks.maps))


def _on_cpu(maps: ParticleMaps) -> ParticleMaps:
    return replace(maps, **{field.name: getattr(maps, field.name).cpu() for field in fields(maps)})
