# SPDX-License-Identifier: GPL-3.0-or-later
"""The files and folders that each command may write in its output."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from cryosegment.cli.command import Command
from cryosegment.exchange.consensus import COUNTS_NAME
from cryosegment.exchange.coordinates import EVERYTHING
from cryosegment.exchange.diameter_estimate import DIAMETER_NAME
from cryosegment.exchange.evaluation import CONTENTS as EVALUATION_CONTENTS
from cryosegment.exchange.job import PAGE_NAME
from cryosegment.exchange.labels import (
    LABEL_FOLDERS,
    LABELS_NAME,
    REJECTED_NAME,
    REPORT_NAME,
    SUMMARY_NAME,
)
from cryosegment.exchange.micrograph_lists import FAILURES_NAME, FINISHED_NAME
from cryosegment.exchange.particles import MASKS_NAME
from cryosegment.exchange.particles.ranked import (
    AVERAGES_NAME,
    DROPPED,
    GALLERY_NAME,
    GROUPS_NAME,
    KEPT,
    SCORES_NAME,
)
from cryosegment.exchange.pick_folder import CONTENTS, COORDINATES, PROBABILITY
from cryosegment.exchange.screen_folder import CONTENTS as SCREEN_CONTENTS
from cryosegment.exchange.training_history import HISTORY, PICTURE
from cryosegment.exchange.training_history import KEPT as KEPT_PICTURES
from cryosegment.exchange.tuned_files import (
    CRF_RESULT,
    CRF_TABLE,
    PICKING_FIGURE,
    PICKING_RESULT,
    PICKING_TABLE,
)

REPORTS = {FAILURES_NAME, REJECTED_NAME, REPORT_NAME, SUMMARY_NAME}
"""What a run says of itself: no results."""

TRAINED = (
    ".safetensors",
    ".state.safetensors",
    ".state.best.safetensors",
    HISTORY,
    ".tensorboard",
)
LABELLED = (*LABEL_FOLDERS, LABELS_NAME, FINISHED_NAME, *sorted(REPORTS))
TARGETS: Mapping[str, tuple[str, ...]] = {
    "pick": CONTENTS,
    "diameter": (DIAMETER_NAME, COORDINATES),
    "repick": CONTENTS,
    "simulate": ("micrographs", "truth", FINISHED_NAME),
    "labels coordinates": LABELLED,
    "labels reconstruction": LABELLED,
    "labels project": ("masks.mrcs", "masks_*.mrcs", MASKS_NAME, REJECTED_NAME, SUMMARY_NAME),
    "labels check": (
        "quality.csv",
        "particles.csv",
        "quality.json",
        "quality.png",
        "overlays",
        PAGE_NAME,
        FAILURES_NAME,
    ),
    "rank": (
        *(f"{name}{suffix}" for name in (KEPT, DROPPED) for suffix in (".star", ".cs")),
        SCORES_NAME,
        "scores.npy",
        PAGE_NAME,
        GALLERY_NAME,
        AVERAGES_NAME,
        GROUPS_NAME,
        FAILURES_NAME,
        FINISHED_NAME,
    ),
    "train": (*TRAINED, PICTURE, KEPT_PICTURES),
    "train particles": TRAINED,
    "tune": (".safetensors", PICKING_TABLE, PICKING_FIGURE, PICKING_RESULT),
    "screen apply": SCREEN_CONTENTS,
    "screen train": TRAINED,
    "evaluate": (*EVALUATION_CONTENTS, PAGE_NAME),
    "consensus": (
        COORDINATES,
        EVERYTHING,
        COUNTS_NAME,
        PAGE_NAME,
        FAILURES_NAME,
        FINISHED_NAME,
    ),
    "report": (PAGE_NAME, FAILURES_NAME),
    "crf": (PROBABILITY, FAILURES_NAME, FINISHED_NAME),
    "crf tune": (".safetensors", CRF_TABLE, CRF_RESULT),
    "merge": (),  # its folder is its input
    "fetch": (),  # each data set gets a folder of its own, in which files of the right size stay
}
"""By command: names in the output folder, or suffixes where the output is a file."""


def targets(command: Command, output: str) -> list[Path]:
    """The files and folders that a run with this output may write, but for its job."""
    path, names = Path(output), TARGETS[command.name]
    if command.output_is_file:
        return [path.with_suffix(suffix) for suffix in names]
    return [
        target for name in names for target in (path.glob(name) if "*" in name else [path / name])
    ]
