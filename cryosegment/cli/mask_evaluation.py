# SPDX-License-Identifier: GPL-3.0-or-later
"""Masks of `cryosegment evaluate`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from cryosegment.core.evaluation.instances import Labels
from cryosegment.core.evaluation.masks import MaskOutcome, compare_masks, join_masks
from cryosegment.core.evaluation.rules import Ignored
from cryosegment.core.images.micrograph import read_image
from cryosegment.core.images.resample import resample_labels
from cryosegment.exchange.coordinates import Coordinates
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.evaluation import SetEvaluation
from cryosegment.exchange.files import micrograph_name
from cryosegment.exchange.names import ByMicrograph, is_image_file
from cryosegment.exchange.params import EvaluateParams

SAME_ASPECT = 0.01


def evaluate_masks(
    own: SetEvaluation,
    params: EvaluateParams,
    folder: str,
    picks: Mapping[str, Coordinates],
    ignored: Callable[[str], Ignored],
) -> SetEvaluation:
    """The evaluation of a set, and of its masks.

    Parameters
    ----------
    own
        Of the picks.
    params
        Of the run.
    folder
        Of the masks of this set; a micrograph without one has an empty one.
    picks
        Whose scores rank the instances, by micrograph.
    ignored
        Gives the region of a micrograph that does not count.

    Raises
    ------
    InputError
        If a mask cannot be read or has another shape than that of the reference, or no micrograph
        has both.
    """
    found, reference = _mask_files(folder), _mask_files(params.reference_masks)
    if not any(found.of(name) for name in reference):
        raise InputError(
            f"no micrograph has masks in both {folder} and {params.reference_masks}: give folders "
            "with masks that are named after the same micrographs"
        )
    outcomes: dict[str, MaskOutcome] = {}
    chosen = ByMicrograph(picks)
    for name, path in sorted(reference.items()):
        known = _read(path)
        mask = found.of(name)
        labels = np.zeros_like(known) if mask is None else _at_shape(_read(mask), known, mask)
        own_picks = chosen.of(name)
        if own_picks is None:
            own_picks = Coordinates(np.empty((0, 2)), params.pixel_size, name)
        outcomes[name] = compare_masks(
            labels,
            known,
            own_picks,
            ignored(name).pixels(known.shape, params.pixel_size),
            params.boundary * params.diameter / params.pixel_size,
        )
    return replace(
        own,
        masks=join_masks(list(outcomes.values())),
        mask_micrographs=tuple(each.metrics(name) for name, each in outcomes.items()),
        mask_folder=folder,
    )


def _mask_files(folder: str) -> ByMicrograph[Path]:
    if not Path(folder).is_dir():
        raise InputError(f"expected a folder of masks, but {folder} is none: check the path")
    files = sorted(path for path in Path(folder).iterdir() if is_image_file(path.name))
    return ByMicrograph({micrograph_name(path): path for path in files})


def _read(path: Path) -> Labels:
    image, _ = read_image(path)
    if not np.array_equal(image, np.rint(image)):
        raise InputError(f"expected whole numbers in the instance mask {path}: is it a map?")
    return image.astype(np.int32)


def _at_shape(labels: Labels, reference: Labels, path: Path) -> Labels:
    """A mask at the scale of the reference's, by the nearest pixels."""
    if labels.shape == reference.shape:
        return labels
    factors = np.array(reference.shape) / labels.shape
    if abs(factors[0] / factors[1] - 1) > SAME_ASPECT:
        raise InputError(
            f"mask {path} has {labels.shape[0]} x {labels.shape[1]} px, which is another aspect "
            f"ratio than that of the reference, {reference.shape[0]} x {reference.shape[1]}"
        )
    height, width = reference.shape
    return resample_labels(labels, (height, width))
