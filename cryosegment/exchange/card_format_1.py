# SPDX-License-Identifier: GPL-3.0-or-later
"""Model cards of format 1, which earlier versions wrote: what they say, in format 2.

What such a card left to the code of its time stands here as it was then, so that no later change
of a default or of a preset changes an old model.
"""

from __future__ import annotations

from typing import Any, Dict, Mapping

from cryosegment.exchange.errors import ParameterError
from cryosegment.exchange.params.networks import GROUP_NORM

PARTS: Dict[str, Dict[str, str]] = {
    "network": {
        "architecture": "architecture",
        "architecture_args": "arguments",
        "classes": "heads",
        "tile_size": "tile_size",
        "halo": "halo",
    },
    "input": {
        "pixels_per_diameter": "pixels_per_diameter",
        "contrast": "contrast",
        "front_end": "front_end",
    },
    "use": {
        "threshold": "threshold",
        "calibration": "calibration",
        "picking": "selection",
        "crf": "crf",
    },
    "provenance": {
        name: name
        for name in (
            "label_source",
            "particle_diameters",
            "training_data",
            "training",
            "metrics",
            "parent",
            "software",
            "date",
            "license",
            "citation",
        )
    },
}
"""Fields of format 1 that are part of which record of format 2, and their names there."""
FRONT_END = {"name": "none", "resolution": 0.0}
SELECTION = {
    "centers": "heatmap",
    "scale": 0.0,
    "min_distance": 0.5,
    "smallest": 0.0,
    "largest": 0.0,
}
CRF = {
    "solver": "mean-field",
    "engine": "grid",
    "iterations": 5,
    "tolerance": 0.0,
    "regularization": 1.0,
    "temperature": 1.0,
    "gaussian_weight": 1.0,
    "gaussian_sigma": 2.0,
    "appearance": [],
    "intensity_sigma": 2.0,
}
PRESETS: Dict[str, Any] = {
    "none": None,
    "gaussian": CRF,
    "intensity": {**CRF, "appearance": ["intensity:0.5:10:0.5"]},
    "denoised": {**CRF, "appearance": ["denoised:0.5:10:0.5"]},
    "logits": {**CRF, "appearance": ["logits:1:10:2"]},
    "network": {**CRF, "appearance": ["network:1:10:0.5"]},
    "combined": {
        **CRF,
        "gaussian_weight": 3.0,
        "appearance": ["logits:3:10:2", "intensity:1.5:10:0.5"],
    },
}
NORMALIZATIONS: Dict[str, Dict[str, Any]] = {
    "local mean removed, noise of standard deviation 1, large values compressed": {
        "local_mean": 1.0,
        "noise": {"finest": 0.15, "cell": 0.8, "reach": 3, "quantile": 0.3, "least": 0.1},
        "clip": 3.0,
    },
    "local mean removed, mean 0 and standard deviation 1, clipped at 4": {
        "local_mean": 1.0,
        "noise": None,
        "clip": 4.0,
    },
}


def to_format_2(values: Mapping[str, Any]) -> Dict[str, Any]:
    """Values of a card of format 1 as format 2 has them.

    They are not checked: what format 1 has no place for stays where it is, for the reader of
    format 2 to refuse.

    Raises
    ------
    ParameterError
        If its normalisation is none that there was.
    """
    left = dict(values)
    parts = {
        part: {new: left.pop(old) for old, new in names.items() if old in left}
        for part, names in PARTS.items()
    }
    network, seen, use = parts["network"], parts["input"], parts["use"]
    network["arguments"] = _over({"normalization": GROUP_NORM}, network.get("arguments"))
    seen["front_end"] = _over(FRONT_END, seen.get("front_end", {}))
    seen.update(_normalization(left.pop("normalization", None)))
    use["calibration"] = use.get("calibration") or None
    use["selection"] = _over(SELECTION, use.get("selection", {}))
    use["crf"] = _crf(use.get("crf"))
    return {**left, **parts}


def _normalization(text: Any) -> Dict[str, Any]:
    if str(text) not in NORMALIZATIONS:
        known = "; ".join(NORMALIZATIONS)
        raise ParameterError(f"expected one of the normalisations {known}, got {text}")
    return NORMALIZATIONS[str(text)]


def _over(defaults: Dict[str, Any], values: Any) -> Any:
    return {**defaults, **values} if isinstance(values, dict) else values


def _crf(values: Any) -> Any:
    """A CRF by the name of a preset, by its parameters, or none."""
    preset = str(values.get("preset")) if isinstance(values, dict) else ""
    if preset in PRESETS:
        return PRESETS[preset]
    return _over(CRF, values) if values else None
