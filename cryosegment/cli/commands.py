# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands: their parameters, inputs and outputs, and the function that runs each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from cryosegment.exchange.job import JOB_NAME, Job
from cryosegment.exchange.params import (
    CrfMapsParams,
    CrfTuneParams,
    EvaluateParams,
    FetchParams,
    LabelsCheckParams,
    LabelsCoordinatesParams,
    LabelsProjectParams,
    LabelsReconstructionParams,
    Params,
    PickParams,
    SimulateParams,
    TrainParams,
    TuneParams,
)
from cryosegment.exchange.progress import Progress

Run = Callable[[Job, Any, Progress], int]
"""Runs a job with its parameters and returns how many of its inputs failed, though not all."""


@dataclass(frozen=True)
class Command:
    """A command of the command line and of job files.

    Parameters
    ----------
    name
        Its words.
    help
        What it makes of what.
    params
        Class of its parameters.
    function
        `module:function` in `cryosegment.cli` that runs it; imported when it runs.
    inputs
        Name and help of the positional inputs; empty where it has none.
    output
        Name and help of the output.
    needs_output
        Whether an output must be given.
    output_is_file
        Whether the output is a file; its job file then stands beside it.
    needs_inputs
        Whether an input must be given, where it has any.
    inputs_are_paths
        Whether the inputs are files or folders, and not names.
    """

    name: str
    help: str
    params: type[Params]
    function: str
    output: tuple[str, str]
    inputs: tuple[str, str] = ("", "")
    needs_output: bool = True
    output_is_file: bool = False
    needs_inputs: bool = True
    inputs_are_paths: bool = True

    def job_path(self, output: str) -> Path:
        """Where a run with this output leaves its job file."""
        path = Path(output)
        return path.with_suffix(".job.json") if self.output_is_file else path / JOB_NAME

    def load(self) -> Run:
        """The function that runs the command."""
        module, function = self.function.split(":")
        run: Run = getattr(import_module(f"cryosegment.cli.{module}"), function)
        return run


MICROGRAPHS = ("MICROGRAPH", "micrographs: MRC, TIFF, PNG or JPEG")

COMMANDS: Sequence[Command] = (
    Command(
        "pick",
        "micrographs to coordinates, and on request masks and maps",
        PickParams,
        "picking:run_pick",
        ("DIR", "output folder"),
        MICROGRAPHS,
    ),
    Command(
        "simulate",
        "a density map or atomic model to micrographs with exact truth",
        SimulateParams,
        "simulation:run_simulate",
        ("DIR", "output folder"),
    ),
    Command(
        "labels coordinates",
        "coordinates to label maps: a disc, ellipse or template for every particle",
        LabelsCoordinatesParams,
        "labelling:run_labels_coordinates",
        ("DIR", "output folder"),
        MICROGRAPHS,
    ),
    Command(
        "labels reconstruction",
        "refined particles and their 3-D map to label maps: the footprint of every particle",
        LabelsReconstructionParams,
        "labelling:run_labels_reconstruction",
        ("DIR", "output folder"),
        MICROGRAPHS,
    ),
    Command(
        "labels project",
        "refined particles and their 3-D map to a mask of every particle image",
        LabelsProjectParams,
        "labelling:run_labels_project",
        ("DIR", "output folder"),
    ),
    Command(
        "labels check",
        "label maps to figures and pictures of how well they fit their micrographs",
        LabelsCheckParams,
        "quality:run_labels_check",
        ("DIR", "folder for the tables and pictures"),
        ("LABELS_DIR", "folders made by `cryosegment labels` or `cryosegment simulate`"),
    ),
    Command(
        "train",
        "label maps to a model, from scratch or from another model",
        TrainParams,
        "training:run_train",
        ("MODEL.safetensors", "model file to write"),
        ("LABELS_DIR", "folders made by `cryosegment labels` or `cryosegment simulate`"),
        output_is_file=True,
    ),
    Command(
        "tune",
        "labelled micrographs to a model with the threshold, distance and sizes that suit them",
        TuneParams,
        "tuning:run_tune",
        ("MODEL.safetensors", "model file to write"),
        ("LABELS_DIR", "folders made by `cryosegment labels` or `cryosegment simulate`"),
        output_is_file=True,
    ),
    Command(
        "evaluate",
        "picks against reference coordinates: precision, recall, F1, centring error",
        EvaluateParams,
        "evaluation:run_evaluate",
        ("DIR", "folder for the table, the JSON file and the curve"),
        needs_output=False,
    ),
    Command(
        "crf",
        "probability maps to maps refined by a conditional random field",
        CrfMapsParams,
        "crf:run_crf",
        ("DIR", "output folder"),
        ("MAPS_DIR", "folders made by `cryosegment pick --maps --crf none`"),
    ),
    Command(
        "crf tune",
        "labelled micrographs to a model with the conditional random field that suits them",
        CrfTuneParams,
        "crf:run_crf_tune",
        ("MODEL.safetensors", "model file to write"),
        ("LABELS_DIR", "folders made by `cryosegment labels` or `cryosegment simulate`"),
        output_is_file=True,
    ),
    Command(
        "fetch",
        "public data sets: EMPIAR entries and CryoPPP sets, searched, listed, downloaded",
        FetchParams,
        "datasets:run_fetch",
        ("DIR", "folder in which the data set gets its own"),
        ("ENTRY", "10017 or EMPIAR-10017, or cryoppp-10017, or cryoppp-lite-10017"),
        needs_output=False,
        needs_inputs=False,
        inputs_are_paths=False,
    ),
)


def find_command(name: str) -> Command | None:
    """The command of that name."""
    return next((command for command in COMMANDS if command.name == name), None)
