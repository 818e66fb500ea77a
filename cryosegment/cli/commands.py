# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands: their parameters, inputs and outputs, and the function that runs each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from cryosegment.cli.outcome import Outcome
from cryosegment.exchange.job import JOB_NAME, Job
from cryosegment.exchange.params import (
    CrfMapsParams,
    CrfTuneParams,
    DiameterParams,
    EvaluateParams,
    FetchParams,
    LabelsCheckParams,
    LabelsCoordinatesParams,
    LabelsProjectParams,
    LabelsReconstructionParams,
    MergeParams,
    Params,
    PickParams,
    RankParams,
    RepickParams,
    SimulateParams,
    TrainParams,
    TrainParticlesParams,
    TuneParams,
)
from cryosegment.exchange.progress import Progress

Run = Callable[[Job, Any, Progress], Outcome]
"""Runs a job with its parameters."""


@dataclass(frozen=True)
class Command:
    """A command of the command line and of job files.

    Parameters
    ----------
    name
        Name of one or two words.
    help
        What it does, beginning with a verb.
    params
        Class of its parameters.
    function
        `module:function` in `cryosegment.cli` that runs it; imported when it runs.
    output
        Name and help of the output.
    example
        Arguments of a run as a user would type them, a line each.
    inputs
        Name and help of the positional inputs; empty where it has none.
    needs_output
        Whether an output must be given.
    output_is_file
        Whether the output is a file; the job file is then written beside it.
    needs_inputs
        Whether at least one input must be given, for commands that take inputs.
    inputs_are_paths
        Whether the inputs are files or folders, and not names.
    """

    name: str
    help: str
    params: type[Params]
    function: str
    output: tuple[str, str]
    example: tuple[str, ...]
    inputs: tuple[str, str] = ("", "")
    needs_output: bool = True
    output_is_file: bool = False
    needs_inputs: bool = True
    inputs_are_paths: bool = True

    def job_path(self, output: str) -> Path:
        """Path of the job file that a run with this output writes."""
        path = Path(output)
        return path.with_suffix(".job.json") if self.output_is_file else path / JOB_NAME

    def load(self) -> Run:
        """The function that runs the command."""
        module, function = self.function.split(":")
        run: Run = getattr(import_module(f"cryosegment.cli.{module}"), function)
        return run


MICROGRAPHS = (
    "MICROGRAPH",
    "micrographs (MRC, TIFF, PNG, JPEG): files, folders, patterns in quotes such as "
    "'mics/*.mrc', or a list: a STAR file of RELION or exposures of CryoSPARC (.cs)",
)
LABELS = ("LABELS_DIR", "folders made by `cryosegment labels` or `cryosegment simulate`")
OUTPUT_DIR = ("DIR", "folder for the results")
OUTPUT_MODEL = ("MODEL.safetensors", "model file to write")

GROUPS = {"labels": "make or check the labels that models are trained on"}
"""Words that several commands begin with, and what these do."""

COMMANDS: Sequence[Command] = (
    Command(
        "pick",
        "find particles in micrographs and write their coordinates; masks and probability maps "
        "on request",
        PickParams,
        "picking:run_pick",
        OUTPUT_DIR,
        ("'micrographs/*.mrc' --diameter 160 --pixel-size 1.06", "--output picks"),
        MICROGRAPHS,
    ),
    Command(
        "diameter",
        "estimate the particle diameter from a few micrographs, where it is not known",
        DiameterParams,
        "diameter:run_diameter",
        ("DIR", "folder for the JSON file, and for picks with that diameter"),
        ("'micrographs/*.mrc' --pixel-size 1.06",),
        MICROGRAPHS,
        needs_output=False,
    ),
    Command(
        "repick",
        "select other picks from the candidates of a picking run, by threshold, number, size or "
        "distance, without its network and micrographs",
        RepickParams,
        "repicking:run_repick",
        OUTPUT_DIR,
        ("picks --threshold 0.4 --output more_picks",),
        ("FOLDER", "folder made by `cryosegment pick` or `cryosegment repick`"),
    ),
    Command(
        "merge",
        "bring the shards of a picking run under one threshold, as one run would have",
        MergeParams,
        "merging:run_merge",
        ("", ""),
        ("picks",),
        ("FOLDER", "output of `cryosegment pick --shard`, which all shards have had"),
        needs_output=False,
    ),
    Command(
        "simulate",
        "simulate micrographs of molecules, with the true coordinates, orientations and masks",
        SimulateParams,
        "simulation:run_simulate",
        OUTPUT_DIR,
        ("--molecule 4hhb.cif --count 10 --pixel-size 1.5", "--output simulated"),
    ),
    Command(
        "labels coordinates",
        "label particles at given coordinates, each as a disc, an ellipse or the shape of a "
        "template",
        LabelsCoordinatesParams,
        "labelling:run_labels_coordinates",
        OUTPUT_DIR,
        (
            "'micrographs/*.mrc' --coordinates picked",
            "--diameter 160 --pixel-size 1.06 --output labels",
        ),
        MICROGRAPHS,
    ),
    Command(
        "labels reconstruction",
        "label refined particles, each as the projection of its 3-D map in its own orientation",
        LabelsReconstructionParams,
        "labelling:run_labels_reconstruction",
        OUTPUT_DIR,
        (
            "'micrographs/*.mrc'",
            "--particles run_data.star --map run_class001.mrc",
            "--pixel-size 1.06 --output labels",
        ),
        MICROGRAPHS,
    ),
    Command(
        "labels project",
        "write a mask for every image of refined particles: signal, edge and background",
        LabelsProjectParams,
        "labelling:run_labels_project",
        OUTPUT_DIR,
        ("--particles run_data.star --map run_class001.mrc", "--output masks"),
    ),
    Command(
        "labels check",
        "check how well labels fit their micrographs, in tables and pictures",
        LabelsCheckParams,
        "quality:run_labels_check",
        ("DIR", "folder for the tables and pictures"),
        ("labels --output quality",),
        LABELS,
    ),
    Command(
        "rank",
        "score the images of particles, and write those to keep and those to drop with all that "
        "their file says",
        RankParams,
        "ranking:run_rank",
        OUTPUT_DIR,
        ("--particles Extract/job012/particles.star", "--output ranked"),
    ),
    Command(
        "train",
        "train a model on labelled micrographs, from scratch or from another model",
        TrainParams,
        "training:run_train",
        OUTPUT_MODEL,
        ("labels --from general --minutes 10 --output mine.safetensors",),
        LABELS,
        output_is_file=True,
    ),
    Command(
        "train particles",
        "train a model of particle images, which tells signal, edge and background, on masks of "
        "refined particles",
        TrainParticlesParams,
        "particle_training:run_train_particles",
        OUTPUT_MODEL,
        ("masks --from particles --minutes 20", "--output mine.safetensors"),
        ("MASKS_DIR", "folders made by `cryosegment labels project`"),
        output_is_file=True,
    ),
    Command(
        "tune",
        "choose the threshold, distance and sizes with which a model picks labelled micrographs "
        "best",
        TuneParams,
        "tuning:run_tune",
        OUTPUT_MODEL,
        ("labels --model mine.safetensors", "--output tuned.safetensors"),
        LABELS,
        output_is_file=True,
    ),
    Command(
        "evaluate",
        "compare picks with reference coordinates: precision, recall, F1, distance of the centres",
        EvaluateParams,
        "evaluation:run_evaluate",
        ("DIR", "folder for the table, the JSON file and the curve"),
        ("--picks picks/coordinates --reference expert", "--diameter 160 --pixel-size 1.06"),
        needs_output=False,
    ),
    Command(
        "crf",
        "refine probability maps by a conditional random field (CRF)",
        CrfMapsParams,
        "crf:run_crf",
        OUTPUT_DIR,
        ("picks --crf combined --output refined",),
        ("MAPS_DIR", "folders made by `cryosegment pick --maps --crf none`"),
    ),
    Command(
        "crf tune",
        "choose the conditional random field (CRF) that gives the best masks of labelled "
        "micrographs",
        CrfTuneParams,
        "crf:run_crf_tune",
        OUTPUT_MODEL,
        ("labels --model mine.safetensors", "--output tuned.safetensors"),
        LABELS,
        output_is_file=True,
    ),
    Command(
        "fetch",
        "search, list or download public data sets: EMPIAR entries and CryoPPP sets",
        FetchParams,
        "datasets:run_fetch",
        ("DIR", "folder in which each data set gets its own"),
        ("10017 --pattern '*.mrc' --output data",),
        ("ENTRY", "10017 or EMPIAR-10017, cryoppp-10017, or cryoppp-lite-10017"),
        needs_output=False,
        needs_inputs=False,
        inputs_are_paths=False,
    ),
)


def find_command(name: str) -> Command | None:
    """The command of that name."""
    return next((command for command in COMMANDS if command.name == name), None)
