# SPDX-License-Identifier: GPL-3.0-or-later
"""Masks and centres that are made again are those of a picking run that made them at once."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cryosegment.core.images.micrograph import read_image
from cryosegment.core.models.model import Model
from cryosegment.core.pipeline.batch import pick_micrographs
from cryosegment.core.pipeline.repicking import find_again, take_with_masks
from cryosegment.core.pipeline.settling import redrawing
from cryosegment.exchange.coordinates import Coordinates
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.job import Job
from cryosegment.exchange.params import MICROGRAPH, PickParams, RepickParams
from cryosegment.exchange.pick_folder import CANDIDATES, COORDINATES, INSTANCES, PickFolder
from cryosegment.exchange.progress import no_progress
from cryosegment.exchange.records import record_to_dict
from cryosegment.exchange.repicking import Repicking
from cryosegment.exchange.settling import settle

PARAMS = PickParams(
    diameter=60.0, crf="none", threshold="0.1", masks=True, mask_scale=MICROGRAPH, maps=True
)
SIZE, NAME = 2.0, "one"


@pytest.fixture
def micrograph(tmp_path: Path, draw_truth: Callable) -> Path:
    return draw_truth(NAME, (261, 220)).write(tmp_path)


@pytest.fixture
def source(micrograph: Path, disc_model: Model, tmp_path: Path) -> Path:
    pick_micrographs([(NAME, micrograph)], disc_model, PARAMS, tmp_path / "picks", no_progress)
    return tmp_path / "picks"


def run_of(source: Path, target: Path, model: Model, **wishes: object) -> Repicking:
    job = Job("pick", record_to_dict(PARAMS), (f"/data/{NAME}.mrc",), str(source), (NAME,))
    after = RepickParams(masks=True, **wishes).changed(PARAMS)
    folder = PickFolder(source)
    return Repicking(folder, PickFolder(target), job, model.card, PARAMS, after, folder.summaries())


def finish(run: Repicking) -> Coordinates:
    """The picks."""
    folder = Path(run.target.path)
    redraw = redrawing(run.card, run.after, folder)
    settle([(NAME, Path(run.job.inputs[0]))], run.card, run.after, folder, redraw)
    return run.target.read(COORDINATES, NAME, SIZE)


def masks_in(folder: PickFolder) -> np.ndarray:
    return read_image(folder.file(INSTANCES, NAME))[0]


def check_same_masks(one: PickFolder, other: PickFolder) -> None:
    assert (masks_in(one) != masks_in(other)).mean() < 1e-4  # the map is in half precision


@pytest.mark.parametrize(
    "wishes",
    [{"edge": 1.2}, {"number": 3}, {"min_distance": "3", "threshold": "0"}],
    ids=str,
)
def test_masks(
    source: Path, micrograph: Path, disc_model: Model, tmp_path: Path, wishes: dict
) -> None:
    run = run_of(source, tmp_path / "out", disc_model, **wishes)
    take_with_masks(run, NAME)
    picks = finish(run)
    assert 0 < len(picks) < len(PickFolder(source).read(CANDIDATES, NAME, SIZE))
    masks = masks_in(run.target)
    for number, center in enumerate(picks.centers_yx, start=1):
        assert masks[tuple(center.round().astype(int))] == number
    assert masks.max() == len(picks)
    pick_micrographs([(NAME, micrograph)], disc_model, run.after, tmp_path / "at once", no_progress)
    at_once = PickFolder(tmp_path / "at once")
    np.testing.assert_array_equal(picks.scores, at_once.read(COORDINATES, NAME, SIZE).scores)
    check_same_masks(run.target, at_once)


@pytest.mark.parametrize("centers", ["contour", "crocker-grier", "grid-nms"])
def test_other_centers_are_found_in_the_maps(
    source: Path, micrograph: Path, disc_model: Model, tmp_path: Path, centers: str
) -> None:
    """They may be closer to each other, and to the edge, than the candidates that were kept."""
    run = run_of(source, tmp_path / "out", disc_model, centers=centers, edge=0.2)
    find_again(run, NAME)
    picks = finish(run)
    at_once = tmp_path / "at once"
    params = replace(PARAMS, centers=centers, edge=0.2)
    pick_micrographs([(NAME, micrograph)], disc_model, params, at_once, no_progress)
    expected = PickFolder(at_once).read(COORDINATES, NAME, SIZE)
    assert len(picks) == len(expected) > 5
    np.testing.assert_allclose(picks.centers_yx, expected.centers_yx, atol=0.1)
    np.testing.assert_allclose(picks.scores, expected.scores, atol=1e-3)
    check_same_masks(run.target, PickFolder(at_once))


def test_what_was_not_kept(source: Path, disc_model: Model, tmp_path: Path) -> None:
    run = run_of(source, tmp_path / "out", disc_model, centers="contour")
    for kind in ("probability", "segmentations"):
        for file in (source / kind).iterdir():
            file.unlink()
    with pytest.raises(InputError, match="pick with --maps"):
        find_again(run, NAME)
    with pytest.raises(InputError, match="from which masks are made"):
        take_with_masks(run, NAME)
