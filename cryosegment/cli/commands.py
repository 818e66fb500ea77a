# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands."""

from __future__ import annotations

from collections.abc import Sequence

from cryosegment.cli.command import Command
from cryosegment.exchange.params import (
    ConsensusParams,
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
    PickParams,
    RankParams,
    RepickParams,
    ReportParams,
    ScreenApplyParams,
    ScreenTrainParams,
    ShowParams,
    SimulateParams,
    TrainParams,
    TrainParticlesParams,
    TuneParams,
)

MICROGRAPHS = (
    "MICROGRAPH",
    "micrographs (MRC, TIFF, PNG, JPEG): files, folders, patterns in quotes such as "
    "'mics/*.mrc', or a list: a STAR file of RELION or exposures of CryoSPARC (.cs)",
)
LABELS = ("LABELS_DIR", "folders made by `cryosegment labels` or `cryosegment simulate`")
OUTPUT_DIR = ("DIR", "folder for the results")
OUTPUT_MODEL = ("MODEL.safetensors", "model file to write")

GROUPS = {
    "labels": "make or check the labels that models are trained on",
    "screen": "have a second look at the picks of any picker, or train what does",
}
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
        "screen apply",
        "screen the picks of any picker: by its box, each is a particle, interference or noise",
        ScreenApplyParams,
        "screening:run_screen_apply",
        OUTPUT_DIR,
        (
            "'micrographs/*.mrc' --picks picks --diameter 160",
            "--pixel-size 1.06 --output screened",
        ),
        MICROGRAPHS,
    ),
    Command(
        "screen train",
        "train a screening model on labelled micrographs, from another one",
        ScreenTrainParams,
        "screening:run_screen_train",
        OUTPUT_MODEL,
        ("labels --picks picks/candidates", "--output screening.safetensors"),
        LABELS,
        output_is_file=True,
    ),
    Command(
        "evaluate",
        "compare sets of picks, and masks, with a reference: precision, recall, F1, average "
        "precision, distance of the centres, calibration, with intervals",
        EvaluateParams,
        "evaluation:run_evaluate",
        ("DIR", "folder for the page report.html, the tables and the JSON file"),
        (
            "--picks picks/candidates cryolo/ --reference expert",
            "--diameter 160 --pixel-size 1.06 --output evaluation",
        ),
        needs_output=False,
    ),
    Command(
        "consensus",
        "find the particles on which several sets of picks agree, and say of each which sets "
        "have it",
        ConsensusParams,
        "consensus:run_consensus",
        OUTPUT_DIR,
        (
            "picks cryolo_picks/ topaz.star --votes 2",
            "--diameter 160 --pixel-size 1.06 --output agreed",
        ),
        (
            "FILE_OR_DIR",
            "a set of picks each: a coordinate file of any program, or a folder of such files",
        ),
    ),
    Command(
        "report",
        "show what picks look like where no reference is known: numbers, scores, distances, mean "
        "images, and how far several pickers agree",
        ReportParams,
        "reporting:run_report",
        ("DIR", "folder for the page, report.html"),
        ("picks topaz.star --output look",),
        (
            "FILE_OR_DIR",
            "picks of one picker each: a folder made by `cryosegment pick`, or a coordinate file "
            "of any program, or a folder of such files; or models in training, for their curves",
        ),
    ),
    Command(
        "show",
        "show picks, screened picks, labels or an evaluation in a window; picks are selected anew "
        "there by threshold, distance, size and hand",
        ShowParams,
        "showing:run_show",
        ("", ""),
        ("picks",),
        ("FOLDER", "output of pick, repick, screen apply, labels, evaluate; truth of simulate"),
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
