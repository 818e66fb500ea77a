# SPDX-License-Identifier: GPL-3.0-or-later
"""What a command does that is told nothing: who changes it here says so in CHANGES.txt."""

from __future__ import annotations

import dataclasses
from typing import Any, Dict, Type

import pytest

from cryosegment.exchange import params
from cryosegment.exchange.params import Params, free_to_change

NOTHING = ("", None, False, 0, ())
"""Defaults that leave something out."""
BODY = {"map_threshold": "surface", "low_pass": 3.0, "footprint": "silhouette", "thickness": 10.0}
DEFAULTS: Dict[Type[Params], Dict[str, Any]] = {
    params.AppearanceTerm: {
        "feature": "logits",
        "weight": 1.0,
        "sigma": 10.0,
        "feature_sigma": 2.0,
    },
    params.CalibrationParams: {"centers": "heatmap", "a": 1.0, "b": 1.0},
    params.CrfMapsParams: {"crf": "auto", "solver": "auto", "engine": "grid", "strength": 1.0},
    params.CrfParams: {
        **{"solver": "mean-field", "engine": "grid", "iterations": 5, "regularization": 1.0},
        **{"temperature": 1.0, "gaussian_weight": 1.0, "gaussian_sigma": 2.0},
        "intensity_sigma": 2.0,
    },
    params.CrfTuneParams: {"model": "general", "trials": 60},
    params.ConsensusParams: {"votes": "majority"},
    params.EvaluateParams: {
        **{"tolerance": 0.25, "matching": "distance", "overlap": 0.5, "beta": 2.0},
        **{"boundary": 0.05, "samples": 1000},
    },
    params.FetchParams: {"pattern": "*", "limit": 50},
    params.LabelsCheckParams: {"model": "general", "overlays": 6},
    params.LabelsCoordinatesParams: {"min_distance": 0.1, "unknown_ring": 0.1, "edge_width": 10.0},
    params.LabelsProjectParams: {**BODY, "edge_width": 5.0},
    params.LabelsReconstructionParams: {
        **{**BODY, "coordinate_scale": "auto", "min_distance": 0.1},
        **{"unknown_ring": 0.03, "edge_width": 10.0},
    },
    params.PickParams: {
        **{"model": "general", "crf": "auto", "crf_solver": "auto", "crf_strength": 1.0},
        **{"size_classes": "none", "workers": 1},
        **{"threshold": "auto", "centers": "auto", "min_distance": "auto", "edge": 0.5},
        **{"min_diameter": "auto", "max_diameter": "auto", "contrast": "auto"},
        **{"contaminated": "drop", "filaments": "drop"},
        "mask_scale": "working",
    },
    params.RankParams: {
        **{"model": "particles", "contrast": "auto", "score": "quality", "keep": "auto"},
    },
    params.RepickParams: {"centers": "kept", "contaminated": "kept", "filaments": "kept"},
    params.SelectionParams: {"centers": "heatmap", "min_distance": 0.5},
    params.SimulateParams: {
        **{"count": 1, "size": (1024, 1024), "pixel_size": 2.0, "snr": 0.05},
        **{"molecule": ("builtin",), "coverage": 0.33, "min_distance": 1.0},
        **{"preferred_view": (0.0, 0.0), "preferred_spread": 10.0, "gold_diameter": 100.0},
        **{"defocus_min": 8000.0, "defocus_max": 25000.0, "astigmatism": 200.0},
        **{"voltage": 300.0, "spherical_aberration": 2.7, "amplitude_contrast": 0.1},
        **{"b_factor": 60.0, "mtf": 1.0},
    },
    params.TrainParams: {
        **{"network": "compact", "encoder": "auto", "branches": 4, "loss": "bce+dice"},
        **{"labels_are": "complete", "partial_loss": "nnpu", "crf": "none", "validation": 0.2},
        **{"front_end": "auto", "batch": 8, "patch": 192, "augmentation": "basic"},
        "schedule": "one-cycle",
    },
    params.TuneParams: {"model": "general", "centers": ("heatmap",), "score": "f1", "folds": 5},
}


@pytest.mark.parametrize("record", DEFAULTS, ids=lambda record: record.__name__)
def test_defaults(record: Type[Params]) -> None:
    found = {
        field.name: field.default
        for field in dataclasses.fields(record)
        if field.default is not dataclasses.MISSING
        and field.default not in NOTHING
        and field.name != "gpu"
    }
    assert found == DEFAULTS[record]


@pytest.mark.parametrize("record", DEFAULTS, ids=lambda record: record.__name__)
def test_a_resumed_run_may_have_other_devices(record: Type[Params]) -> None:
    names = {field.name for field in dataclasses.fields(record)}
    assert names & {"gpu", "threads", "resume"} <= free_to_change(record)
