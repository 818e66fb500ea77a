# SPDX-License-Identifier: GPL-3.0-or-later
"""Inspection of the labels of one micrograph: figures and a picture."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float, UInt8
from torch import Tensor

from cryosegment.core.images.overlay import draw_labels
from cryosegment.core.labels.contrast import PIXELS_PER_DIAMETER, LabelContrast, label_contrast
from cryosegment.core.labels.labelled import LabelledImage, read_labelled_image
from cryosegment.core.models.model import load_model
from cryosegment.core.quality.agreement import Agreement, agreement
from cryosegment.core.quality.segmentation import Segmenter, model_segmenter, segment_by_threshold
from cryosegment.exchange.ctf import read_ctfs
from cryosegment.exchange.labels import CONTAMINATION, UNKNOWN, LabelEntry
from cryosegment.exchange.params import BRIGHT, DARK, InputParams

NO_MODEL = "none"
SUPPORTED, UNSUPPORTED, NOT_JUDGED = (233, 180, 86), (0, 159, 230), (235, 235, 235)
"""Colours of outlines: blue, green, red of Okabe and Ito's sky blue, orange, and nearly white."""


@dataclass(frozen=True)
class Inspection:
    """Figures of the labels of one micrograph.

    Attributes
    ----------
    name
        Of the micrograph.
    coverage, unknown, contamination
        Fractions of its area.
    centers_yx
        Of the labelled particles, px.
    contrast
        Contrast of the particles.
    agreement
        Agreement with the segmentation.
    """

    name: str
    coverage: float
    unknown: float
    contamination: float
    centers_yx: Float[np.ndarray, "n 2"]
    contrast: LabelContrast
    agreement: Agreement


class Inspector:
    """Compares labels with a segmentation that does not use them.

    Parameters
    ----------
    model
        Model file, "general", or "none" for a threshold instead.
    device
        Name of the torch device.
    ctf
        STAR file with the contrast transfer functions, for models whose front end needs them.

    Raises
    ------
    InputError, ModelError
        If the model or the STAR file cannot be read.
    """

    def __init__(self, model: str, device: str = "cpu", ctf: str = "") -> None:
        self._segment: Segmenter = segment_by_threshold
        self._input = InputParams(PIXELS_PER_DIAMETER)
        self._ctfs = read_ctfs(ctf)
        if model != NO_MODEL:
            loaded = load_model(model, device)
            self._segment = model_segmenter(loaded)
            self._input = loaded.card.input

    def inspect(self, entry: LabelEntry) -> Inspection:
        """Figures of a micrograph's labels.

        Raises
        ------
        InputError
            If a file cannot be read, or the files contradict each other.
        """
        return self._inspect(entry, self._read(entry))

    def picture(self, entry: LabelEntry) -> UInt8[np.ndarray, "h w 3"]:
        """The working image with the outlines of all labels; blue, green, red.

        Blue outlines are supported by the segmentation, orange ones are not, white ones lie too
        near to the border to tell; pink circles are particles without a label.
        """
        sample = self._read(entry)
        found = self._inspect(entry, sample).agreement
        colors = np.where(found.supported[:, None], SUPPORTED, UNSUPPORTED)
        colors[~found.judged] = NOT_JUDGED
        return draw_labels(
            sample.working,
            sample.instances,
            colors.astype(np.uint8),
            found.unlabelled_yx,
            entry.diameter,
        )

    def _read(self, entry: LabelEntry) -> LabelledImage:
        """A micrograph as it was recorded, and its labels."""
        as_recorded = replace(self._input, contrast=DARK)
        return read_labelled_image(entry, "", as_recorded, self._ctfs, DARK)

    def _inspect(self, entry: LabelEntry, sample: LabelledImage) -> Inspection:
        working, instances, classes = sample.working, sample.instances, sample.classes
        centers = working.in_micrograph(sample.centers_yx.numpy())
        contrast = label_contrast(working, entry.diameter, instances, classes, centers)
        wants_bright = self._input.contrast == BRIGHT
        is_right = contrast.has_bright_particles == wants_bright
        facing = working if is_right else replace(working, image=-working.image)
        return Inspection(
            name=entry.name,
            coverage=_part(instances > 0),
            unknown=_part(classes == UNKNOWN),
            contamination=_part(classes == CONTAMINATION),
            centers_yx=centers,
            contrast=contrast,
            agreement=agreement(
                self._segment(facing, entry.diameter),
                working,
                entry.diameter,
                (instances, classes),
                centers,
            ),
        )


def _part(area: Bool[Tensor, "h w"]) -> float:
    return float(area.double().mean())
